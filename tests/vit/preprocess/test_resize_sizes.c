/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes at the edge: single pixels, lines, huge shrinking, pictures cut into tiles; and that a part of a result is that
 * part of the whole. */
#include "fixtures.h"

#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "resize.h"

/* A picture of one colour stays of that colour, whatever the size and filter. */
static void check_flat(const uint32_t sizes[4], int filter, int resampler)
{
    const uint32_t width = sizes[0], height = sizes[1], to_width = sizes[2], to_height = sizes[3];
    static const uint8_t colour[3] = {255, 0, 131};
    vit_error err = {0};
    vit_image from, to;
    assert_ok(vit_image_alloc(width, height, &from, &err), err);
    assert_ok(vit_image_alloc(to_width, to_height, &to, &err), err);
    for (size_t i = 0; i < (size_t)3 * width * height; i++)
        from.pixels[i] = colour[i % 3];
    assert_ok(vit_image_resize(&from, &to, (vit_filter)filter, (vit_resampler)resampler, &err), err);
    /* with 15 bits a few thousand rounded weights may miss one by a level */
    int slack = resampler == VIT_RESAMPLER_TORCHVISION ? 2 : 0;
    for (size_t i = 0; i < (size_t)3 * to_width * to_height; i++)
        if (abs(to.pixels[i] - colour[i % 3]) > slack)
            fail_msg("%ux%u to %ux%u, filter %d, resampler %d: sample %zu is %d", width, height, to_width, to_height,
                     filter, resampler, i, to.pixels[i]);
    vit_image_free(&from);
    vit_image_free(&to);
}

static void odd_sizes(void **state)
{
    (void)state;
    static const uint32_t sizes[][4] = {{1, 1, 1, 1},       {1, 1, 224, 224},   {2, 1, 1, 2},     {1, 65535, 224, 224},
                                        {65535, 1, 224, 3}, {3000, 2000, 1, 1}, {1, 3, 1, 40000}, {40000, 1, 40000, 2}};
    static const uint32_t few[][4] = {{40, 30, 7, 90}, {1, 1, 30, 20}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int filter = 0; filter <= VIT_FILTER_HAMMING; filter++)
            for (int resampler = 0; resampler < 2; resampler++)
                check_flat(sizes[i], filter, resampler);
    for (size_t i = 0; i < sizeof few / sizeof *few; i++)
        check_flat(few[i], VIT_FILTER_LANCZOS, VIT_RESAMPLER_TORCHVISION);
}

typedef struct collected {
    uint32_t left, top, columns;
    size_t sample;
    uint8_t *samples;
    size_t pixels;
} collected;

static void collect(void *context, const vit__span *span)
{
    collected *c = context;
    size_t at = (size_t)(span->y - c->top) * c->columns + (span->x - c->left);
    memcpy(c->samples + 3 * c->sample * at, span->samples, 3 * c->sample * span->n);
    c->pixels += span->n;
}

static uint8_t *run(vit__resize_job job, uint32_t left, uint32_t top, uint32_t columns, uint32_t rows)
{
    vit_error err = {0};
    collected c = {.left = left, .top = top, .columns = columns, .sample = job.floats ? sizeof(float) : 1};
    c.samples = calloc((size_t)columns * rows, 3 * c.sample);
    assert_non_null(c.samples);
    job.left = left;
    job.top = top;
    job.columns = columns;
    job.rows = rows;
    job.take = collect;
    job.context = &c;
    assert_ok(vit__resize(&job, &err), err);
    assert_int_equal(c.pixels, (size_t)columns * rows);
    return c.samples;
}

static void check_part(const vit__resize_job *job)
{
    size_t pixel = 3 * (job->floats ? sizeof(float) : 1);
    uint32_t left = job->width / 3, top = job->height / 4, columns = job->width - left - job->width / 5;
    uint32_t rows = job->height - top - job->height / 3;
    uint8_t *whole = run(*job, 0, 0, job->width, job->height), *part = run(*job, left, top, columns, rows);
    for (uint32_t y = 0; y < rows; y++)
        assert_memory_equal(part + y * columns * pixel, whole + ((size_t)(top + y) * job->width + left) * pixel,
                            columns * pixel);
    free(whole);
    free(part);
}

static void parts_of_the_whole(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{37, 53}, {97, 61}, {200, 13}, {9, 180}, {61, 97}, {97, 20}, {30, 61}};
    vit_image image = make_noise(97, 61);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int filter = 0; filter <= VIT_FILTER_HAMMING; filter++) {
            for (int resampler = 0; resampler < 4; resampler++) {
                vit__resize_job job = {.image = &image, .width = sizes[i][0], .height = sizes[i][1], .factor = 0.5f};
                job.filter = (vit_filter)filter;
                job.floats = resampler == 3;
                job.resampler = (vit_resampler)(resampler % 3);
                check_part(&job);
            }
        }
    }
    vit_image_free(&image);
}

/* A window of all rows times a wide result would be a ring of 300 MB, were it one tile. */
static void memory_stays_bounded(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height, to_width, to_height;
        size_t most; /* bytes of the largest request; a tile's budget is 16 MB, slack not counted */
    } cases[] = {{2, 50000, 2000, 1, 20u << 20}, {50000, 1, 1, 1, 1u << 20}, {4000, 3000, 224, 224, 1u << 20}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vit_error err = {0};
        vit_image from = make_noise(cases[i].width, cases[i].height), to;
        assert_ok(vit_image_alloc(cases[i].to_width, cases[i].to_height, &to, &err), err);
        allocations_watch(0, 0);
        vit_status status = vit_image_resize(&from, &to, VIT_FILTER_BICUBIC, VIT_RESAMPLER_PILLOW, &err);
        size_t requests = allocations_stop();
        assert_ok(status, err);
        assert_true(requests > 0);
        assert_in_range(allocations_largest(), 1, cases[i].most);
        vit_image_free(&from);
        vit_image_free(&to);
    }
}

/* Each request refused in turn: an error, no crash, and (under a sanitizer) no leak. */
static void survives_refused_memory(void **state)
{
    (void)state;
    vit_image from = make_noise(50, 40), to = make_noise(30, 20);
    for (int filter = 0; filter <= VIT_FILTER_LANCZOS; filter++) {
        size_t refused = 1;
        for (;; refused++) {
            vit_error err = {0};
            allocations_watch(refused, 1);
            vit_status status = vit_image_resize(&from, &to, (vit_filter)filter, VIT_RESAMPLER_PILLOW, &err);
            if (allocations_stop() < refused) {
                assert_int_equal(status, VIT_OK);
                break;
            }
            assert_int_equal(status, VIT_ERR_OUT_OF_MEMORY);
        }
        assert_true(refused >= 3);
    }
    vit_image_free(&from);
    vit_image_free(&to);
}

/* Tiles change no pixel: the same result column by column. */
static void tiles_change_nothing(void **state)
{
    (void)state;
    vit_image image = make_noise(3, 30000);
    vit__resize_job job = {.image = &image, .width = 400, .height = 2, .filter = VIT_FILTER_LANCZOS};
    uint8_t *whole = run(job, 0, 0, job.width, job.height);
    for (uint32_t x = 0; x < job.width; x += 57) {
        uint8_t *column = run(job, x, 0, 1, 2);
        assert_memory_equal(column, whole + (size_t)3 * x, 3);
        assert_memory_equal(column + 3, whole + (size_t)3 * (job.width + x), 3);
        free(column);
    }
    free(whole);
    vit_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes), cmocka_unit_test(parts_of_the_whole), cmocka_unit_test(memory_stays_bounded),
        cmocka_unit_test(survives_refused_memory), cmocka_unit_test(tiles_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
