/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the five images of an index that are most like a picture: search INDEX PICTURE
 *
 *     cc search.c -o search $(pkg-config --cflags --libs libvitindex)
 *
 * `vit index --db photos.db photos/` makes an index. It knows the model that made its vectors, and so the picture goes
 * through the same one here.
 */
#include <stdio.h>
#include <stdlib.h>

#include <vit/index.h>

/* The vector of the picture, made as those of the index were. NULL, with the reason in *err. */
static float *encode(const vit_index *index, const char *path, vit_error *err)
{
    const vit_index_pin *pin = vit_index_get_pin(index);
    const vit_item picture = {.kind = VIT_ITEM_PATH, .name = path};
    vit_pipeline_options options = {.model.preprocessor = pin->preprocessor, .normalize = 1};
    vit_pipeline *pipeline = NULL;
    vit_error failed = {0};
    float *vector = calloc(vit_index_columns(index) + 1, sizeof *vector);
    if (vector && vit_recipe_apply(&pin->recipe, &options, err) == VIT_OK &&
        vit_pipeline_open(pin->model, &options, &pipeline, err) == VIT_OK &&
        vit_pipeline_encode(pipeline, &picture, 1, vector, &failed, err) == VIT_OK && failed.status != VIT_OK)
        *err = failed;
    vit_pipeline_free(pipeline);
    return vector;
}

int main(int argc, char **argv)
{
    vit_error err = {0};
    vit_index *index = NULL;
    vit_index_hits hits = {0};
    float *vector = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: %s INDEX PICTURE\n", argv[0]);
        return 2;
    }
    if (vit_index_open(argv[1], NULL, &index, &err) == VIT_OK && (vector = encode(index, argv[2], &err)) != NULL) {
        const vit_index_query query = {.vectors = vector, .n = 1, .k = 5};
        if (err.status == VIT_OK)
            vit_index_search(index, &query, &hits, &err);
    }
    for (size_t i = 0; i < hits.n; i++)
        printf("%.4f  %s\n", hits.hits[i].score, hits.hits[i].path);
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    vit_index_hits_free(&hits);
    free(vector);
    vit_index_free(index);
    return err.status == VIT_OK ? 0 : 1;
}
