/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "timm.h"

/* Keys of model_args that are of training or of where a model is put; they change no number that comes out. */
/* clang-format off */
static const char *const inert[] = {
    "drop_rate",       "pos_drop_rate", "patch_drop_rate", "proj_drop_rate",    "attn_drop_rate",    "drop_path_rate",
    "head_init_scale", "weight_init",   "fix_init",        "rope_shift_coords", "rope_jitter_coords", "rope_rescale_coords",
    "device",          "dtype",         "scriptable",      "exportable",        "no_jit",             NULL,
};

/* The arguments that the rules of the constructors (timm_*.c) read. */
static const char *const known[] = {
    "img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depth", "num_heads", "mlp_ratio",
    "qkv_bias", "qk_norm", "init_values", "class_token", "no_embed_class", "norm_layer", "act_layer", "dynamic_img_size",
    "dynamic_img_pad", "strict_img_size", NULL,
};
static const char *const known_vit[] = {
    "scale_attn_norm", "scale_mlp_norm", "proj_bias", "pos_embed", "reg_tokens", "pre_norm", "final_norm", "fc_norm",
    "pool_include_prefix", "embed_norm_layer", "block_fn", "mlp_layer", "attn_layer", NULL,
};
static const char *const known_eva[] = {
    "num_kv_heads", "qkv_fused", "swiglu_mlp", "swiglu_align_to", "scale_mlp", "scale_attn_inner", "attn_type",
    "attn_only_layer_scale", "num_reg_tokens", "use_abs_pos_emb", "use_rot_pos_emb", "rope_type", "rope_grid_offset",
    "rope_grid_indexing", "rope_temperature", "rope_rotate_half", "use_post_norm", "use_pre_transformer_norm",
    "use_post_transformer_norm", "use_fc_norm", "attn_pool_num_heads", "attn_pool_mlp_ratio", "ref_feat_shape", NULL,
};
static const char *const known_beit[] = {
    "swiglu_mlp", "scale_mlp", "use_abs_pos_emb", "use_rel_pos_bias", "use_shared_rel_pos_bias", "use_fc_norm", NULL,
};
/* In the place of `known`: hierarchical models share little with the others. */
static const char *const known_hierarchical[] = {
    "img_size", "patch_size", "in_chans", "num_classes", "global_pool", "embed_dim", "depths", "num_heads", "window_size",
    "always_partition", "strict_img_size", "dynamic_img_size", "mlp_ratio", "qkv_bias", NULL,
};
static const char *const known_swin[] = {"head_dim", NULL};
static const char *const known_swin2[] = {"act_layer", "pretrained_window_sizes", NULL};
/* clang-format on */
static const char *const *const known_of_class[] = {
    [VIT__TIMM_VIT] = known_vit,   [VIT__TIMM_DISTILLED] = known_vit, [VIT__TIMM_EVA] = known_eva,
    [VIT__TIMM_BEIT] = known_beit, [VIT__TIMM_SWIN] = known_swin,     [VIT__TIMM_SWIN2] = known_swin2,
};

static bool listed(const char *const *list, const char *text)
{
    for (size_t i = 0; list[i]; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

static int compare_names(const void *key, const void *row)
{
    return strcmp(key, ((const vit__timm_architecture *)row)->name);
}

static const vit__timm_architecture *find(const char *name)
{
    return bsearch(name, vit__timm_architectures, vit__timm_architecture_count, sizeof *vit__timm_architectures,
                   compare_names);
}

/* ------------------------------------------------------------------ the table's text ---- */

/* 14, 1e-05, true: what JSON knows; silu: a string. */
static vit__json *scalar_of(const char *text, size_t length)
{
    char word[64];
    vit__json *value;
    if (length >= sizeof word)
        return NULL;
    memcpy(word, text, length);
    word[length] = '\0';
    vit_status status = vit__json_parse(word, length, NULL, &value, NULL);
    if (status == VIT_ERR_OUT_OF_MEMORY)
        return NULL;
    return status == VIT_OK ? value : vit__json_new_string(word);
}

static vit__json *value_of(const char *text, size_t length)
{
    if (!memchr(text, ',', length))
        return scalar_of(text, length);
    vit__json *array = vit__json_new_array();
    for (const char *at = text, *stop = text + length; array && at < stop;) {
        const char *comma = memchr(at, ',', (size_t)(stop - at));
        size_t size = (size_t)((comma ? comma : stop) - at);
        if (!vit__json_append(array, scalar_of(at, size))) {
            vit__json_free(array);
            return NULL;
        }
        at += size + 1;
    }
    return array;
}

/* Sets value unless the object has one: what is set first holds. false: out of memory. */
static bool set_default(vit__json *object, const char *key, vit__json *value)
{
    if (vit__json_is_null(vit__json_get(object, key)))
        return vit__json_set(object, key, value);
    vit__json_free(value);
    return true;
}

static bool add_row(vit__json *object, const char *arguments)
{
    for (const char *at = arguments; *at;) {
        size_t length = strcspn(at, " "), name = strcspn(at, "=");
        char key[64];
        memcpy(key, at, name);
        key[name] = '\0';
        if (!set_default(object, key, value_of(at + name + 1, length - name - 1)))
            return false;
        at += length + strspn(at + length, " ");
    }
    return true;
}

/* ------------------------------------------------------------------ the checkpoint's own ---- */

static bool is_known(const char *key, vit__timm_class kind)
{
    bool hierarchical = kind == VIT__TIMM_SWIN || kind == VIT__TIMM_SWIN2;
    return listed(hierarchical ? known_hierarchical : known, key) || listed(known_of_class[kind], key);
}

static vit_status add_model_args(vit__json *object, const vit__json *model_args, vit__timm_class kind,
                                 const char *where, vit_error *err)
{
    if (!vit__json_is_null(model_args) && !vit__json_is_object(model_args))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "\"model_args\" must be an object");
    for (void *i = vit__json_is_object(model_args) ? vit__json_first(model_args) : NULL; i;
         i = vit__json_next(model_args, i)) {
        const char *key = vit__json_key(i);
        const vit__json *value = vit__json_value(i);
        if (vit__json_is_null(value) || listed(inert, key))
            continue;
        if (!is_known(key, kind))
            return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, where,
                             "\"model_args\" has \"%.60s\": this build does not know what that asks for", key);
        if (!vit__json_set(object, key, vit__json_copy(value)))
            return vit__fail_memory(err, where);
    }
    return VIT_OK;
}

/* The picture size of pretrained_cfg is the model's own where it is fixed there, unless the checkpoint (not the
 * architecture) says that the model takes any. */
static bool add_input_size(vit__json *object, const vit__json *pretrained_cfg, const vit__json *model_args)
{
    const vit__json *size = vit__json_get(pretrained_cfg, "input_size");
    bool fixed = false, dynamic = false, strict = true;
    vit__json_boolean(vit__json_get(pretrained_cfg, "fixed_input_size"), &fixed);
    vit__json_boolean(vit__json_get(model_args, "dynamic_img_size"), &dynamic);
    vit__json_boolean(vit__json_get(model_args, "strict_img_size"), &strict);
    if (!fixed || dynamic || !strict || vit__json_length(size) != 3)
        return true;
    vit__json *pair = vit__json_new_array();
    if (vit__json_append(pair, vit__json_copy(vit__json_at(size, 1))) &&
        vit__json_append(pair, vit__json_copy(vit__json_at(size, 2))))
        return set_default(object, "img_size", pair);
    vit__json_free(pair);
    return false;
}

/* timm.models._builder._update_default_model_kwargs */
static bool add_pretrained_cfg(vit__json *object, const vit__timm_model *model)
{
    const vit__json *cfg = model->pretrained_cfg;
    const vit__json *classes = vit__json_is_null(model->num_classes) ? vit__json_get(cfg, "num_classes")
                                                                     : model->num_classes;
    double count;
    if (vit__json_number(classes, &count) && count >= 0 && !set_default(object, "num_classes", vit__json_copy(classes)))
        return false;
    const vit__json *pool = vit__json_get(cfg, "global_pool");
    if (!vit__json_is_null(pool) && !set_default(object, "global_pool", vit__json_copy(pool)))
        return false;
    return add_input_size(object, cfg, model->model_args);
}

vit_status vit__timm_arguments(const vit__timm_model *model, const char *where, vit__json **arguments,
                               vit__timm_class *kind, vit_error *err)
{
    *arguments = NULL;
    const vit__timm_architecture *row = model->architecture ? find(model->architecture) : NULL;
    if (!row)
        return vit__fail(
            err, VIT_ERR_UNSUPPORTED_MODEL, where,
            "architecture \"%.80s\" is not one of the %zu Vision Transformers of timm that this build knows",
            model->architecture ? model->architecture : "", vit__timm_architecture_count);
    vit__json *object = vit__json_new_object();
    vit_status status = object ? add_model_args(object, model->model_args, row->kind, where, err)
                               : vit__fail_memory(err, where);
    if (status == VIT_OK && !(add_row(object, row->arguments) && add_pretrained_cfg(object, model)))
        status = vit__fail_memory(err, where);
    if (status != VIT_OK) {
        vit__json_free(object);
        return status;
    }
    *arguments = object;
    *kind = row->kind;
    return VIT_OK;
}
