/* SPDX-License-Identifier: BSD-2-Clause */
/* A named pipe in the place of any file that a library opens: refused at once, never waited for. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "vit/tensors.h"
#include "vit/text.h"

#define TOKENS "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}"

static vit_status open_tokenizer(const char *path, vit_error *err)
{
    vit_tokenizer *tokenizer;
    vit_status status = vit_tokenizer_open(path, NULL, &tokenizer, err);
    vit_tokenizer_free(tokenizer);
    return status;
}

static vit_status open_model(const char *path, vit_error *err)
{
    vit_model *model;
    vit_status status = vit_model_open(path, NULL, &model, err);
    vit_model_free(model);
    return status;
}

static vit_status open_preprocessor(const char *path, vit_error *err)
{
    vit_preprocessor *preprocessor;
    vit_status status = vit_preprocessor_open(path, &preprocessor, err);
    vit_preprocessor_free(preprocessor);
    return status;
}

static vit_status open_tensors(const char *path, vit_error *err)
{
    vit_tensor_file *file;
    vit_status status = vit_tensor_file_open(path, &file, err);
    vit_tensor_file_free(file);
    return status;
}

static vit_status open_picture(const char *path, vit_error *err)
{
    vit_image image;
    vit_status status = vit_image_load(path, NULL, &image, err);
    vit_image_free(&image);
    return status;
}

typedef vit_status opener(const char *path, vit_error *err);

static void assert_refused(opener *open, const char *path, const char *where)
{
    vit_error err = {0};
    alarm(20); /* a pipe that is waited for ends the test */
    vit_status status = open(path, &err);
    alarm(0);
    if (status != VIT_ERR_UNREADABLE || strcmp(err.where, where) != 0 || !strstr(err.message, "this is a pipe"))
        fail_msg("%s: %s: %s: %s", where, vit_status_name(status), err.where, err.message);
}

static void a_pipe_itself(void **state)
{
    (void)state;
    static opener *const openers[] = {open_preprocessor, open_tensors, open_picture};
    char *folder = folder_make();
    const char *pipe = in_folder(folder, "pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++)
        assert_refused(openers[i], pipe, pipe);
    folder_remove(folder);
}

/* One of a folder's files is a pipe, behind a link as in the cache of the hub. The others are as
 * they should be. */
static void a_pipe_in_a_folder(void **state)
{
    (void)state;
    static const struct {
        opener *open;
        const char *pipe, *beside, *content; /* the other file; NULL: there is none */
    } rows[] = {
        {open_tokenizer, "tokenizer.json", NULL, NULL},
        {open_tokenizer, "vocab.json", "merges.txt", "#version: 0.2\n"},
        {open_tokenizer, "merges.txt", "vocab.json", "{\"a\":0}"},
        {open_tokenizer, "spiece.model", NULL, NULL},
        {open_tokenizer, "config.json", "tokenizer.json", TOKENS},
        {open_tokenizer, "tokenizer_config.json", "tokenizer.json", TOKENS},
        {open_tokenizer, "special_tokens_map.json", "tokenizer.json", TOKENS},
        {open_tokenizer, "open_clip_config.json", "tokenizer.json", TOKENS},
        {open_preprocessor, "processor_config.json", NULL, NULL},
        {open_preprocessor, "preprocessor_config.json", NULL, NULL},
        {open_preprocessor, "open_clip_config.json", NULL, NULL},
        {open_preprocessor, "config.json", NULL, NULL},
        {open_model, "model.safetensors", "config.json", "{\"model_type\":\"vit\"}"},
        {open_model, "model.safetensors.index.json", "config.json", "{\"model_type\":\"vit\"}"},
        {open_model, "open_clip_model.safetensors", "config.json", "{\"model_type\":\"vit\"}"},
        {open_model, "config.json", "model.safetensors", "x"},
        {open_model, "open_clip_config.json", "open_clip_model.safetensors", "x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *folder = folder_make();
        const char *link = in_folder(folder, rows[i].pipe);
        assert_int_equal(mkfifo(in_folder(folder, "pipe"), 0600), 0);
        assert_int_equal(symlink("pipe", link), 0);
        if (rows[i].beside)
            write_text(folder, rows[i].beside, rows[i].content);
        assert_refused(rows[i].open, folder, link);
        folder_remove(folder);
    }
}

/* What is beside a file is only looked at for advice. */
static void a_pipe_beside_a_file(void **state)
{
    (void)state;
    char *folder = folder_make();
    vit_error err = {0};
    assert_int_equal(mkfifo(in_folder(folder, "config.json"), 0600), 0);
    write_text(folder, "preprocessor_config.json", "{\"image_processor_type\":\"ViTImageProcessor\"}");
    alarm(20);
    vit_status status = open_preprocessor(in_folder(folder, "preprocessor_config.json"), &err);
    alarm(0);
    assert_ok(status, err);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_itself),
        cmocka_unit_test(a_pipe_in_a_folder),
        cmocka_unit_test(a_pipe_beside_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
