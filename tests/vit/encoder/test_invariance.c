/* SPDX-License-Identifier: BSD-2-Clause */
/* The same image, also among others of other sizes, or text gives the same bits alone and in a batch of seven, with one
 * thread and with two or three, beside another input in a thread's layers or not, and whatever other outputs are asked
 * for. How many inputs go abreast is set here for every processor: the linker puts a function of this file between the
 * library and its tables (--wrap). */
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "model.h"
#include "session.h"

#define INPUTS 7
#define PROCESSORS 3 /* that sessions are made for, however many there are */

static size_t checked; /* towers and precisions */
static size_t paired;  /* sessions whose lanes took two inputs */
static size_t abreast; /* inputs of a batch that a thread takes together, if there are enough */

vit__tiles __real_vit__tiles_get(unsigned flags);
vit__tiles __wrap_vit__tiles_get(unsigned flags);

vit__tiles __wrap_vit__tiles_get(unsigned flags)
{
    vit__tiles tiles = __real_vit__tiles_get(flags);
    tiles.f32.abreast = tiles.bf16.abreast = tiles.int8.abreast = abreast;
    return tiles;
}

static float *random_pixels(size_t n)
{
    float *pixels = malloc(n * sizeof *pixels);
    unsigned seed = 99;
    assert_non_null(pixels);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    return pixels;
}

/* Seven texts of random ids. Where the model knows padding, each ends in as many ids of it as its number. */
static int32_t *random_ids(const vit_model *model, size_t length)
{
    const vit_config *c = &model->config;
    int32_t *ids = malloc(INPUTS * length * sizeof *ids);
    unsigned seed = 7;
    assert_non_null(ids);
    for (size_t i = 0; i < INPUTS * length; i++) {
        seed = seed * 1664525u + 1013904223u;
        ids[i] = (int32_t)((seed >> 8) % c->vocabulary);
        if (c->padding && (size_t)ids[i] == c->pad_token)
            ids[i] = (ids[i] + 1) % (int32_t)c->vocabulary;
        if (c->padding && i % length >= length - i / length && i % length > 0)
            ids[i] = (int32_t)c->pad_token;
    }
    return ids;
}

/* How seven inputs are encoded. */
typedef struct way {
    unsigned threads;
    size_t max_batch;
    size_t abreast;
    bool apart; /* every output by a pass of its own, which may leave out work that others need */
} way;

/* What is encoded: pixels, of the model's size or in pictures of sizes of their own, or ids. */
typedef struct inputs {
    float *pixels;
    vit_pixels pictures[INPUTS];
    bool own_sizes;
    int32_t *ids;
    size_t length;
} inputs;

static void run(vit_session *session, const inputs *in, const vit_request *requests, size_t n)
{
    vit_error err = {0};
    if (in->ids)
        assert_ok(vit_encode_text_requests(session, in->ids, INPUTS, in->length, requests, n, &err), err);
    else if (in->own_sizes)
        assert_ok(vit_encode_pictures(session, in->pictures, INPUTS, requests, n, &err), err);
    else
        assert_ok(vit_encode_requests(session, in->pixels, INPUTS, requests, n, &err), err);
}

/* Pictures of one patch, of one row and of one column of as many as there may be, and others. */
static void lay_out(const vit_model *model, inputs *in)
{
    const vit_grid grid = vit_model_grid(model);
    const size_t most = vit_model_patches(model), size = vit_model_pixels_size(model);
    const size_t grids[INPUTS][2] = {{most / 3, 3}, {1, 1}, {1, most}, {2, 2}, {most, 1}, {most / 5, 4}, {1, 2}};
    in->own_sizes = most > 0;
    for (size_t i = 0; i < INPUTS && in->own_sizes; i++)
        in->pictures[i] = (vit_pixels){in->pixels + i * size, (uint32_t)(grids[i][1] * grid.patch_width),
                                       (uint32_t)(grids[i][0] * grid.patch_height)};
}

/* All seven inputs, every kind of output the model has, one after the other in *result. */
static void encode(const vit_model *model, const inputs *in, way how, float *result)
{
    vit_error err = {0};
    vit_session *session;
    vit_session_options options = {.threads = how.threads, .max_batch = how.max_batch};
    abreast = how.abreast;
    assert_ok(vit__session_create(model, &options, PROCESSORS, &session, &err), err);
    paired += session->lanes.abreast == 2;
    vit_request requests[10];
    size_t n = 0;
    for (int output = VIT_OUTPUT_EMBEDDING; output <= VIT_OUTPUT_LATENT_LOG_VARIANCE; output++) {
        size_t size = vit_output_size(model, (vit_output)output, 1);
        if (size == 0)
            continue;
        requests[n++] = (vit_request){(vit_output)output, 1, result};
        result += size * INPUTS;
    }
    for (size_t i = 0; how.apart && i < n; i++)
        run(session, in, &requests[i], 1);
    if (!how.apart)
        run(session, in, requests, n);
    vit_session_free(session);
}

static void check_model(const char *path, vit_tower tower, vit_precision precision)
{
    static const way ways[] = {{1, 7, 1, false}, {2, 7, 2, false}, {3, 2, 2, false}, {2, 1, 1, false},
                               {2, 3, 1, true},  {1, 2, 2, true},  {1, 1, 1, true}};
    vit_error err = {0};
    vit_model *model;
    vit_model_options options = {.precision = precision, .tower = tower};
    vit_status status = vit_model_open(path, &options, &model, &err);
    if (status == VIT_ERR_UNSUPPORTED_MODEL && strstr(err.message, "tower"))
        return; /* it has no such one */
    assert_ok(status, err);
    size_t total = 0;
    for (int output = VIT_OUTPUT_EMBEDDING; output <= VIT_OUTPUT_LATENT_LOG_VARIANCE; output++)
        total += vit_output_size(model, (vit_output)output, 1) * INPUTS;
    inputs in = {.length = vit_model_context(model)};
    if (in.length)
        in.ids = random_ids(model, in.length);
    else
        in.pixels = random_pixels(vit_model_pixels_size(model) * INPUTS);
    lay_out(model, &in);
    float *want = calloc(total, sizeof *want), *got = calloc(total, sizeof *got);
    encode(model, &in, (way){1, 1, 1, false}, want);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        memset(got, 0, total * sizeof *got);
        encode(model, &in, ways[i], got);
        if (memcmp(got, want, total * sizeof *got) != 0)
            fail_msg("%s, precision %d: %u threads, batches of %zu, %zu abreast, outputs %s give other bits", path,
                     (int)precision, ways[i].threads, ways[i].max_batch, ways[i].abreast,
                     ways[i].apart ? "apart" : "together");
    }
    free(in.pixels);
    free(in.ids);
    free(want);
    free(got);
    vit_model_free(model);
    checked++;
}

static void check_precisions(const char *path)
{
    for (int precision = VIT_PRECISION_F32; precision <= VIT_PRECISION_INT8; precision++)
        for (int tower = VIT_TOWER_IMAGE; tower <= VIT_TOWER_TEXT; tower++)
            check_model(path, (vit_tower)tower, (vit_precision)precision);
}

static void check_case(const char *case_name)
{
    check_precisions(data_path("%s", case_name));
}

static void bits_are_the_same(void **state)
{
    (void)state;
    golden_each(check_case);
    check_precisions(VIT_DEFAULT_MODEL);
    assert_true(checked > golden_share(300));
    assert_true(paired > checked); /* two ways; encoders with stages have one input a lane */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits_are_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
