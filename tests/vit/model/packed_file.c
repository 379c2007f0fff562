/* SPDX-License-Identifier: BSD-2-Clause */
#include "packed_file.h"

#include <stdlib.h>
#include <string.h>

static int append(void *context, const void *bytes, size_t size)
{
    contents *c = context;
    c->bytes = realloc(c->bytes, c->size + size + 1);
    assert_non_null(c->bytes);
    memcpy(c->bytes + c->size, bytes, size);
    c->size += size;
    c->bytes[c->size] = '\0';
    return 0;
}

contents packed_make(const char *path, vit_precision precision)
{
    vit_error err = {0};
    vit_model *towers[2] = {NULL, NULL};
    contents packed = {0};
    const vit_sink sink = {append, &packed};
    for (int tower = VIT_TOWER_IMAGE; tower <= VIT_TOWER_TEXT; tower++) {
        vit_model_options options = {.precision = precision, .tower = (vit_tower)tower};
        vit_status status = vit_model_open(path, &options, &towers[tower], &err);
        assert_true(status == VIT_OK || status == VIT_ERR_UNSUPPORTED_MODEL);
        if (status != VIT_OK)
            err = (vit_error){0};
    }
    assert_ok(vit_model_pack(towers[VIT_TOWER_IMAGE], towers[VIT_TOWER_TEXT], &sink, &err), err);
    vit_model_free(towers[VIT_TOWER_IMAGE]);
    vit_model_free(towers[VIT_TOWER_TEXT]);
    return packed;
}

static size_t header_size(const contents *packed)
{
    size_t size = 0;
    for (size_t i = 0; i < 8; i++)
        size |= (size_t)(unsigned char)packed->bytes[i] << (8 * i);
    return size;
}

char *packed_header(const contents *packed)
{
    size_t size = header_size(packed);
    char *header = malloc(size + 1);
    assert_non_null(header);
    memcpy(header, packed->bytes + 8, size);
    header[size] = '\0';
    return header;
}

contents packed_with_header(const contents *packed, const char *header)
{
    contents changed = {0};
    size_t start = 8 + header_size(packed), length = strlen(header), size = (length + 8 + 63) / 64 * 64 - 8;
    unsigned char number[8];
    for (size_t i = 0; i < 8; i++)
        number[i] = (unsigned char)(size >> (8 * i));
    append(&changed, number, sizeof number);
    append(&changed, header, length);
    for (size_t i = length; i < size; i++)
        append(&changed, " ", 1);
    append(&changed, packed->bytes + start, packed->size - start);
    return changed;
}

static vit_status encode(const vit_model *model, vit_session *session, vit_request request)
{
    vit_error err = {0};
    size_t n_pixels = vit_model_pixels_size(model), length = vit_model_context(model);
    if (length) {
        int32_t *ids = calloc(length, sizeof *ids);
        assert_non_null(ids);
        ids[length - 1] = 1;
        vit_status status = vit_encode_text_requests(session, ids, 1, length, &request, 1, &err);
        free(ids);
        return status;
    }
    float *pixels = malloc(n_pixels * sizeof *pixels);
    assert_non_null(pixels);
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < n_pixels; i++)
        pixels[i] = (float)(random_next(&state) % 2001) / 1000 - 1;
    const vit_pixels picture = whole_picture(model, pixels);
    vit_status status = vit_encode_pictures(session, &picture, 1, &request, 1, &err);
    free(pixels);
    return status;
}

float *all_outputs(const vit_model *model, size_t *n)
{
    vit_error err = {0};
    vit_session *session;
    vit_session_options options = {.threads = 1};
    float *all = malloc(sizeof *all);
    bool finite = true;
    *n = 0;
    assert_ok(vit_session_create(model, &options, &session, &err), err);
    for (int output = VIT_OUTPUT_EMBEDDING; output <= VIT_OUTPUT_CLASS_MEAN; output++) {
        size_t size = vit_output_size(model, (vit_output)output, 0);
        if (size == 0)
            continue;
        all = realloc(all, (*n + size) * sizeof *all);
        assert_non_null(all);
        vit_status status = encode(model, session, (vit_request){(vit_output)output, 0, all + *n});
        assert_true(status == VIT_OK || status == VIT_ERR_NON_FINITE);
        finite = finite && status == VIT_OK;
        *n += size;
    }
    vit_session_free(session);
    if (finite)
        return all;
    free(all);
    return NULL;
}
