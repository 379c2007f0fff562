/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "embed.h"
#include "json_text.h"
#include "talk.h"

static void add_background(const cli_picture_options *pictures, cli_text *text)
{
    const uint8_t *rgb = pictures->background.rgb;
    if (pictures->background.given)
        cli_text_format(text, "\"%02x%02x%02x\"", rgb[0], rgb[1], rgb[2]);
    else
        cli_text_string(text, "null");
}

cli_exit cli_embed_settings(const cli_embedding *embed, const cli_job *job, cli_text *text)
{
    const vit_preprocessor *preprocessor = vit_model_preprocessor(job->model.model);
    char model_digest[65], preprocessing_digest[65];
    vit_error err = {0};
    vit_model_digest(job->model.model, model_digest, &err);
    if (preprocessor)
        vit_preprocessor_digest(preprocessor, preprocessing_digest, &err);
    if (err.status != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    const cli_picture_options *pictures = &job->pictures;
    cli_text_format(text, "\"model_digest\":\"%s\",\"preprocessing_digest\":", model_digest);
    cli_json_string(text, preprocessor ? preprocessing_digest : NULL);
    cli_text_format(text, ",\"precision\":\"%s\",\"output\":\"%s\",\"normalize\":%s,\"dtype\":\"%s\"",
                    job->model.precision, embed->output.text, embed->normalize ? "true" : "false",
                    cli_dtype_names[embed->dtype]);
    if (job->text)
        cli_text_string(text, ",\"input\":\"text\"");
    if (embed->sample.given)
        cli_text_format(text, ",\"sample\":%" PRIu64, embed->sample.seed);
    cli_text_format(text, ",\"resampler\":\"%s\",\"exif\":\"%s\",\"background\":",
                    vit_resampler_name((vit_resampler)pictures->resampler), vit_exif_name((vit_exif)pictures->exif));
    add_background(pictures, text);
    if (pictures->fast_decode)
        cli_text_string(text, ",\"fast_decode\":true");
    cli_text_format(text, ",\"vit_version\":\"%s\"", vit_version());
    return CLI_DONE;
}
