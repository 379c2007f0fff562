/* SPDX-License-Identifier: BSD-2-Clause */
/* One table of fields serves both ways. Words stand in the order of their
 * enumeration, so that a file does not depend on how those are numbered. */
#include "config_json.h"

#include <stdio.h>
#include <string.h>

#include "limit.h"

typedef enum kind { SIZE, FLAG, NUMBER, WORD } kind;

typedef struct field {
    const char *name;
    kind kind;
    size_t offset;
    const char *const *words; /* of a WORD; NULL-terminated */
} field;

/* The words of an enumeration up to its last member. */
#define WORDS(name, last, ...)                                                                                         \
    static const char *const name[] = {__VA_ARGS__, NULL};                                                             \
    _Static_assert(sizeof name / sizeof *name == last + 2, "a word for each member")
WORDS(inputs, VIT__INPUT_TOKENS, "pixels", "tokens");
WORDS(positions, VIT__POSITION_SINES, "none", "learned", "learned_patches", "learned_class", "sincos", "sincos_2d",
      "sines");
WORDS(paddings, VIT__PADDING_ANYWHERE, "none", "outside", "anywhere");
WORDS(interpolations, VIT__INTERPOLATION_BILINEAR_ANTIALIAS, "none", "bicubic", "bicubic_antialias",
      "bilinear_antialias");
WORDS(rotaries, VIT__ROTARY_LINE, "none", "axial", "dinov3", "mixed", "line");
WORDS(relatives, VIT__RELATIVE_CONTINUOUS, "none", "per_block", "shared", "buckets", "window", "continuous");
WORDS(orders, VIT__BLOCK_BRANCHES, "pre_norm", "post_norm", "branch_norm", "parallel", "branches");
WORDS(norms, VIT__NORM_RMS, "layer", "rms");
WORDS(attentions, VIT__ATTENTION_COSINE, "plain", "differential", "cosine");
WORDS(window_fits, VIT__WINDOWS_ALWAYS, "smaller_side", "height", "each_side", "always");
WORDS(qk_norms, VIT__QK_NORM_WIDTH, "none", "head", "width");
WORDS(mlps, VIT__MLP_GATED, "plain", "gated");
WORDS(activations, VIT__ACTIVATION_SIGMOID, "none", "gelu", "gelu_tanh", "quick_gelu", "relu", "silu", "tanh",
      "sigmoid");
WORDS(poolings, VIT__POOL_MEAN_ROOT, "none", "class", "mean_patches", "mean_all", "max_patches", "mean_max_patches",
      "class_distillation", "class_and_mean", "attention", "end", "largest", "last", "mean_root");
WORDS(poolers, VIT__POOLER_DENSE, "none", "pooled", "embedding", "dense");
WORDS(embeddings, VIT__EMBEDDING_LATENT, "class", "mean", "pooled", "projected", "latent");
WORDS(head_inputs, VIT__HEAD_INPUT_CLASS_MEAN, "own", "embedding", "cls", "mean", "pooler", "cls+mean");
WORDS(heads, VIT__HEAD_TWO_AVERAGED, "none", "linear", "two_averaged");

_Static_assert(sizeof(vit__input) == sizeof(unsigned),
               "words are stored as the unsigned numbers that enumerations are");

/* clang-format off */
#define FIELD(member, kind) {#member, kind, offsetof(vit_config, member), NULL}
#define CHOICE(member, words) {#member, WORD, offsetof(vit_config, member), words}
#define STAGE(i)                                                                                                       \
    FIELD(stages.stage[i].depth, SIZE), FIELD(stages.stage[i].width, SIZE), FIELD(stages.stage[i].heads, SIZE),        \
    FIELD(stages.stage[i].head_dim, SIZE), FIELD(stages.stage[i].mlp_width, SIZE),                                     \
    FIELD(stages.stage[i].window_height, SIZE), FIELD(stages.stage[i].window_width, SIZE),                             \
    FIELD(stages.stage[i].pretrained_height, SIZE), FIELD(stages.stage[i].pretrained_width, SIZE)
/* clang-format on */
_Static_assert(VIT__LIMIT_MODEL_STAGES == 8, "a STAGE(i) for each");
static const field fields[] = {
    CHOICE(input, inputs),
    FIELD(image_height, SIZE),
    FIELD(image_width, SIZE),
    FIELD(patches_most, SIZE),
    FIELD(patch_height, SIZE),
    FIELD(patch_width, SIZE),
    FIELD(channels, SIZE),
    FIELD(vocabulary, SIZE),
    FIELD(context, SIZE),
    FIELD(width, SIZE),
    FIELD(depth, SIZE),
    FIELD(branches, SIZE),
    FIELD(heads, SIZE),
    FIELD(head_dim, SIZE),
    FIELD(mlp_width, SIZE),
    FIELD(class_token, FLAG),
    FIELD(distillation_token, FLAG),
    FIELD(registers, SIZE),
    FIELD(patch_bias, FLAG),
    FIELD(patch_norm, FLAG),
    CHOICE(position, positions),
    FIELD(position_height, SIZE),
    FIELD(position_width, SIZE),
    FIELD(any_size, FLAG),
    CHOICE(interpolation, interpolations),
    CHOICE(rotary.kind, rotaries),
    FIELD(rotary.half, FLAG),
    FIELD(rotary.theta, NUMBER),
    FIELD(rotary.reference_height, SIZE),
    FIELD(rotary.reference_width, SIZE),
    FIELD(rotary.offset, NUMBER),
    FIELD(rotary.x_first, FLAG),
    CHOICE(relative_bias, relatives),
    FIELD(relative_buckets, SIZE),
    FIELD(relative_distance, SIZE),
    CHOICE(padding, paddings),
    FIELD(pad_token, SIZE),
    FIELD(token_types, SIZE),
    FIELD(class_behind, FLAG),
    FIELD(shifted_mask, FLAG),
    FIELD(scaled_tokens, FLAG),
    FIELD(position_first, SIZE),
    FIELD(position_counts, FLAG),
    FIELD(position_pads_zero, FLAG),
    CHOICE(order, orders),
    CHOICE(norm, norms),
    FIELD(norm_eps, NUMBER),
    FIELD(pre_norm, FLAG),
    FIELD(pre_norm_eps, NUMBER),
    FIELD(final_norm, FLAG),
    CHOICE(final_norm_kind, norms),
    FIELD(final_norm_eps, NUMBER),
    FIELD(qkv_bias, FLAG),
    FIELD(key_bias, FLAG),
    FIELD(projection_bias, FLAG),
    FIELD(mlp_bias, FLAG),
    FIELD(grouped_keys, FLAG),
    CHOICE(attention, attentions),
    FIELD(causal, FLAG),
    FIELD(unscaled_scores, FLAG),
    CHOICE(qk_norm, qk_norms),
    CHOICE(qk_norm_kind, norms),
    FIELD(attention_norm, FLAG),
    FIELD(mlp_norm, FLAG),
    FIELD(attention_scale, FLAG),
    FIELD(mlp_scale, FLAG),
    CHOICE(mlp, mlps),
    CHOICE(activation, activations),
    CHOICE(pooling, poolings),
    CHOICE(head_pooling, poolings),
    CHOICE(head_input, head_inputs),
    FIELD(head_normalize, FLAG),
    FIELD(end_token, SIZE),
    FIELD(pooled_norm, FLAG),
    FIELD(pooled_norm_eps, NUMBER),
    FIELD(pool_heads, SIZE),
    FIELD(pool_width, SIZE),
    FIELD(pool_queries, SIZE),
    FIELD(pool_norms, FLAG),
    FIELD(pool_mlp_width, SIZE),
    FIELD(pool_norm_eps, NUMBER),
    CHOICE(pool_activation, activations),
    FIELD(pool_query_projected, FLAG),
    FIELD(pool_bias, FLAG),
    FIELD(pool_skips_prefix, FLAG),
    CHOICE(pooler, poolers),
    CHOICE(pooler_activation, activations),
    FIELD(pooler_width, SIZE),
    FIELD(transformation_width, SIZE),
    FIELD(dense[0].width, SIZE),
    FIELD(dense[0].bias, FLAG),
    CHOICE(dense[0].activation, activations),
    FIELD(dense[1].width, SIZE),
    FIELD(dense[1].bias, FLAG),
    CHOICE(dense[1].activation, activations),
    FIELD(dense[2].width, SIZE),
    FIELD(dense[2].bias, FLAG),
    CHOICE(dense[2].activation, activations),
    FIELD(unit_length, FLAG),
    FIELD(text_class, FLAG),
    CHOICE(embedding, embeddings),
    FIELD(projection_width, SIZE),
    FIELD(embedding_bias, FLAG),
    CHOICE(head, heads),
    FIELD(classes, SIZE),
    FIELD(head_bias, FLAG),
    FIELD(multi_label, FLAG),
    FIELD(regression, FLAG),
    FIELD(latent, SIZE),
    FIELD(logit_scale, FLAG),
    FIELD(logit_bias, FLAG),
    FIELD(cosine_logits, FLAG),
    FIELD(temperature, FLAG),
    FIELD(logit_scale_most, NUMBER),
    FIELD(sigmoid_logits, FLAG),
    FIELD(stages.n, SIZE),
    STAGE(0),
    STAGE(1),
    STAGE(2),
    STAGE(3),
    STAGE(4),
    STAGE(5),
    STAGE(6),
    STAGE(7),
    CHOICE(stages.fit, window_fits),
    FIELD(stages.own_windows, FLAG),
    FIELD(stages.turns_first, FLAG),
    FIELD(stages.pads_picture, FLAG),
    FIELD(stages.merging_ends, FLAG),
    FIELD(stages.norm_after_merge, FLAG),
    FIELD(stages.norm_eps, NUMBER),
    FIELD(stages.strangers, NUMBER),
};
#define N_FIELDS (sizeof fields / sizeof *fields)

const char *vit__pooling_name(vit__pooling pooling)
{
    return poolings[pooling];
}

/* Sets the field where it is not zero; false: out of memory. */
static bool set_field(vit__json *json, const field *f, const void *value)
{
    switch (f->kind) {
    case SIZE:
        return *(const size_t *)value == 0 ||
               vit__json_set(json, f->name, vit__json_new_number((double)*(const size_t *)value));
    case FLAG:
        return !*(const bool *)value || vit__json_set(json, f->name, vit__json_new_boolean(true));
    case NUMBER:
        return *(const double *)value == 0 ||
               vit__json_set(json, f->name, vit__json_new_number(*(const double *)value));
    case WORD:
        return *(const unsigned *)value == 0 ||
               vit__json_set(json, f->name, vit__json_new_string(f->words[*(const unsigned *)value]));
    }
    return false;
}

vit__json *vit__config_json(const vit_config *config)
{
    vit__json *json = vit__json_new_object();
    bool done = vit__json_set(json, "family", vit__json_new_string(config->family));
    for (size_t i = 0; i < N_FIELDS && done; i++)
        done = set_field(json, &fields[i], (const char *)config + fields[i].offset);
    if (done)
        return json;
    vit__json_free(json);
    return NULL;
}

static void read_word(vit__reader *r, const field *f, unsigned *value)
{
    const char *word = vit__read_text(r, f->name, f->words[0]);
    for (unsigned i = 0; f->words[i]; i++)
        if (strcmp(word, f->words[i]) == 0) {
            *value = i;
            return;
        }
    vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is \"%.40s\", which this version does not know", f->name,
                     word);
}

static void read_field(vit__reader *r, const field *f, void *value)
{
    switch (f->kind) {
    case SIZE:
        *(size_t *)value = vit__read_size(r, f->name, 0);
        break;
    case FLAG:
        *(bool *)value = vit__read_flag(r, f->name, false);
        break;
    case NUMBER:
        *(double *)value = vit__read_number(r, f->name, 0);
        break;
    case WORD:
        read_word(r, f, value);
        break;
    }
}

static bool is_field(const char *key)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (strcmp(key, fields[i].name) == 0)
            return true;
    return strcmp(key, "family") == 0;
}

void vit__config_from_json(vit__reader *r, vit_config *config)
{
    *config = (vit_config){0};
    for (void *at = vit__json_first(r->object); at; at = vit__json_next(r->object, at))
        if (!is_field(vit__json_key(at)))
            vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"%.60s\" is no key that this version knows",
                             vit__json_key(at));
    const char *family = vit__read_text(r, "family", "");
    if (strlen(family) >= sizeof config->family)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"family\" is longer than %zu bytes", sizeof config->family - 1);
    snprintf(config->family, sizeof config->family, "%s", family);
    for (size_t i = 0; i < N_FIELDS; i++)
        read_field(r, &fields[i], (char *)config + fields[i].offset);
}
