/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be known of HEVC data (ITU-T H.265) before a decoder sees them. */
#ifndef VIT_HEVC_H
#define VIT_HEVC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum vit__hevc_kind {
    VIT_HEVC_FIRST_SLICE, /* begins a picture that needs no other one */
    VIT_HEVC_SLICE,       /* more of such a picture */
    VIT_HEVC_OTHER_SLICE, /* of a picture that needs other ones */
    VIT_HEVC_SIZE,        /* a sequence parameter set: it has the size */
    VIT_HEVC_REST         /* other parameters, remarks, marks */
} vit__hevc_kind;

/* What a unit (NAL) of at least 3 bytes is. */
vit__hevc_kind vit__hevc_kind_of(const uint8_t *unit);

/* The width and height that a sequence parameter set asks memory for. false: it is broken. */
bool vit__hevc_size(const uint8_t *unit, size_t size, uint64_t dimensions[2]);

#endif
