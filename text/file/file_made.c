/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_made.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "file_spiece.h"
#include "tokenizer_json.h"

/* The document that is being made. After the first addition that fails, further ones do nothing. */
typedef struct making {
    const vit__text_folder *folder;
    vit__json *json;
    const char *where;
    bool failed; /* out of memory */
    vit_error *err;
} making;

static void set(making *m, vit__json *object, const char *key, vit__json *value)
{
    m->failed = !vit__json_set(object, key, value) || m->failed;
}

static void append(making *m, vit__json *array, vit__json *value)
{
    m->failed = !vit__json_append(array, value) || m->failed;
}

/* {"type": TYPE}, which is set below key. */
static vit__json *add_part(making *m, vit__json *object, const char *key, const char *type)
{
    vit__json *part = vit__json_new_object();
    set(m, part, "type", vit__json_new_string(type));
    set(m, object, key, part);
    return m->failed ? NULL : part;
}

static bool flag_of(const vit__text_folder *folder, const char *key, bool absent)
{
    bool flag = absent;
    vit__json_boolean(vit__json_get(folder->tokenizer_config, key), &flag);
    return flag;
}

/* ------------------------------------------------------------------ special tokens ---- */

/* Number of a token in the model's vocabulary, which is an object or a list; false: it is not there. */
static bool find(const making *m, const char *text, double *id)
{
    const vit__json *vocabulary = vit__json_get(vit__json_get(m->json, "model"), "vocab");
    if (!vit__json_is_array(vocabulary))
        return vit__json_number(vit__json_get(vocabulary, text), id);
    for (size_t i = 0; i < vit__json_length(vocabulary); i++)
        if (vit__json_is(vit__json_at(vit__json_at(vocabulary, i), 0), text)) {
            *id = (double)i;
            return true;
        }
    return false;
}

typedef struct special {
    const char *key, *fallback;
    bool left; /* takes the white space ahead of it */
} special;

static void add_special(making *m, vit__json *list, const special *s)
{
    const char *text = vit__text_folder_token(m->folder, s->key, s->fallback);
    double id;
    if (!find(m, text, &id))
        return;
    vit__json *token = vit__json_new_object();
    set(m, token, "id", vit__json_new_number(id));
    set(m, token, "content", vit__json_new_string(text));
    set(m, token, "special", vit__json_new_boolean(true));
    set(m, token, "normalized", vit__json_new_boolean(false));
    set(m, token, "lstrip", vit__json_new_boolean(s->left));
    append(m, list, token);
}

static void add_specials(making *m, const special *specials, size_t n)
{
    vit__json *list = vit__json_new_array();
    for (size_t i = 0; i < n; i++)
        add_special(m, list, &specials[i]);
    set(m, m->json, "added_tokens", list);
}

/* ["[SEP]", 3] */
static void set_pair(making *m, vit__json *part, const char *key, const special *s)
{
    const char *text = vit__text_folder_token(m->folder, s->key, s->fallback);
    double id = 0;
    if (!find(m, text, &id) && m->err->status == VIT_OK)
        vit__fail(m->err, VIT_ERR_CORRUPT, m->where, "it has no token %.50s, which stands around every text", text);
    vit__json *pair = vit__json_new_array();
    append(m, pair, vit__json_new_string(text));
    append(m, pair, vit__json_new_number(id));
    set(m, part, key, pair);
}

/* first TEXT last; first NULL: none */
static void surround(making *m, const special *first, const special *last)
{
    vit__json *part = add_part(m, m->json, "post_processor", first ? "BertProcessing" : "TemplateProcessing");
    if (first) {
        set_pair(m, part, "cls", first);
        set_pair(m, part, "sep", last);
        return;
    }
    const char *text = vit__text_folder_token(m->folder, last->key, last->fallback);
    double id = 0;
    if (!find(m, text, &id) && m->err->status == VIT_OK)
        vit__fail(m->err, VIT_ERR_CORRUPT, m->where, "it has no token %.50s, which ends every text", text);
    vit__json *single = vit__json_new_array(), *sequence = vit__json_new_object(), *token = vit__json_new_object();
    vit__json *name = vit__json_new_object(), *table = vit__json_new_object(), *entry = vit__json_new_object();
    vit__json *ids = vit__json_new_array();
    set(m, sequence, "Sequence", vit__json_new_object());
    append(m, single, sequence);
    set(m, name, "id", vit__json_new_string(text));
    set(m, token, "SpecialToken", name);
    append(m, single, token);
    set(m, part, "single", single);
    append(m, ids, vit__json_new_number(id));
    set(m, entry, "ids", ids);
    set(m, table, text, entry);
    set(m, part, "special_tokens", table);
}

/* ------------------------------------------------------------------ WordPiece ---- */

/* A line is a token, whose number is the line's. */
static void read_vocabulary(making *m, const vit__buffer *lines, vit__json *vocabulary)
{
    char token[1024];
    double number = 0;
    for (size_t at = 0; at < lines->size && !m->failed && m->err->status == VIT_OK; number++) {
        const char *start = lines->data + at, *end = memchr(start, '\n', lines->size - at);
        size_t size = end ? (size_t)(end - start) : lines->size - at;
        at += size + 1;
        size -= size > 0 && start[size - 1] == '\r';
        if (size == 0)
            continue;
        if (size >= sizeof token || memchr(start, 0, size)) {
            vit__fail(m->err, VIT_ERR_CORRUPT, m->where, "line %.0f is no token", number + 1);
            return;
        }
        memcpy(token, start, size);
        token[size] = '\0';
        vit__json *text = vit__json_new_string(token); /* NULL where it is not UTF-8 */
        bool sound = text != NULL;
        vit__json_free(text);
        if (!sound)
            vit__fail(m->err, VIT_ERR_CORRUPT, m->where, "line %.0f is not UTF-8", number + 1);
        else
            set(m, vocabulary, token, vit__json_new_number(number));
    }
}

vit__json *vit__file_make_bert_normalizer(const vit__text_folder *folder)
{
    vit__json *part = vit__json_new_object();
    const vit__json *accents = vit__json_get(folder->tokenizer_config, "strip_accents");
    bool done = vit__json_set(part, "type", vit__json_new_string("BertNormalizer")) &&
                vit__json_set(part, "clean_text", vit__json_new_boolean(true)) &&
                vit__json_set(part, "handle_chinese_chars",
                              vit__json_new_boolean(flag_of(folder, "tokenize_chinese_chars", true))) &&
                vit__json_set(part, "lowercase", vit__json_new_boolean(flag_of(folder, "do_lower_case", true))) &&
                (vit__json_is_null(accents) ||
                 vit__json_set(part, "strip_accents", vit__json_new_boolean(flag_of(folder, "strip_accents", false))));
    if (done)
        return part;
    vit__json_free(part);
    return NULL;
}

static void make_wordpiece(making *m, const vit__buffer *lines, bool fairseq)
{
    static const special bert[] = {{"unk_token", "[UNK]", false},
                                   {"sep_token", "[SEP]", false},
                                   {"pad_token", "[PAD]", false},
                                   {"cls_token", "[CLS]", false},
                                   {"mask_token", "[MASK]", false}};
    static const special mpnet[] = {{"unk_token", "[UNK]", false},  {"sep_token", "</s>", false},
                                    {"pad_token", "<pad>", false},  {"cls_token", "<s>", false},
                                    {"mask_token", "<mask>", true}, {"bos_token", "<s>", false},
                                    {"eos_token", "</s>", false}};
    const special *specials = fairseq ? mpnet : bert;
    set(m, m->json, "normalizer", vit__file_make_bert_normalizer(m->folder));
    add_part(m, m->json, "pre_tokenizer", "BertPreTokenizer");
    vit__json *model = add_part(m, m->json, "model", "WordPiece"), *vocabulary = vit__json_new_object();
    set(m, model, "unk_token", vit__json_new_string(vit__text_folder_token(m->folder, "unk_token", "[UNK]")));
    set(m, model, "continuing_subword_prefix", vit__json_new_string("##"));
    set(m, model, "max_input_chars_per_word", vit__json_new_number(100));
    set(m, model, "vocab", vocabulary);
    if (m->failed)
        return;
    read_vocabulary(m, lines, vocabulary);
    add_specials(m, specials, fairseq ? sizeof mpnet / sizeof *mpnet : sizeof bert / sizeof *bert);
    surround(m, &specials[3], &specials[1]);
}

/* ------------------------------------------------------------------ byte pairs ---- */

/* "a b" a line; the first may say a version. */
static void read_merges(making *m, const vit__buffer *lines, vit__json *merges)
{
    char merge[2048];
    for (size_t at = 0; at < lines->size && !m->failed;) {
        const char *start = lines->data + at, *end = memchr(start, '\n', lines->size - at);
        size_t size = end ? (size_t)(end - start) : lines->size - at;
        bool version = at == 0 && size > 0 && *start == '#';
        at += size + 1;
        size -= size > 0 && start[size - 1] == '\r';
        if (size == 0 || version)
            continue;
        snprintf(merge, sizeof merge, "%.*s", (int)(size < sizeof merge ? size : sizeof merge - 1), start);
        append(m, merges, vit__json_new_string(merge));
    }
}

static void make_roberta(making *m, const vit__buffer *lines)
{
    static const special specials[] = {{"cls_token", "<s>", false},    {"pad_token", "<pad>", false},
                                       {"sep_token", "</s>", false},   {"unk_token", "<unk>", false},
                                       {"mask_token", "<mask>", true}, {"bos_token", "<s>", false},
                                       {"eos_token", "</s>", false}};
    vit__json *split = add_part(m, m->json, "pre_tokenizer", "ByteLevel");
    set(m, split, "add_prefix_space", vit__json_new_boolean(flag_of(m->folder, "add_prefix_space", false)));
    vit__json *model = add_part(m, m->json, "model", "BPE"), *merges = vit__json_new_array(), *vocabulary = NULL;
    vit_status status = vit__tokenizer_json_load(m->folder->vocab_json, &vocabulary, m->err);
    if (status != VIT_OK) {
        vit__json_free(merges);
        return;
    }
    set(m, model, "vocab", vocabulary);
    set(m, model, "merges", merges);
    if (m->failed)
        return;
    read_merges(m, lines, merges);
    add_specials(m, specials, sizeof specials / sizeof *specials);
    surround(m, &specials[0], &specials[2]);
}

/* ------------------------------------------------------------------ sentencepiece ---- */

static char *base64(const char *bytes, size_t size, vit__buffer *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t block = 0;
        for (size_t j = 0; j < 3; j++)
            block = block << 8 | (i + j < size ? (unsigned char)bytes[i + j] : 0);
        char four[4];
        for (size_t j = 0; j < 4; j++)
            four[j] = i + j > size ? '=' : digits[block >> (18 - 6 * j) & 63];
        vit__buffer_add(text, four, 4);
    }
    return (char *)(uintptr_t)vit__buffer_terminate(text);
}

static void add_piece(making *m, vit__json *vocabulary, const char *text, double score)
{
    vit__json *pair = vit__json_new_array();
    append(m, pair, vit__json_new_string(text));
    append(m, pair, vit__json_new_number(score));
    append(m, vocabulary, pair);
}

typedef struct taking {
    making *m;
    vit__json *vocabulary;
    size_t skipped, seen;
} taking;

static void take_piece(void *context, const char *text, size_t size, float score)
{
    taking *t = context;
    char piece[1024];
    if (t->seen++ < t->skipped || size >= sizeof piece)
        return;
    memcpy(piece, text, size);
    piece[size] = '\0';
    add_piece(t->m, t->vocabulary, piece, (double)score);
}

static void make_unigram(making *m, const vit__buffer *file, bool fairseq)
{
    static const special t5[] = {
        {"pad_token", "<pad>", false}, {"eos_token", "</s>", false}, {"unk_token", "<unk>", false}};
    static const special xlmr[] = {{"bos_token", "<s>", false},
                                   {"pad_token", "<pad>", false},
                                   {"eos_token", "</s>", false},
                                   {"unk_token", "<unk>", false},
                                   {"mask_token", "<mask>", true}};
    vit__buffer text = {0};
    taking all = {.m = m, .vocabulary = vit__json_new_array(), .skipped = fairseq ? 3 : 0};
    for (size_t i = 0; fairseq && i < 4; i++)
        add_piece(m, all.vocabulary, xlmr[i].fallback, 0);
    vit__spiece_source source = {take_piece, &all, NULL, 0};
    vit_status status = vit__file_walk_spiece(file->data, file->size, m->where, &source, m->err);
    if (fairseq)
        add_piece(m, all.vocabulary, xlmr[4].fallback, 0);
    vit__json *model = add_part(m, m->json, "model", "Unigram");
    set(m, model, "vocab", all.vocabulary);
    set(m, model, "unk_id", vit__json_new_number(fairseq ? 3 : 2));
    if (source.charsmap_size > 0 && status == VIT_OK) {
        vit__json *normalizer = add_part(m, m->json, "normalizer", "Precompiled");
        set(m, normalizer, "precompiled_charsmap",
            vit__json_new_string(base64(source.charsmap, source.charsmap_size, &text)));
        m->failed = text.failed || m->failed;
    }
    vit__json *splits = vit__json_new_array(), *sequence = add_part(m, m->json, "pre_tokenizer", "Sequence");
    vit__json *spaces = vit__json_new_object(), *metaspace = vit__json_new_object();
    set(m, spaces, "type", vit__json_new_string("WhitespaceSplit"));
    set(m, metaspace, "type", vit__json_new_string("Metaspace"));
    set(m, metaspace, "replacement", vit__json_new_string("\xE2\x96\x81"));
    set(m, metaspace, "prepend_scheme", vit__json_new_string("always"));
    append(m, splits, spaces);
    append(m, splits, metaspace);
    set(m, sequence, "pretokenizers", splits);
    vit__buffer_free(&text);
    if (m->failed || status != VIT_OK)
        return;
    add_specials(m, fairseq ? xlmr : t5, fairseq ? sizeof xlmr / sizeof *xlmr : sizeof t5 / sizeof *t5);
    surround(m, fairseq ? &xlmr[0] : NULL, fairseq ? &xlmr[2] : &t5[1]);
}

/* ------------------------------------------------------------------ any ---- */

vit_status vit__file_make(const vit__text_folder *folder, vit__made kind, vit__json **json, const char **where,
                          vit_error *err)
{
    const char *const files[] = {[VIT__MADE_BERT] = folder->vocab_txt,
                                 [VIT__MADE_MPNET] = folder->vocab_txt,
                                 [VIT__MADE_ROBERTA] = folder->merges_txt,
                                 [VIT__MADE_XLMR] = folder->sentencepiece_model,
                                 [VIT__MADE_T5] = folder->spiece_model};
    vit_error own = {0};
    vit__buffer file = {0};
    making m = {.folder = folder, .json = vit__json_new_object(), .where = files[kind], .err = &own};
    *json = NULL;
    *where = files[kind];
    vit_status status = m.json ? vit__file_read(files[kind], &vit__tokenizer_file, &file, err)
                               : vit__fail_memory(err, files[kind]);
    if (status == VIT_OK) {
        if (kind == VIT__MADE_BERT || kind == VIT__MADE_MPNET)
            make_wordpiece(&m, &file, kind == VIT__MADE_MPNET);
        else if (kind == VIT__MADE_ROBERTA)
            make_roberta(&m, &file);
        else
            make_unigram(&m, &file, kind == VIT__MADE_XLMR);
        status = own.status != VIT_OK ? vit__fail(err, own.status, own.where, "%s", own.message)
                 : m.failed           ? vit__fail_memory(err, files[kind])
                                      : VIT_OK;
    }
    vit__buffer_free(&file);
    if (status == VIT_OK)
        *json = m.json;
    else
        vit__json_free(m.json);
    return status;
}
