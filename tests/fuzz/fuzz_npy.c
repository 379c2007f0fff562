/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as an .npy file of pixels, of token ids, and of vectors. */
#include <stdlib.h>

#include "fuzz.h"
#include "npy.h"

#define NUMBERS_MOST ((size_t)1 << 16)
#define ROWS_MOST 4

static void check_error(vit_status status, const vit_error *err)
{
    if (err->status != status || status == VIT_ERR_INTERNAL)
        abort();
}

static void read_pixels(const char *path)
{
    cli_npy npy;
    vit_error err = {0};
    const vit_status status = cli_npy_open(path, &npy, &err);
    check_error(status, &err);
    if (status != VIT_OK)
        return;
    const size_t n = 3 * npy.shape[2] * npy.shape[3];
    float *pixels = n <= NUMBERS_MOST ? malloc(n * sizeof *pixels) : NULL;
    for (size_t row = 0; pixels && row < npy.shape[0] && row < ROWS_MOST; row++)
        if (cli_npy_read(&npy, path, row, pixels, &err) != VIT_OK)
            abort(); /* the file holds what its shape says: cli_npy_open has looked */
    free(pixels);
    cli_npy_close(&npy);
}

static void read_ids(const char *path)
{
    cli_npy npy;
    vit_error err = {0};
    const vit_status status = cli_npy_open_ids(path, &npy, &err);
    check_error(status, &err);
    if (status != VIT_OK)
        return;
    int32_t *ids = npy.shape[1] <= NUMBERS_MOST ? malloc(npy.shape[1] * sizeof *ids) : NULL;
    for (size_t row = 0; ids && row < npy.shape[0] && row < ROWS_MOST && err.status == VIT_OK; row++)
        check_error(cli_npy_read_ids(&npy, path, row, ids, &err), &err);
    if (err.status != VIT_OK && err.status != VIT_ERR_CORRUPT) /* an id that does not fit */
        abort();
    free(ids);
    cli_npy_close(&npy);
}

static void read_vectors(const char *path)
{
    cli_npy npy;
    vit_error err = {0};
    const vit_status status = cli_npy_open_vectors(path, &npy, &err);
    check_error(status, &err);
    if (status != VIT_OK)
        return;
    float *vector = npy.shape[1] <= NUMBERS_MOST ? malloc(npy.shape[1] * sizeof *vector) : NULL;
    for (size_t row = 0; vector && row < npy.shape[0] && row < ROWS_MOST; row++)
        if (cli_npy_read_vector(&npy, path, row, vector, &err) != VIT_OK)
            abort();
    free(vector);
    cli_npy_close(&npy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    scratch_write("fuzz.npy", bytes, size);
    read_pixels(scratch_path("fuzz.npy"));
    read_ids(scratch_path("fuzz.npy"));
    read_vectors(scratch_path("fuzz.npy"));
    return 0;
}
