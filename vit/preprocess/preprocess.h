/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a picture becomes pixel_values: what a preprocessor_config.json, a timm pretrained_cfg or an open_clip
 * preprocess_cfg comes down to. Filled once from a config, carried out by preprocess.c.
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
    VIT__RESIZE_SHORTEST, /* cover the target: shortest edge to it, long edge cut down to a whole number (timm and
                             open_clip, target not square: whichever edge covers, rounded) */
    VIT__RESIZE_LONGEST,  /* fit into the target: longest edge to it, as timm and open_clip round it */
    VIT__RESIZE_WITHIN,   /* transformers' shortest_edge (height) bounded by longest_edge (width) */
    VIT__RESIZE_FIT,      /* transformers' max_height, max_width */
    VIT__RESIZE_PATCHES   /* SigLIP 2 NaFlex: whole patches, as many as most_patches allows, the aspect kept */
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
    bool resize_floats; /* DINOv3: rescale first, then resize floats, nothing rounded */
    bool crop;          /* centre crop, with padding where the picture is smaller */
    uint32_t crop_height, crop_width;
    double crop_pct;      /* timm, ConvNext: the resize size is floor(crop size / crop_pct); 0: any ratio */
    uint32_t squash_from; /* ConvNext: from this size up squash without a crop; 0: never */
    uint32_t patch_size, most_patches; /* of a model whose pictures have sizes of their own; 0: all have one size */
    uint8_t fill[3];
    bool rescale;
    double factor;
    bool normalise;
    double mean[3], std[3];
};

/* Means and deviations that several libraries fall back on. */
typedef struct vit__colours {
    double mean[3], std[3];
} vit__colours;

extern const vit__colours vit__colours_imagenet, vit__colours_clip;

/* From parsed configs. `name` is the file for messages. preprocessor_config.json, or a processor_config.json with the
 * image processor inside; which class is meant must stand in it: */
vit_status vit__preprocess_from_transformers(const vit__json *config, const char *name, vit_preprocessor *out,
                                             vit_error *err);
/* The same, where model_type (of the model's config.json; may be NULL) names the class if the config does not. */
vit_status vit__preprocess_from_transformers_for(const vit__json *config, const char *model_type, const char *name,
                                                 vit_preprocessor *out, vit_error *err);
/* timm: the whole config.json. */
vit_status vit__preprocess_from_timm(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err);
/* open_clip: the whole open_clip_config.json. */
vit_status vit__preprocess_from_open_clip(const vit__json *config, const char *name, vit_preprocessor *out,
                                          vit_error *err);
/* What vit__preprocess_json wrote. */
vit_status vit__preprocess_from_own(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err);

/* What the checkpoint itself says; *preprocessor = NULL where it says nothing. Freed with vit_preprocessor_free. */
vit_status vit__preprocess_of_checkpoint(const vit__checkpoint *checkpoint, vit_preprocessor **preprocessor,
                                         vit_error *err);

/* The rules as a JSON object (for vit_preprocessor_describe and vit_model_describe). NULL: out of memory. */
vit__json *vit__preprocess_json(const vit_preprocessor *preprocessor);

/* Refuses rules that cannot be carried out: sizes of zero or past VIT_MAX_PIXELS, means and deviations that give
 * infinities. Every vit__preprocess_from_* ends with it. */
vit_status vit__preprocess_check(const vit_preprocessor *preprocessor, const char *name, vit_error *err);

/* The rules with another size to aim at: what the resize step makes keeps its ratio to the crop.
 * Aiming twice at one size is aiming once. Rules that neither resize nor crop stay as they are. */
void vit__preprocess_aim(vit_preprocessor *preprocessor, uint32_t width, uint32_t height);

/* The size that every picture becomes. false: preprocessor is NULL, or the size follows the picture's. */
bool vit__preprocess_fixed_size(const vit_preprocessor *preprocessor, uint32_t *height, uint32_t *width);

/* floor(edge / crop_pct), as timm and ConvNext grow what a crop then cuts; 0 where that is no size. */
uint32_t vit__preprocess_grown(uint32_t edge, double crop_pct);

/* What becomes of one picture. */
typedef struct vit__picture_plan {
    uint32_t resized_width, resized_height; /* after the resize step */
    uint32_t width, height;                 /* of the result */
    int64_t left, top; /* of the resized picture in the result: negative = cropped, positive = padded */
    vit_filter filter;
    vit_resampler resampler;
} vit__picture_plan;

/* options may be NULL. */
vit_status vit__preprocess_plan(const vit_preprocessor *preprocessor, uint32_t width, uint32_t height,
                                const vit_preprocess_options *options, vit__picture_plan *plan, vit_error *err);

/* table[channel][sample] = the value of an 8-bit sample in pixel_values, by the arithmetic of the library. */
void vit__normalise_table(const vit_preprocessor *preprocessor, vit_resampler resampler, float table[3][256]);

/* mean and std as floats, of a normalisation that may be switched off. */
void vit__normalise_floats(const vit_preprocessor *preprocessor, float mean[3], float std[3]);

#endif
