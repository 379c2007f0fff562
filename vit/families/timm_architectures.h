/* SPDX-License-Identifier: BSD-2-Clause */
/* timm's Vision Transformers by name: which constructor builds each, and with what arguments. */
#ifndef VIT_TIMM_ARCHITECTURES_H
#define VIT_TIMM_ARCHITECTURES_H

#include <stddef.h>

typedef enum vit__timm_class {
    VIT__TIMM_VIT,       /* timm.models.vision_transformer.VisionTransformer */
    VIT__TIMM_DISTILLED, /* timm.models.deit.VisionTransformerDistilled */
    VIT__TIMM_EVA,       /* timm.models.eva.Eva */
    VIT__TIMM_BEIT,      /* timm.models.beit.Beit */
    VIT__TIMM_SWIN,      /* timm.models.swin_transformer.SwinTransformer */
    VIT__TIMM_SWIN2      /* timm.models.swin_transformer_v2.SwinTransformerV2 */
} vit__timm_class;

typedef struct vit__timm_architecture {
    const char *name;
    vit__timm_class kind;
    /* "key=value key=value": a number, true or false, a name (norms with ":eps"), or numbers joined by commas. */
    const char *arguments;
} vit__timm_architecture;

extern const vit__timm_architecture vit__timm_architectures[];
extern const size_t vit__timm_architecture_count;

#endif
