/* SPDX-License-Identifier: BSD-2-Clause */
/* The project's own format: one safetensors file whose metadata says everything (docs/own-format.md). */
#include <stdio.h>
#include <string.h>

#include "family.h"
#include "model_keys.h"

#define BLOCK "blocks.%zu."
static const vit__name_set names = {
    [VIT__SLOT_PATCH] = VIT__PAIR("patch_embed.proj"),
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("cls_token"),
    [VIT__SLOT_REGISTER_TOKENS] = VIT__ALONE("reg_token"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE("pos_embed"),
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "norm1"),
    [VIT__SLOT_QKV] = VIT__PAIR(BLOCK "attn.qkv"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attn.proj"),
    [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "ls1.gamma"),
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "norm2"),
    [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"),
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2"),
    [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "ls2.gamma"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("norm"),
    [VIT__SLOT_HEAD] = VIT__PAIR("head"),
    [VIT__SLOT_LATENT_MEAN] = VIT__PAIR("latent_mean"),
    [VIT__SLOT_LATENT_LOG_VARIANCE] = VIT__PAIR("latent_log_var"),
};

static const char *const keys[] = {
    "model_type",  "architecture_version",
    "image_size",  "patch_size",
    "channels",    "width",
    "depth",       "heads",
    "mlp_width",   "activation",
    "order",       "norm_eps",
    "final_norm",  "qkv_bias",
    "layer_scale", "class_token",
    "registers",   "position",
    "pooling",     "classes",
    "multi_label", "latent",
};

/* A file that asks for more than this version knows must not be run wrongly. */
static void refuse_unknown_keys(vit__reader *r)
{
    for (void *at = vit__json_first(r->object); at; at = vit__json_next(r->object, at)) {
        bool known = false;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            known = known || strcmp(vit__json_key(at), keys[i]) == 0;
        if (!known)
            vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"%.60s\" is no key that this version knows",
                             vit__json_key(at));
    }
}

static size_t needed(vit__reader *r, const char *key)
{
    if (!vit__read_has(r, key))
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"%s\" is missing", key);
    return vit__read_size(r, key, 0);
}

/* The index of a word in a NULL-terminated list. */
static size_t choice(vit__reader *r, const char *key, const char *absent, const char *const *words)
{
    const char *word = vit__read_text(r, key, absent);
    for (size_t i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is \"%.40s\", which this version does not know", key, word);
    return 0;
}

static void plan_sizes(vit__reader *r, vit_config *c)
{
    if (!vit__read_has(r, "image_size") || !vit__read_has(r, "patch_size"))
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"image_size\" or \"patch_size\" is missing");
    vit__read_extent(r, "image_size", 0, &c->image_height, &c->image_width);
    vit__read_extent(r, "patch_size", 0, &c->patch_height, &c->patch_width);
    bool whole = c->patch_height && c->patch_width && c->image_height % c->patch_height == 0 &&
                 c->image_width % c->patch_width == 0;
    if (!whole)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"image_size\" %zux%zu is not a whole number of \"patch_size\" %zux%zu",
                         c->image_height, c->image_width, c->patch_height, c->patch_width);
    c->position_height = c->patch_height ? c->image_height / c->patch_height : 0;
    c->position_width = c->patch_width ? c->image_width / c->patch_width : 0;
    c->channels = vit__read_size(r, "channels", 3);
    c->width = needed(r, "width");
    c->depth = needed(r, "depth");
    c->heads = needed(r, "heads");
    c->mlp_width = needed(r, "mlp_width");
}

static void plan_tokens(vit__reader *r, vit_config *c)
{
    static const char *const words[] = {"learned", "learned_patches", "sincos", "none", NULL};
    static const vit__position_kind kinds[] = {VIT__POSITION_LEARNED_ALL, VIT__POSITION_LEARNED_PATCHES,
                                               VIT__POSITION_SINCOS, VIT__POSITION_NONE};
    c->class_token = vit__read_flag(r, "class_token", true);
    c->registers = vit__read_size(r, "registers", 0);
    c->position = kinds[choice(r, "position", "learned", words)];
    c->interpolation = VIT__INTERPOLATION_NONE;
    c->patch_bias = true;
}

static void plan_blocks(vit__reader *r, vit_config *c)
{
    static const char *const orders[] = {"pre_norm", "post_norm", NULL};
    bool post = choice(r, "order", "pre_norm", orders) == 1;
    c->order = post ? VIT__BLOCK_POST_NORM : VIT__BLOCK_PRE_NORM;
    c->norm_eps = c->final_norm_eps = vit__read_number(r, "norm_eps", 1e-6);
    c->final_norm = vit__read_flag(r, "final_norm", !post);
    c->activation = vit__read_activation(r, "activation", "gelu");
    c->qkv_bias = vit__read_flag(r, "qkv_bias", true);
    c->key_bias = c->projection_bias = c->mlp_bias = true;
    c->attention_scale = c->mlp_scale = vit__read_flag(r, "layer_scale", false);
}

static void plan_heads(vit__reader *r, vit_config *c)
{
    static const char *const words[] = {"class", "mean", NULL};
    bool mean = choice(r, "pooling", c->class_token ? "class" : "mean", words) == 1;
    c->pooling = c->head_pooling = mean ? VIT__POOL_MEAN_PATCHES : VIT__POOL_CLASS;
    c->embedding = VIT__EMBEDDING_POOLED;
    c->classes = vit__read_size(r, "classes", 0);
    c->head = c->classes ? VIT__HEAD_LINEAR : VIT__HEAD_NONE;
    c->head_bias = true;
    c->multi_label = vit__read_flag(r, "multi_label", false);
    c->latent = vit__read_size(r, "latent", 0);
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    vit__reader r = vit__reader_of(checkpoint, err);
    vit_config *c = &out->config;
    out->present = true;
    out->names = names;
    out->prefix = "";
    snprintf(c->family, sizeof c->family, "own");
    refuse_unknown_keys(&r);
    if (needed(&r, "architecture_version") != 1)
        vit__reader_fail(&r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"architecture_version\" must be 1: a newer vit may read this");
    plan_sizes(&r, c);
    plan_tokens(&r, c);
    plan_blocks(&r, c);
    plan_heads(&r, c);
    return r.status;
}

static const char *const types[] = {"vit", NULL};

const vit__family vit__family_own = {"own", VIT__CHECKPOINT_OWN, types, plan, NULL};
