/* SPDX-License-Identifier: BSD-2-Clause */
#include "sentence.h"

#include <string.h>

#include "limit.h"

/* The N-th module's tensors, which stand outside of the encoder's prefix. */
/* clang-format off */
#define DENSE(n) VIT__PAIR("^modules." #n ".linear")
static const vit__name dense_names[VIT__LIMIT_MODULES] = {
    DENSE(0), DENSE(1), DENSE(2), DENSE(3), DENSE(4), DENSE(5), DENSE(6), DENSE(7),
    DENSE(8), DENSE(9), DENSE(10), DENSE(11), DENSE(12), DENSE(13), DENSE(14), DENSE(15),
};
/* clang-format on */

typedef struct chain {
    vit__reader *outer;
    vit__plan *plan;
    size_t n_dense;
    bool pooled, normalised;
} chain;

/* The flags of old, and the words since version 6. */
static const struct {
    const char *flag, *word;
    vit__pooling pooling;
} modes[] = {
    {"pooling_mode_cls_token", "cls", VIT__POOL_CLASS},
    {"pooling_mode_mean_tokens", "mean", VIT__POOL_MEAN_ALL},
    {"pooling_mode_max_tokens", "max", VIT__POOL_MAX_PATCHES},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", VIT__POOL_MEAN_ROOT},
    {"pooling_mode_lasttoken", "lasttoken", VIT__POOL_LAST},
    {"pooling_mode_weightedmean_tokens", "weightedmean", VIT__POOL_NONE},
};

static void add_pooling(chain *c, vit__reader *r)
{
    const char *word = vit__read_text(r, "pooling_mode", "");
    size_t n = 0, which = 0;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        bool absent = i == 1 && !*word && !vit__read_has(r, modes[i].flag); /* the library's default */
        bool set = *word ? strcmp(word, modes[i].word) == 0 : vit__read_flag(r, modes[i].flag, absent);
        which = set ? i : which;
        n += set;
    }
    if (n != 1)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "its module Pooling asks for %s: this build pools in one way, by cls, mean, max, "
                         "mean_sqrt_len_tokens or lasttoken",
                         n > 1   ? "several ways at once"
                         : *word ? word
                                 : "none");
    else if (modes[which].pooling == VIT__POOL_NONE)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "its module Pooling asks for %s, which this build lacks",
                         modes[which].word);
    c->plan->config.pooling = modes[which].pooling;
    c->pooled = true;
}

/* "torch.nn.modules.activation.Tanh" */
static vit__activation activation_of(vit__reader *r)
{
    static const struct {
        const char *name;
        vit__activation activation;
    } known[] = {{"Identity", VIT__ACTIVATION_NONE}, {"Tanh", VIT__ACTIVATION_TANH},
                 {"GELU", VIT__ACTIVATION_GELU},     {"ReLU", VIT__ACTIVATION_RELU},
                 {"SiLU", VIT__ACTIVATION_SILU},     {"Sigmoid", VIT__ACTIVATION_SIGMOID}};
    const char *path = vit__read_text(r, "activation_function", "torch.nn.modules.activation.Tanh");
    const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].activation;
    vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "its module Dense has the activation \"%.80s\": this build lacks it",
                     path);
    return VIT__ACTIVATION_NONE;
}

static void add_dense(chain *c, vit__reader *r, size_t number)
{
    vit_config *config = &c->plan->config;
    size_t inputs = vit__config_dense_inputs(config, VIT__LIMIT_DENSE_LAYERS),
           from = vit__read_size(r, "in_features", inputs);
    if (c->n_dense == VIT__LIMIT_DENSE_LAYERS || number >= VIT__LIMIT_MODULES) {
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "more modules Dense than this build has, %d",
                         VIT__LIMIT_DENSE_LAYERS);
        return;
    }
    if (from != inputs)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "its module Dense takes %zu numbers, but gets %zu", from, inputs);
    vit__dense *dense = &config->dense[c->n_dense];
    dense->width = vit__read_size(r, "out_features", 0);
    if (dense->width == 0)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "its module Dense has no \"out_features\"");
    dense->bias = vit__read_flag(r, "bias", true);
    dense->activation = activation_of(r);
    c->plan->composed[VIT__SLOT_DENSE1 + c->n_dense++] = dense_names[number];
}

static void add_module(chain *c, const vit__json *module, size_t number)
{
    const char *kind = vit__json_string(vit__json_get(module, "kind"));
    vit__reader r = vit__reader_inside(c->outer, vit__json_get(module, "config"));
    bool pooling = strcmp(kind, "Pooling") == 0, dense = strcmp(kind, "Dense") == 0;
    bool normalize = strcmp(kind, "Normalize") == 0;
    if (strcmp(kind, "Dropout") == 0)
        return;
    if ((!pooling && !dense && !normalize) || pooling == c->pooled || c->normalised)
        vit__reader_fail(&r, VIT_ERR_UNSUPPORTED_MODEL,
                         "module %zu of modules.json is \"%.40s\": this build has Transformer, Pooling, up to three "
                         "Dense, and Normalize, in this order",
                         number, kind);
    else if (pooling)
        add_pooling(c, &r);
    else if (dense)
        add_dense(c, &r, number);
    else
        c->normalised = c->plan->config.unit_length = true;
}

void vit__sentence_plan(const vit__checkpoint *checkpoint, vit__reader *r, vit__plan *plan)
{
    const vit__json *modules = vit__checkpoint_modules(checkpoint);
    chain c = {.outer = r, .plan = plan};
    for (size_t i = 1; i < vit__json_length(modules); i++)
        add_module(&c, vit__json_at(modules, i), i);
}
