/* SPDX-License-Identifier: BSD-2-Clause */
#include "twins.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sha256.h"

typedef struct card {
    size_t item;
    off_t size; /* below 0: it cannot be read */
    bool unread;
    char digest[VIT__SHA256_HEX];
} card;

static int compare(const void *a, const void *b)
{
    const card *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    int order = strcmp(x->digest, y->digest);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

static void digest(const char *path, card *c)
{
    static unsigned char block[1 << 16];
    vit__sha256_state state;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;
    vit__sha256_start(&state);
    while (descriptor >= 0 && (n = read(descriptor, block, sizeof block)) > 0)
        vit__sha256_add(&state, block, (size_t)n);
    if (descriptor >= 0)
        close(descriptor);
    if (n < 0)
        c->unread = true;
    vit__sha256_finish(&state, c->digest);
}

/* Sets all of cards[n], which are the same bytes. */
static void judge(const cli_items *items, const card *cards, size_t n, cli_twin *twins)
{
    bool one = true;
    for (size_t i = 1; i < n; i++)
        one = one && items->items[cards[i].item].class == items->items[cards[0].item].class;
    for (size_t i = 0; i < n && n > 1; i++)
        twins[cards[i].item] = one ? CLI_TWIN_AGREES : CLI_TWIN_CONTRADICTS;
}

void cli_twins_find(const cli_items *items, cli_twin *twins)
{
    card *cards = cli_allocate(items->n, sizeof *cards);
    for (size_t i = 0; i < items->n; i++) {
        struct stat info;
        twins[i] = CLI_TWIN_NONE;
        cards[i] = (card){.item = i, .size = stat(items->items[i].path, &info) == 0 ? info.st_size : -1};
    }
    qsort(cards, items->n, sizeof *cards, compare);
    for (size_t i = 0; i < items->n; i++) {
        bool before = i > 0 && cards[i - 1].size == cards[i].size;
        bool behind = i + 1 < items->n && cards[i + 1].size == cards[i].size;
        if (cards[i].size >= 0 && (before || behind))
            digest(items->items[cards[i].item].path, &cards[i]);
    }
    qsort(cards, items->n, sizeof *cards, compare);
    for (size_t first = 0, last; first < items->n; first = last) {
        for (last = first + 1; last < items->n && cards[last].size == cards[first].size &&
                               strcmp(cards[last].digest, cards[first].digest) == 0;)
            last++;
        if (cards[first].size >= 0 && !cards[first].unread)
            judge(items, cards + first, last - first, twins);
    }
    free(cards);
}
