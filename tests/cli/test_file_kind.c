/* SPDX-License-Identifier: BSD-2-Clause */
/* What files are, by their first bytes and by their names. */
#include "file_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

static const struct {
    cli_kind kind;
    size_t at; /* zeros before */
    const char *bytes;
    size_t size;
} samples[] = {
#define SAMPLE(kind, at, string)                                                                                       \
    {                                                                                                                  \
        kind, at, string, sizeof(string) - 1                                                                           \
    }
    SAMPLE(CLI_KIND_NPY, 0, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False"),
    SAMPLE(CLI_KIND_NPY, 0, "\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False"),
    SAMPLE(CLI_KIND_VECTORS_JSON, 0, "{\"path\":\"a.jpg\""),
    SAMPLE(CLI_KIND_VECTORS_JSON, 0, "{\"text\":\"a dog\""),
    SAMPLE(CLI_KIND_VECTORS_CSV, 0, "path,e0,e1\n"),
    SAMPLE(CLI_KIND_PGCOPY, 0, "PGCOPY\n\xFF\r\n\0\0\0\0\0"),
    SAMPLE(CLI_KIND_ROWS, 0, "{\"row\":0,"),
    SAMPLE(CLI_KIND_FAILURES, 0, "{\"path\":\"a.jpg\",\"error\""),
    SAMPLE(CLI_KIND_METADATA, 0, "{\"model\":\"m\""),
    SAMPLE(CLI_KIND_LABELS_TEXT, 0, "a.jpg\n  0.9731  tabby\n"),
    SAMPLE(CLI_KIND_LABELS_TEXT, 0, "a.jpg\n  -12.9731  tabby\n"),
    SAMPLE(CLI_KIND_LABELS_TEXT, 0, "a name\nof two lines.jpg\n  0.9731  tabby\n"),
    SAMPLE(CLI_KIND_LABELS_JSON, 0, "{\"path\":\"a.jpg\""),
    SAMPLE(CLI_KIND_LABELS_CSV, 0, "path,rank,index,label,score\n"),
    SAMPLE(CLI_KIND_HITS_TEXT, 0, "a.jpg\n  1.0000  b.jpg\n"),
    SAMPLE(CLI_KIND_HITS_TEXT, 0, "a.jpg\n"),
    SAMPLE(CLI_KIND_HITS_JSON, 0, "{\"query\":\"a.jpg\""),
    SAMPLE(CLI_KIND_GROUPS_TEXT, 0, "2 images, 0.9988\n"),
    SAMPLE(CLI_KIND_GROUPS_JSON, 0, "{\"paths\":["),
    SAMPLE(CLI_KIND_PAGE, 0, "<!DOCTYPE html>\n<html><head><title>vit search</title>"),
    SAMPLE(CLI_KIND_PACKED, 8, "{\"__metadata__\": {\"format\": \"vit-packed\""),
    SAMPLE(CLI_KIND_INDEX_LOG, 0, "\x37\x7F\x06\x82"),
    SAMPLE(CLI_KIND_INDEX_MEMORY, 0, "\0\0\0\0"),
    SAMPLE(CLI_KIND_INDEX_JOURNAL, 0, "\xD9\xD5\x05\xF9\x20\xA1\x63\xD7"),
    SAMPLE(CLI_KIND_INDEX_VECTORS, 0, "\0\0\0\0\0\0\0\0"),
};

/* A file of these bytes, known by a path. */
static int make_file(const void *bytes, size_t at, size_t size, char path[64])
{
    static const char zeros[16];
    int descriptor = memfd_create("kind", 0);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, zeros, at), at);
    assert_int_equal(write(descriptor, bytes, size), size);
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

static void each_kind_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char path[64];
        const char *words;
        int descriptor = make_file(samples[i].bytes, samples[i].at, samples[i].size, path);
        if (!cli_kind_of_file(path, samples[i].kind, &words))
            fail_msg("sample %zu is taken for %s", i, words);
        assert_false(cli_kind_of_file(path, CLI_KIND_RAW, &words));
        close(descriptor);
    }
}

/* Cut anywhere, a file is something, and nothing past its end is looked at. */
static void files_that_end_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        for (size_t size = 0; size < samples[i].size; size++) {
            char path[64];
            int descriptor = make_file(samples[i].bytes, samples[i].at, size, path);
            for (int kind = 0; kind < CLI_KINDS; kind++) {
                const char *words = NULL;
                bool ours = cli_kind_of_file(path, (cli_kind)kind, &words);
                assert_true(words && *words);
                assert_true(ours || (samples[i].at + size > 0 && kind != CLI_KIND_ANY));
            }
            close(descriptor);
        }
}

static void neither_one_nor_the_other(void **state)
{
    (void)state;
    static const struct {
        cli_kind kind;
        const char *text;
    } cases[] = {
        {CLI_KIND_LABELS_TEXT, "my notes\n 0.9731  of a year\n"},
        {CLI_KIND_LABELS_TEXT, "my notes\n  0.97  of a year\n"},
        {CLI_KIND_LABELS_TEXT, "a.jpg\n"},
        {CLI_KIND_HITS_TEXT, "a.jpg\nb.jpg\n"},
        {CLI_KIND_HITS_TEXT, "a.jpg"},
        {CLI_KIND_HITS_TEXT, "{\"a\":1}\n"},
        {CLI_KIND_HITS_TEXT, "#!/bin/sh\n"},
        {CLI_KIND_VECTORS_CSV, "path,rank,index,label,score\n"},
        {CLI_KIND_LABELS_CSV, "path,e0\n"},
        {CLI_KIND_ROWS, "{\"path\":\"a.jpg\"}"},
        {CLI_KIND_PAGE, "<!DOCTYPE html><title>mine</title>"},
        {CLI_KIND_NPY, "\x93NUMPY{'descr': '<i8'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[64];
        const char *words;
        int descriptor = make_file(cases[i].text, 0, strlen(cases[i].text), path);
        if (cli_kind_of_file(path, cases[i].kind, &words))
            fail_msg("case %zu", i);
        close(descriptor);
    }
    const char *words;
    assert_false(cli_kind_of_file("/nowhere", CLI_KIND_NPY, &words));
}

static void names(void **state)
{
    (void)state;
    static const cli_kind kinds[] = {CLI_KIND_NPY, CLI_KIND_VECTORS_JSON, CLI_KIND_VECTORS_CSV};
    static const struct {
        const char *path;
        int which; /* -1: refused */
    } cases[] = {
        {"x.npy", 0},   {"x.NPY", 0},  {"a.b/x.Jsonl", 1}, {"x.csv", 2}, {"x", 0},       {"x.dat", 0},
        {"a.csv/x", 0}, {".csv", 0},   {"x.", 0},          {"", 0},      {"x.json", -1}, {"x.csv.gz", -1},
        {"x.JPEG", -1}, {"x.raw", -1}, {"x.html", -1},     {"x.js", -1}, {"x.cs", 0},    {"x.csvs", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t which;
        const char *words = NULL;
        bool agrees = cli_kind_of_name(cases[i].path, kinds, 3, &which, &words);
        if (agrees != (cases[i].which >= 0) || (agrees && which != (size_t)cases[i].which) || (!agrees && !words))
            fail_msg("%s: %d, %zu, %s", cases[i].path, agrees, which, words ? words : "no words");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_known),
        cmocka_unit_test(files_that_end_early),
        cmocka_unit_test(neither_one_nor_the_other),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
