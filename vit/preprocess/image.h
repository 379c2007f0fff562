/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_IMAGE_H
#define VIT_IMAGE_H

#include "vit/vit.h"

/* VIT_OK if an image has pixels, which is `argument` of the public function `function`. image may be
 * NULL. */
vit_status vit__check_image(const vit_image *image, const char *function, const char *argument, vit_error *err);

#endif
