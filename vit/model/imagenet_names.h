/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of ImageNet-1k in the order of its synset ids:
 * classifiers that were trained on it have them in this order. */
#ifndef VIT_IMAGENET_NAMES_H
#define VIT_IMAGENET_NAMES_H

#define VIT__IMAGENET_CLASSES 1000

extern const char *const vit__imagenet_names[VIT__IMAGENET_CLASSES];

#endif
