/* SPDX-License-Identifier: BSD-2-Clause */
#include "where.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "error.h"

typedef struct where_word {
    const char *name;
    const char *sql[2]; /* by dialect; NULL: as the name */
} where_word;

static const where_word columns[] = {
    {"path", {0}},
    {"name", {0}},
    {"size", {0}},
    {"width", {0}},
    {"height", {0}},
    {"caption", {0}},
    {"hash", {0}},
    {"time",
     {"strftime('%Y-%m-%d %H:%M:%S', mtime / 1000000000, 'unixepoch')",
      "to_char(to_timestamp(mtime / 1000000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"}},
    {0},
};

/* LIKE takes no account of case, in any store. */
static const where_word others[] = {
    {"and", {0}},    {"or", {0}},       {"not", {0}},
    {"in", {0}},     {"between", {0}},  {"like", {NULL, "ILIKE"}},
    {"is", {0}},     {"null", {0}},     {"true", {0}},
    {"false", {0}},  {"case", {0}},     {"when", {0}},
    {"then", {0}},   {"else", {0}},     {"end", {0}},
    {"escape", {0}}, {"lower", {0}},    {"upper", {0}},
    {"abs", {0}},    {"trim", {0}},     {"length", {0}},
    {"substr", {0}}, {"replace", {0}},  {"round", {0}},
    {"nullif", {0}}, {"coalesce", {0}}, {0},
};

typedef enum token_kind { KIND_END, KIND_WORD, KIND_NUMBER, KIND_STRING, KIND_SIGN, KIND_WRONG } token_kind;

typedef struct where_token {
    token_kind kind;
    const char *at;
    size_t length;
} where_token;

static const where_word *find(const where_word *words, const where_token *token)
{
    for (; words->name; words++)
        if (strlen(words->name) == token->length && strncasecmp(words->name, token->at, token->length) == 0)
            return words;
    return NULL;
}

/* To behind the closing quote, '' being a quote; 0: there is none. */
static size_t string_length(const char *at)
{
    size_t i = 1;
    for (; at[i]; i++) {
        if (at[i] == '\'' && at[i + 1] == '\'')
            i++;
        else if (at[i] == '\'')
            return i + 1;
    }
    return 0;
}

static size_t sign_length(const char *at)
{
    static const char *const signs[] = {"<=", ">=", "<>", "!=", "||", "=", "<", ">",
                                        "+",  "-",  "*",  "/",  "%",  "(", ")", ","};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(at, signs[i], strlen(signs[i])) == 0)
            return strlen(signs[i]);
    return 0;
}

static size_t number_length(const char *at)
{
    size_t length = strspn(at, "0123456789.");
    if (tolower((unsigned char)at[length]) == 'e') {
        size_t sign = at[length + 1] == '+' || at[length + 1] == '-' ? 1 : 0;
        size_t digits = strspn(at + length + 1 + sign, "0123456789");
        length += digits ? 1 + sign + digits : 0;
    }
    return length;
}

static where_token next(const char *at)
{
    where_token token = {KIND_WRONG, at, 1};
    unsigned char first = (unsigned char)*at;
    if (!first) {
        token.kind = KIND_END;
    } else if (isalpha(first)) {
        token.kind = KIND_WORD;
        while (isalnum((unsigned char)at[token.length]) || at[token.length] == '_')
            token.length++;
    } else if (isdigit(first)) {
        token.kind = KIND_NUMBER;
        token.length = number_length(at);
    } else if (first == '\'') {
        token.length = string_length(at);
        token.kind = token.length ? KIND_STRING : KIND_WRONG;
    } else if (sign_length(at)) {
        token.kind = KIND_SIGN;
        token.length = sign_length(at);
        if (strncmp(at, "--", 2) == 0 || strncmp(at, "/*", 2) == 0)
            token.kind = KIND_WRONG; /* comments */
    }
    return token;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

#define refuse(err, ...) vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "where", __VA_ARGS__)

vit_status vit_index_check_where(const char *where, vit_error *err)
{
    if (!where)
        return vit__fail_null(err, __func__, "where");
    int depth = 0;
    const char *at = skip_space(where);
    where_token token;
    for (; (token = next(at)).kind != KIND_END; at = skip_space(at + token.length)) {
        depth += token.kind == KIND_SIGN && *at == '(';
        depth -= token.kind == KIND_SIGN && *at == ')';
        if (depth < 0)
            return refuse(err, "it closes a parenthesis that was not opened");
        if (token.kind == KIND_WORD && !find(columns, &token) && !find(others, &token))
            return refuse(err,
                          "'%.*s' is not a column (path, name, size, time, width, height, caption, hash) or a word it "
                          "knows",
                          token.length < 40 ? (int)token.length : 40, at);
        if (token.kind == KIND_WRONG)
            return refuse(err, "it cannot be read from here: %.40s", at);
    }
    return depth > 0 ? refuse(err, "a parenthesis is not closed") : VIT_OK;
}

void vit__where_sql(const char *where, vit__dialect dialect, vit__buffer *sql)
{
    vit__buffer_add_string(sql, "(");
    const char *at = skip_space(where);
    where_token token;
    for (; (token = next(at)).kind != KIND_END; at = skip_space(at + token.length)) {
        const where_word *word = NULL;
        if (token.kind == KIND_WORD && !(word = find(columns, &token)))
            word = find(others, &token);
        if (word && word->sql[dialect])
            vit__buffer_add_string(sql, word->sql[dialect]);
        else
            vit__buffer_add(sql, at, token.length);
        vit__buffer_add_string(sql, " ");
    }
    vit__buffer_add_string(sql, ")");
}
