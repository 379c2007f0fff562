/* SPDX-License-Identifier: BSD-2-Clause */
/* vit bench: how fast a model is on this machine, by itself or from image files on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "feed.h"
#include "job.h"
#include "json_write.h"
#include "model.h"
#include "output_file.h"
#include "talk.h"

#define DEFAULT_SECONDS 5.0
#define WARM_UP_SHARE 0.2 /* of the time, at most */
#define WARM_UP_RUNS 3

typedef struct bench {
    /* options */
    bool json;
    double seconds;
    cli_inputs images; /* none: made-up pixels */
    cli_model_options options;
    cli_picture_options pictures;
    /* at work */
    cli_model model;
    cli_standard_input standard_input; /* for every pass over the images */
    float *pixels, *result;
    vit_pixels *laid; /* [batch]: the pictures in pixels */
    double *times;    /* seconds per image, of each run */
    size_t n_times;
    size_t encoded;
    double elapsed;    /* of all runs */
    double image_side; /* seconds of a processor that reading, decoding and preprocessing the images took */
    size_t failed;
} bench;

static const char *add_images(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_inputs_add(field, value);
    return NULL;
}

#define FIELD(member) offsetof(bench, member)
static const cli_option bench_table[] = {
    {"json", 0, NULL, cli_set_flag, FIELD(json), NULL, "one JSON object"},
    {"seconds", 0, "S", cli_set_positive, FIELD(seconds), NULL, "how long to measure (default 5)"},
    {"images", 0, "DIR", add_images, FIELD(images), NULL,
     "measure from image files to results, over this folder, instead of the encoder on made-up pixels"},
    {0},
};

/* Numbers as normalised pixels have them; the same in every run. */
static void make_pixels(float *pixels, size_t n)
{
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes */
        pixels[i] = (float)(state >> 8) * 0x1p-22f - 2.0f;
    }
}

static void add_time(bench *b, double seconds, size_t images)
{
    if (b->n_times % 1024 == 0)
        b->times = cli_reallocate(b->times, b->n_times + 1024, sizeof *b->times);
    b->times[b->n_times++] = seconds / (double)images;
    b->elapsed += seconds;
    b->encoded += images;
}

/* All pictures at the model's size. Where each has its own: as nearly square as the most patches make one. */
static void lay_out(bench *b)
{
    const vit_model *model = b->model.model;
    const vit_grid grid = vit_model_grid(model);
    const size_t most = vit_model_patches(model), size = vit_model_pixels_size(model);
    size_t rows = 1;
    while ((rows + 1) * (rows + 1) <= most)
        rows++;
    for (size_t i = 0; i < b->model.batch; i++)
        b->laid[i] = (vit_pixels){b->pixels + i * size,
                                  most ? (uint32_t)(most / rows * grid.patch_width) : vit_model_image_width(model),
                                  most ? (uint32_t)(rows * grid.patch_height) : vit_model_image_height(model)};
}

static cli_exit encode(bench *b, size_t images)
{
    const vit_request request = {.output = VIT_OUTPUT_EMBEDDING, .result = b->result};
    vit_error err = {0};
    if (vit_encode_pictures(b->model.session, b->laid, images, &request, 1, &err) == VIT_OK)
        return CLI_DONE;
    cli_library_error(&err);
    return CLI_MODEL;
}

static cli_exit measure_encoder(bench *b)
{
    size_t batch = b->model.batch;
    make_pixels(b->pixels, batch * vit_model_pixels_size(b->model.model));
    double start = vit__seconds();
    for (size_t i = 0; i < WARM_UP_RUNS && (i == 0 || vit__seconds() - start < WARM_UP_SHARE * b->seconds); i++)
        if (encode(b, batch) != CLI_DONE)
            return CLI_MODEL;
    do {
        double before = vit__seconds();
        if (encode(b, batch) != CLI_DONE)
            return CLI_MODEL;
        add_time(b, vit__seconds() - before, batch);
    } while (vit__seconds() - start < b->seconds);
    return CLI_DONE;
}

/* A pass over the images. */
typedef struct pass {
    cli_feed feed;
    bench *bench;
    double before; /* when the batch began */
    double end;
    size_t read; /* of the batch */
} pass;

static int take(void *context, const vit_result *result)
{
    pass *p = context;
    cli_input *input = cli_feed_take(result);
    if (result->error) {
        cli_input_error(input->path, &input->error);
        p->bench->failed++;
    } else {
        p->bench->image_side += input->seconds;
        p->read++;
    }
    cli_feed_free(input);
    return 0;
}

static int batch_taken(void *context)
{
    pass *p = context;
    double now = vit__seconds();
    if (p->read > 0)
        add_time(p->bench, now - p->before, p->read);
    p->before = now;
    p->read = 0;
    return now >= p->end;
}

/* Encodes each image once, or ends earlier when the time is over. */
static void one_pass(bench *b, double end)
{
    cli_walk *walk = cli_walk_start(&b->images, false);
    pass p = {.feed = {walk, b->model.model, &b->standard_input}, .bench = b, .before = vit__seconds(), .end = end};
    const vit_stream stream = {.next = cli_feed_next,
                               .take = take,
                               .batch_taken = batch_taken,
                               .loaded = cli_feed_loaded,
                               .drop = cli_feed_drop,
                               .context = &p};
    vit_status status = vit_pipeline_run(b->model.pipeline, &stream, NULL);
    if (status != VIT_OK && status != VIT_ERR_CANCELLED)
        cli_out_of_memory();
    cli_walk_free(walk);
}

static cli_exit measure_images(bench *b)
{
    make_pixels(b->pixels, b->model.batch * vit_model_pixels_size(b->model.model));
    cli_exit status = encode(b, b->model.batch); /* the first is slower, and who encodes a folder does not notice */
    if (status != CLI_DONE)
        return status;
    double end = vit__seconds() + b->seconds;
    do {
        size_t before = b->encoded;
        one_pass(b, end);
        if (b->encoded == before) {
            cli_error("no image could be read");
            return CLI_INPUTS_FAILED;
        }
    } while (vit__seconds() < end);
    return CLI_DONE;
}

/* ------------------------------------------------------------------ figures ---- */

typedef struct figures {
    double median, minimum; /* seconds per image */
    double images_per_second, gflops, peak_megabytes;
    double image_side; /* seconds of one thread per image; 0 without images */
} figures;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The most memory that this process ever had, in MiB; from the line "VmHWM:   12345 kB". */
static double peak_megabytes(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    double kibibytes = NAN;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kibibytes = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    return kibibytes / 1024;
}

static figures sum_up(bench *b)
{
    qsort(b->times, b->n_times, sizeof *b->times, compare);
    size_t half = b->n_times / 2;
    figures f = {.median = b->n_times % 2 ? b->times[half] : (b->times[half - 1] + b->times[half]) / 2,
                 .minimum = b->times[0],
                 .image_side = b->image_side / (double)b->encoded,
                 .peak_megabytes = peak_megabytes()};
    /* From files on, a batch's own time says little: others are decoded beside it. */
    f.images_per_second = b->images.n ? (double)b->encoded / b->elapsed : 1 / f.median;
    f.gflops = vit_model_flops(b->model.model) * f.images_per_second * 1e-9;
    return f;
}

static void add_json(const bench *b, const figures *f, cli_text *text)
{
    cli_text_string(text, "{\"model\":");
    cli_json_string(text, b->model.name);
    cli_text_format(text, ",\"precision\":\"%s\",\"batch\":%zu,\"threads\":%u", b->model.precision, b->model.batch,
                    vit_session_threads(b->model.session));
    cli_text_format(text, ",\"ms_per_image\":%.6g,\"min_ms_per_image\":%.6g,\"images_per_s\":%.6g,\"gflops\":%.6g",
                    f->median * 1e3, f->minimum * 1e3, f->images_per_second, f->gflops);
    if (b->images.n)
        cli_text_format(text, ",\"image_side_ms\":%.6g", f->image_side * 1e3);
    cli_text_format(text, ",\"load_ms\":%.6g,\"peak_rss_mb\":", b->model.load_seconds * 1e3);
    if (isfinite(f->peak_megabytes))
        cli_text_format(text, "%.6g}\n", f->peak_megabytes);
    else
        cli_text_string(text, "null}\n");
}

static void add_text(const bench *b, const figures *f, cli_text *text)
{
    cli_text_format(text, "model         %s\n", b->model.name);
    cli_text_format(text, "setting       %s, batch %zu, %u threads, %s, %s kernels\n", b->model.precision,
                    b->model.batch, vit_session_threads(b->model.session), vit_session_multiplier(b->model.session),
                    vit_session_kernels(b->model.session));
    cli_text_format(text, "time          %.3f ms an image (median of %zu runs; fastest %.3f)\n", f->median * 1e3,
                    b->n_times, f->minimum * 1e3);
    cli_text_format(text, "rate          %.2f images/s%s, %.1f GFLOP/s\n", f->images_per_second,
                    b->images.n ? " from files" : "", f->gflops);
    if (b->images.n)
        cli_text_format(text, "image side    %.3f ms an image on one thread: reading, decoding, preprocessing\n",
                        f->image_side * 1e3);
    cli_text_format(text, "load          %.1f ms\n", b->model.load_seconds * 1e3);
    if (isfinite(f->peak_megabytes))
        cli_text_format(text, "peak memory   %.1f MB\n", f->peak_megabytes);
}

static cli_exit report(bench *b)
{
    cli_text text = {0};
    figures f = sum_up(b);
    if (b->json)
        add_json(b, &f, &text);
    else
        add_text(b, &f, &text);
    cli_exit status = cli_print(&text);
    cli_text_free(&text);
    return status == CLI_DONE && b->failed ? CLI_INPUTS_FAILED : status;
}

static cli_exit start_pipeline(const cli_command *command, bench *b)
{
    cli_exit status = cli_model_check_preprocessing(command, &b->model, &b->pictures);
    if (status == CLI_DONE)
        status = cli_model_make_pipeline(&b->options, 1, &b->pictures, &b->model);
    return status == CLI_DONE ? cli_model_start_pipeline(&b->model) : status;
}

static cli_exit measure(const cli_command *command, bench *b)
{
    b->options.image_size = b->pictures.image_size;
    cli_exit status = cli_model_take_operand(command, &b->options);
    if (status == CLI_DONE && b->images.n)
        status = cli_inputs_check(command, &b->images);
    if (status == CLI_DONE)
        status = cli_model_open(&b->options, &b->model);
    if (status == CLI_DONE)
        status = b->images.n ? start_pipeline(command, b) : cli_model_start(&b->options, 1, &b->model);
    if (status != CLI_DONE)
        return status;
    b->pixels = cli_allocate(b->model.batch, vit_model_pixels_size(b->model.model) * sizeof *b->pixels);
    b->laid = cli_allocate(b->model.batch, sizeof *b->laid);
    lay_out(b);
    b->result = cli_allocate(b->model.batch,
                             vit_output_size(b->model.model, VIT_OUTPUT_EMBEDDING, 0) * sizeof *b->result);
    status = b->images.n ? measure_images(b) : measure_encoder(b);
    return status == CLI_DONE ? report(b) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    bench b = {.seconds = DEFAULT_SECONDS};
    const cli_group groups[] = {
        {"Measuring", bench_table, &b, NULL},
        {"Model", cli_model_table, &b.options, cli_model_add_operand},
        {"Pictures", cli_picture_table, &b.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? measure(command, &b) : (cli_exit)parsed;
    free(b.pixels);
    free(b.laid);
    free(b.result);
    free(b.times);
    cli_model_close(&b.model);
    cli_inputs_free(&b.images);
    cli_standard_input_free(&b.standard_input);
    return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .summary = "how fast a model is on this machine",
    .usage = "[OPTION]... [MODEL]",
    .text =
        "Measures the encoder: time for an image, images a second, arithmetic, peak memory and load time. The pixels\n"
        "are made up, and the result is the model's embedding. --images measures the whole way from image files to\n"
        "results, and how long an image takes before it is encoded.",
    .example = "vit bench --batch 8 --seconds 10 google/vit-base-patch16-224",
    .run = run,
};
