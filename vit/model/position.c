/* SPDX-License-Identifier: BSD-2-Clause */
#include "position.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

static size_t rows_down(const vit_config *c)
{
    return vit__config_rows(c);
}

static size_t columns_across(const vit_config *c)
{
    return vit__config_columns(c);
}

/* Rows ahead of the patches' in the table. */
static size_t prefix_rows(const vit_config *c)
{
    switch (c->position) {
    case VIT__POSITION_LEARNED_ALL:
    case VIT__POSITION_SINCOS:
        return vit__config_prefix(c);
    case VIT__POSITION_LEARNED_CLASS:
        return c->class_token;
    default:
        return 0;
    }
}

size_t vit__position_rows(const vit_config *c)
{
    if (c->position == VIT__POSITION_NONE)
        return 0;
    return c->input == VIT__INPUT_TOKENS ? c->position_first + vit__config_tokens(c)
                                         : prefix_rows(c) + vit__config_patches(c);
}

bool vit__position_is_resized(const vit_config *c)
{
    return c->input == VIT__INPUT_PIXELS &&
           (rows_down(c) != c->position_height || columns_across(c) != c->position_width);
}

/* ------------------------------------------------------------------ resizing a grid ---- */

/* What output positions take from one axis. */
typedef struct window {
    size_t *first;   /* [out] */
    double *weights; /* [out][taps] */
    size_t taps;
} window;

typedef double kernel_function(double distance);

/* Keys 1981; a = -0.75 without antialiasing, -0.5 with, as torch has it. */
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double cubic_sharp(double x)
{
    return cubic(x, -0.75);
}
static double cubic_smooth(double x)
{
    return cubic(x, -0.5);
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

typedef struct method {
    kernel_function *kernel;
    double support;
    bool antialias; /* the kernel is widened when shrinking, and cut and normalised at the edges; else edges repeat */
} method;

static const method bicubic = {cubic_sharp, 2, false};
static const method bicubic_antialias = {cubic_smooth, 2, true};
static const method bilinear_antialias = {triangle, 1, true};
static const method bilinear = {triangle, 1, false};

static size_t clamp_index(double index, size_t size)
{
    return index < 0 ? 0 : index > (double)(size - 1) ? size - 1 : (size_t)index;
}

/* Samples of `in` that one of `out` may need. */
static size_t count_taps(const method *m, size_t in, size_t out)
{
    double scale = (double)in / (double)out;
    size_t taps = (size_t)ceil(2 * m->support * (m->antialias && scale > 1 ? scale : 1)) + 2;
    return taps < in ? taps : in;
}

/* weights[taps]: what output o takes of the `in` samples from the one that is answered on, with half-pixel centres
 * (align_corners false). */
static size_t fill_weights(const method *m, size_t in, size_t out, size_t o, size_t taps, double *weights)
{
    double scale = (double)in / (double)out, sum = 0;
    double stretch = m->antialias && scale > 1 ? scale : 1;
    double centre = ((double)o + 0.5) * scale - 0.5;
    double from = m->antialias ? floor(centre + 0.5 - m->support * stretch + 0.5) : floor(centre) - m->support + 1;
    double to = m->antialias ? floor(centre + 0.5 + m->support * stretch + 0.5) : from + 2 * m->support;
    size_t first = clamp_index(from, in);
    memset(weights, 0, taps * sizeof *weights);
    for (double at = from; at < to; at++) {
        if (m->antialias && (at < 0 || at >= (double)in))
            continue;
        double weight = m->kernel((at - centre) / stretch);
        weights[clamp_index(at, in) - first] += weight;
        sum += weight;
    }
    for (size_t i = 0; m->antialias && i < taps; i++)
        weights[i] /= sum;
    return first;
}

static bool make_window(const method *m, size_t in, size_t out, window *w)
{
    w->taps = count_taps(m, in, out);
    w->first = vit__alloc(out, sizeof *w->first);
    size_t weights;
    w->weights = vit__multiply(out, w->taps, &weights) ? vit__alloc(weights, sizeof *w->weights) : NULL;
    for (size_t o = 0; w->first && w->weights && o < out; o++)
        w->first[o] = fill_weights(m, in, out, o, w->taps, w->weights + o * w->taps);
    return w->first && w->weights;
}

static void free_window(window *w)
{
    free(w->first);
    free(w->weights);
}

typedef struct grid {
    size_t height, width;
} grid;

/* What one output takes from one axis: weights[taps] of the samples from the first on. */
typedef struct axis {
    size_t first, taps;
    const double *weights;
} axis;

#define SUMS 64 /* channels that are summed at once */

/* row[channels]: the weighted sum of a grid's samples, in double. */
static void blend(const float *source, grid from, size_t channels, const axis *down, const axis *across, float *row)
{
    for (size_t start = 0; start < channels; start += SUMS) {
        size_t n = channels - start < SUMS ? channels - start : SUMS;
        double sum[SUMS] = {0};
        for (size_t i = 0; i < down->taps && down->first + i < from.height; i++)
            for (size_t j = 0; j < across->taps && across->first + j < from.width; j++) {
                double weight = down->weights[i] * across->weights[j];
                const float *at = source + ((down->first + i) * from.width + across->first + j) * channels + start;
                for (size_t c = 0; weight != 0 && c < n; c++)
                    sum[c] += weight * (double)at[c];
            }
        for (size_t c = 0; c < n; c++)
            row[start + c] = (float)sum[c];
    }
}

/* to[h][w][channels] from from[h][w][channels] */
static vit_status resize_grid(const method *m, const float *source, grid from, size_t channels, float *result, grid to,
                              vit_error *err)
{
    window down = {0}, across = {0};
    bool ready = make_window(m, from.height, to.height, &down) && make_window(m, from.width, to.width, &across);
    for (size_t y = 0; ready && y < to.height; y++)
        for (size_t x = 0; x < to.width; x++) {
            const axis rows = {down.first[y], down.taps, down.weights + y * down.taps};
            const axis columns = {across.first[x], across.taps, across.weights + x * across.taps};
            blend(source, from, channels, &rows, &columns, result + (y * to.width + x) * channels);
        }
    free_window(&down);
    free_window(&across);
    return ready ? VIT_OK : vit__fail_memory(err, NULL);
}

/* ------------------------------------------------------------------ absolute positions ---- */

/* PE(pos, 2i) = sin(pos / 10000^(2i/D)), PE(pos, 2i+1) = cos(...) (Vaswani et al. 2017) */
static void sinusoids(const vit_config *c, float *table)
{
    size_t rows = vit__position_rows(c);
    for (size_t i = 0; i < c->width; i += 2) {
        double period = pow(10000, (double)i / (double)c->width);
        for (size_t row = 0; row < rows; row++) {
            float *pair = table + row * c->width + i;
            pair[0] = (float)sin((double)row / period);
            if (i + 1 < c->width)
                pair[1] = (float)cos((double)row / period);
        }
    }
}

/* The same with all sines first, the slowest of D/2 frequencies being 1/10000 (tensor2tensor). Rows count from 0. */
static void sines(const vit_config *c, float *table)
{
    size_t rows = vit__position_rows(c), half = c->width / 2;
    for (size_t i = 0; i < half; i++) {
        double frequency = pow(10000, -(double)i / (double)(half - 1));
        for (size_t row = 0; row < rows; row++) {
            table[row * c->width + i] = (float)sin((double)row * frequency);
            table[row * c->width + half + i] = (float)cos((double)row * frequency);
        }
    }
    if (c->position_pads_zero && c->position_first > 0)
        memset(table + (c->position_first - 1) * c->width, 0, c->width * sizeof *table);
}

/* AIMv2's build_2d_sincos_position_embedding: quarters sin x, cos x, sin y, cos y. */
static void sinusoids_2d(const vit_config *c, float *table)
{
    size_t quarter = c->width / 4, across = columns_across(c);
    for (size_t i = 0; i < quarter; i++) {
        double period = pow(10000, (double)i / (double)quarter);
        for (size_t patch = 0; patch < vit__config_patches(c); patch++) {
            float *row = table + patch * c->width + i;
            double x = (double)(patch % across) / period, y = (double)(patch / across) / period;
            row[0] = (float)sin(x);
            row[quarter] = (float)cos(x);
            row[2 * quarter] = (float)sin(y);
            row[3 * quarter] = (float)cos(y);
        }
    }
}

static const method *method_of(vit__interpolation interpolation)
{
    switch (interpolation) {
    case VIT__INTERPOLATION_BICUBIC_ANTIALIAS:
        return &bicubic_antialias;
    case VIT__INTERPOLATION_BILINEAR_ANTIALIAS:
        return &bilinear_antialias;
    default:
        return &bicubic;
    }
}

vit_status vit__position_table(const vit_config *c, const float *stored, float *table, vit_error *err)
{
    if (c->position == VIT__POSITION_SINCOS || c->position == VIT__POSITION_SINCOS_2D ||
        c->position == VIT__POSITION_SINES) {
        (c->position == VIT__POSITION_SINCOS      ? sinusoids
         : c->position == VIT__POSITION_SINCOS_2D ? sinusoids_2d
                                                  : sines)(c, table);
        return VIT_OK;
    }
    size_t prefix = prefix_rows(c) * c->width;
    memcpy(table, stored, prefix * sizeof *table);
    grid from = {c->position_height, c->position_width}, to = {rows_down(c), columns_across(c)};
    return resize_grid(method_of(c->interpolation), stored + prefix, from, c->width, table + prefix, to, err);
}

size_t vit__position_scratch(const vit_config *c)
{
    return c->patches_most ? (c->position_height + c->position_width) * (sizeof(double) / sizeof(float)) : 0;
}

void vit__position_row(const vit_config *c, const float *stored, const size_t size[2], size_t patch, double *scratch,
                       float *row)
{
    const method *m = method_of(c->interpolation);
    const grid from = {c->position_height, c->position_width};
    axis down = {.taps = count_taps(m, from.height, size[0]), .weights = scratch};
    axis across = {.taps = count_taps(m, from.width, size[1]), .weights = scratch + from.height};
    down.first = fill_weights(m, from.height, size[0], patch / size[1], down.taps, scratch);
    across.first = fill_weights(m, from.width, size[1], patch % size[1], across.taps, scratch + from.height);
    blend(stored, from, c->width, &down, &across, row);
}

/* ------------------------------------------------------------------ relative positions ---- */

size_t vit__position_relative_entries(size_t h, size_t w)
{
    return (2 * h - 1) * (2 * w - 1) + 3;
}

vit_status vit__position_relative_table(const vit_config *c, const float *stored, float *table, vit_error *err)
{
    size_t entries = vit__position_relative_entries(rows_down(c), columns_across(c));
    size_t stored_entries = vit__position_relative_entries(c->position_height, c->position_width);
    float *resized = NULL;
    /* transformers interpolates always, and takes the stored table as [2w-1][2h-1]:
     * where that is not square, the table is another one even at its own size */
    bool mistaken = c->interpolation != VIT__INTERPOLATION_NONE && c->position_height != c->position_width;
    if (vit__position_is_resized(c) || mistaken) {
        grid from = {2 * c->position_width - 1, 2 * c->position_height - 1};
        grid to = {2 * rows_down(c) - 1, 2 * columns_across(c) - 1};
        size_t size;
        resized = vit__multiply(entries, c->heads, &size) ? vit__alloc(size, sizeof *resized) : NULL;
        if (!resized)
            return vit__fail_memory(err, NULL);
        vit_status status = resize_grid(&bilinear, stored, from, c->heads, resized, to, err);
        if (status != VIT_OK) {
            free(resized);
            return status;
        }
        memcpy(resized + (entries - 3) * c->heads, stored + (stored_entries - 3) * c->heads,
               3 * c->heads * sizeof *resized);
        stored = resized;
    }
    for (size_t head = 0; head < c->heads; head++)
        for (size_t i = 0; i < entries; i++)
            table[head * entries + i] = stored[i * c->heads + head];
    free(resized);
    return VIT_OK;
}

void vit__position_bucket_table(const vit_config *c, const float *stored, float *table)
{
    for (size_t head = 0; head < c->heads; head++)
        for (size_t i = 0; i < c->relative_buckets; i++)
            table[head * c->relative_buckets + i] = stored[i * c->heads + head];
}

/* Half of the buckets are for keys to the right. Of a half, the first half is for one distance
 * each; the rest grows with the logarithm, up to relative_distance (T5's arithmetic, in f32). */
static uint32_t bucket_of(const vit_config *c, size_t distance, bool right)
{
    size_t half = c->relative_buckets / 2, exact = half / 2, bucket = distance;
    if (distance >= exact) {
        float span = (float)log((double)c->relative_distance / (double)exact);
        float share = logf((float)distance / (float)exact) / span;
        bucket = exact + (size_t)(share * (float)(half - exact));
        bucket = bucket < half ? bucket : half - 1;
    }
    return (uint32_t)(bucket + (right ? half : 0));
}

void vit__position_bucket_index(const vit_config *c, uint32_t *index)
{
    size_t last = c->context - 1;
    for (size_t i = 0; i <= 2 * last; i++)
        index[i] = i > last ? bucket_of(c, i - last, true) : bucket_of(c, last - i, false);
}

void vit__position_relative_index(const vit_config *c, uint32_t *index)
{
    size_t h = rows_down(c), w = columns_across(c), prefix = vit__config_prefix(c), tokens = vit__config_tokens(c);
    uint32_t entries = (uint32_t)vit__position_relative_entries(h, w);
    for (size_t i = 0; i < tokens; i++) {
        uint32_t *entry = index + i * tokens;
        for (size_t j = 0; j < (i < prefix ? tokens : prefix); j++)
            *entry++ = i < prefix && j < prefix ? entries - 1 : i < prefix ? entries - 3 : entries - 2;
        for (size_t y = 0, query = i - prefix; i >= prefix && y < h; y++)
            for (size_t x = 0; x < w; x++) {
                size_t dy = query / w + h - 1 - y, dx = query % w + w - 1 - x;
                *entry++ = (uint32_t)(dy * (2 * w - 1) + dx);
            }
    }
}
