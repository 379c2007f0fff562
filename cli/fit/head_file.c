/* SPDX-License-Identifier: BSD-2-Clause */
#include "head_file.h"

#include <stdint.h>

#include "json_write.h"
#include "npy.h"

#define ALIGNMENT 8 /* of the numbers, as the safetensors library writes them */

/* {"0":"cat","1":"dog"} */
static void add_labels(const vit_head *head, cli_text *text)
{
    for (size_t k = 0; k < head->classes; k++) {
        cli_text_format(text, "%s\"%zu\":", k ? "," : "{", k);
        cli_json_string(text, head->labels[k]);
    }
    cli_text_string(text, "}");
}

static void add_pair(cli_text *text, const char *key, const char *value)
{
    if (!value)
        return;
    cli_text_format(text, ",\"%s\":", key);
    cli_json_string(text, value);
}

static void add_header(const cli_head_file *f, cli_text *text)
{
    const vit_head *head = f->head;
    cli_text labels = {0};
    size_t weights = head->classes * f->width * sizeof(float), all = weights + head->classes * sizeof(float);
    add_labels(head, &labels);
    cli_text_string(text, "{\"__metadata__\":{\"format\":\"vit-head\"");
    add_pair(text, "base", f->base);
    add_pair(text, "base_digest", f->base_digest);
    add_pair(text, "preprocessing_digest", f->preprocessing_digest);
    add_pair(text, "head_input", vit_output_name(head->output));
    add_pair(text, "head_normalize", head->normalize ? "true" : "false");
    add_pair(text, "id2label", labels.data);
    add_pair(text, "fit", head->fit);
    cli_text_format(text, "},\"head.weight\":{\"dtype\":\"F32\",\"shape\":[%zu,%zu],\"data_offsets\":[0,%zu]}",
                    head->classes, f->width, weights);
    cli_text_format(text, ",\"head.bias\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}}",
                    head->classes, weights, all);
    while ((text->size + 8) % ALIGNMENT)
        cli_text_string(text, " ");
    cli_text_free(&labels);
}

bool cli_head_write(const cli_head_file *f, cli_file *file)
{
    cli_text header = {0}, bytes = {0};
    add_header(f, &header);
    for (size_t i = 0; i < 8; i++)
        cli_text_add(&bytes, &(char){(char)((uint64_t)header.size >> (8 * i))}, 1);
    cli_text_add(&bytes, header.data, header.size);
    cli_put_f32(&bytes, f->head->weight, f->head->classes * f->width);
    cli_put_f32(&bytes, f->head->bias, f->head->classes);
    bool written = cli_file_write(file, bytes.data, bytes.size);
    cli_text_free(&header);
    cli_text_free(&bytes);
    return written;
}
