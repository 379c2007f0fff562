/* SPDX-License-Identifier: BSD-2-Clause */
/* The pipeline against vit_encode: every kind of item, bad ones among good ones, streams that are ended, recipes. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "vit/pipeline.h"

#define CAT VIT_PICTURES "/cat.jpg"
#define HORSE VIT_PICTURES "/horse.png"

static vit_pipeline *open_pipeline(const vit_pipeline_options *options)
{
    vit_pipeline *pipeline;
    vit_error err = {0};
    assert_ok(vit_pipeline_open(VIT_DEFAULT_MODEL, options, &pipeline, &err), err);
    return pipeline;
}

/* By the functions that the pipeline stands on. */
static float *vector_of(const vit_pipeline *pipeline, const char *path, float *pixels)
{
    const vit_model *model = vit_pipeline_model(pipeline);
    vit_session *session;
    vit_image image;
    vit_error err = {0};
    float *vector = malloc(vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0) * sizeof *vector);
    assert_ok(vit_session_create(model, NULL, &session, &err), err);
    assert_ok(vit_image_load(path, NULL, &image, &err), err);
    assert_ok(vit_preprocess(vit_model_preprocessor(model), &image, NULL, pixels, &err), err);
    assert_ok(vit_encode(session, pixels, 1, VIT_OUTPUT_EMBEDDING, vector, &err), err);
    vit_image_free(&image);
    vit_session_free(session);
    return vector;
}

static size_t read_pixels(const vit_item *item, void *row, vit_error *err)
{
    (void)err;
    memcpy(row, item->data, item->size * sizeof(float));
    return item->size;
}

static size_t read_nothing(const vit_item *item, void *row, vit_error *err)
{
    (void)row;
    vit_error_set(err, VIT_ERR_CORRUPT, item->name, "nothing there");
    return 0;
}

static void items_of_every_kind_give_the_bits_of_vit_encode(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 3, 0};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        const vit_pipeline_options options = {.batch = batches[i], .threads = i ? 3 : 1};
        vit_pipeline *pipeline = open_pipeline(&options);
        size_t size = vit_pipeline_size(pipeline), n_pixels = vit_model_pixels_size(vit_pipeline_model(pipeline)),
               n_bytes;
        float *pixels = malloc(n_pixels * sizeof *pixels), *want = vector_of(pipeline, CAT, pixels);
        void *bytes;
        vit_image image;
        const vit_error before = {VIT_ERR_UNREADABLE, "before", "there"};
        assert_int_equal(vit_file_read(CAT, 0, &bytes, &n_bytes, NULL), VIT_OK);
        assert_int_equal(vit_image_load(CAT, NULL, &image, NULL), VIT_OK);
        const vit_item items[] = {
            {.kind = VIT_ITEM_PATH, .name = CAT},
            {.kind = VIT_ITEM_PATH, .name = "nothing/there.jpg"},
            {.kind = VIT_ITEM_BYTES, .name = "bytes", .data = bytes, .size = n_bytes},
            {.kind = VIT_ITEM_BYTES, .name = "cut", .data = bytes, .size = 100},
            {.kind = VIT_ITEM_IMAGE, .name = "image", .data = &image},
            {.kind = VIT_ITEM_PIXELS, .name = "pixels", .data = pixels, .size = n_pixels},
            {.kind = VIT_ITEM_PIXELS, .name = "too few", .data = pixels, .size = n_pixels - 1},
            {.kind = VIT_ITEM_READ, .name = "read", .data = pixels, .size = n_pixels, .read = read_pixels},
            {.kind = VIT_ITEM_READ, .name = "read", .read = read_nothing},
            {.kind = VIT_ITEM_TEXT, .name = "words", .data = "a dog", .size = 5},
            {.kind = VIT_ITEM_PATH, .name = CAT, .error = &before},
            {.kind = VIT_ITEM_PATH, .name = CAT},
        };
        enum { N = sizeof items / sizeof *items };
        static const vit_status statuses[N] = {
            [1] = VIT_ERR_NOT_FOUND, [3] = VIT_ERR_TRUNCATED,        [6] = VIT_ERR_INVALID_ARGUMENT,
            [8] = VIT_ERR_CORRUPT,   [9] = VIT_ERR_INVALID_ARGUMENT, [10] = VIT_ERR_UNREADABLE};
        float *results = malloc(N * size * sizeof *results);
        vit_error errors[N], err = {0};
        assert_ok(vit_pipeline_encode(pipeline, items, N, results, errors, &err), err);
        for (size_t j = 0; j < N; j++) {
            if (errors[j].status != statuses[j])
                fail_msg("item %zu: %s: %s", j, vit_status_name(errors[j].status), errors[j].message);
            for (size_t k = 0; statuses[j] && k < size; k++)
                assert_true(results[j * size + k] == 0);
            if (!statuses[j])
                assert_memory_equal(results + j * size, want, size * sizeof *want);
        }
        /* Without room for errors, the first one is the answer. */
        err = (vit_error){0};
        assert_int_equal(vit_pipeline_encode(pipeline, items, N, results, NULL, &err), VIT_ERR_NOT_FOUND);
        assert_string_equal(err.where, items[1].name);
        assert_int_equal(vit_pipeline_encode(pipeline, items, 1, results, NULL, NULL), VIT_OK);
        assert_memory_equal(results, want, size * sizeof *want);
        vit_image_free(&image);
        vit_free(bytes);
        free(results);
        free(want);
        free(pixels);
        vit_pipeline_free(pipeline);
    }
}

/* ------------------------------------------------------------------ streams ---- */

enum { ITEMS = 60 };

/* The same picture again and again; counts what becomes of each. */
typedef struct counts {
    size_t given, taken, dropped, loaded, stop_at;
    vit_pipeline *cancel; /* at stop_at, instead of an answer */
    pthread_mutex_t lock;
} counts;

static int next(void *context, vit_item *item)
{
    counts *c = context;
    if (c->given == ITEMS)
        return 0;
    *item = (vit_item){.kind = VIT_ITEM_PATH, .name = CAT, .context = (void *)(uintptr_t)c->given++};
    return 1;
}

static int take(void *context, const vit_result *result)
{
    counts *c = context;
    assert_int_equal((uintptr_t)result->item.context, c->taken);
    assert_null(result->error);
    assert_true(result->width > 0 && result->height > 0);
    bool stop = ++c->taken == c->stop_at;
    if (stop && c->cancel)
        vit_pipeline_cancel(c->cancel);
    return stop && !c->cancel;
}

static void drop(void *context, const vit_item *item)
{
    counts *c = context;
    (void)item;
    c->dropped++;
}

static void loaded(void *context, const vit_item *item)
{
    counts *c = context;
    (void)item;
    pthread_mutex_lock(&c->lock);
    c->loaded++;
    pthread_mutex_unlock(&c->lock);
}

static void run_counts(vit_pipeline *pipeline, counts *c, vit_status want)
{
    vit_error err = {0};
    const vit_stream stream = {.next = next, .take = take, .loaded = loaded, .drop = drop, .context = c};
    assert_int_equal(vit_pipeline_run(pipeline, &stream, &err), want);
    assert_int_equal(err.status, want);
    assert_int_equal(c->given, c->taken + c->dropped);
    assert_int_equal(c->loaded, c->given);
}

static int take_path(void *context, const vit_result *result)
{
    static const vit_status want[] = {VIT_OK, VIT_ERR_NOT_FOUND, VIT_OK};
    size_t *taken = context;
    assert_int_equal(result->error ? result->error->status : VIT_OK, want[*taken]);
    ++*taken;
    return 0;
}

static void paths_need_no_callback(void **state)
{
    (void)state;
    static const char *const paths[] = {CAT, "/nowhere.jpg", CAT};
    for (unsigned threads = 1; threads <= 3; threads++) {
        const vit_pipeline_options options = {.batch = 2, .threads = threads};
        vit_pipeline *pipeline = open_pipeline(&options);
        size_t taken = 0;
        const vit_stream stream = {.paths = paths, .n_paths = 3, .take = take_path, .context = &taken};
        const vit_stream nothing = {.paths = paths, .take = take_path, .context = &taken};
        assert_int_equal(vit_pipeline_run(pipeline, &stream, NULL), VIT_OK);
        assert_int_equal(taken, 3);
        assert_int_equal(vit_pipeline_run(pipeline, &nothing, NULL), VIT_OK);
        assert_int_equal(taken, 3);
        vit_pipeline_free(pipeline);
    }
}

static void every_item_is_taken_or_dropped(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        const vit_pipeline_options options = {.batch = 4, .threads = threads};
        vit_pipeline *pipeline = open_pipeline(&options);
        counts all = {.lock = PTHREAD_MUTEX_INITIALIZER}, some = all, cancelled = all;
        run_counts(pipeline, &all, VIT_OK);
        assert_int_equal(all.taken, ITEMS);
        some.stop_at = 6;
        run_counts(pipeline, &some, VIT_ERR_CANCELLED);
        assert_int_equal(some.taken, 6);
        cancelled.stop_at = 7;
        cancelled.cancel = pipeline;
        run_counts(pipeline, &cancelled, VIT_ERR_CANCELLED);
        assert_true(cancelled.taken >= 7 && cancelled.taken < ITEMS);
        vit_pipeline_cancel(pipeline); /* nothing is going on */
        counts again = {.lock = PTHREAD_MUTEX_INITIALIZER};
        run_counts(pipeline, &again, VIT_OK);
        vit_pipeline_free(pipeline);
    }
}

typedef struct shared {
    vit_pipeline *pipeline;
    float *vectors; /* [4][size] */
} shared;

static void *encode_four(void *context)
{
    const shared *s = context;
    const vit_item items[] = {{.name = CAT}, {.name = HORSE}, {.name = CAT}, {.name = HORSE}};
    vit_error errors[4];
    return (void *)(uintptr_t)vit_pipeline_encode(s->pipeline, items, 4, s->vectors, errors, NULL);
}

static void threads_take_turns(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    const vit_pipeline_options options = {.batch = 3, .threads = 2, .normalize = 1};
    vit_pipeline *pipeline = open_pipeline(&options);
    size_t size = vit_pipeline_size(pipeline);
    pthread_t threads[THREADS];
    shared contexts[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        contexts[i] = (shared){pipeline, malloc(4 * size * sizeof(float))};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_four, &contexts[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((uintptr_t)status, VIT_OK);
        assert_memory_equal(contexts[i].vectors, contexts[0].vectors, 4 * size * sizeof(float));
        assert_memory_equal(contexts[i].vectors, contexts[i].vectors + 2 * size, size * sizeof(float));
    }
    double length = 0;
    for (size_t i = 0; i < size; i++)
        length += (double)contexts[0].vectors[i] * (double)contexts[0].vectors[i];
    assert_true(fabs(length - 1) < 1e-6); /* float rounding of some hundred numbers */
    for (size_t i = 0; i < THREADS; i++)
        free(contexts[i].vectors);
    vit_pipeline_free(pipeline);
}

/* ------------------------------------------------------------------ texts, labels ---- */

static void token_ids_are_batched_by_length(void **state)
{
    (void)state;
    const vit_pipeline_options options = {.model = {.tower = VIT_TOWER_TEXT}, .batch = 8, .threads = 2};
    vit_pipeline *texts;
    vit_session *session;
    vit_error err = {0}, errors[4];
    assert_ok(vit_pipeline_open(data_path("golden/hf_clip"), &options, &texts, &err), err);
    static const int32_t ids[] = {1, 2, 3, 98, 4, 98};
    const vit_item items[] = {{.kind = VIT_ITEM_TOKENS, .data = ids, .size = 4},
                              {.kind = VIT_ITEM_TOKENS, .data = ids + 4, .size = 2},
                              {.kind = VIT_ITEM_TOKENS, .data = ids, .size = 0},
                              {.kind = VIT_ITEM_TOKENS, .data = ids, .size = 4}};
    size_t size = vit_pipeline_size(texts);
    float *results = malloc(4 * size * sizeof *results), *want = malloc(size * sizeof *want);
    assert_ok(vit_pipeline_encode(texts, items, 4, results, errors, &err), err);
    assert_int_equal(errors[2].status, VIT_ERR_INVALID_ARGUMENT);
    assert_ok(vit_session_create(vit_pipeline_model(texts), NULL, &session, &err), err);
    for (size_t i = 0; i < 4; i++) {
        if (i == 2)
            continue;
        assert_ok(errors[i].status, errors[i]);
        assert_ok(vit_encode_text(session, items[i].data, 1, items[i].size, VIT_OUTPUT_EMBEDDING, want, &err), err);
        assert_memory_equal(results + i * size, want, size * sizeof *want);
    }
    vit_session_free(session);
    free(want);
    free(results);
    vit_pipeline_free(texts);
}

static void scores_of_labels_are_the_formula(void **state)
{
    (void)state;
    const vit_similarity softmax = {.scale = 10, .bias = 0, .sigmoid = 0},
                         sigmoid = {.scale = 2, .bias = 1, .sigmoid = 1};
    const float vectors[] = {3, 0, 0, 4, /* one label: the mean of (1, 0) and (0, 1) is along (1, 1) */ 0, 5, 0, 7};
    const float picture[] = {2, 2};
    float scores[2];
    vit_labels *labels;
    vit_error err = {0};
    assert_ok(vit_labels_from_vectors(&softmax, vectors, 2, 2, 2, &labels, &err), err);
    assert_int_equal(vit_labels_count(labels), 2);
    vit_labels_score(labels, picture, 1, scores);
    assert_true(fabs((double)scores[0] - 10) < 1e-5 &&
                fabs((double)scores[1] - 10 * sqrt(0.5)) < 1e-5); /* float rounding */
    vit_labels_score(labels, picture, 0, scores);
    assert_true(fabs((double)scores[0] + (double)scores[1] - 1) < 1e-6 && scores[0] > scores[1]);
    vit_labels_free(labels);
    assert_ok(vit_labels_from_vectors(&sigmoid, vectors, 2, 2, 2, &labels, &err), err);
    vit_labels_score(labels, picture, 0, scores);
    assert_true(fabs((double)scores[0] - 1 / (1 + exp(-3.0))) < 1e-6);
    vit_labels_free(labels);
    assert_int_equal(vit_labels_from_vectors(&sigmoid, vectors, 0, 2, 2, &labels, NULL), VIT_ERR_INVALID_ARGUMENT);
}

/* The golden CLIP in a folder of its own, with a tokenizer that knows letters alone. */
static char *clip_with_tokenizer(void)
{
    static const char *const files[] = {"config.json", "model.safetensors"};
    char *folder = folder_make();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_int_equal(symlink(data_path("golden/hf_clip/%s", files[i]), in_folder(folder, files[i])), 0);
    write_text(folder, "vocab.json",
               "{\"<|startoftext|>\":97,\"<|endoftext|>\":98,\"c\":0,\"a\":1,\"t</w>\":2,\"d\":3,\"o\":4,"
               "\"g</w>\":5,\"a</w>\":6}");
    write_text(folder, "merges.txt", "#version: 0.2\n");
    write_text(folder, "tokenizer_config.json", "{\"tokenizer_class\":\"CLIPTokenizer\"}");
    return folder;
}

/* Each label in each template, in this order. */
static void labels_are_what_their_texts_give(void **state)
{
    (void)state;
    static const char *const names[] = {"cat", "dog"}, *const templates[] = {"a {}", "{} a {}"};
    static const char *const prompts[] = {"a cat", "cat a cat", "a dog", "dog a dog"};
    const vit_pipeline_options options = {.model = {.tower = VIT_TOWER_TEXT}, .threads = 2};
    char *folder = clip_with_tokenizer();
    vit_pipeline *texts;
    vit_labels *made, *wanted;
    vit_similarity similarity;
    vit_item items[4];
    vit_error err = {0}, errors[4];
    float got[2], want[2];
    assert_ok(vit_pipeline_open(folder, &options, &texts, &err), err);
    assert_ok(vit_labels_create(texts, names, 2, templates, 2, &made, &err), err);
    for (size_t i = 0; i < 4; i++)
        items[i] = (vit_item){.kind = VIT_ITEM_TEXT, .data = prompts[i], .size = strlen(prompts[i])};
    size_t width = vit_pipeline_size(texts);
    float *vectors = malloc(4 * width * sizeof *vectors);
    assert_ok(vit_pipeline_encode(texts, items, 4, vectors, errors, &err), err);
    assert_ok(vit_model_similarity(vit_pipeline_model(texts), &similarity, &err), err);
    assert_ok(vit_labels_from_vectors(&similarity, vectors, 2, 2, width, &wanted, &err), err);
    assert_int_equal(vit_labels_width(made), width);
    vit_labels_score(made, vectors, 1, got);
    vit_labels_score(wanted, vectors, 1, want);
    assert_memory_equal(got, want, sizeof want);
    assert_true(got[0] != got[1]);
    static const char *const bad[] = {"cat", "\xff"};
    vit_labels *none;
    assert_int_equal(vit_labels_create(texts, bad, 2, NULL, 0, &none, &err), VIT_ERR_CORRUPT);
    assert_null(none);
    vit_labels_free(made);
    vit_labels_free(wanted);
    free(vectors);
    vit_pipeline_free(texts);
    folder_remove(folder);
}

/* ------------------------------------------------------------------ recipes ---- */

static void recipes_bring_the_options_back(void **state)
{
    (void)state;
    const vit_pipeline_options options = {
        .output = VIT_OUTPUT_HIDDEN,
        .layer = 3,
        .normalize = 1,
        .fast_decode = 1,
        .resampler = VIT_RESAMPLER_PILLOW13,
        .model = {.precision = VIT_PRECISION_BF16, .image_height = 32, .image_width = 48},
        .load = {.exif = VIT_EXIF_IGNORE, .composite = 1, .background = {255, 0, 16}}};
    vit_pipeline *pipeline = open_pipeline(&options), *plain = open_pipeline(NULL);
    vit_recipe recipe, other;
    vit_error err = {0};
    vit_pipeline_options applied = {0};
    assert_ok(vit_recipe_take(pipeline, &recipe, &err), err);
    assert_ok(vit_recipe_take(plain, &other, &err), err);
    assert_string_equal(recipe.values[VIT_RECIPE_OUTPUT], "hidden:3");
    assert_string_equal(recipe.values[VIT_RECIPE_FAST_DECODE], "yes");
    assert_string_equal(recipe.values[VIT_RECIPE_BACKGROUND], "ff0010");
    assert_string_equal(recipe.values[VIT_RECIPE_IMAGE_SIZE], "32x48");
    assert_ok(vit_recipe_apply(&recipe, &applied, &err), err);
    assert_int_equal(applied.output, options.output);
    assert_int_equal(applied.layer, options.layer);
    assert_int_equal(applied.model.precision, options.model.precision);
    assert_int_equal(applied.model.image_width, 48);
    assert_int_equal(applied.resampler, options.resampler);
    assert_int_equal(applied.load.exif, options.load.exif);
    assert_memory_equal(applied.load.background, options.load.background, 3);
    assert_true(applied.normalize && applied.fast_decode && applied.load.composite);
    assert_int_equal(vit_recipe_differs(&recipe, &recipe, 0), VIT_RECIPE_KEYS);
    assert_int_equal(vit_recipe_differs(&recipe, &other, 0), VIT_RECIPE_PREPROCESSING_DIGEST);
    assert_int_equal(vit_recipe_differs(&recipe, &other, VIT_RECIPE_PREPROCESSING_DIGEST + 1), VIT_RECIPE_PRECISION);
    assert_ok(vit_recipe_set(&recipe, VIT_RECIPE_PRECISION, "f8", &err), err);
    assert_int_equal(vit_recipe_apply(&recipe, &applied, &err), VIT_ERR_UNSUPPORTED_FORMAT);
    assert_string_equal(err.where, "precision");
    vit_recipe_free(&recipe);
    vit_recipe_free(&other);
    vit_pipeline_free(pipeline);
    vit_pipeline_free(plain);
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    vit_pipeline *pipeline = open_pipeline(NULL), *none;
    vit_pipeline_options matrix = {.output = VIT_OUTPUT_POOLER, .sample = 1};
    vit_error err = {0};
    assert_int_equal(vit_pipeline_open("no/such-model", NULL, &none, &err), VIT_ERR_NOT_FOUND);
    assert_null(none);
    assert_int_equal(vit_pipeline_size(none), 0);
    assert_null(vit_pipeline_model(none));
    assert_null(vit_pipeline_settings(none));
    assert_int_equal(vit_pipeline_encode(none, NULL, 0, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_pipeline_encode(pipeline, NULL, 1, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_pipeline_encode(pipeline, NULL, 0, NULL, NULL, NULL), VIT_OK);
    assert_int_equal(vit_pipeline_run(pipeline, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_true(vit_pipeline_choose(pipeline, &matrix, NULL) != VIT_OK);
    vit_pipeline_cancel(none);
    vit_pipeline_free(none);
    vit_pipeline_free(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_of_every_kind_give_the_bits_of_vit_encode),
        cmocka_unit_test(every_item_is_taken_or_dropped),
        cmocka_unit_test(paths_need_no_callback),
        cmocka_unit_test(threads_take_turns),
        cmocka_unit_test(token_ids_are_batched_by_length),
        cmocka_unit_test(scores_of_labels_are_the_formula),
        cmocka_unit_test(labels_are_what_their_texts_give),
        cmocka_unit_test(recipes_bring_the_options_back),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
