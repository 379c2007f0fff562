/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of tests/data/decode/manifest.json and, behind them, of tests/data/decode_more/manifest.json. README.md in
 * each of these folders explains them. */
#ifndef VIT_DECODE_CASES_H
#define VIT_DECODE_CASES_H

#include "support.h"

#define DECODE_FOLDERS 2

typedef struct decode_cases {
    vit__json *manifests[DECODE_FOLDERS];
    size_t count; /* of all rows */
} decode_cases;

/* Fails the test when a manifest cannot be read, or has no rows. */
decode_cases decode_cases_open(void);
void decode_cases_close(decode_cases *cases);

/* Row i, and its file with the folder: "decode_more/gif_87a.gif". The name is valid until the next call. */
const vit__json *decode_case_row(const decode_cases *cases, size_t i);
const char *decode_case_file(const decode_cases *cases, size_t i);

/* Where a file is that is named with its folder, or without, where one folder alone has it. Valid until data_path is
 * called again. */
const char *decode_fixture_path(const char *file);

/* The whole fixture in memory; the caller frees with vit_free. */
uint8_t *decode_fixture_read(const char *file, size_t *size);

/* Whether this build reads the format that a manifest calls `group`: "gif", "jxl". */
bool decode_reads_group(const char *group);

#endif
