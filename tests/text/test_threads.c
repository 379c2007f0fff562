/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that share a tokenizer: each gets the ids that one thread gets, whatever
 * the tokenizer is made of. tests/run.sh runs this test under ThreadSanitizer too. */
#include <pthread.h>
#include <string.h>

#include "fixtures.h"

#define THREADS 4
#define ROUNDS 100

static const struct {
    const char *fixture, *files;
    vit_tokenizer_kind kind;
} tokenizers[] = {
    {"clip", "vocab.json merges.txt", VIT_TOKENIZER_HF},  {"clip", "vocab.json merges.txt", VIT_TOKENIZER_OPEN_CLIP},
    {"siglip_unigram", "spiece.model", VIT_TOKENIZER_HF}, {"siglip_unigram", "tokenizer.json", VIT_TOKENIZER_JSON},
    {"gemma_bpe", "tokenizer.json", VIT_TOKENIZER_HF},    {"bert_wordpiece", "tokenizer.json", VIT_TOKENIZER_HF},
};

static const char text[] = "A photo of the B\xC3\x9C"
                           "CHERREGAL, it's 1980s &amp; \xE7\x8B\x97 \xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3!";

typedef struct reader {
    const vit_tokenizer *tokenizer;
    int32_t ids[128];
    size_t n; /* 0: it failed */
} reader;

static void *encode_often(void *argument)
{
    reader *self = argument;
    for (int i = 0; i < ROUNDS; i++)
        if (vit_tokenizer_encode(self->tokenizer, text, sizeof text - 1, self->ids, 128, &self->n, NULL) != VIT_OK)
            self->n = 0;
    return NULL;
}

/* The last reader comes when all others have gone. */
static void check(const vit_tokenizer *tokenizer)
{
    reader readers[THREADS + 1];
    pthread_t threads[THREADS];
    for (size_t i = 0; i <= THREADS; i++)
        readers[i].tokenizer = tokenizer;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, &readers[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    encode_often(&readers[THREADS]);
    assert_true(readers[THREADS].n > 10);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(readers[i].n, readers[THREADS].n);
        assert_memory_equal(readers[i].ids, readers[THREADS].ids, readers[i].n * sizeof *readers[i].ids);
    }
}

static void threads_share_a_tokenizer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tokenizers / sizeof *tokenizers; i++) {
        vit_tokenizer *tokenizer = open_fixture(tokenizers[i].fixture, tokenizers[i].files, tokenizers[i].kind, 0);
        check(tokenizer);
        vit_tokenizer_free(tokenizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_a_tokenizer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
