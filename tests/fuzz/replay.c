/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds an entry with files, one after the other: replay FILE... With libFuzzer
 * the entry has libFuzzer's main instead, which does the same with files. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

/* Exactly as large as the file, so that a sanitizer sees every byte read past its end. */
static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *bytes = size >= 0 ? malloc((size_t)size + (size == 0)) : NULL;
    if (!bytes || fseek(file, 0, SEEK_SET) != 0 || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last line names the file that broke something */
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d files\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
