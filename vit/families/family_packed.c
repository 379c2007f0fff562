/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed files: any model, its layers stored as they are multiplied (docs/own-format.md).
 * The config is all of vit_config, so it can say what no family would: what the encoder
 * relies on and vit__config_finish does not look at is checked here.
 */
#include <string.h>

#include "config_json.h"
#include "family.h"
#include "json_reader.h"

#define BLOCK "blocks.%zu.%zu."
/* clang-format off */
#define LAYER(name) {name, NULL, VIT__LAYOUT_PACKED}
/* clang-format on */
const vit__name vit__packed_names[VIT__SLOTS] = {
    [VIT__SLOT_PATCH] = LAYER("patch"),
    [VIT__SLOT_PATCH_NORM] = VIT__PAIR("patch_norm"),
    [VIT__SLOT_TOKENS] = VIT__ALONE("token_table"),
    [VIT__SLOT_TOKEN_TYPES] = VIT__ALONE("token_types"),
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("class_token"),
    [VIT__SLOT_DISTILLATION_TOKEN] = VIT__ALONE("distillation_token"),
    [VIT__SLOT_REGISTER_TOKENS] = VIT__ALONE("register_tokens"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE("positions"),
    [VIT__SLOT_RELATIVE_SHARED] = VIT__ALONE("relative"),
    [VIT__SLOT_ROTARY] = VIT__ALONE("rotary"),
    [VIT__SLOT_PRE_NORM] = VIT__PAIR("pre_norm"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("final_norm"),
    [VIT__SLOT_POOLED_NORM] = VIT__PAIR("pooled_norm"),
    [VIT__SLOT_POOLER] = LAYER("pooler"),
    [VIT__SLOT_TRANSFORMATION] = LAYER("transformation"),
    [VIT__SLOT_DENSE1] = LAYER("dense1"),
    [VIT__SLOT_DENSE2] = LAYER("dense2"),
    [VIT__SLOT_DENSE3] = LAYER("dense3"),
    [VIT__SLOT_EMBEDDING] = LAYER("embedding"),
    [VIT__SLOT_HEAD] = LAYER("head"),
    [VIT__SLOT_HEAD_DISTILLATION] = LAYER("head_distillation"),
    [VIT__SLOT_LATENT_MEAN] = LAYER("latent_mean"),
    [VIT__SLOT_LATENT_LOG_VARIANCE] = LAYER("latent_log_variance"),
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("logit_scale"),
    [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("logit_bias"),
    [VIT__SLOT_POOL_LATENT] = VIT__ALONE("pool.query"),
    [VIT__SLOT_POOL_KEY_NORM] = VIT__PAIR("pool.key_norm"),
    [VIT__SLOT_POOL_KV] = LAYER("pool.kv"),
    [VIT__SLOT_POOL_PROJECTION] = LAYER("pool.projection"),
    [VIT__SLOT_POOL_NORM] = VIT__PAIR("pool.norm"),
    [VIT__SLOT_POOL_FC1] = LAYER("pool.fc1"),
    [VIT__SLOT_POOL_FC2] = LAYER("pool.fc2"),
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "norm1"),
    [VIT__SLOT_QKV] = LAYER(BLOCK "qkv"),
    [VIT__SLOT_Q_NORM] = VIT__PAIR(BLOCK "q_norm"),
    [VIT__SLOT_K_NORM] = VIT__PAIR(BLOCK "k_norm"),
    [VIT__SLOT_RELATIVE] = VIT__ALONE(BLOCK "relative"),
    [VIT__SLOT_LAMBDA_QUERY1] = VIT__ALONE(BLOCK "lambda_query1"),
    [VIT__SLOT_LAMBDA_KEY1] = VIT__ALONE(BLOCK "lambda_key1"),
    [VIT__SLOT_LAMBDA_QUERY2] = VIT__ALONE(BLOCK "lambda_query2"),
    [VIT__SLOT_LAMBDA_KEY2] = VIT__ALONE(BLOCK "lambda_key2"),
    [VIT__SLOT_DIFFERENCE_NORM] = VIT__ALONE(BLOCK "difference_norm"),
    [VIT__SLOT_ATTENTION_NORM] = VIT__PAIR(BLOCK "attention_norm"),
    [VIT__SLOT_PROJECTION] = LAYER(BLOCK "projection"),
    [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "scale1"),
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "norm2"),
    [VIT__SLOT_FC1] = LAYER(BLOCK "fc1"),
    [VIT__SLOT_MLP_NORM] = VIT__PAIR(BLOCK "mlp_norm"),
    [VIT__SLOT_FC2] = LAYER(BLOCK "fc2"),
    [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "scale2"),
    [VIT__SLOT_CONTINUOUS1] = VIT__PAIR(BLOCK "continuous1"),
    [VIT__SLOT_CONTINUOUS2] = VIT__ALONE(BLOCK "continuous2"),
    [VIT__SLOT_COSINE_SCALE] = VIT__ALONE(BLOCK "cosine_scale"),
    [VIT__SLOT_MERGE_NORM] = VIT__PAIR(BLOCK "merge_norm"),
    [VIT__SLOT_MERGE] = LAYER(BLOCK "merge"),
};

const char *const vit__packed_prefixes[VIT__TOWERS] = {"image.", "text."};
const char *const vit__tower_names[VIT__TOWERS] = {"image", "text"};

static bool pools(const vit_config *c, vit__pooling pooling)
{
    return c->pooling == pooling || c->head_pooling == pooling;
}

/* Two tokens ahead of the patches that something reads by their place. */
static bool reads_distillation(const vit_config *c)
{
    return pools(c, VIT__POOL_CLASS_DISTILLATION) || c->head == VIT__HEAD_TWO_AVERAGED;
}

/* What stages alone have; what they lack in turn, vit__config_finish refuses. */
static bool staged(const vit_config *c)
{
    return c->attention == VIT__ATTENTION_COSINE || c->relative_bias == VIT__RELATIVE_WINDOW ||
           c->relative_bias == VIT__RELATIVE_CONTINUOUS || c->stages.pads_picture;
}

static void check_image(vit__reader *r, const vit_config *c)
{
    bool text_pooling = pools(c, VIT__POOL_END) || pools(c, VIT__POOL_LARGEST) || pools(c, VIT__POOL_LAST);
    bool text_positions = c->position == VIT__POSITION_SINES || c->relative_bias == VIT__RELATIVE_BUCKETS ||
                          c->rotary.kind == VIT__ROTARY_LINE;
    const char *wrong = c->input != VIT__INPUT_PIXELS ? "an image tower of words"
                        : text_pooling                ? "an image tower pooled as a text's"
                        : text_positions || c->padding || c->token_types || c->position_first
                            ? "an image tower with positions of words"
                        : reads_distillation(c) && !(c->class_token && c->distillation_token)
                            ? "no distillation token to read"
                        : c->relative_bias && !c->stages.n && !(c->class_token && vit__config_prefix(c) == 1)
                            ? "relative positions without a class token alone"
                        : staged(c) && !c->stages.n ? "windows without stages"
                                                    : NULL;
    if (wrong)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "the config contradicts itself: %s", wrong);
}

static void check_text(vit__reader *r, const vit_config *c)
{
    bool image_pooling = pools(c, VIT__POOL_ATTENTION) || pools(c, VIT__POOL_CLASS_AND_MEAN) || reads_distillation(c);
    bool placed = (c->position == VIT__POSITION_NONE || c->position == VIT__POSITION_LEARNED_ALL ||
                   c->position == VIT__POSITION_SINES) &&
                  (!c->relative_bias || c->relative_bias == VIT__RELATIVE_BUCKETS) &&
                  (!c->rotary.kind || c->rotary.kind == VIT__ROTARY_LINE);
    const char *wrong = c->input != VIT__INPUT_TOKENS            ? "a text tower of pixels"
                        : image_pooling || c->pool_heads         ? "a text tower pooled as an image's"
                        : !placed                                ? "a text tower with positions of patches"
                        : staged(c) || c->stages.n               ? "a text tower with stages"
                        : vit__config_prefix(c) || c->patch_norm ? "a text tower with tokens ahead of patches"
                                                                 : NULL;
    if (wrong)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "the config contradicts itself: %s", wrong);
}

static void check_blocks(vit__reader *r, const vit_config *c)
{
    bool side_by_side = c->order == VIT__BLOCK_BRANCHES;
    const char *wrong = c->branches > 1 && !side_by_side  ? "branches without a place"
                        : side_by_side && c->branches < 1 ? "blocks of no branches"
                        : side_by_side && (c->rotary.kind || c->attention)
                            ? "branches with rotary or differential attention"
                        : c->mlp_width == 0 && c->order != VIT__BLOCK_PRE_NORM ? "blocks without an MLP in this order"
                        : c->attention && !c->stages.n &&
                                (c->rotary.kind || c->relative_bias || c->causal || c->qk_norm == VIT__QK_NORM_WIDTH)
                            ? "differential attention with other kinds of it"
                            : NULL;
    if (wrong)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "the config contradicts itself: %s", wrong);
}

static void check_heads(vit__reader *r, const vit_config *c)
{
    bool twice_as_wide = c->pooling == VIT__POOL_CLASS_AND_MEAN;
    const char *wrong = pools(c, VIT__POOL_ATTENTION) && c->pool_heads == 0 ? "attention pooling without heads"
                        : c->pool_heads && (c->pool_query_projected || c->pool_queries > 1)
                            ? "a query that is not projected yet"
                        : (c->head != VIT__HEAD_NONE) != (c->classes > 0)
                            ? "a classifier without classes, or the reverse"
                        : c->head == VIT__HEAD_TWO_AVERAGED && c->head_pooling == VIT__POOL_CLASS_AND_MEAN
                            ? "two classifiers of a vector that is twice as wide"
                        : c->head_input && (c->head != VIT__HEAD_LINEAR || c->input != VIT__INPUT_PIXELS)
                            ? "a classifier of an output that is none"
                        : c->head_input == VIT__HEAD_INPUT_POOLER && !c->pooler
                            ? "a classifier of a pooler that is not there"
                        : (c->dense[1].width && !c->dense[0].width) || (c->dense[2].width && !c->dense[1].width)
                            ? "a dense layer behind one that is not there"
                        : twice_as_wide && (c->dense[0].width || c->transformation_width)
                            ? "dense layers of a vector that is twice as wide"
                        : c->embedding == VIT__EMBEDDING_PROJECTED && c->projection_width == 0
                            ? "a projected embedding without projection"
                        : c->embedding == VIT__EMBEDDING_LATENT && c->latent == 0
                            ? "a latent embedding without latent head"
                        : twice_as_wide && (c->projection_width || c->latent || c->pooled_norm)
                            ? "a pooled vector that is twice as wide"
                        : c->pooler == VIT__POOLER_DENSE && c->pooler_width == 0 ? "a pooler without width"
                                                                                 : NULL;
    if (wrong)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "the config contradicts itself: %s", wrong);
}

static void read_precision(vit__reader *r, vit__plan *out)
{
    const char *word = vit__read_text(r, "precision", "");
    for (int i = VIT_PRECISION_F32; i <= VIT_PRECISION_INT8; i++)
        if (strcmp(word, vit_precision_name((vit_precision)i)) == 0) {
            out->precision = (vit_precision)i;
            return;
        }
    vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"precision\" is \"%.40s\": this version knows f32, bf16 and int8",
                     word);
}

/* A config of the whole file: what holds for both towers, and an object for each. */
static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    const vit__json *config = vit__checkpoint_config(checkpoint);
    vit__reader whole = vit__reader_start(config, vit__checkpoint_config_name(checkpoint), err);
    if (vit__read_size(&whole, "version", 0) != VIT__PACKED_VERSION)
        vit__reader_fail(&whole, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"version\" of a packed file must be %d: a newer vit may read this", VIT__PACKED_VERSION);
    read_precision(&whole, out);
    const vit__json *object = vit__json_get(config, vit__tower_names[tower]);
    if (whole.status != VIT_OK || vit__json_is_null(object))
        return whole.status;
    if (!vit__json_is_object(object))
        vit__reader_fail(&whole, VIT_ERR_CORRUPT, "\"%s\" is not an object", vit__tower_names[tower]);
    vit__reader parameters = vit__reader_inside(&whole, vit__json_get(config, "parameters"));
    out->parameters = vit__read_size(&parameters, vit__tower_names[tower], 0);
    vit__reader r = vit__reader_inside(&whole, object);
    vit_config *c = &out->config;
    vit__config_from_json(&r, c);
    (tower == VIT__TOWER_TEXT ? check_text : check_image)(&r, c);
    check_blocks(&r, c);
    check_heads(&r, c);
    out->present = out->packed = true;
    out->names = vit__packed_names;
    out->prefix = vit__packed_prefixes[tower];
    return whole.status;
}

const vit__family vit__family_packed = {"packed", VIT__CHECKPOINT_PACKED, NULL, plan, NULL};
