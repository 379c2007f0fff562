/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical description of one encoder, of pictures or of words: the union of what every family needs. A family
 * fills it once from its config file. The encoder reads nothing else, and does not know the family's name. A model with
 * values that the encoder cannot run is refused when it is opened (vit__config_finish), so no field is silently
 * ignored.
 */
#ifndef VIT_CONFIG_H
#define VIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "limit.h"
#include "vit/vit.h"

typedef enum vit__input {
    VIT__INPUT_PIXELS,
    VIT__INPUT_TOKENS /* token ids: the text tower */
} vit__input;

typedef enum vit__activation {
    VIT__ACTIVATION_NONE,
    VIT__ACTIVATION_GELU,       /* x * Phi(x), by erf */
    VIT__ACTIVATION_GELU_TANH,  /* the tanh approximation; "gelu_new", "gelu_pytorch_tanh" */
    VIT__ACTIVATION_QUICK_GELU, /* x * sigmoid(1.702 x) */
    VIT__ACTIVATION_RELU,
    VIT__ACTIVATION_SILU,
    VIT__ACTIVATION_TANH,
    VIT__ACTIVATION_SIGMOID
} vit__activation;

typedef enum vit__norm_kind { VIT__NORM_LAYER, VIT__NORM_RMS } vit__norm_kind;

typedef enum vit__block_order {
    VIT__BLOCK_PRE_NORM,    /* x += s1*attention(norm1(x)); x += s2*mlp(norm2(x)) */
    VIT__BLOCK_POST_NORM,   /* h = norm1(attention(x) + x); x = norm2(mlp(h) + h): Vaswani et al. 2017 */
    VIT__BLOCK_BRANCH_NORM, /* x += s1*norm1(attention(x)); x += s2*norm2(mlp(x)) */
    VIT__BLOCK_PARALLEL,    /* one norm, attention and MLP beside each other */
    VIT__BLOCK_BRANCHES /* pre-norm, with `branches` attentions side by side, then as many MLPs (Touvron et al. 2022) */
} vit__block_order;

typedef enum vit__mlp_kind {
    VIT__MLP_PLAIN, /* fc2(act(fc1(x))) */
    VIT__MLP_GATED  /* fc2(act(gate(x)) * up(x)); fc1 holds the gate's rows, then the others */
} vit__mlp_kind;

typedef enum vit__position_kind {
    VIT__POSITION_NONE,
    VIT__POSITION_LEARNED_ALL,     /* table over prefix tokens and patches (or over the tokens of a text) */
    VIT__POSITION_LEARNED_PATCHES, /* table over patches only; prefix tokens carry none */
    VIT__POSITION_LEARNED_CLASS,   /* table over the class token and patches; the rest of the prefix carries none */
    VIT__POSITION_SINCOS,          /* PE(pos,2i) = sin(pos / 10000^(2i/D)), PE(pos,2i+1) = cos(...), over all tokens */
    VIT__POSITION_SINCOS_2D,       /* AIMv2 (native): over patches, see position.c */
    VIT__POSITION_SINES            /* of texts: all sines, then all cosines (tensor2tensor), see position.c */
} vit__position_kind;

/* Which ids of a text are padding. No token sees padding as a key, and no mean counts it. */
typedef enum vit__padding {
    VIT__PADDING_NONE,    /* the model takes every id as it comes (CLIP, SigLIP) */
    VIT__PADDING_OUTSIDE, /* the runs of pad_token at both ends: what a tokenizer puts there */
    VIT__PADDING_ANYWHERE /* every pad_token (open_clip) */
} vit__padding;

/* How a table of positions is made to fit another picture size than its own (position.c). */
typedef enum vit__interpolation {
    VIT__INTERPOLATION_NONE,              /* not at all: another size is refused */
    VIT__INTERPOLATION_BICUBIC,           /* torch, align_corners false, a = -0.75 */
    VIT__INTERPOLATION_BICUBIC_ANTIALIAS, /* torch, antialias: a = -0.5, support scaled */
    VIT__INTERPOLATION_BILINEAR_ANTIALIAS
} vit__interpolation;

typedef enum vit__rotary_kind {
    VIT__ROTARY_NONE,
    VIT__ROTARY_AXIAL,  /* frequencies by formula, half of them along y, half along x */
    VIT__ROTARY_DINOV3, /* patch centres in [-1, 1], periods by theta */
    VIT__ROTARY_MIXED,  /* learned frequencies per block and head, along both axes */
    VIT__ROTARY_LINE    /* of texts: frequencies by formula, along the one axis there is */
} vit__rotary_kind;

/* The angles by which a patch at row y, column x is turned (rotary.c): timm's RotaryEmbeddingCat and Mixed, DINOv3. */
typedef struct vit__rotary {
    vit__rotary_kind kind;
    bool half; /* true: pairs (i, i + head_dim/2) are turned; false: pairs (2i, 2i+1) */
    double theta;
    size_t reference_height, reference_width; /* positions are scaled to this grid; 0: not at all */
    double offset;                            /* added to every position */
    bool x_first;                             /* indexing "xy": angles of x before those of y */
} vit__rotary;

typedef enum vit__attention_kind {
    VIT__ATTENTION_PLAIN,
    VIT__ATTENTION_DIFFERENTIAL, /* softmax(q1 k1) - lambda softmax(q2 k2), the halves of a head (Ye et al. 2024) */
    VIT__ATTENTION_COSINE        /* q and k at unit length, times a learned factor a head (Liu et al. 2022) */
} vit__attention_kind;

typedef enum vit__relative_bias {
    VIT__RELATIVE_NONE,
    VIT__RELATIVE_PER_BLOCK, /* BEiT: a table [(2h-1)(2w-1)+3, heads] in every block */
    VIT__RELATIVE_SHARED,    /* one table for all blocks */
    VIT__RELATIVE_BUCKETS,   /* of texts: one table [buckets, heads] for all blocks, by distance (T5), see position.c */
    VIT__RELATIVE_WINDOW,    /* of windows: a table [(2h-1)(2w-1), heads] in every block (Swin), see windows.c */
    VIT__RELATIVE_CONTINUOUS /* of windows: what a small MLP in every block makes of the distances (SwinV2) */
} vit__relative_bias;

typedef enum vit__qk_norm {
    VIT__QK_NORM_NONE,
    VIT__QK_NORM_HEAD, /* over each head's q and k */
    VIT__QK_NORM_WIDTH /* over all heads' together */
} vit__qk_norm;

/* How tokens become one vector. */
typedef enum vit__pooling {
    VIT__POOL_NONE,
    VIT__POOL_CLASS,              /* token 0 */
    VIT__POOL_MEAN_PATCHES,       /* mean without prefix tokens */
    VIT__POOL_MEAN_ALL,           /* mean of all tokens */
    VIT__POOL_MAX_PATCHES,        /* largest value of every channel (timm max) */
    VIT__POOL_MEAN_MAX_PATCHES,   /* (largest value + mean) / 2 of every channel (timm avgmax) */
    VIT__POOL_CLASS_DISTILLATION, /* mean of tokens 0 and 1 (timm distilled) */
    VIT__POOL_CLASS_AND_MEAN,     /* token 0 ++ mean of patches (DINOv2 classifier): 2D wide */
    VIT__POOL_ATTENTION,          /* attention pooling with a learned query */
    VIT__POOL_END,                /* text: the first token that is end_token */
    VIT__POOL_LARGEST,            /* text: the first token with the largest id */
    VIT__POOL_LAST,               /* text: the last token */
    VIT__POOL_MEAN_ROOT           /* sum of all tokens, divided by the root of their number */
} vit__pooling;

/* HF's pooler_output. */
typedef enum vit__pooler {
    VIT__POOLER_NONE,
    VIT__POOLER_POOLED,    /* the pooled vector, normed where pooled_norm says so */
    VIT__POOLER_EMBEDDING, /* the embedding, as transformers 5 returns it for a tower of CLIP or SigLIP */
    VIT__POOLER_DENSE      /* pooler_activation(dense(token 0)) */
} vit__pooler;

typedef enum vit__head {
    VIT__HEAD_NONE,
    VIT__HEAD_LINEAR,      /* logits = W pooled + b */
    VIT__HEAD_TWO_AVERAGED /* mean of head(token 0) and head_distillation(token 1) */
} vit__head;

/* What the library itself calls the embedding. */
typedef enum vit__embedding {
    VIT__EMBEDDING_CLASS,     /* token 0 after the final norm, as VIT_OUTPUT_CLASS */
    VIT__EMBEDDING_MEAN,      /* mean of the patch tokens, as VIT_OUTPUT_MEAN */
    VIT__EMBEDDING_POOLED,    /* the pooled vector (timm, SigLIP, BEiT) */
    VIT__EMBEDDING_PROJECTED, /* projection(pooled vector): CLIP */
    VIT__EMBEDDING_LATENT     /* mean of the Gaussian latent of a variational autoencoder */
} vit__embedding;

/* A linear layer between the pooled vector and the embedding, and what follows it. */
typedef struct vit__dense {
    size_t width; /* of its output; 0: there is none */
    bool bias;
    vit__activation activation;
} vit__dense;

/* How the windows of a stage are fitted to its map of tokens. A window is never larger than the map. Where a window is
 * as large as the map, windows are not shifted. The libraries compare windows and maps in different ways. */
typedef enum vit__window_fit {
    VIT__WINDOWS_SMALLER_SIDE, /* transformers' Swin: both sides of a window by the map's smaller side */
    VIT__WINDOWS_HEIGHT,       /* transformers' SwinV2: by the height of the model's own map, halves rounded down */
    VIT__WINDOWS_EACH_SIDE,    /* timm: height by height, width by width */
    VIT__WINDOWS_ALWAYS        /* timm, always_partition: nothing is fitted */
} vit__window_fit;

/* One stage of a hierarchical encoder: blocks of one width on one map of tokens. */
typedef struct vit__stage {
    size_t depth; /* blocks */
    size_t width, heads, head_dim, mlp_width;
    size_t window_height, window_width;         /* as the model asks for them, before they are fitted */
    size_t pretrained_height, pretrained_width; /* VIT__RELATIVE_CONTINUOUS: the windows that distances are divided by;
                                                 * 0: the stage's own */
} vit__stage;

#define VIT__CONTINUOUS_WIDTH 512 /* hidden units in the MLP of VIT__RELATIVE_CONTINUOUS; fixed in both libraries */

/* A hierarchical encoder (Swin, Liu et al. 2021): stages of blocks with attention inside windows. Between two stages
 * each 2x2 tokens are merged into one token of twice the width. vit_config.depth counts the blocks of all stages. The
 * width, heads, head_dim and mlp_width of vit_config are those of the last stage, which the head reads. */
typedef struct vit__stages {
    size_t n; /* 0: the encoder is a plain one, without stages */
    vit__stage stage[VIT__LIMIT_MODEL_STAGES];
    vit__window_fit fit;
    bool own_windows;  /* windows are fitted to the model's own picture size, whatever size it runs at */
    bool turns_first;  /* true: the map is turned, then padded to whole windows (timm); false: padded, then turned */
    bool pads_picture; /* the picture is padded with zeros to whole patches (transformers) */
    bool merging_ends; /* tensors of a merging are named after the stage before it; false: after the next stage */
    bool norm_after_merge; /* the merging's norm stands behind its matrix (SwinV2) */
    double norm_eps;       /* for the norm of patches, and for the norm of the merging */
    double strangers;      /* added to the score of two tokens that are in one window only since the map was turned */
    size_t at;             /* only in the config of one block (vit__config_at): the block's stage */
    bool merges;           /* only there: the merging is bound together with this block */
} vit__stages;

#define VIT__FAMILY_NAME_MAX 64

/* What a classifier reads that is not the family's own. */
typedef enum vit__head_input {
    VIT__HEAD_INPUT_OWN, /* as head_pooling says */
    VIT__HEAD_INPUT_EMBEDDING,
    VIT__HEAD_INPUT_CLASS,
    VIT__HEAD_INPUT_MEAN,
    VIT__HEAD_INPUT_POOLER,
    VIT__HEAD_INPUT_CLASS_MEAN
} vit__head_input;

typedef struct vit_config {
    char family[VIT__FAMILY_NAME_MAX];
    vit__input input;

    /* sizes */
    size_t image_height, image_width; /* 0: each picture has its own */
    size_t patches_most; /* most patches of a picture, where each has its own size (NaFlex); 0: all have one size */
    size_t patch_height, patch_width;
    size_t channels;            /* 3 */
    size_t vocabulary, context; /* text: ids are < vocabulary; at most `context` of them */
    size_t width;               /* D */
    size_t depth;               /* number of blocks */
    size_t branches;            /* pairs of attention and MLP in a block; 0: one */
    size_t heads;               /* H */
    size_t head_dim;            /* d; width / heads nearly everywhere */
    size_t mlp_width;           /* F; the width of one half where the MLP is gated; 0: the block has no MLP */

    /* tokens, in this order: class, distillation, registers, patches */
    bool class_token, distillation_token;
    size_t registers;
    bool patch_bias, patch_norm; /* patch_norm: norm of the patches' embeddings, before positions */
    vit__position_kind position;
    size_t position_height, position_width; /* the grid that the stored table is for */
    bool any_size; /* the library runs the model at whatever size the preprocessing gives, without being asked */
    vit__interpolation interpolation;
    vit__rotary rotary;
    vit__relative_bias relative_bias;
    size_t relative_buckets;  /* VIT__RELATIVE_BUCKETS: rows of the table */
    size_t relative_distance; /* VIT__RELATIVE_BUCKETS: all distances from this one on share a bucket */

    /* of texts alone */
    vit__padding padding;
    size_t pad_token;
    size_t token_types;      /* rows of a second table, whose row 0 is added to each token; 0: there is no such table */
    bool class_behind;       /* a learned token of its own stands behind the last of every text (CoCa) */
    bool shifted_mask;       /* with class_behind: token i is hidden if id i - 1 is 0; false: if id i is 0 */
    bool scaled_tokens;      /* rows of the vocabulary are multiplied by the root of the width */
    size_t position_first;   /* row of the table that the first token gets */
    bool position_counts;    /* positions count tokens alone; padding has the id, and the row, position_first - 1 */
    bool position_pads_zero; /* the row of padding is zero (computed tables) */

    /* block */
    vit__block_order order;
    vit__norm_kind norm;
    double norm_eps; /* for all norms of the blocks, and for patch_norm */
    bool pre_norm;   /* norm between embedding and the first block (CLIP) */
    double pre_norm_eps;
    bool final_norm; /* norm after the last block, over all tokens */
    vit__norm_kind final_norm_kind;
    double final_norm_eps;
    bool qkv_bias, key_bias; /* key_bias: only meaningful with qkv_bias; BEiT has none on the key */
    bool projection_bias, mlp_bias;
    bool grouped_keys; /* blocks may have fewer heads of keys and values than of queries: their tensors say how many */
    vit__attention_kind attention;
    bool causal;          /* a token sees itself and those before it */
    bool unscaled_scores; /* of attention: not divided by the root of head_dim (T5) */
    vit__qk_norm qk_norm;
    vit__norm_kind qk_norm_kind;
    bool attention_norm; /* norm before the output projection */
    bool mlp_norm;       /* norm inside the MLP, before its second matrix */
    /* Layer scale: a factor for each channel of the branch. In parallel blocks attention_scale is on both branches. */
    bool attention_scale, mlp_scale;
    vit__mlp_kind mlp;
    vit__activation activation;

    /* from tokens to vectors */
    vit__pooling pooling;       /* the library's own */
    vit__pooling head_pooling;  /* what the classifier reads, unless head_input says otherwise */
    vit__head_input head_input; /* the output that the classifier reads instead */
    bool head_normalize;        /* what it reads is divided by its length first */
    size_t end_token;           /* VIT__POOL_END */
    bool pooled_norm; /* the pooled vector is normed (timm fc_norm, CLIP post_layernorm, BEiT); also the vector
                                * that the classifier reads, if it is pooled the same way */
    double pooled_norm_eps;
    size_t pool_heads;     /* attention pooling */
    size_t pool_width;     /* width of its queries and of its result; 0: D */
    size_t pool_queries;   /* stored queries, of which the first is used; 0: one */
    bool pool_norms;       /* the query and the tokens are normed first */
    size_t pool_mlp_width; /* width of the MLP behind it; 0: none */
    double pool_norm_eps;  /* for the norm before that MLP */
    vit__activation pool_activation;
    bool pool_query_projected; /* a query projection stands between the latent and the attention */
    bool pool_bias;            /* on the key and value projections */
    bool pool_skips_prefix;    /* attention pooling sees the patches alone */
    vit__pooler pooler;
    vit__activation pooler_activation;
    size_t pooler_width;         /* width of a dense pooler */
    size_t transformation_width; /* linear layer with bias on every token after the final norm (AltCLIP); 0: none */
    vit__dense dense[VIT__LIMIT_DENSE_LAYERS]; /* layers between the pooled vector and the embedding, in their order */
    bool unit_length;                          /* the embedding is normalised by the model itself */
    bool text_class;                           /* the first token of a text stands for all of it (BERT's [CLS]) */
    vit__embedding embedding;
    size_t projection_width; /* width of the embedding, if it is a projection; 0: it is none */
    bool embedding_bias;     /* the projection has a bias */
    vit__head head;
    size_t classes;
    bool head_bias;
    bool multi_label;             /* probabilities by sigmoid */
    bool regression;              /* the outputs are values: probabilities are the logits as they are */
    size_t latent;                /* width of z_mean and z_log_var; 0: none */
    bool logit_scale, logit_bias; /* scalars that turn the cosine of a picture and a text into a logit */
    bool cosine_logits;           /* the cosine is the logit itself */
    bool temperature;             /* the tensor of logit_scale is a temperature: the cosine is divided by it */
    double logit_scale_most;      /* exp(logit_scale) is at most this; 0: no limit */
    bool sigmoid_logits; /* probabilities are the sigmoid of logits (SigLIP); false: softmax over texts (CLIP) */

    vit__stages stages; /* of a hierarchical encoder */
} vit_config;

/* How many pairs of attention and MLP all blocks have together. */
static inline size_t vit__config_pairs(const vit_config *config)
{
    return config->depth * (config->branches ? config->branches : 1);
}

/* Tokens before the patches. */
static inline size_t vit__config_prefix(const vit_config *config)
{
    return (size_t)config->class_token + (size_t)config->distillation_token + config->registers;
}

/* The grid of patches. */
static inline size_t vit__config_rows(const vit_config *config)
{
    size_t more = config->stages.pads_picture ? config->patch_height - 1 : 0;
    return (config->image_height + more) / config->patch_height;
}

static inline size_t vit__config_columns(const vit_config *config)
{
    size_t more = config->stages.pads_picture ? config->patch_width - 1 : 0;
    return (config->image_width + more) / config->patch_width;
}

/* Patches of a picture of this size. */
static inline size_t vit__config_patches_of(const vit_config *config, size_t height, size_t width)
{
    return (height / config->patch_height) * (width / config->patch_width);
}

/* Patches of a picture; the most that it may have, where each picture has its own size. */
static inline size_t vit__config_patches(const vit_config *config)
{
    return config->patches_most ? config->patches_most : vit__config_rows(config) * vit__config_columns(config);
}

/* Tokens of the last stage's map. Maps are halved between stages, rounded up: 56x56 patches become 7x7 in the fourth
 * stage. For a plain encoder: its patches. */
static inline size_t vit__config_last_patches(const vit_config *config)
{
    size_t halved = config->stages.n ? config->stages.n - 1 : 0, more = ((size_t)1 << halved) - 1;
    return config->stages.n
               ? ((vit__config_rows(config) + more) >> halved) * ((vit__config_columns(config) + more) >> halved)
               : vit__config_patches(config);
}

/* Floats of one picture, or of the largest. */
static inline size_t vit__config_pixels(const vit_config *config)
{
    return config->channels * (config->patches_most ? config->patches_most * config->patch_height * config->patch_width
                                                    : config->image_height * config->image_width);
}

/* Width of an attention pool's result. */
static inline size_t vit__config_pool_width(const vit_config *config)
{
    return config->pool_width ? config->pool_width : config->width;
}

/* T, the most tokens that an input has: a text may have fewer. For a hierarchical encoder: tokens of its last stage. */
static inline size_t vit__config_tokens(const vit_config *config)
{
    return config->input == VIT__INPUT_TOKENS ? config->context + config->class_behind
                                              : vit__config_prefix(config) + vit__config_last_patches(config);
}

/* Width of all heads together: D, unless the config gives head_dim by itself. */
static inline size_t vit__config_attention_width(const vit_config *config)
{
    return config->heads * config->head_dim;
}

/* Width of the tokens that VIT_OUTPUT_TOKENS gives. */
static inline size_t vit__config_token_width(const vit_config *config)
{
    return config->transformation_width ? config->transformation_width : config->width;
}

/* Inputs of the n-th dense layer. With n = VIT__LIMIT_DENSE_LAYERS: outputs of the last one. */
static inline size_t vit__config_dense_inputs(const vit_config *config, size_t n)
{
    while (n > 0 && config->dense[n - 1].width == 0)
        n--;
    return n > 0                                    ? config->dense[n - 1].width
           : config->pooling == VIT__POOL_ATTENTION ? vit__config_pool_width(config)
                                                    : vit__config_token_width(config);
}

static inline size_t vit__config_pooled_width(const vit_config *config, vit__pooling pooling)
{
    return pooling == VIT__POOL_CLASS_AND_MEAN ? 2 * config->width
           : pooling == VIT__POOL_ATTENTION    ? vit__config_pool_width(config)
                                               : config->width;
}

/* The stage of a block, counted over all stages. */
size_t vit__config_stage(const vit_config *config, size_t block);

/* The first block of a stage. */
size_t vit__config_stage_first(const vit_config *config, size_t stage);

/* The config as a block sees it: width, heads, head_dim and mlp_width are its stage's. A plain encoder's as it is. */
vit_config vit__config_at(const vit_config *config, size_t block);

/* Gives head_dim its default, and refuses what makes no sense (zero or absurd sizes, width
 * not a multiple of heads, eps not finite or negative: corrupt) and what the encoder cannot
 * run (VIT_ERR_UNSUPPORTED_MODEL, the message names the feature). Bounds every product that
 * later code forms, so that size arithmetic on an accepted config cannot overflow. */
vit_status vit__config_finish(vit_config *config, const char *where, vit_error *err);

/* Multiplications and additions of one input, each counted as one, for the encoder's matrices and attention. */
double vit__config_flops(const vit_config *config);

#endif
