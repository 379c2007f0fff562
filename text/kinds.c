/* SPDX-License-Identifier: BSD-2-Clause */
/* Which tokenizer a folder stands for, and how it is put together from the folder's files. */
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "file_bpe.h"
#include "file_made.h"
#include "tokenizer.h"
#include "tokenizer_file.h"

#define CLIP_CONTEXT 77
#define SIGLIP_CONTEXT 64
#define CLIP_START "<|startoftext|>"
#define CLIP_END "<|endoftext|>"
#define CLIP_SUFFIX "</w>"

/* The tokenizers of transformers that are told apart. */
typedef enum family { CLIP, SIGLIP, SIGLIP2, PLAIN } family;

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(text, *names) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------ made files ---- */

/* Tokenizers that transformers builds from other files than tokenizer.json: by the name of their class, or by the
 * model's type. */
static const struct {
    const char *class, *type;
    vit__made kind;
} made[] = {
    {"BertTokenizer", "bert", VIT__MADE_BERT},
    {"BertTokenizerFast", "chinese_clip", VIT__MADE_BERT},
    {"DistilBertTokenizer", "distilbert", VIT__MADE_BERT},
    {"DistilBertTokenizerFast", "blip", VIT__MADE_BERT},
    {"BertTokenizer", "nomic_bert", VIT__MADE_BERT},
    {"BertTokenizer", "vision-text-dual-encoder", VIT__MADE_BERT},
    {"MPNetTokenizer", "mpnet", VIT__MADE_MPNET},
    {"MPNetTokenizerFast", "mpnet", VIT__MADE_MPNET},
    {"RobertaTokenizer", "roberta", VIT__MADE_ROBERTA},
    {"RobertaTokenizerFast", "roberta", VIT__MADE_ROBERTA},
    {"XLMRobertaTokenizer", "xlm-roberta", VIT__MADE_XLMR},
    {"XLMRobertaTokenizerFast", "altclip", VIT__MADE_XLMR},
    {"XLMRobertaTokenizer", "metaclip_2", VIT__MADE_XLMR},
    {"XLMRobertaTokenizer", "M-CLIP", VIT__MADE_XLMR},
    {"T5Tokenizer", "t5", VIT__MADE_T5},
    {"T5TokenizerFast", "mt5", VIT__MADE_T5},
};

static bool has_files(const vit__text_folder *folder, vit__made kind)
{
    switch (kind) {
    case VIT__MADE_BERT:
    case VIT__MADE_MPNET:
        return folder->vocab_txt;
    case VIT__MADE_ROBERTA:
        return folder->vocab_json && folder->merges_txt;
    case VIT__MADE_XLMR:
        return folder->sentencepiece_model;
    case VIT__MADE_T5:
        return folder->spiece_model;
    }
    return false;
}

/* Which of them the folder names, or its files are; false: none. */
static bool find_made(const vit__text_folder *folder, vit__made *kind)
{
    const char *type = vit__text_folder_model_type(folder), *class = vit__text_folder_class(folder);
    for (int by_type = 0; by_type < 2; by_type++)
        for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
            *kind = made[i].kind;
            if (strcmp(by_type ? type : class, by_type ? made[i].type : made[i].class) == 0)
                return true;
        }
    *kind = folder->vocab_txt ? VIT__MADE_BERT : VIT__MADE_XLMR;
    return !*class && (folder->vocab_txt || folder->sentencepiece_model);
}

/* ------------------------------------------------------------------ which one ---- */

/* As AutoTokenizer chooses: by the model's type, then by the class that the tokenizer's
 * configuration names. */
static family choose_family(const vit__text_folder *folder)
{
    static const char *const clip_types[] = {"clip", "clip_text_model", NULL};
    static const char *const clip_classes[] = {"CLIPTokenizer", "CLIPTokenizerFast", NULL};
    static const char *const siglip_classes[] = {"SiglipTokenizer", "SiglipTokenizerFast", NULL};
    static const char *const siglip2_types[] = {"siglip2", "siglip2_text_model", NULL};
    static const char *const siglip2_classes[] = {"Siglip2Tokenizer", "Siglip2TokenizerFast", NULL};
    static const char *const gemma_classes[] = {"GemmaTokenizer", "GemmaTokenizerFast", NULL};
    const char *type = vit__text_folder_model_type(folder), *class = vit__text_folder_class(folder);
    if (is_one_of(type, siglip2_types) || is_one_of(class, siglip2_classes))
        return SIGLIP2;
    if (!folder->config && is_one_of(class, gemma_classes))
        /* Tokenizer files without a model: of the models that vit runs, SigLIP 2's are Gemma's,
         * lower-cased. */
        return SIGLIP2;
    vit__made made_kind;
    bool made_class = find_made(folder, &made_kind);
    if (made_class && (made_kind != VIT__MADE_T5 || !is_one_of(class, siglip_classes)) &&
        (folder->tokenizer_json || has_files(folder, made_kind)))
        return PLAIN;
    if (is_one_of(class, siglip_classes) || (!*class && folder->spiece_model))
        return folder->spiece_model ? SIGLIP : PLAIN;
    if (is_one_of(class, clip_classes) || (!*class && is_one_of(type, clip_types)))
        return CLIP;
    if (!folder->tokenizer_json && folder->vocab_json && folder->merges_txt)
        return CLIP;
    return !folder->tokenizer_json && folder->spiece_model ? SIGLIP : PLAIN;
}

/* ------------------------------------------------------------------ the files of a folder ---- */

/* tokenizer.json, or vocab.json alone in the shape of its model. */
typedef struct files {
    vit__json *json;
    vit__buffer merges;
    vit__tokenizer_json source; /* of tokenizer.json, or of vocab.json */
    bool whole;                 /* it is tokenizer.json */
} files;

static void close_files(files *f)
{
    vit__json_free(f->json);
    vit__buffer_free(&f->merges);
}

static vit_status open_whole(const vit__text_folder *folder, files *f, vit_error *err)
{
    if (!folder->tokenizer_json)
        return vit__fail(err, VIT_ERR_NOT_FOUND, folder->path, "this tokenizer needs the file tokenizer.json");
    f->whole = true;
    vit_status status = vit__tokenizer_json_load(folder->tokenizer_json, &f->json, err);
    f->source = (vit__tokenizer_json){f->json, folder->tokenizer_json};
    return status;
}

/* As transformers would write tokenizer.json from the other files. */
static vit_status open_made(const vit__text_folder *folder, vit__made kind, files *f, vit_error *err)
{
    f->whole = true;
    vit_status status = vit__file_make(folder, kind, &f->json, &f->source.where, err);
    f->source.json = f->json;
    return status;
}

/* BertTokenizer and its kin take from tokenizer.json the vocabulary, and the rest from tokenizer_config.json. */
static vit_status keep_to_config(const vit__text_folder *folder, files *f, vit_error *err)
{
    vit__made kind;
    bool named = *vit__text_folder_class(folder) && find_made(folder, &kind) &&
                 (kind == VIT__MADE_BERT || kind == VIT__MADE_MPNET);
    const vit__json *normalizer = vit__json_get(f->json, "normalizer");
    if (!f->json || !named || !vit__json_is(vit__json_get(normalizer, "type"), "BertNormalizer"))
        return VIT_OK;
    bool done = vit__json_set(f->json, "normalizer", vit__file_make_bert_normalizer(folder));
    return done ? VIT_OK : vit__fail_memory(err, f->source.where);
}

static vit_status open_parts(const vit__text_folder *folder, files *f, vit_error *err)
{
    if (!folder->vocab_json || !folder->merges_txt)
        return vit__fail(err, VIT_ERR_NOT_FOUND, folder->path,
                         "no tokenizer: it needs tokenizer.json, or vocab.json and merges.txt, or spiece.model, "
                         "sentencepiece.bpe.model or vocab.txt");
    vit_status status = vit__tokenizer_json_load(folder->vocab_json, &f->json, err);
    if (status == VIT_OK)
        status = vit__file_read(folder->merges_txt, &vit__tokenizer_file, &f->merges, err);
    f->source = (vit__tokenizer_json){f->json, folder->vocab_json};
    return status;
}

static bool find_token(const files *f, const char *content, uint32_t *id)
{
    if (f->whole)
        return vit__file_find_token(&f->source, content, id);
    return vit__token_id(vit__json_get(f->json, content), id);
}

/* ------------------------------------------------------------------ CLIP ---- */

typedef struct clip_tokens {
    const char *start_text, *end_text;
    uint32_t start, end;
} clip_tokens;

static vit_status find_clip_tokens(const vit__text_folder *folder, const files *f, clip_tokens *tokens, vit_error *err)
{
    tokens->start_text = vit__text_folder_token(folder, "bos_token", CLIP_START);
    tokens->end_text = vit__text_folder_token(folder, "eos_token", CLIP_END);
    if (find_token(f, tokens->start_text, &tokens->start) && find_token(f, tokens->end_text, &tokens->end))
        return VIT_OK;
    return vit__fail(err, VIT_ERR_CORRUPT, f->source.where, "the vocabulary has not both %.50s and %.50s",
                     tokens->start_text, tokens->end_text);
}

static vit_status build_clip_model(const files *f, const clip_tokens *tokens, vit__pipeline *pipeline, vit_error *err)
{
    const vit__json *model = vit__json_get(f->json, "model");
    vit__bpe_parts parts = {
        .vocabulary = f->whole ? vit__json_get(model, "vocab") : f->json,
        .merges = f->whole ? vit__json_get(model, "merges") : NULL,
        .merges_text = f->whole ? NULL : &f->merges,
        .where = f->source.where,
        .suffix = CLIP_SUFFIX,
        .bytes = true,
        .unknown = tokens->end,
    };
    return vit__file_build_bpe(&parts, &pipeline->model, err);
}

/* NFC, white space to single spaces, lower case. */
static vit_status add_clip_normalizer(vit__normalizer *normalizer, const char *where, vit_error *err)
{
    *vit__normalizer_add(normalizer) = (vit__normal_step){.run = vit__normal_form_run, .form = VIT__NFC};
    vit__normal_step *spaces = vit__normalizer_add(normalizer);
    *spaces = (vit__normal_step){.run = vit__normal_replace_runs,
                                 .pattern = {.white_space = true, .least = 1, .repeated = true}};
    vit__buffer_add(&spaces->to, " ", 1);
    *vit__normalizer_add(normalizer) = (vit__normal_step){.run = vit__normal_lower};
    return spaces->to.failed ? vit__fail_memory(err, where) : VIT_OK;
}

/* transformers 5 lets the word expression know the special tokens as well, so that a second
 * expression splits them. */
static void add_clip_splitter(vit__splitter *splitter)
{
    *vit__splitter_add(splitter) = (vit__split_step){.run = vit__split_clip,
                                                     .specials = {{CLIP_START, VIT__NO_ID}, {CLIP_END, VIT__NO_ID}}};
    *vit__splitter_add(splitter) = (vit__split_step){.run = vit__split_byte_level, .by_expression = true};
}

static void surround(vit__pipeline *pipeline, const clip_tokens *tokens)
{
    pipeline->before[0] = tokens->start;
    pipeline->after[0] = tokens->end;
    pipeline->n_before = pipeline->n_after = 1;
}

/* What tokenizer.json says about added tokens, where there is only a vocabulary. */
static vit_status add_clip_tokens(const clip_tokens *tokens, vit__pipeline *pipeline, const char *where, vit_error *err)
{
    vit__added_tokens_add(&pipeline->raw, tokens->end_text, strlen(tokens->end_text),
                          (vit__added_token){.id = tokens->end});
    vit__added_tokens_add(&pipeline->normalized, tokens->start_text, strlen(tokens->start_text),
                          (vit__added_token){.id = tokens->start});
    vit__added_tokens_finish(&pipeline->raw);
    vit__added_tokens_finish(&pipeline->normalized);
    surround(pipeline, tokens);
    return pipeline->raw.failed || pipeline->normalized.failed ? vit__fail_memory(err, where) : VIT_OK;
}

static vit_status build_clip(const vit__text_folder *folder, const files *f, vit_tokenizer *tokenizer, vit_error *err)
{
    vit__pipeline *pipeline = &tokenizer->pipeline;
    clip_tokens tokens;
    vit_status status = find_clip_tokens(folder, f, &tokens, err);
    if (status == VIT_OK)
        status = add_clip_normalizer(&pipeline->normalizer, f->source.where, err);
    if (status == VIT_OK)
        status = f->whole ? vit__file_read_tokens(&f->source, pipeline, err)
                          : add_clip_tokens(&tokens, pipeline, f->source.where, err);
    if (status != VIT_OK)
        return status;
    add_clip_splitter(&pipeline->splitter);
    if (pipeline->n_before + pipeline->n_after == 0)
        surround(pipeline, &tokens);
    return build_clip_model(f, &tokens, pipeline, err);
}

/* open_clip's SimpleTokenizer: the same vocabulary, but the special tokens have other names. */
static vit_status build_simple(const vit__text_folder *folder, const files *f, vit_tokenizer *tokenizer, vit_error *err)
{
    vit__pipeline *pipeline = &tokenizer->pipeline;
    clip_tokens tokens;
    vit_status status = find_clip_tokens(folder, f, &tokens, err);
    if (status != VIT_OK)
        return status;
    *vit__splitter_add(&pipeline->splitter) = (vit__split_step){
        .run = vit__split_clip,
        .ignore_case = true,
        .specials = {{"<start_of_text>", tokens.start}, {"<end_of_text>", tokens.end}},
    };
    surround(pipeline, &tokens);
    return build_clip_model(f, &tokens, pipeline, err);
}

/* ------------------------------------------------------------------ transformers ---- */

typedef struct row {
    const char *name, *open_clip_name;
    uint32_t context;
    const char *pad; /* text of the padding token, where the folder names none */
    bool pad_left;   /* where the folder does not say */
} row;

static const row rows[] = {
    [CLIP] = {"clip", "open_clip clip", CLIP_CONTEXT, CLIP_END, false},
    [SIGLIP] = {"siglip", "open_clip siglip", SIGLIP_CONTEXT, "</s>", false},
    [SIGLIP2] = {"siglip2", "open_clip siglip2", SIGLIP_CONTEXT, "<pad>", true},
    [PLAIN] = {"tokenizer.json", "open_clip tokenizer.json", SIGLIP_CONTEXT, "<pad>", false},
};

/* What a tokenizer.json alone leaves open is taken from the models that use its kind. */
static uint32_t default_context(const files *f, family kind)
{
    const vit__json *model = vit__json_get(f->json, "model");
    bool clip = vit__json_is(vit__json_get(model, "end_of_word_suffix"), CLIP_SUFFIX);
    bool bert = vit__json_is(vit__json_get(model, "type"), "WordPiece");
    return kind == PLAIN && (clip || bert) ? CLIP_CONTEXT : rows[kind].context;
}

/* BERT's own limit of 512 is not that of the text towers built on it, which open_clip gives 77. */
static uint32_t choose_context(const vit__text_folder *folder, const files *f, family kind)
{
    uint32_t positions = vit__text_folder_positions(folder), first = vit__text_folder_first_position(folder);
    uint32_t longest = vit__text_folder_max_length(folder), sentence = vit__text_folder_sentence_length(folder);
    positions = positions > first ? positions - first : positions;
    if (sentence > 0)
        longest = sentence; /* sentence-transformers sets it in place of the tokenizer's own */
    bool bert = vit__json_is(vit__json_get(vit__json_get(f->json, "model"), "type"), "WordPiece");
    if (positions > 0 && longest > 0)
        return positions < longest ? positions : longest;
    if (positions > 0)
        return positions;
    return longest > 0 && (!bert || sentence > 0) ? longest : default_context(f, kind);
}

/* Length and padding, which the files say in the same way for every tokenizer. */
static void set_facts(const vit__text_folder *folder, const files *f, family kind, vit_tokenizer *tokenizer)
{
    tokenizer->name = rows[kind].name;
    tokenizer->context = choose_context(folder, f, kind);
    tokenizer->pad_left = vit__text_folder_pads_left(folder, rows[kind].pad_left);
    const char *pad = vit__text_folder_token(folder, "pad_token", rows[kind].pad);
    if (!f->json)
        tokenizer->pad_id = vit__spiece_id(&tokenizer->siglip.spiece, pad);
    else if (!find_token(f, pad, &tokenizer->pad_id))
        tokenizer->pad_id = 0;
}

/* SigLIP 2 is Gemma's file behind lower case. */
static vit_status build_file(const files *f, family kind, vit_tokenizer *tokenizer, vit_error *err)
{
    if (kind == SIGLIP2)
        *vit__normalizer_add(&tokenizer->pipeline.normalizer) = (vit__normal_step){.run = vit__normal_lower};
    return vit__file_read_pipeline(&f->source, &tokenizer->pipeline, err);
}

static vit_status build_siglip(const vit__text_folder *folder, vit_tokenizer *tokenizer, vit_error *err)
{
    files none = {0};
    vit_status status = vit__siglip_open(folder->spiece_model, &tokenizer->siglip, err);
    if (status == VIT_OK)
        set_facts(folder, &none, SIGLIP, tokenizer);
    return status;
}

static vit_status build_family(const vit__text_folder *folder, family kind, vit_tokenizer *tokenizer, vit_error *err)
{
    files f = {0};
    if (kind == SIGLIP)
        return build_siglip(folder, tokenizer, err);
    bool parts = kind == CLIP && !folder->tokenizer_json;
    vit__made made_kind;
    bool make = !parts && !folder->tokenizer_json && find_made(folder, &made_kind) && has_files(folder, made_kind);
    vit_status status = make                                                  ? open_made(folder, made_kind, &f, err)
                        : parts || (!folder->tokenizer_json && kind == PLAIN) ? open_parts(folder, &f, err)
                                                                              : open_whole(folder, &f, err);
    if (status == VIT_OK && !make && kind == PLAIN)
        status = keep_to_config(folder, &f, err);
    if (status == VIT_OK)
        status = kind == CLIP ? build_clip(folder, &f, tokenizer, err) : build_file(&f, kind, tokenizer, err);
    if (status == VIT_OK)
        set_facts(folder, &f, kind, tokenizer);
    close_files(&f);
    return status;
}

/* ------------------------------------------------------------------ open_clip ---- */

/* Settings of text_cfg; all empty where the folder has no open_clip_config.json. */
typedef struct settings {
    const vit__json *text;
    bool simple;    /* SimpleTokenizer, not one of transformers */
    bool strip_end; /* the separator becomes id 0 */
    vit__clean clean;
} settings;

static bool asks_for(const vit__json *object, const char *key)
{
    bool set = false;
    const vit__json *value = vit__json_get(object, key);
    vit__json_boolean(value, &set);
    return set || (vit__json_string(value) && !vit__json_is(value, ""));
}

static vit_status read_settings(const vit__text_folder *folder, family kind, settings *s, vit_error *err)
{
    static const char *const not_built[] = {"tokenizer_mode", "reduction_mask"};
    s->text = vit__text_folder_open_clip(folder);
    s->simple = s->text ? !asks_for(s->text, "hf_tokenizer_name") : kind == CLIP;
    const vit__json *extra = vit__json_get(s->text, "tokenizer_kwargs");
    for (size_t i = 0; i < sizeof not_built / sizeof *not_built; i++)
        if (asks_for(s->text, not_built[i]) || asks_for(extra, not_built[i]))
            return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, folder->path,
                             "its open_clip_config.json asks for %s, which is not built", not_built[i]);
    /* Without a configuration: what the models of this kind have. With one: the defaults of
     * open_clip. */
    s->clean = s->simple ? VIT__CLEAN_LOWER : s->text ? VIT__CLEAN_WHITESPACE : VIT__CLEAN_CANONICALIZE;
    s->strip_end = asks_for(s->text, "strip_sep_token") || asks_for(extra, "strip_sep_token");
    const char *clean = vit__json_string(vit__json_get(extra, "clean"));
    if (clean && !vit__clean_named(clean, &s->clean))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, folder->path,
                         "its open_clip_config.json asks to clean text by %.100s, which is not built", clean);
    return VIT_OK;
}

static vit_status build_simple_folder(const vit__text_folder *folder, vit_tokenizer *tokenizer, vit_error *err)
{
    files f = {0};
    vit_status status = folder->tokenizer_json ? open_whole(folder, &f, err) : open_parts(folder, &f, err);
    if (status == VIT_OK)
        status = build_simple(folder, &f, tokenizer, err);
    tokenizer->name = rows[CLIP].open_clip_name;
    tokenizer->context = CLIP_CONTEXT;
    tokenizer->pad_id = 0;
    close_files(&f);
    return status;
}

/* open_clip's file of a SigLIP model is run by the library tokenizers, never by sentencepiece. */
static vit_status build_open_clip(const vit__text_folder *folder, vit_tokenizer *tokenizer, vit_error *err)
{
    settings s;
    family kind = choose_family(folder);
    kind = kind == SIGLIP ? PLAIN : kind;
    vit_status status = read_settings(folder, kind, &s, err);
    if (status != VIT_OK)
        return status;
    status = s.simple ? build_simple_folder(folder, tokenizer, err) : build_family(folder, kind, tokenizer, err);
    if (status != VIT_OK)
        return status;
    uint32_t context;
    tokenizer->clean = s.clean;
    if (s.strip_end && tokenizer->pipeline.n_after > 0) {
        tokenizer->zeroed = tokenizer->pipeline.after[0];
        tokenizer->zeroes = true;
    }
    tokenizer->name = rows[s.simple ? CLIP : kind].open_clip_name;
    if (vit__token_id(vit__json_get(s.text, "context_length"), &context))
        tokenizer->context = context;
    else if (s.text)
        tokenizer->context = CLIP_CONTEXT;
    return VIT_OK;
}

/* ------------------------------------------------------------------ any ---- */

vit_status vit__tokenizer_build(const vit__text_folder *folder, vit_tokenizer_kind kind, vit_tokenizer *tokenizer,
                                vit_error *err)
{
    bool open_clip = folder->open_clip && (folder->open_clip_weights || !*vit__text_folder_model_type(folder));
    if (kind == VIT_TOKENIZER_AUTO)
        kind = open_clip ? VIT_TOKENIZER_OPEN_CLIP : VIT_TOKENIZER_HF;
    if (kind == VIT_TOKENIZER_OPEN_CLIP)
        return build_open_clip(folder, tokenizer, err);
    if (kind == VIT_TOKENIZER_JSON && !folder->tokenizer_json)
        return vit__fail(err, VIT_ERR_NOT_FOUND, folder->path, "there is no tokenizer.json");
    vit_status status = build_family(folder, kind == VIT_TOKENIZER_JSON ? PLAIN : choose_family(folder), tokenizer,
                                     err);
    if (status != VIT_OK || kind == VIT_TOKENIZER_JSON)
        return status;
    tokenizer->lower = vit__text_folder_sentence_lower(folder);
    vit__buffer_add_string(&tokenizer->prompt, vit__text_folder_prompt(folder));
    return tokenizer->prompt.failed ? vit__fail_memory(err, folder->path) : VIT_OK;
}
