/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokenizer files that break their format, ask for what is not built,
 * or were damaged at random: all are refused, or read and usable. */
#include <stdlib.h>
#include <string.h>

#include "fixtures.h"

#define ROUNDS 400

static vit_status open_status(const char *folder, vit_error *err)
{
    vit_tokenizer *tokenizer;
    vit_status status = vit_tokenizer_open(folder, NULL, &tokenizer, err);
    assert_true((tokenizer != NULL) == (status == VIT_OK));
    vit_tokenizer_free(tokenizer);
    return status;
}

#define BPE(parts) "{\"model\":{\"type\":\"BPE\"," parts "}}"
#define AB "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}"
#define GOOD "\"model\":{\"type\":\"BPE\"," AB ",\"merges\":[\"a b\"]}"
#define UNIGRAM(parts) "{\"model\":{\"type\":\"Unigram\"," parts "}}"

#define CLS_SEP "{\"type\":\"BertProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",1]}"
#define SEQUENCE(step) "{\"type\":\"Sequence\",\"processors\":[" step "]}"
#define NESTED(step) SEQUENCE(SEQUENCE(SEQUENCE(SEQUENCE(SEQUENCE(SEQUENCE(SEQUENCE(SEQUENCE(step))))))))

static const struct {
    const char *text;
    vit_status status;
} files[] = {
    {"{" GOOD "}", VIT_OK},
    {"", VIT_ERR_CORRUPT},
    {"[]", VIT_ERR_CORRUPT},
    {"{" GOOD, VIT_ERR_CORRUPT},
    {"{\"model\":null}", VIT_ERR_CORRUPT},
    {"{\"model\":{\"type\":7}}", VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"model\":{\"type\":\"WordLevel\"}}", VIT_ERR_UNSUPPORTED_MODEL},
    {BPE("\"vocab\":[],\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":-1},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":2147483648},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":99999999999999999999},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":1e999},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":0.5},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":\"0\"},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE("\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]"), VIT_ERR_CORRUPT},
    {BPE(AB), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":{}"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[\"a\"]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[\"a b b\"]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[\"a  b\"]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[\" \"]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[[\"a\"]]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[[\"a\",1]]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[[\"a\",\"b\",\"b\"]]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[\"b a\"]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[[\"a\",\"c\"]]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[[\"a\\u0000\",\"b\"]]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[[\"ab\",\"\"]]"), VIT_ERR_CORRUPT},
    {BPE(AB ",\"merges\":[\"a b\",\"a b\",\"a b\"]"), VIT_OK},
    {BPE(AB ",\"merges\":[],\"dropout\":0.1"), VIT_ERR_UNSUPPORTED_MODEL},
    {BPE(AB ",\"merges\":[],\"continuing_subword_prefix\":\"##\""), VIT_ERR_UNSUPPORTED_MODEL},
    {BPE(AB ",\"merges\":[],\"end_of_word_suffix\":3"), VIT_ERR_CORRUPT},
    {UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\",-1]]"), VIT_OK},
    {UNIGRAM("\"unk_id\":1,\"vocab\":[[\"a\",-1]]"), VIT_ERR_CORRUPT},
    {UNIGRAM("\"unk_id\":null,\"vocab\":[[\"a\",-1]]"), VIT_ERR_CORRUPT},
    {UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\"]]"), VIT_ERR_CORRUPT},
    {UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\",\"b\"]]"), VIT_ERR_CORRUPT},
    {UNIGRAM("\"unk_id\":0,\"vocab\":[]"), VIT_ERR_CORRUPT},
    {UNIGRAM("\"unk_id\":0,\"vocab\":[[\"\",0],[\"a\\u0000\",1e308],[\"b\",-1e308]]"), VIT_OK},
    {UNIGRAM("\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"a\",-1]]"), VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0},\"unk_token\":\"b\"}}", VIT_ERR_CORRUPT},
    {"{\"normalizer\":7," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"normalizer\":{\"type\":\"Nmt\"}," GOOD "}", VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"normalizer\":{\"type\":\"Sequence\"}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"a\"}," GOOD "}",
     VIT_ERR_CORRUPT},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a|b)*\"},\"content\":\"a\"}," GOOD "}",
     VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a\"},\"content\":\"a\"}," GOOD "}",
     VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\\"},\"content\":\"a\"}," GOOD "}",
     VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"!\"}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"BAAAAAAAAAAA\"}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////wAAAAAA\"}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"pre_tokenizer\":{\"type\":\"Digits\"}," GOOD "}", VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\"}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a+\"}}," GOOD "}", VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"post_processor\":{\"type\":\"RobertaProcessing\"}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}}]}," GOOD "}",
     VIT_ERR_CORRUPT},
    {"{\"post_processor\":" SEQUENCE(CLS_SEP ",{\"type\":\"ByteLevel\"}") "," GOOD "}", VIT_OK},
    {"{\"post_processor\":" SEQUENCE(CLS_SEP "," CLS_SEP) "," GOOD "}", VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"post_processor\":" NESTED(CLS_SEP) "," GOOD "}", VIT_OK},
    {"{\"post_processor\":" NESTED(NESTED(CLS_SEP)) "," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"added_tokens\":{}," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"added_tokens\":[{\"content\":\"a\"}]," GOOD "}", VIT_ERR_CORRUPT},
    {"{\"added_tokens\":[{\"content\":\"a\",\"id\":1,\"single_word\":true}]," GOOD "}", VIT_ERR_UNSUPPORTED_MODEL},
    {"{\"added_tokens\":[{\"content\":\"\",\"id\":1}]," GOOD "}", VIT_OK},
};

static void broken_tokenizer_json_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *folder = folder_make();
        vit_error err = {0};
        write_text(folder, "tokenizer.json", files[i].text);
        if (open_status(folder, &err) != files[i].status)
            fail_msg("%s: %s (%s)", files[i].text, vit_status_name(err.status), err.message);
        folder_remove(folder);
    }
}

static void broken_companions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        vit_status status;
    } rows[] = {
        {"config.json", "{", VIT_ERR_CORRUPT},
        {"tokenizer_config.json", "[1", VIT_ERR_CORRUPT},
        {"tokenizer_config.json", "[1]", VIT_OK},
        {"tokenizer_config.json", "{\"model_max_length\":1}", VIT_ERR_CORRUPT},
        {"tokenizer_config.json", "{\"model_max_length\":-5,\"pad_token\":7,\"padding_side\":[]}", VIT_OK},
        {"open_clip_config.json", "{\"model_cfg\":{\"text_cfg\":{\"context_length\":0,\"hf_tokenizer_name\":\"x\"}}}",
         VIT_ERR_CORRUPT},
        {"open_clip_config.json",
         "{\"model_cfg\":{\"text_cfg\":{\"context_length\":2147483647,\"hf_tokenizer_name\":\"x\"}}}", VIT_ERR_CORRUPT},
        {"open_clip_config.json",
         "{\"model_cfg\":{\"text_cfg\":{\"hf_tokenizer_name\":\"x\",\"tokenizer_kwargs\":{\"clean\":\"rinse\"}}}}",
         VIT_ERR_UNSUPPORTED_MODEL},
        {"open_clip_config.json",
         "{\"model_cfg\":{\"text_cfg\":{\"hf_tokenizer_name\":\"x\",\"tokenizer_kwargs\":{\"strip_sep_token\":true}}}}",
         VIT_OK},
        {"open_clip_config.json",
         "{\"model_cfg\":{\"text_cfg\":{\"hf_tokenizer_name\":\"x\",\"tokenizer_mode\":\"shuffle\"}}}",
         VIT_ERR_UNSUPPORTED_MODEL},
        {"sentence_bert_config.json", "{", VIT_ERR_CORRUPT},
        {"sentence_bert_config.json", "{\"max_seq_length\":-1,\"do_lower_case\":7}", VIT_OK},
        {"sentence_bert_config.json", "{\"max_seq_length\":2}", VIT_ERR_CORRUPT},
        {"spiece.model", "no model", VIT_ERR_CORRUPT},
        {"spiece.model", "", VIT_ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *folder = folder_make();
        vit_error err = {0};
        write_text(folder, "tokenizer.json",
                   "{\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",1]}," GOOD "}");
        write_text(folder, rows[i].name, rows[i].text);
        if (open_status(folder, &err) != rows[i].status)
            fail_msg("%s: %s: %s (%s)", rows[i].name, rows[i].text, vit_status_name(err.status), err.message);
        folder_remove(folder);
    }
}

/* Without tokenizer.json, from the files of old. */
static void broken_vocabularies_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        vit_status status;
        const char *saying;
    } rows[] = {
        {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n", VIT_OK, ""},
        {"vocab.txt", "[PAD]\r\n[UNK]\r\n\r\n[CLS]\r\n[SEP]", VIT_OK, ""},
        {"vocab.txt", "", VIT_ERR_CORRUPT, "[CLS]"},
        {"vocab.txt", "[PAD]\n[CLS]\n[SEP]\n", VIT_ERR_CORRUPT, "unk_token"},
        {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n", VIT_ERR_CORRUPT, "[SEP]"},
        {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n\xff\n", VIT_ERR_CORRUPT, "line 5"},
        {"sentencepiece.bpe.model", "", VIT_ERR_CORRUPT, "sentencepiece"},
        {"sentencepiece.bpe.model", "no model", VIT_ERR_CORRUPT, "sentencepiece"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *folder = folder_make();
        vit_error err = {0};
        write_text(folder, rows[i].name, rows[i].text);
        if (open_status(folder, &err) != rows[i].status || !strstr(err.message, rows[i].saying))
            fail_msg("%s: %s: %s (%s)", rows[i].name, rows[i].text, vit_status_name(err.status), err.message);
        folder_remove(folder);
    }
}

static void missing_files_are_named(void **state)
{
    (void)state;
    char *folder = folder_make();
    vit_error err = {0};
    assert_int_equal(open_status(folder, &err), VIT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "merges.txt"));
    write_text(folder, "vocab.json", "{\"a\":0}");
    assert_int_equal(open_status(folder, NULL), VIT_ERR_NOT_FOUND);
    write_text(folder, "merges.txt", "#version: 0.2\na b\n");
    assert_int_equal(open_status(folder, NULL), VIT_ERR_CORRUPT);
    write_text(folder, "merges.txt", "#version: 0.2\r\na a\r\n");
    write_text(folder, "vocab.json", "{\"a\":0,\"aa\":3,\"<|startoftext|>\":1,\"<|endoftext|>\":2}");
    assert_int_equal(open_status(folder, NULL), VIT_OK);
    folder_remove(folder);
}

/* ------------------------------------------------------------------ damage ---- */

static void encode_some(const vit_tokenizer *tokenizer)
{
    static const char *const texts[] = {"", "a photo of a dog",
                                        "it's \xEF\xBD\xB6\xEF\xBE\x9E\xE3\x80\x80\xE1\x84\x80\xE1\x85\xA1 </s> <unk>",
                                        "\xE2\x96\x81\xE2\x96\x81 <table>\n\n\n<eos> \xF0\x9F\x98\x80"};
    int32_t ids[512];
    size_t n;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        vit_status status = vit_tokenizer_encode(tokenizer, texts[i], strlen(texts[i]), ids, 512, &n, NULL);
        assert_true(status == VIT_OK || (status == VIT_ERR_INVALID_ARGUMENT && n > 512));
    }
}

/* Changes a few bytes; near the start half of the time, where structure is denser. Sometimes cuts the file short. */
static size_t damage(char *bytes, size_t size, uint64_t *seed)
{
    for (uint64_t n = 1 + random_next(seed) % 4; n > 0; n--) {
        size_t range = random_next(seed) % 2 ? size : size < 4096 ? size : 4096;
        bytes[random_next(seed) % range] = (char)random_next(seed);
    }
    return random_next(seed) % 8 == 0 ? random_next(seed) % size : size;
}

static void damage_file(const char *fixture, const char *name, uint64_t seed)
{
    char *folder = folder_make();
    size_t size, read = 0;
    char *whole = read_whole(data_path("text/%s/%s", fixture, name), &size);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    for (int round = 0; round < ROUNDS; round++) {
        vit_tokenizer *tokenizer;
        vit_error err = {0};
        memcpy(bytes, whole, size);
        write_bytes(folder, name, bytes, damage(bytes, size, &seed));
        vit_status status = vit_tokenizer_open(folder, NULL, &tokenizer, &err);
        assert_true(status == VIT_OK || status == VIT_ERR_CORRUPT || status == VIT_ERR_UNSUPPORTED_MODEL ||
                    status == VIT_ERR_TOO_LARGE);
        if (status == VIT_OK) {
            encode_some(tokenizer);
            read++;
        }
        vit_tokenizer_free(tokenizer);
    }
    assert_in_range(read, 1, ROUNDS - 1); /* the damage is neither nothing nor everything */
    free(bytes);
    free(whole);
    folder_remove(folder);
}

static void damaged_files_are_refused_or_usable(void **state)
{
    (void)state;
    damage_file("bert_wordpiece", "tokenizer.json", 3);
    damage_file("gemma_bpe", "tokenizer.json", 1);
    damage_file("siglip_unigram", "spiece.model", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_tokenizer_json_is_refused),    cmocka_unit_test(broken_companions_are_refused),
        cmocka_unit_test(broken_vocabularies_are_refused),     cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(damaged_files_are_refused_or_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
