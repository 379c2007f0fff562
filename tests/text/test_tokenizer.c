/* SPDX-License-Identifier: BSD-2-Clause */
/* The public interface: arguments, limits, padding, and memory running out. */
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "fixtures.h"

#define CONFIGS "tokenizer_config.json special_tokens_map.json"

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    vit_tokenizer_options wrong_kind = {.kind = (vit_tokenizer_kind)9}, wrong_context = {.context = (size_t)1 << 40};
    vit_tokenizer *tokenizer = (vit_tokenizer *)state;
    int32_t ids[4];
    size_t n;
    assert_int_equal(vit_tokenizer_open("/tmp", &wrong_kind, &tokenizer, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_null(tokenizer);
    assert_int_equal(vit_tokenizer_open("/tmp", &wrong_context, &tokenizer, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_open(NULL, NULL, &tokenizer, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_open("/tmp", NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_open("/tmp/no such folder", NULL, &tokenizer, NULL), VIT_ERR_NOT_FOUND);
    assert_int_equal(vit_tokenizer_encode(NULL, "a", 1, ids, 4, &n, NULL), VIT_ERR_INVALID_ARGUMENT);
    vit_tokenizer_free(NULL);

    tokenizer = open_fixture("gemma_bpe", "tokenizer.json", VIT_TOKENIZER_AUTO, 0);
    assert_int_equal(vit_tokenizer_encode(tokenizer, NULL, 1, ids, 4, &n, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_encode(tokenizer, "a", 1, NULL, 4, &n, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_encode(tokenizer, "a", 1, ids, 4, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_encode_padded(tokenizer, "a", 1, NULL, &n, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tokenizer_encode(tokenizer, NULL, 0, ids, 4, &n, NULL), VIT_OK);
    assert_int_equal(n, 1);
    vit_tokenizer_free(tokenizer);
}

static void too_little_room_says_how_much(void **state)
{
    (void)state;
    vit_tokenizer *tokenizer = open_fixture("gemma_bpe", "tokenizer.json", VIT_TOKENIZER_AUTO, 0);
    int32_t ids[3] = {7, 7, 7};
    size_t n;
    assert_int_equal(vit_tokenizer_encode(tokenizer, "a dog", 5, ids, 1, &n, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], 7);
    assert_int_equal(vit_tokenizer_encode(tokenizer, "a dog", 5, ids, 3, &n, NULL), VIT_OK);
    assert_int_equal(ids[2], 1);
    vit_tokenizer_free(tokenizer);
}

static void the_context_can_be_chosen(void **state)
{
    (void)state;
    vit_tokenizer *tokenizer = open_fixture("clip", "vocab.json merges.txt", VIT_TOKENIZER_AUTO, 4);
    assert_int_equal(vit_tokenizer_context(tokenizer), 4);
    assert_ids(tokenizer, "a dog dog dog dog", (const int[]){49406, 320, 1929, 49407, -1});
    vit_tokenizer_free(tokenizer);
    vit_tokenizer_options options = {.context = 2}; /* both are special: no room for text */
    char *folder = folder_make();
    take_files(folder, "clip", "vocab.json merges.txt");
    assert_int_equal(vit_tokenizer_open(folder, &options, &tokenizer, NULL), VIT_ERR_CORRUPT);
    write_text(folder, "config.json", "{\"model_type\":\"clip\",\"text_config\":{\"max_position_embeddings\":9}}");
    tokenizer = open_tokenizer(folder, VIT_TOKENIZER_AUTO, 0);
    assert_int_equal(vit_tokenizer_context(tokenizer), 9);
    vit_tokenizer_free(tokenizer);
    folder_remove(folder);
}

static void padding_is_the_models(void **state)
{
    (void)state;
    static const struct {
        const char *fixture, *files, *config;
        vit_tokenizer_kind kind;
        uint32_t pad;
        int left;
    } rows[] = {
        {"clip", "vocab.json merges.txt", NULL, VIT_TOKENIZER_HF, 49407, 0},
        {"clip", "vocab.json merges.txt", NULL, VIT_TOKENIZER_OPEN_CLIP, 0, 0},
        {"siglip_unigram", "spiece.model " CONFIGS, NULL, VIT_TOKENIZER_HF, 1, 0},
        {"siglip_unigram", "tokenizer.json " CONFIGS, NULL, VIT_TOKENIZER_OPEN_CLIP, 1, 0},
        {"gemma_bpe", "tokenizer.json " CONFIGS, NULL, VIT_TOKENIZER_HF, 0, 0},
        {"gemma_bpe", "tokenizer.json", "{\"model_type\":\"siglip2\"}", VIT_TOKENIZER_HF, 0, 1},
        {"bert_wordpiece", "tokenizer.json " CONFIGS, NULL, VIT_TOKENIZER_HF, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *folder = folder_make();
        int32_t ids[128], plain[128];
        size_t n, again;
        take_files(folder, rows[i].fixture, rows[i].files);
        if (rows[i].config)
            write_text(folder, "config.json", rows[i].config);
        vit_tokenizer *tokenizer = open_tokenizer(folder, rows[i].kind, 0);
        size_t context = vit_tokenizer_context(tokenizer);
        assert_int_equal(vit_tokenizer_pad_id(tokenizer), rows[i].pad);
        assert_int_equal(vit_tokenizer_pads_left(tokenizer), rows[i].left);
        assert_int_equal(vit_tokenizer_encode(tokenizer, "a dog", 5, plain, 128, &n, NULL), VIT_OK);
        assert_int_equal(vit_tokenizer_encode_padded(tokenizer, "a dog", 5, ids, &again, NULL), VIT_OK);
        assert_int_equal(n, again);
        assert_memory_equal(ids + (rows[i].left ? context - n : 0), plain, n * sizeof *ids);
        for (size_t k = 0; k < context - n; k++)
            assert_int_equal(ids[rows[i].left ? k : n + k], rows[i].pad);
        vit_tokenizer_free(tokenizer);
        folder_remove(folder);
    }
}

static void texts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xFF", "a\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "dog \x80"};
    vit_tokenizer *tokenizer = open_fixture("gemma_bpe", "tokenizer.json", VIT_TOKENIZER_AUTO, 0);
    int32_t ids[64];
    size_t n;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(vit_tokenizer_encode(tokenizer, texts[i], strlen(texts[i]), ids, 64, &n, NULL),
                         VIT_ERR_CORRUPT);
    char *large = calloc(VIT_TEXT_MAX_BYTES + 1u, 1);
    assert_non_null(large);
    memset(large, 'a', VIT_TEXT_MAX_BYTES + 1u);
    assert_int_equal(vit_tokenizer_encode(tokenizer, large, VIT_TEXT_MAX_BYTES + 1u, ids, 64, &n, NULL),
                     VIT_ERR_TOO_LARGE);
    free(large);
    vit_tokenizer_free(tokenizer);
}

/* Each of these would take hours if some step were quadratic. */
static void long_texts_take_no_longer_than_they_are(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",         "ab",   "</s>", " ",     "\xE7\x8B\x97", "a\xCC\x81\xCC\xA3",
                                         "\xCE\xA3'", "&amp", "<",    "\x1B[1"};
    static const struct {
        const char *fixture, *files;
        vit_tokenizer_kind kind;
    } rows[] = {{"clip", "vocab.json merges.txt", VIT_TOKENIZER_HF},
                {"clip", "vocab.json merges.txt", VIT_TOKENIZER_OPEN_CLIP},
                {"siglip_unigram", "spiece.model", VIT_TOKENIZER_HF},
                {"siglip_unigram", "tokenizer.json", VIT_TOKENIZER_JSON},
                {"gemma_bpe", "tokenizer.json", VIT_TOKENIZER_HF},
                {"bert_wordpiece", "tokenizer.json", VIT_TOKENIZER_HF}};
    enum { BYTES = 200000 };
    char *text = malloc(BYTES + 16);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vit_tokenizer *tokenizer = open_fixture(rows[i].fixture, rows[i].files, rows[i].kind, 0);
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            int32_t ids[128];
            size_t size = 0, n;
            for (; size < BYTES; size += strlen(pieces[k]))
                memcpy(text + size, pieces[k], strlen(pieces[k]));
            vit_error err = {0};
            assert_ok(vit_tokenizer_encode(tokenizer, text, size, ids, 128, &n, &err), err);
            assert_in_range(n, 1, vit_tokenizer_context(tokenizer));
        }
        vit_tokenizer_free(tokenizer);
    }
    free(text);
}

static void references_without_end_are_refused(void **state)
{
    (void)state;
    enum { LEVELS = 50000 };
    vit_tokenizer *tokenizer = open_fixture("clip", "vocab.json merges.txt", VIT_TOKENIZER_OPEN_CLIP, 0);
    char *text = malloc(4 * LEVELS + 2);
    assert_non_null(text);
    text[0] = '&';
    for (size_t i = 0; i < LEVELS; i++)
        memcpy(text + 1 + 4 * i, "amp;", 4);
    int32_t ids[128];
    size_t n;
    assert_int_equal(vit_tokenizer_encode(tokenizer, text, 4 * LEVELS + 1, ids, 128, &n, NULL), VIT_ERR_TOO_LARGE);
    text[41] = '\0'; /* ten levels are no trouble */
    assert_ids(tokenizer, text, (const int[]){49406, 261, 49407, -1});
    free(text);
    vit_tokenizer_free(tokenizer);
}

/* ------------------------------------------------------------------ memory ---- */

static const char mixed_text[] = "A photo of the B\xC3\x9C"
                                 "CHERREGAL, it's 1980s &amp; \xE7\x8B\x97 \xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3!";

/* Refuses the first-th request for memory and those after it. true: it was reached, and said so. */
static bool encode_without_memory(const vit_tokenizer *tokenizer, size_t first)
{
    int32_t ids[128];
    size_t n;
    allocations_watch(first, SIZE_MAX);
    vit_status status = vit_tokenizer_encode(tokenizer, mixed_text, sizeof mixed_text - 1, ids, 128, &n, NULL);
    size_t requests = allocations_stop();
    assert_int_equal(status, requests >= first ? VIT_ERR_OUT_OF_MEMORY : VIT_OK);
    return requests >= first;
}

static void memory_may_run_out_while_encoding(void **state)
{
    (void)state;
    vit_tokenizer *tokenizers[] = {open_fixture("clip", "vocab.json merges.txt", VIT_TOKENIZER_HF, 0),
                                   open_fixture("clip", "vocab.json merges.txt", VIT_TOKENIZER_OPEN_CLIP, 0),
                                   open_fixture("siglip_unigram", "spiece.model", VIT_TOKENIZER_HF, 0),
                                   open_fixture("siglip_unigram", "tokenizer.json", VIT_TOKENIZER_JSON, 0),
                                   open_fixture("gemma_bpe", "tokenizer.json", VIT_TOKENIZER_HF, 0),
                                   open_fixture("bert_wordpiece", "tokenizer.json", VIT_TOKENIZER_HF, 0)};
    for (size_t k = 0; k < sizeof tokenizers / sizeof *tokenizers; k++) {
        size_t first = 1;
        while (encode_without_memory(tokenizers[k], first))
            first++;
        assert_true(first > 3);
        vit_tokenizer_free(tokenizers[k]);
    }
}

/* Opens the folder with as many requests refused as said, from the first-th on. false: there are
 * not so many. */
static bool open_without_memory(const char *folder, size_t first, size_t refused)
{
    vit_tokenizer *tokenizer;
    vit_error err = {0};
    allocations_watch(first, refused);
    vit_status status = vit_tokenizer_open(folder, NULL, &tokenizer, &err);
    size_t requests = allocations_stop();
    vit_tokenizer_free(tokenizer);
    if (status != (requests < first ? VIT_OK : VIT_ERR_OUT_OF_MEMORY))
        fail_msg("request %zu: %s: %s", first, vit_status_name(status), err.message);
    return requests >= first;
}

static void memory_may_run_out_while_opening(void **state)
{
    (void)state;
    char *folder = folder_make();
    write_text(folder, "tokenizer_config.json", "{\"pad_token\":{\"content\":\"a word past sixteen bytes\"}}");
    write_text(folder, "tokenizer.json",
               "{\"added_tokens\":[{\"id\":2,\"content\":\"<x>\",\"normalized\":true,\"lstrip\":true}],"
               "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[ab]+\"},\"content\":\"c\"},"
               "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"always\"},"
               "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}");
    for (int all = 0; all < 2; all++) {
        size_t first = 1;
        while (open_without_memory(folder, first, all ? SIZE_MAX : 1))
            first++;
        assert_true(first > 50);
    }
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_are_refused),        cmocka_unit_test(too_little_room_says_how_much),
        cmocka_unit_test(the_context_can_be_chosen),          cmocka_unit_test(padding_is_the_models),
        cmocka_unit_test(texts_that_are_none_are_refused),    cmocka_unit_test(long_texts_take_no_longer_than_they_are),
        cmocka_unit_test(references_without_end_are_refused), cmocka_unit_test(memory_may_run_out_while_encoding),
        cmocka_unit_test(memory_may_run_out_while_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
