/* SPDX-License-Identifier: BSD-2-Clause */
/* What several tests share: the fixture folder, and comparing floats as the goldens do. */
#ifndef VIT_TEST_SUPPORT_H
#define VIT_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "error.h"
#include "json.h"
#include "random.h"
#include "vit/io.h"
#include "vit/vit.h"

/* tests/data/RELATIVE as printf would write it; the buffer is static and reused after eight calls. */
const char *data_path(const char *format, ...) VIT_PRINTF(1, 2);

/* max|got - want| / max|want|, the goldens' metric; infinity when a value of got is not finite. */
double relative_error(const float *got, const float *want, size_t n);

/* pixels[vit_model_pixels_size] as one picture of the size that the model runs at, or of
 * one row of as many patches as it takes. */
vit_pixels whole_picture(const vit_model *model, const float *pixels);

/* Fails the test, printing the error, unless status is VIT_OK. */
#define assert_ok(status, err)                                                                                         \
    do {                                                                                                               \
        if ((status) != VIT_OK)                                                                                        \
            fail_msg("%s: %s: %s", vit_status_name(status), (err).where, (err).message);                               \
    } while (0)

/* Instruction sets that this processor runs, from plain C on: for (size_t i = 0; next_isa(&i, &flags);) */
bool next_isa(size_t *i, unsigned *flags);

#endif
