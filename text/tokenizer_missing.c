/* SPDX-License-Identifier: BSD-2-Clause */
/* All of libvittext where it was built without libunistring: no tokenizer can be opened. */
#include "error.h"
#include "vit/text.h"

vit_status vit_tokenizer_open(const char *path, const vit_tokenizer_options *options, vit_tokenizer **tokenizer,
                              vit_error *err)
{
    if (tokenizer)
        *tokenizer = NULL;
    if (!path || !tokenizer)
        return vit__fail_null(err, __func__, path ? "tokenizer" : "path");
    if (options && VIT__CHECK_RESERVED(err, __func__, options) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, path,
                     "this build has no tokenizers: install libunistring-dev and build again");
}

void vit_tokenizer_free(vit_tokenizer *tokenizer)
{
    (void)tokenizer;
}

/* Whoever encodes has no tokenizer, since none can be opened. */
vit_status vit_tokenizer_encode(const vit_tokenizer *tokenizer, const char *text, size_t size, int32_t *ids,
                                size_t capacity, size_t *n, vit_error *err)
{
    (void)tokenizer;
    (void)text;
    (void)size;
    (void)ids;
    (void)capacity;
    if (n)
        *n = 0;
    return vit__fail_null(err, __func__, "tokenizer");
}

vit_status vit_tokenizer_encode_padded(const vit_tokenizer *tokenizer, const char *text, size_t size, int32_t *ids,
                                       size_t *n, vit_error *err)
{
    (void)tokenizer;
    (void)text;
    (void)size;
    (void)ids;
    if (n)
        *n = 0;
    return vit__fail_null(err, __func__, "tokenizer");
}

size_t vit_tokenizer_context(const vit_tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

int32_t vit_tokenizer_pad_id(const vit_tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

int vit_tokenizer_pads_left(const vit_tokenizer *tokenizer)
{
    (void)tokenizer;
    return 0;
}

const char *vit_tokenizer_name(const vit_tokenizer *tokenizer)
{
    (void)tokenizer;
    return NULL;
}
