/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the beginning of the vector of each file in a folder; of a file that is no picture, why there
 * is none. One bad file does not stop the others: embed_folder MODEL FOLDER
 *
 *     cc embed_folder.c -o embed_folder $(pkg-config --cflags --libs libvitpipe)
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <vit/pipeline.h>

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    vit_pipeline *pipeline = NULL;
    vit_error err = {0};
    struct dirent **files = NULL;
    int failed = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL FOLDER\n", argv[0]);
        return 2;
    }
    vit_pipeline_open(argv[1], NULL, &pipeline, &err);
    int found = chdir(argv[2]) == 0 ? scandir(".", &files, is_visible, alphasort) : -1;
    if (found < 0)
        vit_error_set(&err, VIT_ERR_NOT_FOUND, argv[2], "no folder that can be read");
    size_t n = found > 0 ? (size_t)found : 0, size = vit_pipeline_size(pipeline);
    vit_item *items = calloc(n + 1, sizeof *items);
    vit_error *errors = calloc(n + 1, sizeof *errors);
    float *vectors = calloc(n + 1, (size + 1) * sizeof *vectors); /* [n][size]; vit_pipeline_run needs no such room */
    for (size_t i = 0; i < n && items; i++)
        items[i] = (vit_item){.kind = VIT_ITEM_PATH, .name = files[i]->d_name};
    if (!items || !errors || !vectors)
        vit_error_set(&err, VIT_ERR_OUT_OF_MEMORY, argv[2], "out of memory");
    if (err.status == VIT_OK)
        vit_pipeline_encode(pipeline, items, n, vectors, errors, &err);
    for (size_t i = 0; i < n && err.status == VIT_OK; i++) {
        if (errors[i].status == VIT_OK)
            printf("%s: %zu numbers, %g %g ...\n", items[i].name, size, vectors[i * size], vectors[i * size + 1]);
        else
            printf("%s: %s: %s\n", items[i].name, vit_status_name(errors[i].status), errors[i].message);
        failed += errors[i].status != VIT_OK;
    }
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    for (size_t i = 0; i < n; i++)
        free(files[i]);
    free(files);
    free(vectors);
    free(errors);
    free(items);
    vit_pipeline_free(pipeline);
    return err.status != VIT_OK || failed > 0;
}
