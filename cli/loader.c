/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "npy.h"
#include "text.h"

#define THREADS_MAX 8 /* each may hold a decoded picture */
#define HELD_MAX ((size_t)256 << 20) /* bytes of images in tar files that wait to be decoded; past it the walk waits */

typedef struct slot {
    bool ready;
    cli_input input;
    float *pixels;
} slot;

struct cli_loader {
    const cli_picture_options *pictures;
    const cli_model *model;
    vit_load_options load;
    cli_walk *walk;

    /* One worker at a time walks; waiting for a slow list must not keep the consumer from what is ready, so the walk and
     * the ring have a lock each. walking is always taken first. */
    pthread_mutex_t walking;
    size_t walked; /* inputs given out so far: input i goes to slot i % n_slots; guarded by walking */
    bool walk_ended;

    pthread_mutex_t lock;
    pthread_cond_t ready, taken;
    slot *slots;
    size_t n_slots;
    size_t consumed;
    size_t held; /* bytes of images in tar files, read and not yet decoded */
    size_t total; /* SIZE_MAX until the walk has ended */
    bool cancelled;

    pthread_t threads[THREADS_MAX];
    size_t n_threads; /* 0: the consumer loads by itself */
};

/* ------------------------------------------------------------------ one input ---- */

static vit_status wrong_size(const cli_loader *loader, const char *what, size_t height, size_t width, const char *path,
                             vit_error *err)
{
    const vit_model *model = loader->model->model;
    return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path,
                         "%s %zux%zu, and the model runs at %ux%u: one size for all inputs, which --image-size names", what,
                         height, width, vit_model_image_height(model), vit_model_image_width(model));
}

static vit_status load_pixels(const cli_loader *loader, const cli_input *input, float *pixels, vit_error *err)
{
    const vit_model *model = loader->model->model;
    cli_npy npy;
    vit_status status = cli_npy_open(input->path, &npy, err);
    if (status != VIT_OK)
        return status;
    if (npy.shape[2] != vit_model_image_height(model) || npy.shape[3] != vit_model_image_width(model))
        status = wrong_size(loader, "the pixels are", npy.shape[2], npy.shape[3], input->path, err);
    else
        status = cli_npy_read(&npy, input->path, input->row, pixels, err);
    cli_npy_close(&npy);
    return status;
}

static vit_status load_image(const cli_loader *loader, cli_input *input, float *pixels, vit_error *err)
{
    const vit_model *model = loader->model->model;
    const vit_preprocessor *preprocessor = vit_model_preprocessor(model);
    vit_preprocess_options options = cli_preprocess_options(loader->pictures);
    const char *path = input->kind == CLI_SOURCE_STDIN ? NULL : input->path;
    vit_load_options load = loader->load;
    vit_image image = {0};
    uint32_t width = 0, height = 0, whole[2] = {0};
    const cli_member *member = input->member;
    load.whole_size = whole;
    vit_status status = member ? vit_image_decode(member->bytes, member->size, path, &load, &image, err)
                               : cli_picture_load(&load, path, &image, err);
    input->width = whole[0];
    input->height = whole[1];
    if (status == VIT_OK)
        status = vit_preprocess_shape(preprocessor, image.width, image.height, &options, &width, &height, err);
    if (status == VIT_OK && (width != vit_model_image_width(model) || height != vit_model_image_height(model)))
        status = wrong_size(loader, "the preprocessing gives", height, width, input->path, err);
    if (status == VIT_OK)
        status = vit_preprocess(preprocessor, &image, &options, pixels, err);
    vit_image_free(&image);
    return status;
}

/* Of this thread alone: what it waited for a processor does not count. */
static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void load(const cli_loader *loader, cli_input *input, float *pixels)
{
    if (input->error.status != VIT_OK)
        return;
    double start = thread_seconds();
    if (input->kind == CLI_SOURCE_PIXELS)
        load_pixels(loader, input, pixels, &input->error);
    else
        load_image(loader, input, pixels, &input->error);
    cli_input_free_bytes(input);
    input->seconds = thread_seconds() - start;
}

/* ------------------------------------------------------------------ workers ---- */

/* false: cancelled. What is held becomes less by itself: whoever holds bytes is decoding them. */
static bool wait_for_room(cli_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    while ((loader->walked - loader->consumed >= loader->n_slots || loader->held > HELD_MAX) && !loader->cancelled)
        pthread_cond_wait(&loader->taken, &loader->lock);
    bool room = !loader->cancelled;
    pthread_mutex_unlock(&loader->lock);
    return room;
}

static size_t bytes_of(const cli_input *input)
{
    return input->member ? input->member->size : 0;
}

static void hold(cli_loader *loader, size_t bytes)
{
    pthread_mutex_lock(&loader->lock);
    loader->held += bytes;
    pthread_mutex_unlock(&loader->lock);
}

/* Takes the next input into its slot; NULL when there are no more. */
static slot *take_input(cli_loader *loader)
{
    slot *taken = NULL;
    pthread_mutex_lock(&loader->walking);
    if (!loader->walk_ended) {
        slot *next = &loader->slots[loader->walked % loader->n_slots];
        if (wait_for_room(loader) && cli_walk_next(loader->walk, &next->input)) {
            loader->walked++;
            taken = next;
            hold(loader, bytes_of(&next->input));
        } else {
            loader->walk_ended = true;
            pthread_mutex_lock(&loader->lock);
            loader->total = loader->walked;
            pthread_cond_broadcast(&loader->ready);
            pthread_mutex_unlock(&loader->lock);
        }
    }
    pthread_mutex_unlock(&loader->walking);
    return taken;
}

static void *work(void *argument)
{
    cli_loader *loader = argument;
    slot *taken;
    while ((taken = take_input(loader)) != NULL) {
        size_t bytes = bytes_of(&taken->input);
        load(loader, &taken->input, taken->pixels);
        pthread_mutex_lock(&loader->lock);
        taken->ready = true;
        loader->held -= bytes;
        pthread_cond_broadcast(&loader->ready);
        if (bytes > 0)
            pthread_cond_broadcast(&loader->taken);
        pthread_mutex_unlock(&loader->lock);
    }
    return NULL;
}

/* With one thread asked for, or none to be had, the consumer loads by itself. */
static void start_threads(cli_loader *loader, size_t ahead)
{
    size_t threads = vit_session_threads(loader->model->session);
    if (threads < 2)
        return;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    loader->n_slots = ahead + threads;
    loader->slots = cli_allocate(loader->n_slots, sizeof *loader->slots);
    for (size_t i = 0; i < loader->n_slots; i++)
        loader->slots[i].pixels = cli_allocate(vit_model_pixels_size(loader->model->model), sizeof(float));
    while (loader->n_threads < threads &&
           pthread_create(&loader->threads[loader->n_threads], NULL, work, loader) == 0)
        loader->n_threads++;
}

cli_loader *cli_loader_start(cli_walk *walk, const cli_picture_options *pictures, const cli_model *model, size_t ahead)
{
    cli_loader *loader = cli_allocate(1, sizeof *loader);
    loader->pictures = pictures;
    loader->model = model;
    loader->load = cli_load_options(pictures, vit_model_preprocessor(model->model));
    loader->walk = walk;
    loader->total = SIZE_MAX;
    pthread_mutex_init(&loader->walking, NULL);
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->ready, NULL);
    pthread_cond_init(&loader->taken, NULL);
    start_threads(loader, ahead);
    return loader;
}

bool cli_loader_next(cli_loader *loader, cli_input *input, float *pixels)
{
    if (loader->n_threads == 0) {
        if (loader->cancelled || !cli_walk_next(loader->walk, input))
            return false;
        load(loader, input, pixels);
        return true;
    }
    pthread_mutex_lock(&loader->lock);
    slot *next = &loader->slots[loader->consumed % loader->n_slots];
    while (!next->ready && loader->consumed != loader->total)
        pthread_cond_wait(&loader->ready, &loader->lock);
    bool more = next->ready;
    pthread_mutex_unlock(&loader->lock);
    if (!more)
        return false;
    cli_input_move(input, &next->input); /* the slot is ours until it is counted as consumed */
    if (input->error.status == VIT_OK)
        memcpy(pixels, next->pixels, vit_model_pixels_size(loader->model->model) * sizeof *pixels);
    pthread_mutex_lock(&loader->lock);
    next->ready = false;
    loader->consumed++;
    pthread_cond_broadcast(&loader->taken);
    pthread_mutex_unlock(&loader->lock);
    return true;
}

bool cli_loader_cancel(cli_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader->cancelled = true;
    pthread_cond_broadcast(&loader->taken);
    pthread_mutex_unlock(&loader->lock);
    return false;
}

void cli_loader_free(cli_loader *loader)
{
    for (size_t i = 0; i < loader->n_threads; i++)
        pthread_join(loader->threads[i], NULL);
    for (size_t i = 0; i < loader->n_slots; i++) {
        cli_input_free(&loader->slots[i].input);
        free(loader->slots[i].pixels);
    }
    free(loader->slots);
    pthread_mutex_destroy(&loader->walking);
    pthread_mutex_destroy(&loader->lock);
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->taken);
    free(loader);
}
