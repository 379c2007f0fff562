/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses the libraries from the headers alone; says ok where they work. */
#include <stdio.h>
#include <string.h>

#include <vit/hub.h>
#include <vit/index.h>
#include <vit/io.h>
#include <vit/pipeline.h>
#include <vit/text.h>
#include <vit/vit.h>

static int decodes_png(const char *path)
{
    vit_image image = {0};
    vit_error err = {0};
    const int right = vit_image_load(path, NULL, &image, &err) == VIT_OK && image.width > 0 && image.height > 0;
    if (!right)
        printf("%s: %s\n", err.where, err.message);
    vit_image_free(&image);
    return right;
}

static int opens_model(const char *path)
{
    vit_model *model = NULL;
    vit_session *session = NULL;
    vit_error err = {0};
    const int right = vit_model_open(path, NULL, &model, &err) == VIT_OK &&
                      vit_session_create(model, NULL, &session, &err) == VIT_OK && vit_model_classes(model) > 0;
    if (!right)
        printf("%s: %s\n", err.where, err.message);
    vit_session_free(session);
    vit_model_free(model);
    return right;
}

/* No tokenizer comes with the libraries: that there is none must be said. */
static int refuses_tokenizer(void)
{
    vit_tokenizer *tokenizer = NULL;
    vit_error err = {0};
    return vit_tokenizer_open("/nowhere", NULL, &tokenizer, &err) != VIT_OK && !tokenizer && err.message[0];
}

/* There is no index either. A build without SQLite says so instead. */
static int refuses_index(void)
{
    vit_index *index = NULL;
    vit_error err = {0};
    return vit_index_open("/nowhere", NULL, &index, &err) != VIT_OK && !index && err.message[0];
}

static int starts_pipeline(const char *path)
{
    vit_pipeline *pipeline = NULL;
    const int right = vit_pipeline_open(path, NULL, &pipeline, NULL) == VIT_OK && vit_pipeline_size(pipeline) > 0;
    vit_pipeline_free(pipeline);
    return right;
}

/* Nothing is in this cache, and nobody is asked. */
static int finds_nothing(void)
{
    const vit_hub_options options = {.cache = "/nowhere"};
    vit_hub_snapshot *snapshot = NULL;
    vit_error err = {0};
    return vit_hub_find("org/name", &options, &snapshot, &err) == VIT_ERR_NOT_FOUND && !snapshot && err.message[0];
}

int main(int argc, char **argv)
{
    if (argc != 4 || strcmp(vit_version(), argv[1]) != 0) {
        printf("version %s\n", vit_version());
        return 1;
    }
    if (!decodes_png(argv[2]) || !opens_model(argv[3]) || !refuses_tokenizer() || !refuses_index() ||
        !starts_pipeline(argv[3]) || !finds_nothing())
        return 1;
    puts("ok");
    return 0;
}
