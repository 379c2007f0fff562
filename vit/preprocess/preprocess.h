/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a picture becomes pixel_values: what a preprocessor_config.json, a timm pretrained_cfg or an open_clip
 * preprocess_cfg comes down to. Filled once by preprocess_config.c, carried out by preprocess.c.
 */
#ifndef VIT_PREPROCESS_H
#define VIT_PREPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checkpoint.h"
#include "json.h"
#include "vit/vit.h"

typedef enum vit__resize_mode {
    VIT__RESIZE_NONE,
    VIT__RESIZE_SQUASH,   /* both edges to the target, aspect ratio lost */
    VIT__RESIZE_SHORTEST, /* shortest edge to the target, long edge cut down to a whole number */
    VIT__RESIZE_LONGEST   /* longest edge to the target, as timm and open_clip round it */
} vit__resize_mode;

/* Which library's rules hold for crops, padding and arithmetic. */
typedef enum vit__preprocess_library {
    VIT__LIBRARY_TRANSFORMERS,
    VIT__LIBRARY_TIMM,
    VIT__LIBRARY_OPEN_CLIP
} vit__preprocess_library;

struct vit_preprocessor {
    vit__preprocess_library library;
    vit__resize_mode resize;
    uint32_t resize_height, resize_width;
    vit_filter filter;
    bool resize_floats;   /* DINOv3: rescale first, then resize floats, nothing rounded */
    bool crop;            /* centre crop, with padding where the picture is smaller */
    uint32_t crop_height, crop_width;
    uint8_t fill[3];
    bool rescale;
    double factor;
    bool normalise;
    double mean[3], std[3];
};

/* From parsed configs. `name` is the file for messages. preprocessor_config.json: */
vit_status vit__preprocess_from_transformers(const vit__json *config, const char *name, vit_preprocessor *out,
                                             vit_error *err);
/* timm: the whole config.json. */
vit_status vit__preprocess_from_timm(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err);
/* open_clip: the whole open_clip_config.json. */
vit_status vit__preprocess_from_open_clip(const vit__json *config, const char *name, vit_preprocessor *out,
                                          vit_error *err);

/* What vit__preprocess_json wrote. */
vit_status vit__preprocess_from_own(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err);

/* What the checkpoint itself says; *preprocessor = NULL where it says nothing. Freed with vit_preprocessor_free. */
vit_status vit__preprocess_of_checkpoint(const vit__checkpoint *checkpoint, vit_preprocessor **preprocessor, vit_error *err);

/* SHA-256 of the canonical description, hex. */
vit_status vit__preprocess_digest(const vit_preprocessor *preprocessor, char hex[65], vit_error *err);

/* The rules as a JSON object (for vit_preprocessor_describe and vit_model_describe). NULL: out of memory. */
vit__json *vit__preprocess_json(const vit_preprocessor *preprocessor);

#endif
