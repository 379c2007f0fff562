/* SPDX-License-Identifier: BSD-2-Clause */
#include "embed.h"
#include "json_write.h"

const char *const cli_dtype_names[] = {"f32", "f16", NULL};

/* How a value of a recipe stands in JSON. */
typedef enum form {
    TEXT,         /* "f32" */
    TEXT_OR_NULL, /* null: not set */
    TEXT_IF_SET,
    NUMBER_IF_SET, /* 7 */
    FLAG,          /* true, false: not set */
    FLAG_IF_SET
} form;

static const struct {
    vit_recipe_key key;
    form form;
} rows[] = {
    {VIT_RECIPE_MODEL_DIGEST, TEXT},
    {VIT_RECIPE_PREPROCESSING_DIGEST, TEXT_OR_NULL},
    {VIT_RECIPE_PRECISION, TEXT},
    {VIT_RECIPE_OUTPUT, TEXT},
    {VIT_RECIPE_NORMALIZE, FLAG},
    {VIT_RECIPE_INPUT, TEXT_IF_SET},
    {VIT_RECIPE_SAMPLE, NUMBER_IF_SET},
    {VIT_RECIPE_RESAMPLER, TEXT},
    {VIT_RECIPE_EXIF, TEXT},
    {VIT_RECIPE_BACKGROUND, TEXT_OR_NULL},
    {VIT_RECIPE_FAST_DECODE, FLAG_IF_SET},
};

static void add_value(cli_text *text, form as, const char *value)
{
    if (as == FLAG || as == FLAG_IF_SET)
        cli_text_string(text, value ? "true" : "false");
    else if (as == NUMBER_IF_SET)
        cli_text_string(text, value);
    else
        cli_json_string(text, value);
}

cli_exit cli_embed_settings(const cli_embedding *embed, const cli_job *job, cli_text *text)
{
    vit_recipe recipe;
    cli_exit status = cli_job_recipe(job, &recipe);
    for (size_t i = 0; status == CLI_DONE && i < sizeof rows / sizeof *rows; i++) {
        const char *value = recipe.values[rows[i].key];
        form as = rows[i].form;
        if (!value && (as == TEXT_IF_SET || as == NUMBER_IF_SET || as == FLAG_IF_SET))
            continue;
        cli_text_format(text, "%s\"%s\":", i ? "," : "", vit_recipe_name(rows[i].key));
        add_value(text, as, value);
        if (rows[i].key == VIT_RECIPE_NORMALIZE) /* how vectors are stored stands beside what they are */
            cli_text_format(text, ",\"dtype\":\"%s\"", cli_dtype_names[embed->dtype]);
    }
    vit_recipe_free(&recipe);
    if (status == CLI_DONE)
        cli_text_format(text, ",\"vit_version\":\"%s\"", vit_version());
    return status;
}
