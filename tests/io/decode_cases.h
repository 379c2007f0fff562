/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of tests/data/decode/manifest.json, which README.md there explains. */
#ifndef VIT_DECODE_CASES_H
#define VIT_DECODE_CASES_H

#include "support.h"

typedef struct decode_cases {
    vit__json *manifest;
    const vit__json *rows;
    size_t count;
} decode_cases;

/* Fails the test when the manifest cannot be read, or has no rows. */
decode_cases decode_cases_open(void);
void decode_cases_close(decode_cases *cases);

/* The name of the file of row i. */
const char *decode_case_file(const decode_cases *cases, size_t i);

/* The whole fixture in memory; the caller frees with vit_free. */
uint8_t *decode_fixture_read(const char *file, size_t *size);

#endif
