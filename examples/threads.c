/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the best label of each picture, with several threads that share one model:
 *
 *     threads MODEL THREADS IMAGE...
 *
 * Each thread has a session of its own. Thread t takes the pictures t, t + THREADS, t + 2 THREADS
 * and so on. The labels are printed when all threads are done, in the order of the arguments.
 *
 *     cc threads.c -o threads -pthread $(pkg-config --cflags --libs libvitio)
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <vit/io.h>
#include <vit/vit.h>

struct worker {
    pthread_t thread;
    const vit_model *model; /* shared: a model never changes after it is open */
    char **paths;
    size_t n_paths, first, step;
    size_t *best; /* [n_paths]; each worker writes its own entries */
    vit_error err;
};

static void *work(void *argument)
{
    struct worker *w = argument;
    vit_session_options options = {.threads = 1};
    vit_session *session = NULL;
    float *pixels = malloc(vit_model_pixels_size(w->model) * sizeof *pixels);
    float *logits = malloc(vit_output_size(w->model, VIT_OUTPUT_LOGITS, 0) * sizeof *logits);
    if (!pixels || !logits)
        vit_error_set(&w->err, VIT_ERR_OUT_OF_MEMORY, NULL, "out of memory");
    else
        vit_session_create(w->model, &options, &session, &w->err);
    for (size_t i = w->first; i < w->n_paths && w->err.status == VIT_OK; i += w->step) {
        vit_image image = {0};
        if (vit_image_load(w->paths[i], NULL, &image, &w->err) == VIT_OK &&
            vit_preprocess(vit_model_preprocessor(w->model), &image, NULL, pixels, &w->err) == VIT_OK &&
            vit_encode(session, pixels, 1, VIT_OUTPUT_LOGITS, logits, &w->err) == VIT_OK)
            vit_top_k(logits, vit_model_classes(w->model), 1, &w->best[i]);
        vit_image_free(&image);
    }
    vit_session_free(session);
    free(logits);
    free(pixels);
    return NULL;
}

/* Runs workers[n] at the same time, and waits for all of them. If a worker had an error, *err gets it. */
static void run(struct worker *workers, size_t n, vit_error *err)
{
    size_t started = 0;
    while (started < n && pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
        started++;
    if (started < n)
        vit_error_set(err, VIT_ERR_INTERNAL, NULL, "cannot start a thread");
    for (size_t t = 0; t < started; t++) {
        pthread_join(workers[t].thread, NULL);
        if (workers[t].err.status != VIT_OK)
            vit_error_set(err, workers[t].err.status, workers[t].err.where, "%s", workers[t].err.message);
    }
}

int main(int argc, char **argv)
{
    vit_error err = {0};
    vit_model *model = NULL;
    size_t threads = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (threads < 1 || threads > 64) {
        fprintf(stderr, "usage: %s MODEL THREADS IMAGE...\n", argv[0]);
        return 2;
    }
    size_t n_paths = (size_t)argc - 3;
    size_t *best = calloc(n_paths, sizeof *best);
    struct worker *workers = calloc(threads, sizeof *workers);
    if (!best || !workers)
        vit_error_set(&err, VIT_ERR_OUT_OF_MEMORY, NULL, "out of memory");
    else if (vit_model_open(argv[1], NULL, &model, &err) == VIT_OK) {
        for (size_t t = 0; t < threads; t++)
            workers[t] = (struct worker){
                .model = model, .paths = argv + 3, .n_paths = n_paths, .first = t, .step = threads, .best = best};
        run(workers, threads, &err);
    }
    for (size_t i = 0; i < n_paths && err.status == VIT_OK; i++)
        printf("%s\t%s\n", argv[3 + i], vit_model_label(model, best[i]));
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    vit_model_free(model);
    free(workers);
    free(best);
    return err.status == VIT_OK ? 0 : 1;
}
