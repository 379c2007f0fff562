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

int main(int argc, char **argv)
{
    vit_error err = {0};
    vit_index *index = NULL;
    vit_pipeline *pipeline = NULL;
    vit_index_hits hits = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: %s INDEX PICTURE\n", argv[0]);
        return 2;
    }
    vit_index_open(argv[1], NULL, &index, &err);
    float *vector = calloc(vit_index_columns(index) + 1, sizeof *vector);
    const vit_item picture = {.kind = VIT_ITEM_PATH, .name = argv[2]};
    const vit_index_query query = {.vectors = vector, .n = 1, .k = 5};
    if (!vector)
        vit_error_set(&err, VIT_ERR_OUT_OF_MEMORY, argv[1], "out of memory");
    else if (index && vit_index_pipeline(index, NULL, &pipeline, &err) == VIT_OK &&
             vit_pipeline_encode(pipeline, &picture, 1, vector, NULL, &err) == VIT_OK)
        vit_index_search(index, &query, &hits, &err);
    for (size_t i = 0; i < hits.n; i++)
        printf("%.4f  %s\n", hits.hits[i].score, hits.hits[i].path);
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    vit_index_hits_free(&hits);
    free(vector);
    vit_pipeline_free(pipeline);
    vit_index_free(index);
    return err.status == VIT_OK ? 0 : 1;
}
