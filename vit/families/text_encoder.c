/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_encoder.h"

#include <stdio.h>
#include <string.h>

#include "pad_token.h"
#include "transformers.h"

/* ------------------------------------------------------------------ names ---- */

/* clang-format off */
#define EMBEDDING_NAMES \
    [VIT__SLOT_TOKENS] = VIT__ALONE("embeddings.word_embeddings.weight"), \
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embeddings.weight"), \
    [VIT__SLOT_TOKEN_TYPES] = VIT__ALONE("embeddings.token_type_embeddings.weight"), \
    [VIT__SLOT_POOLER] = VIT__PAIR("pooler.dense")
#define EMBEDDING_NORM [VIT__SLOT_PRE_NORM] = VIT__PAIR("embeddings.LayerNorm")

#define LAYER "encoder.layer.%zu."
static const vit__name_set bert_names = {
    EMBEDDING_NAMES,
    EMBEDDING_NORM,
    VIT__SELF_ATTENTION_NAMES(LAYER),
    [VIT__SLOT_NORM1] = VIT__PAIR(LAYER "attention.output.LayerNorm"),
    VIT__DENSE_MLP_NAMES(LAYER),
    [VIT__SLOT_NORM2] = VIT__PAIR(LAYER "output.LayerNorm"),
};

static const vit__name_set mpnet_names = {
    EMBEDDING_NAMES,
    EMBEDDING_NORM,
    [VIT__SLOT_RELATIVE_SHARED] = VIT__ALONE("encoder.relative_attention_bias.weight"),
    [VIT__SLOT_QUERY] = VIT__PAIR(LAYER "attention.attn.q"),
    [VIT__SLOT_KEY] = VIT__PAIR(LAYER "attention.attn.k"),
    [VIT__SLOT_VALUE] = VIT__PAIR(LAYER "attention.attn.v"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(LAYER "attention.attn.o"),
    [VIT__SLOT_NORM1] = VIT__PAIR(LAYER "attention.LayerNorm"),
    VIT__DENSE_MLP_NAMES(LAYER),
    [VIT__SLOT_NORM2] = VIT__PAIR(LAYER "output.LayerNorm"),
};

#define DISTIL "transformer.layer.%zu."
static const vit__name_set distilbert_names = {
    EMBEDDING_NAMES,
    EMBEDDING_NORM,
    [VIT__SLOT_QUERY] = VIT__PAIR(DISTIL "attention.q_lin"),
    [VIT__SLOT_KEY] = VIT__PAIR(DISTIL "attention.k_lin"),
    [VIT__SLOT_VALUE] = VIT__PAIR(DISTIL "attention.v_lin"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(DISTIL "attention.out_lin"),
    [VIT__SLOT_NORM1] = VIT__PAIR(DISTIL "sa_layer_norm"),
    [VIT__SLOT_FC1] = VIT__PAIR(DISTIL "ffn.lin1"),
    [VIT__SLOT_FC2] = VIT__PAIR(DISTIL "ffn.lin2"),
    [VIT__SLOT_NORM2] = VIT__PAIR(DISTIL "output_layer_norm"),
};

#define NOMIC "encoder.layers.%zu."
static const vit__name_set nomic_names = {
    EMBEDDING_NAMES,
    [VIT__SLOT_PRE_NORM] = VIT__PAIR("emb_ln"),
    [VIT__SLOT_QKV] = VIT__PAIR(NOMIC "attn.Wqkv"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(NOMIC "attn.out_proj"),
    [VIT__SLOT_NORM1] = VIT__PAIR(NOMIC "norm1"),
    [VIT__SLOT_GATE] = VIT__PAIR(NOMIC "mlp.fc12"), /* the second is the gate */
    [VIT__SLOT_UP] = VIT__PAIR(NOMIC "mlp.fc11"),
    [VIT__SLOT_FC2] = VIT__PAIR(NOMIC "mlp.fc2"),
    [VIT__SLOT_NORM2] = VIT__PAIR(NOMIC "norm2"),
};

#define M2M "layers.%zu."
static const vit__name_set m2m_names = {
    [VIT__SLOT_TOKENS] = VIT__ALONE("embed_tokens.weight"),
    [VIT__SLOT_NORM1] = VIT__PAIR(M2M "self_attn_layer_norm"),
    [VIT__SLOT_QUERY] = VIT__PAIR(M2M "self_attn.q_proj"),
    [VIT__SLOT_KEY] = VIT__PAIR(M2M "self_attn.k_proj"),
    [VIT__SLOT_VALUE] = VIT__PAIR(M2M "self_attn.v_proj"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(M2M "self_attn.out_proj"),
    [VIT__SLOT_NORM2] = VIT__PAIR(M2M "final_layer_norm"),
    [VIT__SLOT_FC1] = VIT__PAIR(M2M "fc1"),
    [VIT__SLOT_FC2] = VIT__PAIR(M2M "fc2"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("layer_norm"),
};

#define T5(block, name) "block.%zu.layer." #block "." name
#define T5_NAMES(base) \
    [VIT__SLOT_RELATIVE_SHARED] = VIT__ALONE(base "block.0.layer.0.SelfAttention.relative_attention_bias.weight"), \
    [VIT__SLOT_NORM1] = VIT__PAIR(base T5(0, "layer_norm")), \
    [VIT__SLOT_QUERY] = VIT__PAIR(base T5(0, "SelfAttention.q")), \
    [VIT__SLOT_KEY] = VIT__PAIR(base T5(0, "SelfAttention.k")), \
    [VIT__SLOT_VALUE] = VIT__PAIR(base T5(0, "SelfAttention.v")), \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(base T5(0, "SelfAttention.o")), \
    [VIT__SLOT_NORM2] = VIT__PAIR(base T5(1, "layer_norm")), \
    [VIT__SLOT_FC1] = VIT__PAIR(base T5(1, "DenseReluDense.wi")), \
    [VIT__SLOT_GATE] = VIT__PAIR(base T5(1, "DenseReluDense.wi_0")), \
    [VIT__SLOT_UP] = VIT__PAIR(base T5(1, "DenseReluDense.wi_1")), \
    [VIT__SLOT_FC2] = VIT__PAIR(base T5(1, "DenseReluDense.wo")), \
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR(base "final_layer_norm")
static const vit__name_set t5_names = {T5_NAMES("encoder."), [VIT__SLOT_TOKENS] = VIT__ALONE("shared.weight")};
/* The encoder taken out of the model. */
static const vit__name_set t5_bare_names = {T5_NAMES(""), [VIT__SLOT_TOKENS] = VIT__ALONE("embed_tokens.weight")};
/* clang-format on */

/* ------------------------------------------------------------------ the table ---- */

/* A number, under the first of its keys that is there. */
typedef struct size_key {
    const char *keys[2];
    size_t absent;
} size_key;

typedef struct kind {
    const char *model_type;
    const vit__name *names;
    const vit__name *bare_names; /* where the encoder is a part of another model; NULL: the same */
    const char *prefixes[3];     /* in a checkpoint of its own; "" is tried too */
    const char *other_tables[2]; /* other names of the vocabulary's table, outside of any prefix */
    size_key width, depth, heads, mlp, vocabulary, positions, types, pad;
    const char *eps_keys[2]; /* NULL: it is always eps */
    double eps;
    const char *activation_keys[2], *activation;
    void (*differ)(vit__reader *r, vit_config *c); /* from BERT; NULL: not at all */
} kind;

/* RoBERTa: positions count from pad_token_id + 1 on, and padding takes none. */
static void differ_roberta(vit__reader *r, vit_config *c)
{
    size_t pad = vit__read_size(r, "pad_token_id", 1);
    c->position_first = pad + 1;
    c->position_counts = true;
    c->context = c->context > pad + 1 ? c->context - pad - 1 : 0;
}

/* MPNet: as RoBERTa with 1 whatever the config says; a table of distances for all blocks, of which the
 * library ignores what the config says too. */
static void differ_mpnet(vit__reader *r, vit_config *c)
{
    (void)r;
    c->position_first = 2;
    c->position_counts = true;
    c->context = c->context > 2 ? c->context - 2 : 0;
    c->relative_bias = VIT__RELATIVE_BUCKETS;
    c->relative_buckets = 32;
    c->relative_distance = 128;
}

/* NomicBERT: rotary positions, a gated MLP, no biases. Its own code calls the keys otherwise than transformers. */
static void differ_nomic(vit__reader *r, vit_config *c)
{
    vit__reader rope = vit__reader_inside(r, vit__json_get(r->object, "rope_parameters"));
    const char *type = vit__read_text(&rope, "rope_type", "default");
    if (strcmp(type, "default") != 0 || vit__read_has(r, "rotary_scaling_factor"))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "rotary positions are scaled (\"rope_type\" is \"%.40s\"): this build has \"default\"", type);
    const double whole = vit__read_number(r, "rotary_emb_fraction", 1);
    if (whole != 1)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"rotary_emb_fraction\" is %g: this build has 1", whole);
    static const char *const refused[] = {"qkv_proj_bias",          "mlp_fc1_bias",   "mlp_fc2_bias", "prenorm",
                                          "rotary_emb_interleaved", "parallel_block", "use_rms_norm", "causal"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        vit__read_expect(r, refused[i], false, false, refused[i]);
    c->position = VIT__POSITION_NONE;
    c->rotary = (vit__rotary){.kind = VIT__ROTARY_LINE, .half = true};
    const double absent = vit__read_has(r, "n_embd") ? 10000 : 1000; /* of its own code; of transformers */
    c->rotary.theta = vit__read_number(&rope, "rope_theta", vit__read_number(r, "rotary_emb_base", absent));
    c->mlp = VIT__MLP_GATED;
    c->qkv_bias = c->key_bias = c->projection_bias = c->mlp_bias = false;
}

static void pre_norm(vit_config *c)
{
    c->order = VIT__BLOCK_PRE_NORM;
    c->pre_norm = false;
    c->final_norm = true;
    c->final_norm_eps = c->norm_eps;
    c->final_norm_kind = c->norm;
    c->text_class = false;
    c->pooling = VIT__POOL_MEAN_ALL;
}

/* M2M100 and NLLB: computed positions, counted as RoBERTa's. */
static void differ_m2m(vit__reader *r, vit_config *c)
{
    size_t pad = vit__read_size(r, "pad_token_id", 1);
    c->position = VIT__POSITION_SINES;
    c->position_first = pad + 1;
    c->position_counts = c->position_pads_zero = true;
    c->scaled_tokens = vit__read_flag(r, "scale_embedding", true);
    pre_norm(c);
}

/* T5: RMS norms, no biases, no positions but a table of distances; heads of any width; scores as they come. */
static void differ_t5(vit__reader *r, vit_config *c)
{
    const char *mlp = vit__read_text(r, "feed_forward_proj", c->mlp_width == 1024 ? "gated-gelu" : "relu");
    c->position = VIT__POSITION_NONE;
    c->norm = VIT__NORM_RMS;
    c->head_dim = vit__read_size(r, "d_kv", 64);
    c->qkv_bias = c->key_bias = c->projection_bias = c->mlp_bias = false;
    c->unscaled_scores = true;
    c->relative_bias = VIT__RELATIVE_BUCKETS;
    c->relative_buckets = vit__read_size(r, "relative_attention_num_buckets", 32);
    c->relative_distance = vit__read_size(r, "relative_attention_max_distance", 128);
    c->mlp = strncmp(mlp, "gated-", 6) == 0 ? VIT__MLP_GATED : VIT__MLP_PLAIN;
    mlp += c->mlp == VIT__MLP_GATED ? 6 : 0;
    if (strcmp(mlp, "relu") == 0)
        c->activation = VIT__ACTIVATION_RELU;
    else if (strcmp(mlp, "gelu") == 0) /* gated-gelu means the tanh approximation; plain "gelu" does not */
        c->activation = c->mlp == VIT__MLP_GATED ? VIT__ACTIVATION_GELU_TANH : VIT__ACTIVATION_GELU;
    else if (strcmp(mlp, "silu") == 0)
        c->activation = VIT__ACTIVATION_SILU;
    else
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"feed_forward_proj\" is \"%.40s\": this build has relu, gelu and silu, gated or not", mlp);
    pre_norm(c);
}

/* clang-format off */
#define BERT_SIZES(vocabulary_, positions_, pad_) \
    .width = {{"hidden_size"}, 768}, .depth = {{"num_hidden_layers"}, 12}, .heads = {{"num_attention_heads"}, 12}, \
    .mlp = {{"intermediate_size"}, 3072}, .vocabulary = {{"vocab_size"}, vocabulary_}, \
    .positions = {{"max_position_embeddings"}, positions_}, \
    .pad = {{"pad_token_id"}, pad_}, .eps_keys = {"layer_norm_eps"}, .eps = 1e-12, \
    .activation_keys = {"hidden_act"}, .activation = "gelu"
#define TWO_TYPES .types = {{"type_vocab_size"}, 2}
#define T5_SIZES(vocabulary_, depth_, heads_, mlp_) \
    .other_tables = {"^encoder.embed_tokens.weight"}, .width = {{"d_model"}, 512}, .depth = {{"num_layers"}, depth_}, \
    .heads = {{"num_heads"}, heads_}, .mlp = {{"d_ff"}, mlp_}, .vocabulary = {{"vocab_size"}, vocabulary_}, \
    .positions = {{"n_positions"}, 512}, .types = {{0}, 0}, .pad = {{"pad_token_id"}, 0}, \
    .eps_keys = {"layer_norm_epsilon"}, .eps = 1e-6, .differ = differ_t5

static const kind kinds[] = {
    {.model_type = "bert", .names = bert_names, .prefixes = {"bert."}, BERT_SIZES(30522, 512, 0), TWO_TYPES},
    {.model_type = "roberta", .names = bert_names, .prefixes = {"roberta."}, BERT_SIZES(50265, 512, 1), TWO_TYPES,
     .differ = differ_roberta},
    {.model_type = "xlm-roberta", .names = bert_names, .prefixes = {"roberta."}, BERT_SIZES(30522, 512, 1), TWO_TYPES,
     .differ = differ_roberta},
    {.model_type = "camembert", .names = bert_names, .prefixes = {"roberta."}, BERT_SIZES(30522, 512, 1), TWO_TYPES,
     .differ = differ_roberta},
    {.model_type = "blip_text_model", .names = bert_names, .prefixes = {"bert."}, .width = {{"hidden_size"}, 768},
     .depth = {{"num_hidden_layers"}, 12}, .heads = {{"num_attention_heads"}, 8}, .mlp = {{"intermediate_size"}, 3072},
     .vocabulary = {{"vocab_size"}, 30524}, .positions = {{"max_position_embeddings"}, 512},
     .pad = {{"pad_token_id"}, 0}, .eps_keys = {"layer_norm_eps"}, .eps = 1e-12, .activation_keys = {"hidden_act"},
     .activation = "gelu"},
    {.model_type = "altclip_text_model", .names = bert_names, .prefixes = {"roberta."},
     .width = {{"hidden_size"}, 1024}, .depth = {{"num_hidden_layers"}, 24}, .heads = {{"num_attention_heads"}, 16},
     .mlp = {{"intermediate_size"}, 4096}, .vocabulary = {{"vocab_size"}, 250002},
     .positions = {{"max_position_embeddings"}, 514}, .types = {{"type_vocab_size"}, 1}, .pad = {{"pad_token_id"}, 1},
     .eps_keys = {"layer_norm_eps"}, .eps = 1e-5, .activation_keys = {"hidden_act"}, .activation = "gelu",
     .differ = differ_roberta},
    {.model_type = "mpnet", .names = mpnet_names, .prefixes = {"mpnet."}, BERT_SIZES(30527, 512, 1),
     .differ = differ_mpnet},
    {.model_type = "distilbert", .names = distilbert_names, .prefixes = {"distilbert."},
     .width = {{"dim"}, 768}, .depth = {{"n_layers"}, 6}, .heads = {{"n_heads"}, 12}, .mlp = {{"hidden_dim"}, 3072},
     .vocabulary = {{"vocab_size"}, 30522}, .positions = {{"max_position_embeddings"}, 512},
     .pad = {{"pad_token_id"}, 0}, .eps = 1e-12, .activation_keys = {"activation"}, .activation = "gelu"},
    {.model_type = "nomic_bert", .names = nomic_names,
     .width = {{"hidden_size", "n_embd"}, 768}, .depth = {{"num_hidden_layers", "n_layer"}, 12},
     .heads = {{"num_attention_heads", "n_head"}, 12}, .mlp = {{"intermediate_size", "n_inner"}, 3072},
     .vocabulary = {{"vocab_size"}, 30528}, .positions = {{"max_position_embeddings", "n_positions"}, 2048},
     .types = {{"type_vocab_size"}, 2}, .pad = {{"pad_token_id"}, 0},
     .eps_keys = {"layer_norm_eps", "layer_norm_epsilon"}, .eps = 1e-12,
     .activation_keys = {"hidden_act", "activation_function"}, .activation = "silu", .differ = differ_nomic},
    {.model_type = "m2m_100", .names = m2m_names, .prefixes = {"model.encoder.", "encoder."},
     .other_tables = {"^model.shared.weight", "^shared.weight"},
     .width = {{"d_model"}, 1024}, .depth = {{"encoder_layers"}, 12}, .heads = {{"encoder_attention_heads"}, 16},
     .mlp = {{"encoder_ffn_dim"}, 4096}, .vocabulary = {{"vocab_size"}, 128112},
     .positions = {{"max_position_embeddings"}, 1024}, .pad = {{"pad_token_id"}, 1}, .eps = 1e-5,
     .activation_keys = {"activation_function"}, .activation = "relu", .differ = differ_m2m},
    {.model_type = "t5", .names = t5_names, .bare_names = t5_bare_names, T5_SIZES(32128, 6, 8, 2048)},
    {.model_type = "mt5", .names = t5_names, .bare_names = t5_bare_names, T5_SIZES(250112, 8, 6, 1024)},
};
/* clang-format on */

static const kind *find_kind(const char *model_type)
{
    for (size_t i = 0; model_type && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].model_type, model_type) == 0)
            return &kinds[i];
    return NULL;
}

bool vit__text_encoder_known(const char *model_type)
{
    return find_kind(model_type) != NULL;
}

/* ------------------------------------------------------------------ reading ---- */

/* The first of two keys that is there; NULL where neither is. */
static const char *given(const vit__reader *r, const char *const keys[2])
{
    for (size_t i = 0; i < 2 && keys[i]; i++)
        if (vit__read_has(r, keys[i]))
            return keys[i];
    return keys[0];
}

static size_t read_size(vit__reader *r, const size_key *key)
{
    const char *name = given(r, key->keys);
    return name ? vit__read_size(r, name, key->absent) : key->absent;
}

static void read_sizes(vit__reader *r, const kind *k, vit_config *c)
{
    c->input = VIT__INPUT_TOKENS;
    c->width = read_size(r, &k->width);
    c->depth = read_size(r, &k->depth);
    c->heads = read_size(r, &k->heads);
    c->mlp_width = read_size(r, &k->mlp);
    c->vocabulary = read_size(r, &k->vocabulary);
    c->context = read_size(r, &k->positions);
    c->token_types = read_size(r, &k->types);
    const char *eps = given(r, k->eps_keys), *activation = given(r, k->activation_keys);
    c->norm_eps = eps ? vit__read_number(r, eps, k->eps) : k->eps;
    bool swiglu = activation && strcmp(vit__read_text(r, activation, ""), "swiglu") == 0; /* NomicBERT's own code */
    if (activation)
        c->activation = swiglu ? VIT__ACTIVATION_SILU : vit__read_activation(r, activation, k->activation);
}

/* As BERT has it. */
static void fill_bert(vit_config *c)
{
    c->position = VIT__POSITION_LEARNED_ALL;
    c->order = VIT__BLOCK_POST_NORM;
    c->pre_norm = true;
    c->pre_norm_eps = c->norm_eps;
    c->qkv_bias = c->key_bias = c->projection_bias = c->mlp_bias = true;
    c->text_class = true;
    c->pooling = VIT__POOL_CLASS;
    c->embedding = VIT__EMBEDDING_POOLED;
}

static void name_tensors(const vit__text_source *s, const kind *k, vit__plan *plan)
{
    vit__naming namings[sizeof k->prefixes / sizeof *k->prefixes + 2];
    size_t n = 0;
    for (size_t i = 0; !s->prefix && i < sizeof k->prefixes / sizeof *k->prefixes && k->prefixes[i]; i++)
        namings[n++] = (vit__naming){k->prefixes[i], k->names};
    namings[n++] = (vit__naming){s->prefix ? s->prefix : "", k->names};
    if (k->bare_names)
        namings[n++] = (vit__naming){s->prefix ? s->prefix : "", k->bare_names};
    vit__family_name(s->checkpoint, namings, n, plan);
    vit__plan_compose(plan);
    vit__name *table = &plan->composed[VIT__SLOT_TOKENS];
    bool found = s->prefix || vit__family_has(s->checkpoint, table->weight, plan->prefix);
    for (size_t i = 0; i < 2 && k->other_tables[i] && !found; i++) {
        found = vit__family_has(s->checkpoint, k->other_tables[i], "");
        if (found)
            *table = (vit__name){k->other_tables[i], NULL, VIT__LAYOUT_PLAIN};
    }
}

static void plan_pooler(const vit__text_source *s, vit__plan *plan)
{
    vit_config *c = &plan->config;
    if (!vit__family_has(s->checkpoint, plan->names[VIT__SLOT_POOLER].weight, plan->prefix))
        return;
    c->pooler = VIT__POOLER_DENSE;
    c->pooler_width = c->width;
    c->pooler_activation = VIT__ACTIVATION_TANH;
}

void vit__text_encoder_plan(const vit__text_source *s, vit__plan *plan)
{
    const kind *k = find_kind(s->model_type);
    vit_config *c = &plan->config;
    vit__reader *r = s->config;
    if (!k) {
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "the text encoder is \"%.60s\": this build lacks it",
                         s->model_type ? s->model_type : "");
        return;
    }
    const char *positions = vit__read_text(r, "position_embedding_type", "absolute");
    if (strcmp(positions, "absolute") != 0 && strcmp(positions, "rotary") != 0)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"position_embedding_type\" is \"%.40s\": this build has absolute", positions);
    read_sizes(r, k, c);
    fill_bert(c);
    if (k->differ)
        k->differ(r, c);
    name_tensors(s, k, plan);
    plan_pooler(s, plan);
    c->padding = s->pad_of_config ? VIT__PADDING_ANYWHERE : VIT__PADDING_OUTSIDE;
    c->pad_token = read_size(r, &k->pad);
    if (!s->pad_of_config)
        vit__pad_token_read(s->checkpoint, r, &c->pad_token);
}

/* ------------------------------------------------------------------ published ones ---- */

/* What open_clip's models name without having its config: heads are 64 wide in all of them, and every size but the
 * number of heads can be read from the tensors. */
static const struct {
    const char *name, *model_type;
    size_t width, depth, mlp, positions, pad;
    double eps;
} published[] = {
    {"roberta-base", "roberta", 768, 12, 3072, 514, 1, 1e-5},
    {"roberta-large", "roberta", 1024, 24, 4096, 514, 1, 1e-5},
    {"xlm-roberta-base", "xlm-roberta", 768, 12, 3072, 514, 1, 1e-5},
    {"xlm-roberta-large", "xlm-roberta", 1024, 24, 4096, 514, 1, 1e-5},
    {"bert-base-uncased", "bert", 768, 12, 3072, 512, 0, 1e-12},
    {"microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext", "bert", 768, 12, 3072, 512, 0, 1e-12},
    {"microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract", "bert", 768, 12, 3072, 512, 0, 1e-12},
    {"microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext", "bert", 768, 12, 3072, 512, 0, 1e-12},
    {"microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract", "bert", 768, 12, 3072, 512, 0, 1e-12},
    {"facebook/nllb-200-distilled-600M", "m2m_100", 1024, 12, 4096, 1024, 1, 1e-5},
    {"facebook/nllb-200-distilled-1.3B", "m2m_100", 1024, 24, 8192, 1024, 1, 1e-5},
};

static bool set_number(vit__json *json, const char *key, double value)
{
    return vit__json_set(json, key, vit__json_new_number(value));
}

vit__json *vit__text_encoder_published(const char *name, const char **model_type, vit_status *status)
{
    *status = VIT_OK;
    const char *slash = strrchr(name, '/');
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        /* The hub moved the oldest models below organisations: FacebookAI/roberta-base. */
        bool moved = slash && !strchr(published[i].name, '/') && strcmp(slash + 1, published[i].name) == 0;
        if (!moved && strcmp(name, published[i].name) != 0)
            continue;
        const kind *k = find_kind(published[i].model_type);
        vit__json *json = vit__json_new_object();
        bool done = set_number(json, k->width.keys[0], (double)published[i].width) &&
                    set_number(json, k->depth.keys[0], (double)published[i].depth) &&
                    set_number(json, k->heads.keys[0], (double)published[i].width / 64) &&
                    set_number(json, k->mlp.keys[0], (double)published[i].mlp) &&
                    set_number(json, k->positions.keys[0], (double)published[i].positions) &&
                    set_number(json, k->pad.keys[0], (double)published[i].pad) &&
                    set_number(json, "layer_norm_eps", published[i].eps);
        *model_type = published[i].model_type;
        if (done)
            return json;
        vit__json_free(json);
        *status = VIT_ERR_OUT_OF_MEMORY;
        return NULL;
    }
    return NULL;
}
