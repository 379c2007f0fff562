/* SPDX-License-Identifier: BSD-2-Clause */
#include "npy.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "file.h"
#include "half.h"
#include "limit.h"

#define CHANNELS 3

bool cli_npy_is(const void *bytes, size_t size)
{
    const size_t length = sizeof CLI_NPY_MAGIC - 1;
    return size >= length && memcmp(bytes, CLI_NPY_MAGIC, length) == 0;
}

/* ------------------------------------------------------------------ writing ---- */

void cli_npy_header(const char *type, const size_t *shape, size_t dimensions, char *header)
{
    enum { PREFIX = 10, TEXT = CLI_NPY_HEADER - PREFIX };
    memset(header, ' ', CLI_NPY_HEADER);
    memcpy(header, CLI_NPY_MAGIC "\x01\x00", 8);
    header[8] = TEXT;
    header[9] = 0;
    char text[TEXT + 1];
    int length = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (size_t i = 0; i < dimensions; i++)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           i == 0   ? "%zu,"
                           : i == 1 ? " %zu"
                                    : ", %zu",
                           shape[i]);
    length += snprintf(text + length, sizeof text - (size_t)length, "), }");
    memcpy(header + PREFIX, text, (size_t)length);
    header[CLI_NPY_HEADER - 1] = '\n';
}

void cli_put_f32(cli_text *bytes, const float *values, size_t n)
{
    enum { CHUNK = 1024 };
    unsigned char chunk[CHUNK * 4];
    for (size_t done = 0; done < n;) {
        size_t count = n - done < CHUNK ? n - done : CHUNK;
        for (size_t i = 0; i < count; i++) {
            uint32_t bits;
            memcpy(&bits, &values[done + i], sizeof bits);
            for (size_t byte = 0; byte < 4; byte++)
                chunk[i * 4 + byte] = (unsigned char)(bits >> (8 * byte));
        }
        cli_text_add(bytes, chunk, count * 4);
        done += count;
    }
}

void cli_put_f16(cli_text *bytes, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half = vit__half(values[i]);
        unsigned char pair[2] = {(unsigned char)half, (unsigned char)(half >> 8)};
        cli_text_add(bytes, pair, sizeof pair);
    }
}

/* ------------------------------------------------------------------ reading ---- */

/* The text of the value behind 'key': in the header's Python dictionary, or NULL. */
static const char *find_value(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(text, quoted);
    if (!at)
        return NULL;
    at += strlen(quoted);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

/* "(2, 3, 4, 5)": so many dimensions, no more and no less */
static bool read_shape(const char *at, size_t dimensions, size_t shape[4])
{
    shape[0] = shape[1] = shape[2] = shape[3] = 1;
    if (!at || *at++ != '(')
        return false;
    for (size_t i = 0; i < dimensions; i++) {
        at += strspn(at, " ");
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 9)
            return false;
        shape[i] = strtoul(at, NULL, 10);
        at += digits;
        at += strspn(at, " ");
        if (i + 1 < dimensions && *at++ != ',')
            return false;
    }
    at += *at == ',';
    at += strspn(at, " ");
    return *at == ')';
}

static vit_status refuse_type(const char *type, const char *want, const char *path, vit_error *err)
{
    int length = *type == '\'' ? (int)strcspn(type + 1, "'") + 2 : (int)strcspn(type, ",}");
    return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "%s, not %.*s", want, length < 40 ? length : 40, type);
}

static vit_status check_pixels(const char *type, const char *shape, const char *path, cli_npy *npy, vit_error *err)
{
    npy->item = sizeof(float);
    if (strncmp(type, "'<f4'", 5) != 0)
        return refuse_type(type, "pixels must be little-endian float32 (write them with .astype('<f4'))", path, err);
    if (!read_shape(shape, 4, npy->shape) || npy->shape[1] != CHANNELS || npy->shape[2] == 0 || npy->shape[3] == 0)
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "pixels must have the shape [N,3,H,W], not %.*s",
                             (int)strcspn(shape, ")") + 1, shape);
    return VIT_OK;
}

static vit_status check_ids(const char *type, const char *shape, const char *path, cli_npy *npy, vit_error *err)
{
    static const char *const types[] = {"'|i1'", "'|u1'", "'<i2'", "'<u2'", "'<i4'", "'<u4'", "'<i8'", "'<u8'"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(type, types[i], strlen(types[i])) == 0) {
            npy->item = (size_t)1 << i / 2;
            npy->is_signed = i % 2 == 0;
        }
    if (npy->item == 0)
        return refuse_type(type, "token ids must be little-endian integers (write them with .astype('<i4'))", path,
                           err);
    if (!read_shape(shape, 2, npy->shape) || npy->shape[1] == 0)
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "token ids must have the shape [N,L], not %.*s",
                             (int)strcspn(shape, ")") + 1, shape);
    return VIT_OK;
}

static vit_status check_vectors(const char *type, const char *shape, const char *path, cli_npy *npy, vit_error *err)
{
    npy->item = strncmp(type, "'<f2'", 5) == 0 ? sizeof(uint16_t) : sizeof(float);
    if (npy->item == sizeof(float) && strncmp(type, "'<f4'", 5) != 0)
        return refuse_type(type, "vectors must be little-endian float32 or float16", path, err);
    if (!read_shape(shape, 2, npy->shape) || npy->shape[1] == 0)
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "vectors must have the shape [N,D], not %.*s",
                             (int)strcspn(shape, ")") + 1, shape);
    return VIT_OK;
}

typedef vit_status check_array(const char *type, const char *shape, const char *path, cli_npy *npy, vit_error *err);

static vit_status check_header(const char *text, const char *path, check_array *check, cli_npy *npy, vit_error *err)
{
    const char *type = find_value(text, "descr"), *order = find_value(text, "fortran_order");
    const char *shape = find_value(text, "shape");
    if (!type || !order || !shape)
        return vit_error_set(err, VIT_ERR_CORRUPT, path, "the .npy header lacks descr, fortran_order or shape");
    if (strncmp(order, "False", 5) != 0)
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path,
                             "the array is in Fortran order: write it with numpy.ascontiguousarray");
    return check(type, shape, path, npy, err);
}

/* Reads the header text (terminated) and where the data starts. */
static vit_status read_header(cli_npy *npy, const char *path, char text[VIT__LIMIT_NPY_HEADER_BYTES + 1],
                              vit_error *err)
{
    unsigned char prefix[12];
    if (!vit__file_read_at(npy->descriptor, 0, prefix, 10) || !cli_npy_is(prefix, 10))
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "not an .npy file");
    size_t size = vit__le16(prefix + 8), start = 10;
    if (prefix[6] == 2 || prefix[6] == 3) {
        if (!vit__file_read_at(npy->descriptor, 0, prefix, 12))
            return vit_error_set(err, VIT_ERR_TRUNCATED, path, "the .npy header ends too early");
        size = vit__le32(prefix + 8);
        start = 12;
    } else if (prefix[6] != 1) {
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "an .npy file of unknown version %u", prefix[6]);
    }
    if (size > VIT__LIMIT_NPY_HEADER_BYTES)
        return vit_error_set(err, VIT_ERR_CORRUPT, path, "the .npy header says it is %zu bytes long", size);
    if (!vit__file_read_at(npy->descriptor, start, text, size))
        return vit_error_set(err, VIT_ERR_TRUNCATED, path, "the .npy header ends too early");
    text[size] = '\0';
    npy->start = start + size;
    return VIT_OK;
}

/* The file must hold what its shape says. */
static vit_status check_size(const cli_npy *npy, const char *path, uint64_t size, vit_error *err)
{
    uint64_t all = npy->item;
    bool overflow = false;
    for (size_t i = 0; i < 4; i++)
        overflow = __builtin_mul_overflow(all, npy->shape[i], &all) || overflow;
    overflow = overflow || all > INT64_MAX - npy->start;
    if (overflow || size < npy->start + all)
        return vit_error_set(err, VIT_ERR_TRUNCATED, path, "the shape asks for more data than the file holds");
    return VIT_OK;
}

static vit_status open_array(const char *path, check_array *check, cli_npy *npy, vit_error *err)
{
    const vit__file_kind kind = {0};
    uint64_t size;
    char text[VIT__LIMIT_NPY_HEADER_BYTES + 1];
    *npy = (cli_npy){.descriptor = -1};
    vit_status result = vit__file_open(path, &kind, &npy->descriptor, &size, err);
    if (result == VIT_OK)
        result = read_header(npy, path, text, err);
    if (result == VIT_OK)
        result = check_header(text, path, check, npy, err);
    if (result == VIT_OK)
        result = check_size(npy, path, size, err);
    if (result != VIT_OK)
        cli_npy_close(npy);
    return result;
}

vit_status cli_npy_open(const char *path, cli_npy *npy, vit_error *err)
{
    return open_array(path, check_pixels, npy, err);
}

vit_status cli_npy_open_ids(const char *path, cli_npy *npy, vit_error *err)
{
    return open_array(path, check_ids, npy, err);
}

vit_status cli_npy_open_vectors(const char *path, cli_npy *npy, vit_error *err)
{
    return open_array(path, check_vectors, npy, err);
}

/* Row `row` of n floats each. */
static vit_status read_floats(const cli_npy *npy, const char *path, size_t row, size_t n, float *values, vit_error *err)
{
    if (row >= npy->shape[0] ||
        !vit__file_read_at(npy->descriptor, npy->start + row * n * sizeof(float), values, n * sizeof(float)))
        return vit_error_set(err, VIT_ERR_TRUNCATED, path, "cannot read row %zu", row);
    const unsigned char *bytes = (const unsigned char *)values;
    for (size_t i = 0; i < n; i++) { /* a plain load on little-endian machines */
        uint32_t bits = vit__le32(bytes + 4 * i);
        memcpy(&values[i], &bits, sizeof bits);
    }
    return VIT_OK;
}

vit_status cli_npy_read(const cli_npy *npy, const char *path, size_t row, float *pixels, vit_error *err)
{
    return read_floats(npy, path, row, CHANNELS * npy->shape[2] * npy->shape[3], pixels, err);
}

vit_status cli_npy_read_vector(const cli_npy *npy, const char *path, size_t row, float *vector, vit_error *err)
{
    size_t n = npy->shape[1];
    if (npy->item == sizeof(float))
        return read_floats(npy, path, row, n, vector, err);
    unsigned char *bytes = (unsigned char *)vector + n * npy->item; /* in the back half: numbers grow from the front */
    if (row >= npy->shape[0] ||
        !vit__file_read_at(npy->descriptor, npy->start + row * n * npy->item, bytes, n * npy->item))
        return vit_error_set(err, VIT_ERR_TRUNCATED, path, "cannot read row %zu", row);
    for (size_t i = 0; i < n; i++)
        vector[i] = vit__half_to_float((uint16_t)vit__le16(bytes + 2 * i));
    return VIT_OK;
}

/* A little-endian integer of `size` bytes. */
static int64_t integer(const unsigned char *bytes, size_t size, bool is_signed)
{
    uint64_t bits = vit__le(bytes, size);
    if (is_signed && size < 8 && bytes[size - 1] & 0x80u)
        bits |= UINT64_MAX << (8 * size);
    return !is_signed && bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

vit_status cli_npy_read_ids(const cli_npy *npy, const char *path, size_t row, int32_t *ids, vit_error *err)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < npy->shape[1]; i++) {
        size_t at = (row * npy->shape[1] + i) * npy->item;
        if (row >= npy->shape[0] || !vit__file_read_at(npy->descriptor, npy->start + at, bytes, npy->item))
            return vit_error_set(err, VIT_ERR_TRUNCATED, path, "cannot read row %zu", row);
        int64_t id = integer(bytes, npy->item, npy->is_signed);
        if (id < INT32_MIN || id > INT32_MAX)
            return vit_error_set(err, VIT_ERR_CORRUPT, path, "row %zu: no token id is as large as %" PRId64, row, id);
        ids[i] = (int32_t)id;
    }
    return VIT_OK;
}

void cli_npy_close(cli_npy *npy)
{
    if (npy->descriptor >= 0)
        close(npy->descriptor);
    npy->descriptor = -1;
}
