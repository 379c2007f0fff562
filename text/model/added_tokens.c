/* SPDX-License-Identifier: BSD-2-Clause */
#include "added_tokens.h"

#include <stdlib.h>

#include "memory.h"
#include "unicode.h"
#include "utf8.h"

void vit__added_tokens_add(vit__added_tokens *tokens, const char *content, size_t size, vit__added_token token)
{
    if (size == 0)
        return;
    vit__added_token *grown = vit__grow(tokens->tokens, &tokens->capacity, tokens->n, 1, sizeof *grown);
    if (!grown) {
        tokens->failed = true;
        return;
    }
    tokens->tokens = grown;
    vit__lexicon_add(&tokens->contents, content, size, (uint32_t)tokens->n);
    tokens->tokens[tokens->n++] = token;
}

void vit__added_tokens_finish(vit__added_tokens *tokens)
{
    vit__lexicon_finish(&tokens->contents);
    tokens->failed = tokens->failed || tokens->contents.failed;
}

void vit__added_tokens_free(vit__added_tokens *tokens)
{
    vit__lexicon_free(&tokens->contents);
    free(tokens->tokens);
    *tokens = (vit__added_tokens){0};
}

/* Index of the longest token at byte `start`, or VIT__NO_ID. */
static uint32_t longest(const vit__lexicon *contents, const char *text, size_t size, size_t start, size_t *end)
{
    uint32_t best = VIT__NO_ID;
    vit__walk walk = vit__walk_start(contents);
    for (size_t at = start; at < size && vit__walk_feed(contents, &walk, text[at]);) {
        at++;
        uint32_t index = vit__walk_value(contents, &walk);
        if (index != VIT__NO_ID) {
            best = index;
            *end = at;
        }
    }
    return best;
}

static void eat(const vit__added_token *token, const char *text, size_t size, size_t from, vit__added_match *match)
{
    while (token->eats_left && match->start > from) {
        size_t before = vit__utf8_before(text, match->start);
        if (!vit__unicode_is_space(vit__utf8_peek(text, size, before)))
            break;
        match->start = before;
    }
    while (token->eats_right && match->end < size && vit__unicode_is_space(vit__utf8_peek(text, size, match->end)))
        vit__utf8_next(text, size, &match->end);
}

vit__added_match vit__added_tokens_next(const vit__added_tokens *tokens, const char *text, size_t size, size_t from)
{
    for (size_t start = from; tokens->n > 0 && start < size; start++) {
        vit__added_match match = {start, start, VIT__NO_ID};
        uint32_t index = longest(&tokens->contents, text, size, start, &match.end);
        if (index == VIT__NO_ID)
            continue;
        match.id = tokens->tokens[index].id;
        eat(&tokens->tokens[index], text, size, from, &match);
        return match;
    }
    return (vit__added_match){size, size, VIT__NO_ID};
}
