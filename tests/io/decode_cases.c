/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode_cases.h"

decode_cases decode_cases_open(void)
{
    decode_cases cases = {0};
    vit_error err = {0};
    assert_ok(vit__json_load(data_path("decode/manifest.json"), &cases.manifest, &err), err);
    cases.rows = vit__json_get(cases.manifest, "cases");
    cases.count = vit__json_length(cases.rows);
    assert_true(cases.count > 0);
    return cases;
}

void decode_cases_close(decode_cases *cases)
{
    vit__json_free(cases->manifest);
    *cases = (decode_cases){0};
}

const char *decode_case_file(const decode_cases *cases, size_t i)
{
    return vit__json_string(vit__json_get(vit__json_at(cases->rows, i), "file"));
}

uint8_t *decode_fixture_read(const char *file, size_t *size)
{
    void *bytes = NULL;
    vit_error err = {0};
    assert_ok(vit_file_read(data_path("decode/%s", file), 0, &bytes, size, &err), err);
    return bytes;
}
