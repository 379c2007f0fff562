/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configs of transformers' and of timm's Swin and SwinV2 have in common. */
#ifndef VIT_SWIN_H
#define VIT_SWIN_H

#include "family.h"
#include "limit.h"
#include "model_keys.h"

/* "depths", "num_heads" and "embed_dim", which both libraries call alike: the stages, each twice as wide as the one
 * before it. */
void vit__swin_stages(vit__reader *reader, vit_config *config);

/* The MLP width of each stage: int(width * ratio). */
void vit__swin_mlp(vit__reader *reader, vit_config *config, const double ratios[VIT__LIMIT_MODEL_STAGES]);

/* Sets all fields in which SwinV2 (second) differs from Swin. The stages have been read before. */
void vit__swin_version(vit__reader *reader, bool second, vit_config *config);

/* Copies the sizes of the last stage into the config itself, when the stages are complete. */
void vit__swin_close(vit_config *config);

#endif
