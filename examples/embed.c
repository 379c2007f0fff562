/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the embedding of each picture, one line of numbers for each: embed MODEL IMAGE...
 *
 *     cc embed.c -o embed $(pkg-config --cflags --libs libvitio)
 */
#include <stdio.h>
#include <stdlib.h>

#include <vit/io.h>
#include <vit/vit.h>

/* An open model, and memory for one picture at a time: pixels[3][height][width] go in, vector[size] comes
 * out. */
struct encoder {
    vit_model *model;
    vit_session *session;
    size_t size;
    float *pixels, *vector;
};

static vit_status open_encoder(struct encoder *e, const char *path, vit_error *err)
{
    if (vit_model_open(path, NULL, &e->model, err) != VIT_OK ||
        vit_session_create(e->model, NULL, &e->session, err) != VIT_OK)
        return err->status;
    e->size = vit_output_size(e->model, VIT_OUTPUT_EMBEDDING, 0);
    e->pixels = malloc(vit_model_pixels_size(e->model) * sizeof *e->pixels);
    e->vector = malloc(e->size * sizeof *e->vector);
    if (!e->pixels || !e->vector)
        return vit_error_set(err, VIT_ERR_OUT_OF_MEMORY, path, "out of memory");
    return VIT_OK;
}

static vit_status embed(struct encoder *e, const char *path, vit_error *err)
{
    vit_image image = {0};
    if (vit_image_load(path, NULL, &image, err) == VIT_OK &&
        vit_preprocess(vit_model_preprocessor(e->model), &image, NULL, e->pixels, err) == VIT_OK &&
        vit_encode(e->session, e->pixels, 1, VIT_OUTPUT_EMBEDDING, e->vector, err) == VIT_OK)
        for (size_t i = 0; i < e->size; i++)
            printf("%.9g%c", (double)e->vector[i], i + 1 < e->size ? ' ' : '\n');
    vit_image_free(&image);
    return err->status;
}

int main(int argc, char **argv)
{
    struct encoder e = {0};
    vit_error err = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL IMAGE...\n", argv[0]);
        return 2;
    }
    open_encoder(&e, argv[1], &err);
    for (int i = 2; i < argc && err.status == VIT_OK; i++)
        embed(&e, argv[i], &err);
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    free(e.vector);
    free(e.pixels);
    vit_session_free(e.session);
    vit_model_free(e.model);
    return err.status == VIT_OK ? 0 : 1;
}
