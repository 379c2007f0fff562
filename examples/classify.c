/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the five most probable labels of one picture, best first: classify MODEL IMAGE
 *
 *     cc classify.c -o classify $(pkg-config --cflags --libs libvitio)
 */
#include <stdio.h>
#include <stdlib.h>

#include <vit/io.h>
#include <vit/vit.h>

#define BEST 5

/* scores[classes], one probability for each class of the model. */
static void print_best(const vit_model *model, const float *scores)
{
    size_t best[BEST], classes = vit_model_classes(model);
    size_t n = classes < BEST ? classes : BEST;
    vit_top_k(scores, classes, n, best);
    for (size_t i = 0; i < n; i++) {
        const char *label = vit_model_label(model, best[i]);
        printf("%6.4f  %s\n", (double)scores[best[i]], label ? label : "(no name)");
    }
}

/* From the file to its probabilities. What this function makes it also frees, on failure too. */
static vit_status classify(const vit_model *model, const char *path, vit_error *err)
{
    vit_session *session = NULL;
    vit_image image = {0};
    float *pixels = malloc(vit_model_pixels_size(model) * sizeof *pixels);
    float *scores = malloc(vit_output_size(model, VIT_OUTPUT_PROBABILITIES, 0) * sizeof *scores);

    if (!pixels || !scores)
        vit_error_set(err, VIT_ERR_OUT_OF_MEMORY, path, "out of memory");
    else if (vit_session_create(model, NULL, &session, err) == VIT_OK &&
             vit_image_load(path, NULL, &image, err) == VIT_OK &&
             vit_preprocess(vit_model_preprocessor(model), &image, NULL, pixels, err) == VIT_OK &&
             vit_encode(session, pixels, 1, VIT_OUTPUT_PROBABILITIES, scores, err) == VIT_OK)
        print_best(model, scores);

    free(scores);
    free(pixels);
    vit_image_free(&image);
    vit_session_free(session);
    return err->status;
}

int main(int argc, char **argv)
{
    vit_error err = {0};
    vit_model *model = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL IMAGE\n", argv[0]);
        return 2;
    }
    if (vit_model_open(argv[1], NULL, &model, &err) == VIT_OK)
        classify(model, argv[2], &err);
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    vit_model_free(model);
    return err.status == VIT_OK ? 0 : 1;
}
