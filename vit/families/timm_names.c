/* SPDX-License-Identifier: BSD-2-Clause */
#include "timm.h"

#define BLOCK "blocks.%zu."

/* clang-format off */
#define COMMON_NAMES                                                                                                   \
    [VIT__SLOT_PATCH] = VIT__PAIR("patch_embed.proj"), [VIT__SLOT_PATCH_NORM] = VIT__PAIR("patch_embed.norm"),         \
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("cls_token"), [VIT__SLOT_DISTILLATION_TOKEN] = VIT__ALONE("dist_token"),      \
    [VIT__SLOT_REGISTER_TOKENS] = VIT__ALONE("reg_token"), [VIT__SLOT_POSITIONS] = VIT__ALONE("pos_embed"),            \
    [VIT__SLOT_RELATIVE_SHARED] = VIT__ALONE("rel_pos_bias.relative_position_bias_table"),                             \
    [VIT__SLOT_ROTARY] = VIT__ALONE("rope.freqs"), [VIT__SLOT_PRE_NORM] = VIT__PAIR("norm_pre"),                       \
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("norm"), [VIT__SLOT_POOLED_NORM] = VIT__PAIR("fc_norm"),                        \
    [VIT__SLOT_HEAD] = VIT__PAIR("head"), [VIT__SLOT_HEAD_DISTILLATION] = VIT__PAIR("head_dist"),                      \
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"), /* beside a trunk of open_clip */                            \
    [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias"),                                                                \
    [VIT__SLOT_POOL_LATENT] = VIT__ALONE("attn_pool.latent"), [VIT__SLOT_POOL_QUERY] = VIT__PAIR("attn_pool.q"),       \
    [VIT__SLOT_POOL_KV] = VIT__PAIR("attn_pool.kv"), [VIT__SLOT_POOL_PROJECTION] = VIT__PAIR("attn_pool.proj"),        \
    [VIT__SLOT_POOL_NORM] = VIT__PAIR("attn_pool.norm"), [VIT__SLOT_POOL_FC1] = VIT__PAIR("attn_pool.mlp.fc1"),        \
    [VIT__SLOT_POOL_FC2] = VIT__PAIR("attn_pool.mlp.fc2")

#define ATTENTION_NAMES                                                                                                \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "norm1"), [VIT__SLOT_Q_NORM] = VIT__PAIR(BLOCK "attn.q_norm"),                 \
    [VIT__SLOT_K_NORM] = VIT__PAIR(BLOCK "attn.k_norm"), [VIT__SLOT_ATTENTION_NORM] = VIT__PAIR(BLOCK "attn.norm"),    \
    [VIT__SLOT_RELATIVE] = VIT__ALONE(BLOCK "attn.relative_position_bias_table"),                                      \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attn.proj")

#define MLP_NAMES                                                                                                      \
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "norm2"), [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"),                        \
    [VIT__SLOT_GATE] = VIT__PAIR(BLOCK "mlp.fc1_g"), [VIT__SLOT_UP] = VIT__PAIR(BLOCK "mlp.fc1_x"),                    \
    [VIT__SLOT_MLP_NORM] = VIT__PAIR(BLOCK "mlp.norm"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2")

#define SCALE_NAMES [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "ls1.gamma"), [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "ls2.gamma")
#define GAMMA_NAMES [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "gamma_1"), [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "gamma_2")

/* One tensor for q, k and v, one for their biases. */
#define FUSED_NAMES [VIT__SLOT_QKV] = VIT__PAIR(BLOCK "attn.qkv")
/* One tensor for q, k and v; biases on q and v. */
#define FUSED_BIAS_NAMES                                                                                               \
    [VIT__SLOT_QKV] = VIT__ALONE(BLOCK "attn.qkv.weight"), [VIT__SLOT_QUERY] = {NULL, BLOCK "attn.q_bias", VIT__LAYOUT_PLAIN}, \
    [VIT__SLOT_VALUE] = {NULL, BLOCK "attn.v_bias", VIT__LAYOUT_PLAIN}
#define SEPARATE_NAMES                                                                                                 \
    [VIT__SLOT_QUERY] = VIT__PAIR(BLOCK "attn.q_proj"), [VIT__SLOT_KEY] = VIT__PAIR(BLOCK "attn.k_proj"),              \
    [VIT__SLOT_VALUE] = VIT__PAIR(BLOCK "attn.v_proj")

/* One matrix in and, perhaps, one out of attention and MLP side by side. */
#define PARALLEL_NAMES                                                                                                 \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "in_norm"), [VIT__SLOT_PARALLEL_IN] = VIT__PAIR(BLOCK "in_proj"),              \
    [VIT__SLOT_FC1] = {NULL, BLOCK "mlp_bias", VIT__LAYOUT_PLAIN}, [VIT__SLOT_Q_NORM] = VIT__PAIR(BLOCK "q_norm"),     \
    [VIT__SLOT_K_NORM] = VIT__PAIR(BLOCK "k_norm"), [VIT__SLOT_PARALLEL_OUT] = VIT__PAIR(BLOCK "out_proj"),            \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attn_out_proj"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp_out_proj"),      \
    [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "ls.gamma")

/* Two attentions side by side, then two MLPs. */
#define BRANCH_NAMES                                                                                                   \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "attns.%zu.norm"), [VIT__SLOT_QKV] = VIT__PAIR(BLOCK "attns.%zu.attn.qkv"),    \
    [VIT__SLOT_Q_NORM] = VIT__PAIR(BLOCK "attns.%zu.attn.q_norm"),                                                     \
    [VIT__SLOT_K_NORM] = VIT__PAIR(BLOCK "attns.%zu.attn.k_norm"),                                                     \
    [VIT__SLOT_ATTENTION_NORM] = VIT__PAIR(BLOCK "attns.%zu.attn.norm"),                                               \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attns.%zu.attn.proj"),                                                   \
    [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "attns.%zu.ls.gamma"), [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "ffns.%zu.norm"), \
    [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "ffns.%zu.mlp.fc1"), [VIT__SLOT_MLP_NORM] = VIT__PAIR(BLOCK "ffns.%zu.mlp.norm"), \
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "ffns.%zu.mlp.fc2"), [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "ffns.%zu.ls.gamma")

#define DIFFERENCE_NAMES(attention)                                                                                    \
    [VIT__SLOT_LAMBDA_QUERY1] = VIT__ALONE(attention "lambda_q1"),                                                     \
    [VIT__SLOT_LAMBDA_KEY1] = VIT__ALONE(attention "lambda_k1"),                                                       \
    [VIT__SLOT_LAMBDA_QUERY2] = VIT__ALONE(attention "lambda_q2"),                                                     \
    [VIT__SLOT_LAMBDA_KEY2] = VIT__ALONE(attention "lambda_k2"),                                                       \
    [VIT__SLOT_DIFFERENCE_NORM] = VIT__ALONE(attention "sub_norm.weight")

/* Stages. The first files of Swin have the merging at the end of a stage, and the classifier as "head". */
#define STAGE_BLOCK "layers.%zu.blocks.%zu."
#define STAGE_NAMES                                                                                                    \
    [VIT__SLOT_NORM1] = VIT__PAIR(STAGE_BLOCK "norm1"), [VIT__SLOT_PROJECTION] = VIT__PAIR(STAGE_BLOCK "attn.proj"),   \
    [VIT__SLOT_NORM2] = VIT__PAIR(STAGE_BLOCK "norm2"), [VIT__SLOT_FC1] = VIT__PAIR(STAGE_BLOCK "mlp.fc1"),            \
    [VIT__SLOT_FC2] = VIT__PAIR(STAGE_BLOCK "mlp.fc2"), [VIT__SLOT_MERGE_NORM] = VIT__PAIR("layers.%zu.downsample.norm"), \
    [VIT__SLOT_MERGE] = VIT__ALONE("layers.%zu.downsample.reduction.weight"),                                          \
    [VIT__SLOT_RELATIVE] = VIT__ALONE(STAGE_BLOCK "attn.relative_position_bias_table"),                                \
    [VIT__SLOT_CONTINUOUS1] = VIT__PAIR(STAGE_BLOCK "attn.cpb_mlp.0"),                                                 \
    [VIT__SLOT_CONTINUOUS2] = VIT__ALONE(STAGE_BLOCK "attn.cpb_mlp.2.weight"),                                         \
    [VIT__SLOT_COSINE_SCALE] = VIT__ALONE(STAGE_BLOCK "attn.logit_scale")
#define SWIN_NAMES [VIT__SLOT_QKV] = VIT__PAIR(STAGE_BLOCK "attn.qkv")
#define SWIN2_NAMES                                                                                                    \
    [VIT__SLOT_QKV] = VIT__ALONE(STAGE_BLOCK "attn.qkv.weight"),                                                       \
    [VIT__SLOT_QUERY] = {NULL, STAGE_BLOCK "attn.q_bias", VIT__LAYOUT_PLAIN},                                          \
    [VIT__SLOT_VALUE] = {NULL, STAGE_BLOCK "attn.v_bias", VIT__LAYOUT_PLAIN}
#define STAGE_COMMON_NAMES                                                                                             \
    [VIT__SLOT_PATCH] = VIT__PAIR("patch_embed.proj"), [VIT__SLOT_PATCH_NORM] = VIT__PAIR("patch_embed.norm"),         \
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("norm"), [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"),                  \
    [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias")
#define OLD_HEAD [VIT__SLOT_HEAD] = VIT__PAIR("head")
#define STAGED_HEAD [VIT__SLOT_HEAD] = VIT__PAIR("head.fc")

typedef enum naming {
    PLAIN, PARALLEL, BRANCHES, OLD_DEIT3, FUSED_BIAS, SEPARATE, SWIN, SWIN2, OLD_SWIN, OLD_SWIN2, NAMINGS
} naming;

#define NAME_SETS(embedding)                                                                                           \
    {                                                                                                                  \
        [PLAIN] = {embedding, COMMON_NAMES, ATTENTION_NAMES, MLP_NAMES, SCALE_NAMES, FUSED_NAMES,                      \
                   DIFFERENCE_NAMES(BLOCK "attn.")},                                                                   \
        [PARALLEL] = {embedding, COMMON_NAMES, PARALLEL_NAMES, DIFFERENCE_NAMES(BLOCK)},                               \
        [BRANCHES] = {embedding, COMMON_NAMES, BRANCH_NAMES},                                                          \
        [OLD_DEIT3] = {embedding, COMMON_NAMES, ATTENTION_NAMES, MLP_NAMES, GAMMA_NAMES, FUSED_NAMES},                 \
        [FUSED_BIAS] = {embedding, COMMON_NAMES, ATTENTION_NAMES, MLP_NAMES, GAMMA_NAMES, FUSED_BIAS_NAMES},           \
        [SEPARATE] = {embedding, COMMON_NAMES, ATTENTION_NAMES, MLP_NAMES, GAMMA_NAMES, SEPARATE_NAMES},               \
        [SWIN] = {embedding, STAGE_COMMON_NAMES, STAGED_HEAD, STAGE_NAMES, SWIN_NAMES},                                \
        [SWIN2] = {embedding, STAGE_COMMON_NAMES, STAGED_HEAD, STAGE_NAMES, SWIN2_NAMES},                              \
        [OLD_SWIN] = {embedding, STAGE_COMMON_NAMES, OLD_HEAD, STAGE_NAMES, SWIN_NAMES},                               \
        [OLD_SWIN2] = {embedding, STAGE_COMMON_NAMES, OLD_HEAD, STAGE_NAMES, SWIN2_NAMES},                             \
    }

/* The projection of a trunk of open_clip stands behind it, or it is the trunk's own head. */
#define PROJECTION_BEHIND [VIT__SLOT_EMBEDDING] = VIT__PAIR("^visual.head.proj")
#define PROJECTION_INSIDE [VIT__SLOT_EMBEDDING] = VIT__PAIR("head")
/* clang-format on */

static const vit__name_set behind[NAMINGS] = NAME_SETS(PROJECTION_BEHIND);
static const vit__name_set inside[NAMINGS] = NAME_SETS(PROJECTION_INSIDE);

const vit__name *vit__timm_names(vit__timm_class kind, const vit__checkpoint *checkpoint, const vit__timm_model *model,
                                 const vit_config *config)
{
    const vit__name_set *sets = model->head_projects ? inside : behind;
    if (config->stages.n) {
        bool second = kind == VIT__TIMM_SWIN2;
        return sets[config->stages.merging_ends ? (second ? OLD_SWIN2 : OLD_SWIN) : second ? SWIN2 : SWIN];
    }
    if (config->order == VIT__BLOCK_PARALLEL)
        return sets[PARALLEL];
    if (config->order == VIT__BLOCK_BRANCHES)
        return sets[BRANCHES];
    if (kind == VIT__TIMM_VIT || kind == VIT__TIMM_DISTILLED)
        return sets[vit__family_has(checkpoint, BLOCK "gamma_1", model->prefix) ? OLD_DEIT3 : PLAIN];
    const vit__name *fused = sets[config->qkv_bias && !config->key_bias ? FUSED_BIAS : OLD_DEIT3];
    const vit__naming namings[] = {{model->prefix, fused}, {model->prefix, sets[SEPARATE]}};
    vit__plan named;
    vit__family_name(checkpoint, namings, 2, &named);
    return named.names;
}
