/* SPDX-License-Identifier: BSD-2-Clause */
/* Fits against scikit-learn's converged optima (make_reference.py), and against the definition of the optimum
 * itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "support.h"
#include "vit/fit.h"

static const char *const case_names[] = {"seven_classes", "two_classes",      "imbalance",
                                         "balanced",      "duplicate_column", "wide"};
#define N_CASES (sizeof case_names / sizeof *case_names)

/* ------------------------------------------------------------------ the files of make_reference.py ---- */

typedef struct reference {
    vit_fit_rows rows;
    int balanced;
    float *vectors;
    uint32_t *classes;
    size_t n_cs;
    double cs[8], objectives[8];
    float *probabilities[8]; /* [n][n_classes] */
} reference;

static void take(FILE *file, void *to, size_t size, size_t n)
{
    assert_int_equal(fread(to, size, n, file), n);
}

static reference open_reference(const char *name)
{
    reference r = {0};
    uint32_t sizes[5];
    FILE *file = fopen(data_path("fit/%s.bin", name), "rb");
    assert_non_null(file);
    take(file, sizes, sizeof *sizes, 5);
    size_t n = sizes[0], width = sizes[1], n_classes = sizes[2];
    r.vectors = malloc(n * width * sizeof *r.vectors);
    r.classes = malloc(n * sizeof *r.classes);
    take(file, r.vectors, sizeof *r.vectors, n * width);
    take(file, r.classes, sizeof *r.classes, n);
    r.n_cs = sizes[3];
    r.balanced = (int)sizes[4];
    for (size_t i = 0; i < r.n_cs; i++) {
        take(file, &r.cs[i], sizeof *r.cs, 1);
        take(file, &r.objectives[i], sizeof *r.objectives, 1);
        r.probabilities[i] = malloc(n * n_classes * sizeof(float));
        take(file, r.probabilities[i], sizeof(float), n * n_classes);
    }
    fclose(file);
    r.rows = (vit_fit_rows){.vectors = r.vectors, .classes = r.classes, .n = n, .width = width, .n_classes = n_classes};
    return r;
}

static void close_reference(reference *r)
{
    free(r->vectors);
    free(r->classes);
    for (size_t i = 0; i < r->n_cs; i++)
        free(r->probabilities[i]);
}

/* ------------------------------------------------------------------ the definition, in long double ---- */

static void probabilities(const vit_fit_layer *layer, const float *x, long double *p)
{
    long double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < layer->n_classes; k++) {
        p[k] = layer->bias[k];
        for (size_t j = 0; j < layer->width; j++)
            p[k] += (long double)layer->weight[k * layer->width + j] * x[j];
        most = p[k] > most ? p[k] : most;
    }
    for (size_t k = 0; k < layer->n_classes; k++)
        sum += p[k] = expl(p[k] - most);
    for (size_t k = 0; k < layer->n_classes; k++)
        p[k] /= sum;
}

static long double class_weight(const reference *r, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < r->rows.n; i++)
        n += r->classes[i] == k;
    return r->balanced ? (long double)r->rows.n / (long double)(r->rows.n_classes * n) : 1;
}

/* The objective as the header has it, with C halved for two classes; gradient may be NULL. */
static long double objective(const reference *r, const vit_fit_layer *layer, double c, long double *gradient)
{
    size_t width = layer->width, n_weights = layer->n_classes * width;
    long double sum = 0, strength = (layer->n_classes == 2 ? 2 : 1) / (long double)c, p[8];
    for (size_t i = 0; gradient && i < n_weights + layer->n_classes; i++)
        gradient[i] = i < n_weights ? strength * layer->weight[i] : 0;
    for (size_t i = 0; i < n_weights; i++)
        sum += strength / 2 * layer->weight[i] * layer->weight[i];
    for (size_t i = 0; i < r->rows.n; i++) {
        const float *x = r->vectors + i * width;
        long double s = class_weight(r, r->classes[i]);
        probabilities(layer, x, p);
        sum -= s * logl(p[r->classes[i]]);
        for (size_t k = 0; gradient && k < layer->n_classes; k++) {
            long double d = s * (p[k] - (k == r->classes[i]));
            gradient[n_weights + k] += d;
            for (size_t j = 0; j < width; j++)
                gradient[k * width + j] += d * x[j];
        }
    }
    return sum;
}

/* ------------------------------------------------------------------ fits ---- */

static void fit(const reference *r, double c, unsigned threads, vit_fit_layer *layer)
{
    vit_error err = {0};
    const vit_fit_options options = {.c = c, .balanced = r->balanced, .threads = threads};
    assert_ok(vit_fit_make(&r->rows, &options, NULL, layer, &err), err);
    assert_true(layer->converged);
}

static void fits_are_the_optimum_of_scikit_learn(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        reference r = open_reference(case_names[i]);
        for (size_t k = 0; k < r.n_cs; k++) {
            vit_fit_layer layer;
            fit(&r, r.cs[k], 2, &layer);
            double worst = 0;
            for (size_t row = 0; row < r.rows.n; row++) {
                long double p[8];
                const float *want = r.probabilities[k] + row * r.rows.n_classes;
                probabilities(&layer, r.vectors + row * r.rows.width, p);
                size_t best = 0, best_wanted = 0;
                for (size_t class = 0; class < r.rows.n_classes; class ++) {
                    worst = fmax(worst, fabs((double)p[class] - (double)want[class]));
                    best = p[class] > p[best] ? class : best;
                    best_wanted = want[class] > want[best_wanted] ? class : best_wanted;
                }
                assert_int_equal(best, best_wanted);
            }
            /* The contract's bound; both are within 1e-7 of the optimum, and the file's numbers are f32. */
            if (!(worst < 1e-5))
                fail_msg("%s, C %g: probabilities differ by %g", case_names[i], r.cs[k], worst);
            /* scikit-learn's own figure is of a double sum, which is why 1e-6 is asked and not 0. */
            assert_true(layer.objective < r.objectives[k] + 1e-6 * (double)r.rows.n);
            assert_true(objective(&r, &layer, r.cs[k], NULL) < r.objectives[k] + 1e-6);
            vit_fit_layer_free(&layer);
        }
        close_reference(&r);
    }
}

static void the_gradient_is_zero_at_a_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        reference r = open_reference(case_names[i]);
        size_t n = (r.rows.width + 1) * r.rows.n_classes;
        long double *gradient = malloc(n * sizeof *gradient);
        for (size_t k = 0; k < r.n_cs; k++) {
            vit_fit_layer layer;
            fit(&r, r.cs[k], 1, &layer);
            long double least = objective(&r, &layer, r.cs[k], gradient);
            for (size_t j = 0; j < n; j++)
                assert_true(fabsl(gradient[j]) < 1e-6L * r.rows.n);
            for (size_t j = 0; j < n; j += 5) {
                double *at = j < n - r.rows.n_classes ? &layer.weight[j] : &layer.bias[j - (n - r.rows.n_classes)];
                for (int sign = -1; sign <= 1; sign += 2) {
                    double kept = *at;
                    *at += sign * 1e-3;
                    assert_true(objective(&r, &layer, r.cs[k], NULL) > least);
                    *at = kept;
                }
            }
            vit_fit_layer_free(&layer);
        }
        free(gradient);
        close_reference(&r);
    }
}

/* Three blocks of rows and some more, in another order. */
static void bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    enum { N = 3500, WIDTH = 5, CLASSES = 3 };
    static float vectors[N * WIDTH];
    static uint32_t classes[N];
    static vit_fit_judgement judged[2][N];
    uint64_t seed = 7;
    for (size_t i = 0; i < N; i++) {
        classes[i] = (uint32_t)(random_next(&seed) % CLASSES);
        for (size_t k = 0; k < WIDTH; k++)
            vectors[i * WIDTH + k] = (float)(random_next(&seed) % 1000) / 500 + (k == classes[i]);
    }
    const vit_fit_rows rows = {.vectors = vectors, .classes = classes, .n = N, .width = WIDTH, .n_classes = CLASSES};
    vit_fit_layer layers[3];
    for (unsigned i = 0; i < 3; i++) {
        vit_error err = {0};
        const vit_fit_options options = {.c = 3, .threads = i + 1};
        assert_ok(vit_fit_make(&rows, &options, NULL, &layers[i], &err), err);
        assert_memory_equal(layers[i].weight, layers[0].weight, CLASSES * WIDTH * sizeof(double));
        assert_memory_equal(layers[i].bias, layers[0].bias, CLASSES * sizeof(double));
        assert_ok(vit_fit_judge(&rows, &layers[0], i + 1, judged[i != 0], &err), err);
        assert_memory_equal(judged[0], judged[i != 0], sizeof judged[0]);
    }
    for (size_t i = 0; i < 3; i++)
        vit_fit_layer_free(&layers[i]);
}

static void a_fit_from_its_end_is_at_its_end(void **state)
{
    (void)state;
    reference r = open_reference("seven_classes");
    vit_error err = {0};
    vit_fit_layer first, again;
    const vit_fit_options options = {.c = 1};
    fit(&r, 1, 1, &first);
    assert_ok(vit_fit_make(&r.rows, &options, &first, &again, &err), err);
    assert_true(again.iterations <= 1);
    vit_fit_layer_free(&first);
    vit_fit_layer_free(&again);
    close_reference(&r);
}

static void equal_vectors_give_the_shares_of_the_classes(void **state)
{
    (void)state;
    const float vectors[] = {5, 5, 5, 5, 5, 5, 5, 5};
    const uint32_t classes[] = {0, 1, 1, 1};
    const vit_fit_rows rows = {.vectors = vectors, .classes = classes, .n = 4, .width = 2, .n_classes = 2};
    vit_fit_judgement judged[4];
    vit_fit_layer layer;
    vit_error err = {0};
    assert_ok(vit_fit_make(&rows, NULL, NULL, &layer, &err), err);
    assert_ok(vit_fit_judge(&rows, &layer, 1, judged, &err), err);
    assert_int_equal(judged[0].predicted, 1);
    assert_float_equal(judged[0].score, 0.75f, 1e-6f);
    assert_true(fabs(judged[0].loss - log(4)) < 1e-7);
    vit_fit_layer_free(&layer);
}

static int count_steps(void *data, const vit_fit_progress *progress)
{
    size_t *steps = data;
    assert_true(progress->c == 1 && progress->fits == 1 && progress->iterations == ++*steps);
    return *steps == 3;
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    reference r = open_reference("two_classes");
    vit_fit_layer layer;
    vit_fit_rows rows = r.rows;
    vit_fit_options options = {.c = -1};
    vit_error err = {0};
    assert_int_equal(vit_fit_make(&rows, &options, NULL, &layer, &err), VIT_ERR_INVALID_ARGUMENT);
    rows.n_classes = 3;
    assert_int_equal(vit_fit_make(&rows, NULL, NULL, &layer, &(vit_error){0}), VIT_ERR_INVALID_ARGUMENT);
    rows.n_classes = 1;
    assert_int_equal(vit_fit_make(&rows, NULL, NULL, &layer, &(vit_error){0}), VIT_ERR_INVALID_ARGUMENT);
    size_t steps = 0;
    options = (vit_fit_options){.progress = count_steps, .data = &steps};
    assert_int_equal(vit_fit_make(&r.rows, &options, NULL, &layer, &(vit_error){0}), VIT_ERR_CANCELLED);
    r.vectors[7 * r.rows.width + 1] = NAN;
    err = (vit_error){0};
    assert_int_equal(vit_fit_make(&r.rows, NULL, NULL, &layer, &err), VIT_ERR_NON_FINITE);
    assert_string_equal(err.where, "row 7");
    assert_null(layer.weight);
    close_reference(&r);
}

/* All calls that take memory, one behind the other. What was handed over is freed. */
static vit_status use_all(const reference *r)
{
    const vit_fit_options options = {.threads = 1};
    const double values[] = {0.1, 1};
    const char *names[300];
    uint32_t fold[300];
    vit_fit_judgement judgements[300];
    vit_fit_choice choice = {0};
    vit_fit_layer layer = {0};
    vit_fit_figures figures = {0};
    float scores[8];
    for (size_t i = 0; i < r->rows.n; i++)
        names[i] = "a name";
    const vit_fit_split_rule rule = {.seed = "0", .folds = 2};
    const size_t n = r->rows.n, n_classes = r->rows.n_classes;
    vit_status status = vit_fit_split(&rule, names, r->classes, NULL, n, fold, NULL);
    if (status == VIT_OK)
        status = vit_fit_choose(&r->rows, fold, 2, values, 2, &options, &choice, NULL);
    if (status == VIT_OK)
        status = vit_fit_make(&r->rows, &options, NULL, &layer, NULL);
    if (status == VIT_OK)
        status = vit_fit_judge(&r->rows, &layer, 1, judgements, NULL);
    if (status == VIT_OK)
        status = vit_fit_figure(judgements, r->classes, NULL, n, n_classes, &figures, NULL);
    if (status == VIT_OK)
        status = vit_fit_ask_neighbours(&r->rows, r->vectors, NULL, NULL, scores, NULL);
    if (status == VIT_OK)
        status = vit_fit_judge_neighbours(&r->rows, NULL, 1, judgements, NULL);
    vit_fit_choice_free(&choice);
    vit_fit_layer_free(&layer);
    vit_fit_figures_free(&figures);
    return status;
}

/* One request alone is refused, or all from one on. */
static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    reference r = open_reference("two_classes");
    allocations_watch(0, 0);
    assert_int_equal(use_all(&r), VIT_OK);
    size_t requests = allocations_stop();
    assert_true(requests > 20);
    for (size_t first = 0; first < requests; first++)
        for (size_t refused = 1; refused <= requests; refused += requests - 1) {
            allocations_watch(first, refused);
            vit_status status = use_all(&r);
            allocations_stop();
            assert_true(status == VIT_OK || status == VIT_ERR_OUT_OF_MEMORY);
        }
    close_reference(&r);
}

/* ------------------------------------------------------------------ the choice of C ---- */

static void c_is_chosen_by_what_was_held_out(void **state)
{
    (void)state;
    reference r = open_reference("seven_classes");
    uint32_t fold[300];
    vit_fit_choice choice;
    vit_error err = {0};
    for (size_t i = 0; i < r.rows.n; i++)
        fold[i] = (uint32_t)(i % 3);
    assert_ok(vit_fit_choose(&r.rows, fold, 3, NULL, 0, NULL, &choice, &err), err);
    assert_true(choice.n >= 17);
    const vit_fit_point *best = NULL;
    for (size_t i = 0; i < choice.n; i++) {
        const vit_fit_point *point = &choice.points[i];
        assert_true(i == 0 || point->c > point[-1].c);
        if (!best || point->accuracy > best->accuracy ||
            (point->accuracy == best->accuracy && point->loss < best->loss))
            best = point;
    }
    assert_true(choice.c == best->c);
    vit_fit_figures figures;
    assert_ok(vit_fit_figure(choice.judgements, r.classes, NULL, r.rows.n, r.rows.n_classes, &figures, &err), err);
    assert_true(figures.accuracy == best->accuracy && figures.loss == best->loss);
    vit_fit_figures_free(&figures);
    vit_fit_choice_free(&choice);

    const double values[] = {10, 0.1, 10};
    assert_ok(vit_fit_choose(&r.rows, fold, 3, values, 3, NULL, &choice, &err), err);
    assert_int_equal(choice.n, 2);
    assert_true(choice.points[0].c == 0.1 && choice.points[1].c == 10);
    vit_fit_choice_free(&choice);
    close_reference(&r);
}

/* Where all values are right about as often, the best is the largest C by its loss, and the grid goes to its end. */
static void the_grid_is_extended_at_its_edge(void **state)
{
    (void)state;
    float vectors[40];
    uint32_t classes[40], fold[40];
    vit_fit_choice choice;
    vit_error err = {0};
    for (size_t i = 0; i < 40; i++) {
        classes[i] = i % 2;
        fold[i] = i % 4 < 2 ? 0 : VIT_FIT_NO_FOLD;
        vectors[i] = (float)(i % 2) * 4 + (float)i / 100;
    }
    const vit_fit_rows rows = {.vectors = vectors, .classes = classes, .n = 40, .width = 1, .n_classes = 2};
    assert_ok(vit_fit_choose(&rows, fold, 1, NULL, 0, NULL, &choice, &err), err);
    assert_true(choice.points[choice.n - 1].c == 1e7 && choice.c == 1e7);
    vit_fit_choice_free(&choice);
}

/* ------------------------------------------------------------------ figures, splits ---- */

static vit_fit_judgement judge(const double *p, size_t n, size_t truth)
{
    vit_fit_judgement j = {.loss = -log(p[truth])};
    for (size_t k = 0; k < n; k++) {
        j.predicted = p[k] > p[j.predicted] ? (uint32_t)k : j.predicted;
        j.rank += p[k] > p[truth];
    }
    j.score = (float)p[j.predicted];
    return j;
}

static void figures_are_those_of_scikit_learn(void **state)
{
    (void)state;
    enum { N = 40, K = 7 };
    uint32_t sizes[2], truth[N], confusion[K][K];
    double p[N][K], scores[4], columns[4][K];
    vit_fit_judgement judgements[N];
    vit_fit_figures f;
    vit_error err = {0};
    FILE *file = fopen(data_path("fit/figures.bin"), "rb");
    assert_non_null(file);
    take(file, sizes, sizeof sizes, 1);
    assert_true(sizes[0] == N && sizes[1] == K);
    take(file, p, sizeof p, 1);
    take(file, truth, sizeof truth, 1);
    take(file, scores, sizeof scores, 1);
    take(file, columns, sizeof columns, 1);
    take(file, confusion, sizeof confusion, 1);
    fclose(file);
    for (size_t i = 0; i < N; i++)
        judgements[i] = judge(p[i], K, truth[i]);
    assert_ok(vit_fit_figure(judgements, truth, NULL, N, K, &f, &err), err);
    const double got[] = {f.accuracy, f.balanced_accuracy, f.top5, f.loss};
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(got[i] - scores[i]) < 1e-12);
    for (size_t k = 0; k < K; k++) {
        const vit_fit_class_figures *c = &f.classes[k];
        const double of_class[] = {c->precision, c->recall, c->f1, (double)c->support};
        for (size_t i = 0; i < 4; i++)
            assert_true(fabs(of_class[i] - columns[i][k]) < 1e-12);
    }
    for (size_t i = 0; i < f.n_confusions; i++) {
        uint32_t *count = &confusion[f.confusions[i].truth][f.confusions[i].predicted];
        assert_int_equal(*count, f.confusions[i].count);
        *count = 0;
    }
    for (size_t i = 0; i < K * K; i++)
        assert_int_equal(confusion[i / K][i % K], 0);
    for (size_t i = 0; i < f.n_wrong; i++) {
        assert_int_not_equal(judgements[f.wrong[i]].predicted, truth[f.wrong[i]]);
        assert_true(i == 0 || judgements[f.wrong[i]].score <= judgements[f.wrong[i - 1]].score);
    }
    assert_int_equal(f.n_wrong, N - (size_t)lrint(scores[0] * N));
    vit_fit_figures_free(&f);
}

static void splits_hold_out_a_share_of_each_class(void **state)
{
    (void)state;
    enum { N = 31 };
    char text[N][16];
    const char *names[N];
    uint32_t classes[N], fold[N], again[N];
    unsigned char eligible[N];
    vit_error err = {0};
    for (size_t i = 0; i < N; i++) {
        snprintf(text[i], sizeof text[i], "p/%zu.jpg", i);
        names[i] = text[i];
        classes[i] = i == 30 ? 2 : i % 3 == 0; /* 20, 10 and 1 */
        eligible[i] = i != 4;
    }
    vit_fit_split_rule rule = {.seed = "0", .share = 0.2};
    assert_ok(vit_fit_split(&rule, names, classes, NULL, N, fold, &err), err);
    size_t held[3] = {0};
    for (size_t i = 0; i < N; i++)
        held[classes[i]] += fold[i] == 0;
    assert_true(held[0] == 4 && held[1] == 2 && held[2] == 0);
    /* printf '0\0p/0.jpg' | sha256sum and so on: of class 1 the two smallest are those of 15 and 27 */
    for (size_t i = 0; i < 30; i += 3)
        assert_int_equal(fold[i] == 0, i == 15 || i == 27);
    assert_ok(vit_fit_split(&rule, names, classes, eligible, N, again, &err), err);
    assert_int_equal(again[4], VIT_FIT_NO_FOLD);
    rule = (vit_fit_split_rule){.seed = "0", .share = 0.9};
    assert_ok(vit_fit_split(&rule, names, classes, NULL, 2, fold, &err), err);
    rule = (vit_fit_split_rule){.seed = "0", .folds = 5};
    assert_ok(vit_fit_split(&rule, names, classes, NULL, N, fold, &err), err);
    size_t sizes[5] = {0};
    for (size_t i = 0; i < 30; i++)
        sizes[fold[i]]++;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sizes[i], 6);
    assert_int_equal(fold[30], VIT_FIT_NO_FOLD);
    rule = (vit_fit_split_rule){.seed = "0", .share = 2};
    assert_int_equal(vit_fit_split(&rule, names, classes, NULL, N, fold, &err), VIT_ERR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest fits[] = {
        cmocka_unit_test(fits_are_the_optimum_of_scikit_learn),
        cmocka_unit_test(the_gradient_is_zero_at_a_fit),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(a_fit_from_its_end_is_at_its_end),
        cmocka_unit_test(equal_vectors_give_the_shares_of_the_classes),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(without_memory_nothing_is_left),
        cmocka_unit_test(c_is_chosen_by_what_was_held_out),
        cmocka_unit_test(the_grid_is_extended_at_its_edge),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(figures_are_those_of_scikit_learn),
        cmocka_unit_test(splits_hold_out_a_share_of_each_class),
    };
    int failed = cmocka_run_group_tests(others, NULL, NULL);
    return VIT_WITH_LBFGS ? failed + cmocka_run_group_tests(fits, NULL, NULL) : failed; /* else nothing can be fitted */
}
