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

/* One result, in the order of the files. 0: go on. */
static int take(void *failed, const vit_result *result)
{
    const vit_error *error = result->error;
    if (error)
        printf("%s: %s: %s\n", result->item.name, vit_status_name(error->status), error->message);
    else
        printf("%s: %zu numbers, %g %g ...\n", result->item.name, result->size, result->values[0], result->values[1]);
    *(int *)failed |= error != NULL;
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    vit_error err = {0};
    vit_pipeline *pipeline = NULL;
    glob_t files = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL FOLDER\n", argv[0]);
        return 2;
    }
    if (vit_pipeline_open(argv[1], NULL, &pipeline, &err) == VIT_OK &&
        (chdir(argv[2]) != 0 || glob("*", 0, NULL, &files) != 0))
        vit_error_set(&err, VIT_ERR_NOT_FOUND, argv[2], "no folder that can be read, or an empty one");
    const vit_stream stream = {
        .paths = (const char *const *)files.gl_pathv, .n_paths = files.gl_pathc, .take = take, .context = &failed};
    if (err.status == VIT_OK)
        vit_pipeline_run(pipeline, &stream, &err);
    if (err.status != VIT_OK)
        fprintf(stderr, "%s: %s: %s\n", vit_status_name(err.status), err.where, err.message);
    globfree(&files);
    vit_pipeline_free(pipeline);
    return err.status != VIT_OK || failed;
}
