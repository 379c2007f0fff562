/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_keys.h"

#include <string.h>

vit__reader vit__reader_of(const vit__checkpoint *checkpoint, vit_error *err)
{
    return vit__reader_start(vit__checkpoint_config(checkpoint), vit__checkpoint_config_name(checkpoint), err);
}

/* transformers.activations.ACT2FN, of which these are what published Vision Transformers use. */
static const struct {
    const char *name;
    vit__activation activation;
} activations[] = {
    {"gelu", VIT__ACTIVATION_GELU},
    {"gelu_python", VIT__ACTIVATION_GELU},
    {"gelu_new", VIT__ACTIVATION_GELU_TANH},
    {"gelu_pytorch_tanh", VIT__ACTIVATION_GELU_TANH},
    {"gelu_tanh", VIT__ACTIVATION_GELU_TANH},
    {"gelu_fast", VIT__ACTIVATION_GELU_TANH},
    {"gelu_python_tanh", VIT__ACTIVATION_GELU_TANH},
    {"quick_gelu", VIT__ACTIVATION_QUICK_GELU},
    {"relu", VIT__ACTIVATION_RELU},
    {"silu", VIT__ACTIVATION_SILU},
    {"swish", VIT__ACTIVATION_SILU},
    {"tanh", VIT__ACTIVATION_TANH},
    {"sigmoid", VIT__ACTIVATION_SIGMOID},
    {"linear", VIT__ACTIVATION_NONE},
};

vit__activation vit__read_activation(vit__reader *reader, const char *key, const char *absent)
{
    const char *name = vit__read_text(reader, key, absent);
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(name, activations[i].name) == 0)
            return activations[i].activation;
    vit__reader_fail(reader, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is \"%.60s\": this build has no such activation", key,
                     name);
    return VIT__ACTIVATION_NONE;
}

void vit__read_extent(vit__reader *reader, const char *key, size_t absent, size_t *height, size_t *width)
{
    const vit__json *value = vit__read_given(reader, key);
    *height = *width = absent;
    if (!value)
        return;
    bool pair = vit__json_length(value) == 2 && vit__whole_size(vit__json_at(value, 0), height) &&
                vit__whole_size(vit__json_at(value, 1), width);
    if (pair)
        return;
    if (vit__whole_size(value, height))
        *width = *height;
    else
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a whole number, or two: [height, width]", key);
}

size_t vit__read_sizes(vit__reader *reader, const char *key, size_t absent, size_t most, size_t *sizes)
{
    const vit__json *list = vit__read_given(reader, key);
    size_t n = list ? vit__json_length(list) : absent;
    if (list && (n == 0 || n > most)) {
        vit__reader_fail(reader, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" must be a list of 1 to %zu whole numbers", key,
                         most);
        return absent;
    }
    for (size_t i = 0; list && i < n; i++)
        if (!vit__whole_size(vit__json_at(list, i), &sizes[i]))
            vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\"[%zu] must be a whole number", key, i);
    return n;
}

void vit__read_expect(vit__reader *reader, const char *key, bool value, bool absent, const char *feature)
{
    if (vit__read_flag(reader, key, absent) != value)
        vit__reader_fail(reader, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is %s: this build lacks %s", key,
                         value ? "false" : "true", feature);
}

size_t vit__read_classes(vit__reader *reader)
{
    const vit__json *labels = vit__read_given(reader, "id2label");
    if (labels && !vit__json_is_object(labels))
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"id2label\" must be an object of index and name");
    return labels ? vit__json_length(labels) : vit__read_size(reader, "num_labels", 2);
}

bool vit__read_architecture(const vit__reader *reader, const char *ending)
{
    const char *name = vit__json_string(vit__json_at(vit__json_get(reader->object, "architectures"), 0));
    size_t length = name ? strlen(name) : 0, wanted = strlen(ending);
    return length >= wanted && strcmp(name + length - wanted, ending) == 0;
}
