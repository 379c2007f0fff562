/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the beginning of the vector of each file in a folder; of a file that is no picture, why there
 * is none. One bad file does not stop the others: embed_folder MODEL FOLDER
 *
 *     cc embed_folder.c -o embed_folder $(pkg-config --cflags --libs libvitpipe)
 */
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include <vit/pipeline.h>

struct folder {
    glob_t files;
    size_t next, failed;
};

/* The pipeline asks for the next file. 0: there are no more. */
static int next(void *context, vit_item *item)
{
    struct folder *folder = context;
    if (folder->next == folder->files.gl_pathc)
        return 0;
    *item = (vit_item){.kind = VIT_ITEM_PATH, .name = folder->files.gl_pathv[folder->next++]};
    return 1;
}

/* The pipeline hands over one result, in the order of the files. 0: go on. */
static int take(void *context, const vit_result *result)
{
    struct folder *folder = context;
    const vit_error *error = result->error;
    if (error)
        printf("%s: %s: %s\n", result->item.name, vit_status_name(error->status), error->message);
    else
        printf("%s: %zu numbers, %g %g ...\n", result->item.name, result->size, result->values[0], result->values[1]);
    folder->failed += error != NULL;
    return 0;
}

int main(int argc, char **argv)
{
    struct folder folder = {0};
    vit_error err = {0};
    vit_pipeline *pipeline = NULL;
    const vit_stream stream = {.next = next, .take = take, .context = &folder};
    if (argc != 3)
        vit_error_set(&err, VIT_ERR_INVALID_ARGUMENT, argv[0], "give it MODEL FOLDER");
    else if (vit_pipeline_open(argv[1], NULL, &pipeline, &err) == VIT_OK &&
             (chdir(argv[2]) != 0 || glob("*", 0, NULL, &folder.files) != 0))
        vit_error_set(&err, VIT_ERR_NOT_FOUND, argv[2], "no folder that can be read, or an empty one");
    if (err.status == VIT_OK)
        vit_pipeline_run(pipeline, &stream, &err);
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    globfree(&folder.files);
    vit_pipeline_free(pipeline);
    return err.status != VIT_OK || folder.failed > 0;
}
