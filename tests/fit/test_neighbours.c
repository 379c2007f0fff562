/* SPDX-License-Identifier: BSD-2-Clause */
/* Votes of neighbours against DINOv2's KnnModule (make_neighbours.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "vit/fit.h"

enum { N_MOST = 200, WIDTH_MOST = 32, CLASSES_MOST = 8 };

typedef struct reference {
    FILE *file;
    uint32_t n, width, n_classes, queries;
    float vectors[N_MOST * WIDTH_MOST], asked[N_MOST * WIDTH_MOST];
    uint32_t classes[N_MOST];
    vit_fit_rows rows;
} reference;

static void take(FILE *file, void *to, size_t size, size_t n)
{
    assert_int_equal(fread(to, size, n, file), n);
}

static void open_reference(reference *r)
{
    uint32_t sizes[4];
    r->file = fopen(data_path("fit/neighbours.bin"), "rb");
    assert_non_null(r->file);
    take(r->file, sizes, sizeof *sizes, 4);
    r->n = sizes[0], r->width = sizes[1], r->n_classes = sizes[2], r->queries = sizes[3];
    assert_true(r->n <= N_MOST && r->width <= WIDTH_MOST && r->n_classes <= CLASSES_MOST && r->queries <= N_MOST);
    take(r->file, r->vectors, sizeof *r->vectors, (size_t)r->n * r->width);
    take(r->file, r->classes, sizeof *r->classes, r->n);
    take(r->file, r->asked, sizeof *r->asked, (size_t)r->queries * r->width);
    r->rows = (vit_fit_rows){
        .vectors = r->vectors, .classes = r->classes, .n = r->n, .width = r->width, .n_classes = r->n_classes};
}

/* The first of the largest. */
static uint32_t best_of(const float *scores, size_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

static void check_queries(const reference *r, const vit_fit_vote *vote)
{
    float want[CLASSES_MOST], got[CLASSES_MOST];
    vit_error err = {0};
    for (size_t i = 0; i < r->queries; i++) {
        take(r->file, want, sizeof *want, r->n_classes);
        assert_ok(vit_fit_ask_neighbours(&r->rows, r->asked + i * r->width, NULL, vote, got, &err), err);
        for (size_t k = 0; k < r->n_classes; k++)
            assert_true(fabsf(got[k] - want[k]) <= 1e-6f);
        assert_int_equal(best_of(got, r->n_classes), best_of(want, r->n_classes));
    }
}

/* Each row by all others, and by the other function. */
static void check_rows(const reference *r, const vit_fit_vote *vote)
{
    vit_fit_judgement judgements[N_MOST], on_one[N_MOST];
    unsigned char left_out[N_MOST] = {0};
    float scores[CLASSES_MOST];
    uint32_t want;
    vit_error err = {0};
    memset(judgements, 0, sizeof judgements);
    memset(on_one, 0, sizeof on_one);
    assert_ok(vit_fit_judge_neighbours(&r->rows, vote, 3, judgements, &err), err);
    assert_ok(vit_fit_judge_neighbours(&r->rows, vote, 1, on_one, &err), err);
    assert_memory_equal(judgements, on_one, sizeof judgements);
    for (size_t i = 0; i < r->n; i++) {
        take(r->file, &want, sizeof want, 1);
        if (judgements[i].predicted != want)
            fail_msg("k %zu, equal %d, temperature %g: row %zu is said to be %u, not %u", vote->k, vote->equal,
                     vote->temperature, i, judgements[i].predicted, want);
        left_out[i] = 1;
        assert_ok(vit_fit_ask_neighbours(&r->rows, r->vectors + i * r->width, left_out, vote, scores, &err), err);
        left_out[i] = 0;
        assert_true(scores[best_of(scores, r->n_classes)] ==
                    scores[want]); /* floats may be equal where doubles are not */
        assert_true(fabsf(scores[want] - judgements[i].score) <= 1e-6f);
        const double own = fmax((double)scores[r->classes[i]], 2.220446049250313e-16);
        assert_true(fabs(judgements[i].loss + log(own)) <= 1e-4 * fmax(1, judgements[i].loss));
        assert_int_equal(judgements[i].rank == 0, judgements[i].predicted == r->classes[i]);
    }
}

static void votes_match(void **state)
{
    (void)state;
    static reference r;
    size_t votes = 0;
    uint32_t numbers[2];
    double temperature;
    open_reference(&r);
    for (; fread(numbers, sizeof *numbers, 2, r.file) == 2; votes++) {
        take(r.file, &temperature, sizeof temperature, 1);
        const vit_fit_vote vote = {.k = numbers[0], .temperature = temperature, .equal = (int)numbers[1]};
        check_queries(&r, &vote);
        check_rows(&r, &vote);
    }
    assert_int_equal(votes, 7);
    fclose(r.file);
}

static const float three[] = {0.9f, 0.8f, 0.1f};
static const uint32_t their_classes[] = {0, 1, 1};
static const vit_fit_rows few = {.vectors = three, .classes = their_classes, .n = 3, .width = 1, .n_classes = 2};

static void the_example_of_the_header(void **state)
{
    (void)state;
    const float one = 1;
    float scores[2];
    vit_error err = {0};
    const vit_fit_vote vote = {.k = 2, .temperature = 0.1};
    assert_ok(vit_fit_ask_neighbours(&few, &one, NULL, &vote, scores, &err), err);
    assert_true(fabsf(scores[0] - 0.731f) < 1e-3f && fabsf(scores[0] + scores[1] - 1) < 1e-6f);
    const unsigned char all[] = {1, 1, 1};
    assert_ok(vit_fit_ask_neighbours(&few, &one, all, NULL, scores, &err), err);
    assert_true(scores[0] == 0 && scores[1] == 0);
    const size_t last = 2;
    vit_fit_rows one_row = few;
    one_row.at = &last;
    one_row.n = 1;
    assert_ok(vit_fit_ask_neighbours(&one_row, &one, NULL, NULL, scores, &err), err);
    assert_true(scores[0] == 0 && scores[1] == 1);
}

static void wrong_arguments(void **state)
{
    (void)state;
    const float one = 1, broken = NAN;
    float scores[2];
    vit_fit_judgement judgements[3];
    vit_fit_rows past = few, none = few;
    const uint32_t beyond[] = {0, 1, 2};
    past.classes = beyond;
    none.vectors = NULL;
    assert_int_equal(vit_fit_ask_neighbours(NULL, &one, NULL, NULL, scores, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_ask_neighbours(&none, &one, NULL, NULL, scores, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_ask_neighbours(&few, NULL, NULL, NULL, scores, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_ask_neighbours(&few, &one, NULL, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_ask_neighbours(&past, &one, NULL, NULL, scores, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_ask_neighbours(&few, &broken, NULL, NULL, scores, NULL), VIT_ERR_NON_FINITE);
    assert_int_equal(vit_fit_judge_neighbours(NULL, NULL, 1, judgements, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_judge_neighbours(&few, NULL, 1, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_fit_judge_neighbours(&past, NULL, 1, judgements, NULL), VIT_ERR_INVALID_ARGUMENT);
    const vit_fit_vote wrong[] = {
        {.temperature = -1}, {.temperature = NAN}, {.temperature = INFINITY}, {.reserved = {1}}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(vit_fit_ask_neighbours(&few, &one, NULL, &wrong[i], scores, NULL), VIT_ERR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_match),
        cmocka_unit_test(the_example_of_the_header),
        cmocka_unit_test(wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
