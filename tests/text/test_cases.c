/* SPDX-License-Identifier: BSD-2-Clause */
/* Every line of tests/data/text, by every way to tokenise it, gives the ids that the Python libraries gave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_json.h"
#include "fixtures.h"

#define CONFIGS "tokenizer_config.json special_tokens_map.json"
#define OPEN_CLIP_SIGLIP                                                                                               \
    "{\"model_cfg\":{\"text_cfg\":{\"context_length\":64,\"hf_tokenizer_name\":\"x\","                                 \
    "\"tokenizer_kwargs\":{\"clean\":\"canonicalize\"}}}}"
#define OPEN_CLIP_CLIP "{\"model_cfg\":{\"text_cfg\":{\"context_length\":77,\"vocab_size\":49408}}}"

/* A folder, how it is opened, and which ids of a case it should give ("ids" where the case has no such key). */
typedef struct way {
    const char *fixture, *files, *config, *open_clip_config;
    vit_tokenizer_kind kind;
    const char *key, *name;
    size_t context;
} way;

static const way ways[] = {
    {"clip", "tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_AUTO, "ids", "clip", 77},
    {"clip", "tokenizer.json", "{\"model_type\":\"clip\"}", NULL, VIT_TOKENIZER_AUTO, "ids", "clip", 77},
    {"clip", "vocab.json merges.txt " CONFIGS, NULL, NULL, VIT_TOKENIZER_HF, "ids_vocab_merges", "clip", 77},
    {"clip", "vocab.json merges.txt", NULL, NULL, VIT_TOKENIZER_AUTO, "ids_vocab_merges", "clip", 77},
    {"clip", "tokenizer.json", NULL, NULL, VIT_TOKENIZER_AUTO, "ids_tokenizer_json", "tokenizer.json", 77},
    {"clip", "tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_JSON, "ids_tokenizer_json", "tokenizer.json", 77},
    {"clip", "vocab.json merges.txt", NULL, NULL, VIT_TOKENIZER_OPEN_CLIP, "ids_open_clip", "open_clip clip", 77},
    {"clip", "tokenizer.json " CONFIGS, NULL, OPEN_CLIP_CLIP, VIT_TOKENIZER_AUTO, "ids_open_clip", "open_clip clip",
     77},
    {"siglip_unigram", "spiece.model tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_AUTO, "ids", "siglip", 64},
    {"siglip_unigram", "spiece.model", "{\"model_type\":\"siglip\"}", NULL, VIT_TOKENIZER_HF, "ids", "siglip", 64},
    {"siglip_unigram", "spiece.model tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_JSON, "ids_tokenizer_json",
     "tokenizer.json", 64},
    {"siglip_unigram", "tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_AUTO, "ids_tokenizer_json",
     "tokenizer.json", 64},
    {"siglip_unigram", "tokenizer.json", NULL, OPEN_CLIP_SIGLIP, VIT_TOKENIZER_AUTO, "ids_open_clip",
     "open_clip tokenizer.json", 64},
    {"siglip_unigram", "spiece.model tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_OPEN_CLIP, "ids_open_clip",
     "open_clip tokenizer.json", 64},
    {"gemma_bpe", "tokenizer.json " CONFIGS, "{\"model_type\":\"siglip2\"}", NULL, VIT_TOKENIZER_AUTO, "ids", "siglip2",
     64},
    {"gemma_bpe", "tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_AUTO, "ids", "siglip2", 64},
    {"gemma_bpe", "tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_JSON, "ids_cased", "tokenizer.json", 64},
    {"gemma_bpe", "tokenizer.json " CONFIGS, "{\"model_type\":\"siglip\"}", NULL, VIT_TOKENIZER_HF, "ids_cased",
     "tokenizer.json", 64},
    {"gemma_bpe", "tokenizer.json " CONFIGS, "{\"model_type\":\"siglip2\"}", OPEN_CLIP_SIGLIP, VIT_TOKENIZER_OPEN_CLIP,
     "ids_open_clip", "open_clip siglip2", 64},
    {"gemma_bpe", "tokenizer.json", NULL, OPEN_CLIP_SIGLIP, VIT_TOKENIZER_AUTO, "ids_open_clip",
     "open_clip tokenizer.json", 64},
    {"bert_wordpiece", "tokenizer.json " CONFIGS, NULL, NULL, VIT_TOKENIZER_AUTO, "ids", "tokenizer.json", 77},
};

static bool has_reason(const vit__json *row, const char *reason)
{
    const vit__json *why = vit__json_get(row, "why");
    for (size_t i = 0; i < vit__json_length(why); i++)
        if (vit__json_is(vit__json_at(why, i), reason))
            return true;
    return false;
}

/* What a tokenizer need not give: code points on which libraries of another
 * Unicode version differ, and what only ftfy's repair of mojibake gives. */
static bool is_excepted(const vit__json *row, const char *key)
{
    bool mojibake = has_reason(row, "ftfy:encoding_repair") || has_reason(row, "ftfy:decode_inconsistent_utf8");
    return vit__json_is(vit__json_get(row, "cat"), "table_version") || (strcmp(key, "ids_open_clip") == 0 && mojibake);
}

static bool same_ids(const vit__json *wanted, const int32_t *ids, size_t n)
{
    uint32_t id;
    bool same = vit__json_length(wanted) == n;
    for (size_t i = 0; i < n && same; i++)
        same = vit__token_id(vit__json_at(wanted, i), &id) && (int32_t)id == ids[i];
    return same;
}

/* Differing lines of a file; *required: those checked. */
static size_t check_file(const vit_tokenizer *tokenizer, const way *w, const char *file, size_t *required)
{
    vit__json *rows;
    vit_error err = {0};
    size_t differing = 0;
    assert_ok(vit__tokenizer_json_load(data_path("text/%s/%s", w->fixture, file), &rows, &err), err);
    for (size_t i = 0; i < vit__json_length(rows); i++) {
        const vit__json *row = vit__json_at(rows, i), *wanted = vit__json_get(row, w->key);
        size_t size, n;
        int32_t ids[128];
        const char *text = vit__json_bytes(vit__json_get(row, "text"), &size);
        assert_ok(vit_tokenizer_encode(tokenizer, text, size, ids, 128, &n, &err), err);
        if (is_excepted(row, w->key))
            continue;
        ++*required;
        if (same_ids(wanted ? wanted : vit__json_get(row, "ids"), ids, n))
            continue;
        print_error("%s, %s: line %zu of %s: %s\n", w->fixture, w->key, i, file, text);
        differing++;
    }
    vit__json_free(rows);
    return differing;
}

static void check_way(const way *w)
{
    char *folder = folder_make();
    vit_tokenizer_options options = {.kind = w->kind};
    vit_tokenizer *tokenizer;
    vit_error err = {0};
    size_t required = 0;
    take_files(folder, w->fixture, w->files);
    if (w->config)
        write_text(folder, "config.json", w->config);
    if (w->open_clip_config)
        write_text(folder, "open_clip_config.json", w->open_clip_config);
    assert_ok(vit_tokenizer_open(folder, &options, &tokenizer, &err), err);
    assert_string_equal(vit_tokenizer_name(tokenizer), w->name);
    assert_int_equal(vit_tokenizer_context(tokenizer), w->context);
    size_t differing = check_file(tokenizer, w, "cases.json", &required) +
                       check_file(tokenizer, w, "cases_nul.json", &required);
    assert_true(required > 1600);
    assert_int_equal(differing, 0);
    vit_tokenizer_free(tokenizer);
    folder_remove(folder);
}

static void every_line_has_its_ids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        check_way(&ways[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_line_has_its_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
