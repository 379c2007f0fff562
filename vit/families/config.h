/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical description of one encoder, of pictures or of words: the union of what every family needs. A family
 * fills it once from its config file; the encoder reads nothing else and does not know the family's name. Opening a
 * model refuses values the encoder cannot run (see vit__config_check), so that a field is never silently ignored.
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

/* Which ids of a text only fill it up. Such a token is no key of any other, and no part of a mean. */
typedef enum vit__padding {
    VIT__PADDING_NONE,    /* the model takes every id as it comes (CLIP, SigLIP) */
    VIT__PADDING_OUTSIDE, /* the runs of pad_token at both ends: what a tokenizer puts there */
    VIT__PADDING_ANYWHERE /* every pad_token (open_clip) */
} vit__padding;

/* How a table of positions meets another picture size than the one it was made for (position.c). */
typedef enum vit__interpolation {
    VIT__INTERPOLATION_NONE,              /* it does not: another size is refused */
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

/* timm's RotaryEmbeddingCat and Mixed, DINOv3's table: what angle a patch at row y, column x has (rotary.c). */
typedef struct vit__rotary {
    vit__rotary_kind kind;
    bool half; /* pairs (d, d + head_dim/2), else (2d, 2d+1) */
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
    VIT__POOL_MEAN_MAX_PATCHES,   /* the middle between that and the mean (timm avgmax) */
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
    VIT__POOLER_EMBEDDING, /* the embedding: what transformers 5 returns of a tower of CLIP or SigLIP */
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

/* How the windows of a stage depend on its map of tokens. Windows are never larger than the map, and are not shifted
 * where they are as large; the libraries differ in what they take for that. */
typedef enum vit__window_fit {
    VIT__WINDOWS_SMALLER_SIDE, /* transformers' Swin: the map's smaller side counts, for both */
    VIT__WINDOWS_HEIGHT,       /* transformers' SwinV2: the height of the model's own map, halves rounded down */
    VIT__WINDOWS_EACH_SIDE,    /* timm: height and width by themselves */
    VIT__WINDOWS_ALWAYS        /* timm, always_partition: nothing is fitted */
} vit__window_fit;

/* One stage of a hierarchical encoder: blocks of one width on one map of tokens. */
typedef struct vit__stage {
    size_t depth; /* blocks */
    size_t width, heads, head_dim, mlp_width;
    size_t window_height, window_width;         /* as the model asks for them, before they are fitted */
    size_t pretrained_height, pretrained_width; /* VIT__RELATIVE_CONTINUOUS: distances are measured by these windows;
                                                 * 0: by those of the stage */
} vit__stage;

#define VIT__CONTINUOUS_WIDTH 512 /* of the MLP of VIT__RELATIVE_CONTINUOUS; both libraries have it fixed */

/* A hierarchical encoder (Swin, Liu et al. 2021): stages of blocks with attention inside windows, and between two
 * stages a merging of each 2x2 tokens into one of twice the width. vit_config's own depth is that of all stages
 * together; its width, heads, head_dim and mlp_width are those of the last stage, which the head reads. */
typedef struct vit__stages {
    size_t n; /* 0: the encoder is a plain one, and nothing here counts */
    vit__stage stage[VIT__LIMIT_MODEL_STAGES];
    vit__window_fit fit;
    bool own_windows;      /* windows are fitted to the model's own picture size, whatever size it runs at */
    bool turns_first;      /* the map is turned before it is padded to whole windows (timm), not after that */
    bool pads_picture;     /* the picture is padded with zeros to whole patches (transformers) */
    bool merging_ends;     /* a merging is named after the stage that it ends, not after the one that it begins */
    bool norm_after_merge; /* the merging's norm stands behind its matrix (SwinV2) */
    double norm_eps;       /* of the patches' norm and of the merging's */
    double strangers;      /* added to the score of two tokens that only the turning has brought into one window */
    size_t at;             /* set in the config of a block (vit__config_at): its stage */
    bool merges;           /* set there: the merging is bound together with this block */
} vit__stages;

#define VIT__FAMILY_NAME_MAX 64

/* What the classifier reads, where it is not the family's own. */
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
    size_t patches_most; /* of a picture, where each has a size of its own (NaFlex); 0: all have the above */
    size_t patch_height, patch_width;
    size_t channels;            /* 3 */
    size_t vocabulary, context; /* text: ids are < vocabulary; at most `context` of them */
    size_t width;               /* D */
    size_t depth;               /* number of blocks */
    size_t branches;            /* pairs of attention and MLP in a block; 0: one */
    size_t heads;               /* H */
    size_t head_dim;            /* d; width / heads nearly everywhere */
    size_t mlp_width;           /* F; of one of the two halves when gated; 0: the block has no MLP */

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
    size_t relative_buckets, relative_distance; /* VIT__RELATIVE_BUCKETS; from that distance on all share a bucket */

    /* of texts alone */
    vit__padding padding;
    size_t pad_token;
    size_t token_types; /* rows of a second table, of which each token gets the first; 0: there is none */
    bool class_behind;  /* a learned token of its own stands behind the last of every text (CoCa) */
    bool shifted_mask; /* with it: a token is hidden as a key if the id one place before it is 0; else, if its own is */
    bool scaled_tokens;      /* rows of the vocabulary are multiplied by the root of the width */
    size_t position_first;   /* row of the table that the first token gets */
    bool position_counts;    /* padding (the id position_first - 1) takes no position: it gets the row of that number */
    bool position_pads_zero; /* and that row is zero (computed tables) */

    /* block */
    vit__block_order order;
    vit__norm_kind norm;
    double norm_eps; /* of the blocks' norms, those inside them, and of patch_norm */
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
    bool attention_scale,
        mlp_scale; /* layer scale: a factor per channel on the branch; in parallel blocks the first is on both */
    vit__mlp_kind mlp;
    vit__activation activation;

    /* from tokens to vectors */
    vit__pooling pooling;       /* the library's own */
    vit__pooling head_pooling;  /* what the classifier reads */
    vit__head_input head_input; /* or an output */
    bool head_normalize;        /* of length 1 */
    size_t end_token;           /* VIT__POOL_END */
    bool pooled_norm;           /* norm of the library's pooled vector, and of the head's if pooled alike (timm fc_norm,
                                * CLIP post_layernorm, BEiT) */
    double pooled_norm_eps;
    size_t pool_heads;     /* attention pooling */
    size_t pool_width;     /* of its queries and its result; 0: D */
    size_t pool_queries;   /* of which the first is used; 0: one */
    bool pool_norms;       /* of the query and of the tokens, ahead of it */
    size_t pool_mlp_width; /* its MLP; 0: none */
    double pool_norm_eps;  /* of the norm ahead of that MLP */
    vit__activation pool_activation;
    bool pool_query_projected; /* a query projection stands between the latent and the attention */
    bool pool_bias;            /* on the key and value projections */
    bool pool_skips_prefix;    /* it sees the patches alone */
    vit__pooler pooler;
    vit__activation pooler_activation;
    size_t pooler_width;         /* of a dense pooler */
    size_t transformation_width; /* linear layer with bias on every token after the final norm (AltCLIP); 0: none */
    vit__dense dense[VIT__LIMIT_DENSE_LAYERS]; /* on the embedding's pooled vector, one after the other */
    bool unit_length;                          /* the embedding is normalised by the model itself */
    bool text_class;                           /* the first token of a text stands for all of it (BERT's [CLS]) */
    vit__embedding embedding;
    size_t projection_width; /* of the embedding, where it is projected; 0: no projection */
    bool embedding_bias;     /* on that projection */
    vit__head head;
    size_t classes;
    bool head_bias;
    bool multi_label;             /* probabilities by sigmoid */
    bool regression;              /* the outputs are values: probabilities are the logits as they are */
    size_t latent;                /* width of z_mean and z_log_var; 0: none */
    bool logit_scale, logit_bias; /* scalars that turn the cosine of a picture and a text into a logit */
    bool cosine_logits;           /* the cosine is the logit itself */
    bool temperature;             /* what stands in the place of logit_scale divides the cosine */
    double logit_scale_most;      /* the largest that exp(logit_scale) gets; 0: no limit */
    bool sigmoid_logits; /* and that logit into a probability by sigmoid (SigLIP), not softmax over texts (CLIP) */

    vit__stages stages; /* of a hierarchical encoder */
} vit_config;

/* Pairs of attention and MLP in all, block after block. */
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

/* At most, where each picture has a size of its own. */
static inline size_t vit__config_patches(const vit_config *config)
{
    return config->patches_most ? config->patches_most : vit__config_rows(config) * vit__config_columns(config);
}

/* Tokens of the last stage's map, which is halved between stages, rounded up: 56x56 patches leave 7x7 after 4 stages.
 * Of a plain encoder: its patches. */
static inline size_t vit__config_last_patches(const vit_config *config)
{
    size_t halved = config->stages.n ? config->stages.n - 1 : 0, more = ((size_t)1 << halved) - 1;
    return config->stages.n
               ? ((vit__config_rows(config) + more) >> halved) * ((vit__config_columns(config) + more) >> halved)
               : vit__config_patches(config);
}

/* Floats of one picture, at most. */
static inline size_t vit__config_pixels(const vit_config *config)
{
    return config->channels * (config->patches_most ? config->patches_most * config->patch_height * config->patch_width
                                                    : config->image_height * config->image_width);
}

/* Of an attention pool's result. */
static inline size_t vit__config_pool_width(const vit_config *config)
{
    return config->pool_width ? config->pool_width : config->width;
}

/* T, at most: a text may have fewer. Of a hierarchical encoder: those that leave its last stage. */
static inline size_t vit__config_tokens(const vit_config *config)
{
    return config->input == VIT__INPUT_TOKENS ? config->context + config->class_behind
                                              : vit__config_prefix(config) + vit__config_last_patches(config);
}

/* Heads together: D, but where head_dim is given apart from it. */
static inline size_t vit__config_attention_width(const vit_config *config)
{
    return config->heads * config->head_dim;
}

/* Of the tokens after the last block, as VIT_OUTPUT_TOKENS has them. */
static inline size_t vit__config_token_width(const vit_config *config)
{
    return config->transformation_width ? config->transformation_width : config->width;
}

/* What comes into the n-th dense layer, or out of the last: n is VIT__LIMIT_DENSE_LAYERS then. */
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
