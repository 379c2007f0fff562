/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode_cases.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const folders[DECODE_FOLDERS] = {"decode", "decode_more"};

decode_cases decode_cases_open(void)
{
    decode_cases cases = {0};
    for (size_t i = 0; i < DECODE_FOLDERS; i++) {
        vit_error err = {0};
        assert_ok(vit__json_load(data_path("%s/manifest.json", folders[i]), &cases.manifests[i], &err), err);
        const size_t rows = vit__json_length(vit__json_get(cases.manifests[i], "cases"));
        assert_true(rows > 0);
        cases.count += rows;
    }
    return cases;
}

void decode_cases_close(decode_cases *cases)
{
    for (size_t i = 0; i < DECODE_FOLDERS; i++)
        vit__json_free(cases->manifests[i]);
    *cases = (decode_cases){0};
}

static const vit__json *find_row(const decode_cases *cases, size_t i, size_t *folder)
{
    *folder = 0;
    const vit__json *rows = vit__json_get(cases->manifests[0], "cases");
    while (i >= vit__json_length(rows)) {
        i -= vit__json_length(rows);
        rows = vit__json_get(cases->manifests[++*folder], "cases");
    }
    return vit__json_at(rows, i);
}

const vit__json *decode_case_row(const decode_cases *cases, size_t i)
{
    size_t folder;
    return find_row(cases, i, &folder);
}

const char *decode_case_file(const decode_cases *cases, size_t i)
{
    static char file[256];
    size_t folder;
    const vit__json *row = find_row(cases, i, &folder);
    snprintf(file, sizeof file, "%s/%s", folders[folder], vit__json_string(vit__json_get(row, "file")));
    return file;
}

const char *decode_fixture_path(const char *file)
{
    size_t i = 0;
    if (strchr(file, '/'))
        return data_path("%s", file);
    while (i + 1 < DECODE_FOLDERS && access(data_path("%s/%s", folders[i], file), F_OK) != 0)
        i++;
    return data_path("%s/%s", folders[i], file);
}

uint8_t *decode_fixture_read(const char *file, size_t *size)
{
    void *bytes = NULL;
    vit_error err = {0};
    assert_ok(vit_file_read(decode_fixture_path(file), 0, &bytes, size, &err), err);
    return bytes;
}

/* The names that manifests have for formats, where they are not those of vit_image_format. */
static const struct {
    const char *group, *format;
} groups[] = {{"jxl", "JPEG XL"}, {"mpo", "JPEG"}};

bool decode_reads_group(const char *group)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcasecmp(group, groups[i].group) == 0)
            group = groups[i].format;
    size_t i = 0;
    while (vit_image_format(i) && strcasecmp(vit_image_format(i), group) != 0)
        i++;
    return vit_image_format(i) != NULL;
}
