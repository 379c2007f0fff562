/* SPDX-License-Identifier: BSD-2-Clause */
/* Callers in threads of their own, at once: whether they share a model or each open it, each gets the
 * bits that one caller with one thread gets. tests/run.sh runs this test under ThreadSanitizer too. */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 5
#define CALLERS 2
#define ROUNDS 2

/* How a caller's session is made. The models of this test have some forty tokens, which are enough for three lanes. */
typedef struct way {
    unsigned threads;
    size_t max_batch;
} way;

static const way ways[] = {
    {1, 1}, /* one lane */
    {2, 1}, /* two lanes share each picture */
    {3, 3}, /* a lane a picture, and what is left over shared */
    {5, 2}, /* more threads than lanes: some are helpers */
};
#define WAYS (sizeof ways / sizeof *ways)

typedef struct caller {
    const char *path;
    vit_model_options options;
    const vit_model *model; /* NULL: opens one of its own */
    way how;
    float *vectors; /* [ROUNDS][IMAGES][embedding] */
    vit_error error;
} caller;

/* A picture of noise, another one for each index; its pixels are to be freed. */
static vit_image make_picture(uint64_t index)
{
    enum { WIDTH = 61, HEIGHT = 50, BYTES = 3 * WIDTH * HEIGHT };
    uint64_t state = index + 1;
    vit_image image = {.width = WIDTH, .height = HEIGHT, .pixels = malloc(BYTES)};
    for (size_t i = 0; image.pixels && i < BYTES; i++)
        image.pixels[i] = (uint8_t)(random_next(&state) >> 40);
    return image;
}

/* All pictures, as the model takes them; to be freed. */
static float *make_pixels(const vit_model *model, vit_error *err)
{
    size_t size = vit_model_pixels_size(model);
    float *pixels = calloc(IMAGES * size, sizeof *pixels);
    for (size_t i = 0; pixels && i < IMAGES; i++) {
        vit_image image = make_picture(i);
        vit_preprocess(vit_model_preprocessor(model), &image, NULL, pixels + i * size, err);
        free(image.pixels);
    }
    return pixels;
}

static void encode(const vit_model *model, caller *self)
{
    vit_error *err = &self->error;
    vit_session_options options = {.threads = self->how.threads, .max_batch = self->how.max_batch};
    vit_session *session = NULL;
    size_t size = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    float *pixels = make_pixels(model, err);
    vit_session_create(model, &options, &session, err);
    for (size_t round = 0; round < ROUNDS && err->status == VIT_OK; round++)
        vit_encode(session, pixels, IMAGES, VIT_OUTPUT_EMBEDDING, self->vectors + round * IMAGES * size, err);
    vit_session_free(session);
    free(pixels);
}

static void *call(void *argument)
{
    caller *self = argument;
    vit_model *own = NULL;
    if (!self->model)
        vit_model_open(self->path, &self->options, &own, &self->error);
    if (self->error.status == VIT_OK)
        encode(self->model ? self->model : own, self);
    vit_model_free(own);
    return NULL;
}

/* All rounds' vectors as one caller with one thread gets them. */
static float *expect(const caller *one, size_t size)
{
    caller alone = *one;
    alone.how = ways[0];
    alone.vectors = calloc(ROUNDS * size, sizeof(float));
    call(&alone);
    assert_ok(alone.error.status, alone.error);
    for (size_t round = 1; round < ROUNDS; round++)
        assert_memory_equal(alone.vectors + round * size, alone.vectors, size * sizeof(float));
    return alone.vectors;
}

/* Callers in two ways, at once. size: floats of one round. */
static void check_pair(const caller *one, size_t first, size_t size, const float *want)
{
    caller callers[CALLERS];
    pthread_t threads[CALLERS];
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = *one;
        callers[i].how = ways[(first + i) % WAYS];
        callers[i].vectors = calloc(ROUNDS * size, sizeof(float));
    }
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < CALLERS; i++) {
        assert_ok(callers[i].error.status, callers[i].error);
        if (memcmp(callers[i].vectors, want, ROUNDS * size * sizeof(float)) != 0)
            fail_msg("%s, precision %d, once %d: %u threads, batches of %zu, beside another caller: other bits",
                     one->path, (int)one->options.precision, one->options.once, callers[i].how.threads,
                     callers[i].how.max_batch);
        free(callers[i].vectors);
    }
}

static void check_model(const char *path, vit_precision precision, int once)
{
    caller one = {.path = path, .options = {.precision = precision, .once = once}};
    vit_error err = {0};
    vit_model *model;
    assert_ok(vit_model_open(path, &one.options, &model, &err), err);
    size_t size = IMAGES * vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    float *want = expect(&one, size);
    check_pair(&one, 1, size, want);
    one.model = model;
    for (size_t first = 0; first < WAYS; first += CALLERS)
        check_pair(&one, first, size, want);
    free(want);
    vit_model_free(model);
}

static void callers_do_not_meet(void **state)
{
    (void)state;
    /* a class token; rotated positions and gates; a head that pools by attention */
    static const char *const cases[] = {"hf_vit_classifier", "hf_dinov3_gated", "timm_vit_siglip"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int precision = VIT_PRECISION_F32; precision <= VIT_PRECISION_INT8; precision++)
            for (int once = 0; once < 2; once++)
                check_model(data_path("golden/%s", cases[i]), (vit_precision)precision, once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(callers_do_not_meet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
