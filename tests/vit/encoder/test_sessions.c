/* SPDX-License-Identifier: BSD-2-Clause */
/* Callers in threads of their own, at once: whether they share a model or each open it, each gets the
 * bits that one caller with one thread gets. tests/run.sh runs this test under ThreadSanitizer too. */
#include "support.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define IMAGES 5
#define CALLERS 2
#define ROUNDS 2
#define PROCESSORS 64 /* that sessions are made for, however many there are */

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
    vit__session_create(model, &options, PROCESSORS, &session, err);
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

/* ------------------------------------------------------------------ many threads ---- */

/* A model, and noise for two inputs. */
typedef struct crowd {
    vit_model *model;
    float *pixels;
    size_t size; /* of a vector */
} crowd;

enum { CROWD_IMAGES = 2 };

static vit_session *open_session(const vit_model *model, way how, unsigned processors)
{
    vit_session *session;
    vit_error err = {0};
    vit_session_options options = {.threads = how.threads, .max_batch = how.max_batch};
    assert_ok(vit__session_create(model, &options, processors, &session, &err), err);
    return session;
}

static float *encode_crowd(const crowd *c, vit_session *session)
{
    vit_error err = {0};
    float *vectors = calloc(CROWD_IMAGES * c->size, sizeof *vectors);
    assert_ok(vit_encode(session, c->pixels, CROWD_IMAGES, VIT_OUTPUT_EMBEDDING, vectors, &err), err);
    return vectors;
}

/* Pictures of edge by edge pixels: at 12 the model has 10 tokens, at 32 it has 65, and at 112 it has 785. */
static crowd open_crowd(vit_precision precision, uint32_t edge)
{
    crowd c = {0};
    vit_error err = {0};
    vit_model_options options = {.precision = precision, .image_height = edge, .image_width = edge};
    assert_ok(vit_model_open(VIT_DEFAULT_MODEL, &options, &c.model, &err), err);
    size_t pixels = CROWD_IMAGES * vit_model_pixels_size(c.model);
    uint64_t seed = 1;
    c.pixels = malloc(pixels * sizeof *c.pixels);
    for (size_t i = 0; i < pixels; i++)
        c.pixels[i] = (float)(random_next(&seed) >> 40) / 8388608.0f - 1.0f;
    c.size = vit_output_size(c.model, VIT_OUTPUT_EMBEDDING, 0);
    return c;
}

static void close_crowd(crowd *c)
{
    free(c->pixels);
    vit_model_free(c->model);
}

static void check_crowd(const crowd *c, const float *want, way how)
{
    vit_session *session = open_session(c->model, how, PROCESSORS);
    float *got = encode_crowd(c, session);
    if (memcmp(got, want, CROWD_IMAGES * c->size * sizeof *got) != 0)
        fail_msg("%u threads, batches of %zu: other bits", how.threads, how.max_batch);
    free(got);
    vit_session_free(session);
}

/* Many more threads than this machine has processors: as lanes, as helpers inside of a lane, and both. */
static void many_threads_do_not_wait_for_ever(void **state)
{
    (void)state;
    static const struct {
        uint32_t edge; /* 10 tokens are one lane, 65 are five, 785 are 64 */
        vit_precision precision;
        way how;
    } crowds[] = {
        {12, VIT_PRECISION_F32, {33, 1}}, {32, VIT_PRECISION_INT8, {64, 2}}, {112, VIT_PRECISION_INT8, {64, 1}}};
    for (size_t i = 0; i < sizeof crowds / sizeof *crowds; i++) {
        crowd c = open_crowd(crowds[i].precision, crowds[i].edge);
        vit_session *alone = open_session(c.model, ways[0], PROCESSORS);
        float *want = encode_crowd(&c, alone);
        check_crowd(&c, want, crowds[i].how);
        free(want);
        vit_session_free(alone);
        close_crowd(&c);
    }
}

/* A session has as many threads as it was asked for, but no more of them work than there are processors. */
static void no_more_lanes_than_processors(void **state)
{
    (void)state;
    crowd c = open_crowd(VIT_PRECISION_F32, 32);
    vit_session *session = open_session(c.model, (way){32, 1}, 2);
    assert_int_equal(vit_session_threads(session), 32);
    assert_int_equal(session->lanes.n, 2);
    vit_session_free(session);
    close_crowd(&c);
}

/* All threads of this process may use these processors, or only the first of them. */
static void bind_threads(const cpu_set_t *processors, bool all)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&first) == 0; i++)
        if (CPU_ISSET(i, processors))
            CPU_SET(i, &first);
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    for (struct dirent *entry; (entry = readdir(threads));)
        if (entry->d_name[0] != '.')
            assert_int_equal(sched_setaffinity(atoi(entry->d_name), sizeof first, all ? processors : &first), 0);
    closedir(threads);
}

/* All but one of this process' processors are taken away while a session lives, and come back. */
static void processors_may_go_and_come_back(void **state)
{
    (void)state;
    cpu_set_t before;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    crowd c = open_crowd(VIT_PRECISION_F32, 32);
    vit_session *session = open_session(c.model, (way){4, 1}, 4);
    float *want = encode_crowd(&c, session);
    assert_int_equal(session->lanes.sharing, 4);
    for (int back = 0; back < 2; back++) {
        bind_threads(&before, back);
        session->lanes.looked -= 60; /* as if a minute had passed */
        float *got = encode_crowd(&c, session);
        assert_int_equal(session->lanes.sharing, back || CPU_COUNT(&before) == 1 ? 4 : 1);
        assert_memory_equal(got, want, CROWD_IMAGES * c.size * sizeof *got);
        free(got);
    }
    free(want);
    vit_session_free(session);
    close_crowd(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_do_not_meet),
        cmocka_unit_test(many_threads_do_not_wait_for_ever),
        cmocka_unit_test(no_more_lanes_than_processors),
        cmocka_unit_test(processors_may_go_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
