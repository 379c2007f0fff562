/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rows are held out: by SHA-256 of seed and name, so that a split is the same on every machine, and pictures that
 * are added move few others. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "sha256.h"
#include "vit/fit.h"

typedef struct card {
    uint32_t class;
    size_t row;
    char digest[VIT__SHA256_HEX];
} card;

static int compare(const void *a, const void *b)
{
    const card *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    int order = strcmp(x->digest, y->digest);
    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static void draw(const char *seed, const char *name, char digest[VIT__SHA256_HEX])
{
    vit__sha256_state state;
    vit__sha256_start(&state);
    vit__sha256_add(&state, seed, strlen(seed) + 1);
    vit__sha256_add(&state, name, strlen(name));
    vit__sha256_finish(&state, digest);
}

/* How many of the n rows of a class are held out. Halves are rounded to the even number, as Python's round does. */
static size_t held_out(double share, size_t n)
{
    size_t held = (size_t)rint(share * (double)n);
    if (n < 2 || share == 0)
        return 0;
    return held < 1 ? 1 : held > n - 1 ? n - 1 : held;
}

/* The cards of one class, in their order. */
static void deal(const vit_fit_split_rule *rule, const card *cards, size_t n, uint32_t *fold)
{
    size_t held = held_out(rule->share, n);
    for (size_t i = 0; i < n; i++)
        if (rule->folds > 1)
            fold[cards[i].row] = n < 2 ? VIT_FIT_NO_FOLD : (uint32_t)(i % rule->folds);
        else
            fold[cards[i].row] = i < held ? 0 : VIT_FIT_NO_FOLD;
}

vit_status vit_fit_split(const vit_fit_split_rule *rule, const char *const *names, const uint32_t *classes,
                         const unsigned char *eligible, size_t n, uint32_t *fold, vit_error *err)
{
    size_t n_cards = 0;
    if (!rule || !rule->seed || (n && (!names || !classes || !fold)))
        return vit__fail_null(err, __func__, !rule || !rule->seed ? "rule" : !names ? "names" : "classes or fold");
    if (VIT__CHECK_RESERVED(err, __func__, rule) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    if (!(rule->share >= 0 && rule->share <= 1))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "the share that is held out lies between 0 and 1");
    card *cards = vit__alloc(n, sizeof *cards);
    if (!cards)
        return vit__fail_memory(err, __func__);
    for (size_t i = 0; i < n; i++) {
        fold[i] = VIT_FIT_NO_FOLD;
        if (eligible && !eligible[i])
            continue;
        cards[n_cards].class = classes[i];
        cards[n_cards].row = i;
        draw(rule->seed, names[i], cards[n_cards++].digest);
    }
    qsort(cards, n_cards, sizeof *cards, compare);
    for (size_t first = 0, last; first < n_cards; first = last) {
        for (last = first; last < n_cards && cards[last].class == cards[first].class; last++)
            ;
        deal(rule, cards + first, last - first, fold);
    }
    free(cards);
    return VIT_OK;
}
