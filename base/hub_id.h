/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of checkpoints on the Hugging Face hub: "org/name", and "org/name@revision". */
#ifndef VIT_HUB_ID_H
#define VIT_HUB_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "limit.h"

#define VIT__HUB_COMMIT 40 /* digits of a commit */

typedef struct vit__hub_name {
    char id[2 * VIT__LIMIT_HUB_NAME + 2];
    char revision[VIT__LIMIT_HUB_REVISION + 1]; /* "": the name says none, and main is meant */
} vit__hub_name;

/* Reads "org/name" or "org/name@revision". "hf-hub:" or "hf_hub:" may stand before
 * it, as timm and open_clip write it: "hf-hub:org/name". Each side of the slash has 1 to 96
 * letters, digits, '-', '_' and '.', does not start with a '.', and holds neither
 * "--" nor ".."; the name does not end with ".git". false: it is no such name. */
bool vit__hub_name_read(const char *text, vit__hub_name *name);

/* Is it the name that git may give to a branch or a tag, and safe as a path below a folder? */
bool vit__hub_is_revision(const char *text);

/* Exactly `digits` hexadecimal digits, in small letters? */
bool vit__is_hex(const char *text, size_t digits);

#endif
