/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits on what is read from others, as a table: docs/limits.md explains them. */
#ifndef VIT_LIMITS_H
#define VIT_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "vit/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* {"picture_pixels", 178956970, "pixels", "vit_decode_options.max_pixels, --max-pixels", "of a picture, by its
 * header"} */
typedef struct vit_limit {
    const char *name; /* stays the same for ever */
    uint64_t value;   /* where nothing else is asked for */
    const char *unit;
    const char *set_by; /* the options that set another value; NULL: it is fixed */
    const char *what;
} vit_limit;

/* The limits of libvit, of the libraries around it and of the command, one after the other; NULL past the last. Static
 * storage. */
VIT_API const vit_limit *vit_limit_at(size_t index);

#ifdef __cplusplus
}
#endif
#endif
