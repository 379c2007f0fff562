/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes in the place of files of a folder, beside its other files: as a checkpoint, or with FUZZ_TOKENIZER as a
 * tokenizer. The first line of the bytes names a file, as in "golden/hf_clip/config.json" below FUZZ_DATA, and the
 * others take its place, up to a line "=== NAME": behind it is another file of the same folder, or nothing, which takes
 * that file away. Where no first line names a file, the bytes take the place of the file that they are a copy of. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#ifdef FUZZ_TOKENIZER
#include "try_tokenizer.h"
#else
#include "try_model.h"
#endif

#define PATH_BYTES 512

/* Takes the line off the bytes. false: it names no file. */
static bool take_line(const uint8_t **bytes, size_t *size, char *file)
{
    const uint8_t *end = *size > 0 ? memchr(*bytes, '\n', *size) : NULL;
    const size_t length = end ? (size_t)(end - *bytes) : 0;
    if (length == 0 || length >= PATH_BYTES || memchr(*bytes, 0, length) || memmem(*bytes, length, "..", 2))
        return false;
    char path[sizeof FUZZ_DATA + PATH_BYTES];
    struct stat info;
    snprintf(file, PATH_BYTES, "%.*s", (int)length, (const char *)*bytes);
    snprintf(path, sizeof path, FUZZ_DATA "/%s", file);
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    *bytes += length + 1;
    *size -= length + 1;
    return true;
}

/* The file that the bytes are a copy of, if it lies below FUZZ_DATA. */
static bool take_replayed(char *file)
{
    const size_t length = strlen(FUZZ_DATA "/");
    if (!replayed_path || strncmp(replayed_path, FUZZ_DATA "/", length) != 0)
        return false;
    snprintf(file, PATH_BYTES, "%s", replayed_path + length);
    return true;
}

#define MARK "\n=== "
#define MARK_BYTES (sizeof MARK - 1)

/* The name behind a mark that is found at `at`; NULL: it is none. *next: where its bytes begin. */
static const char *read_mark(const uint8_t *at, const uint8_t *end, const uint8_t **next)
{
    static char name[64];
    const uint8_t *start = at + MARK_BYTES, *line = memchr(start, '\n', (size_t)(end - start));
    if (!line || line == start || (size_t)(line - start) >= sizeof name || memchr(start, 0, (size_t)(line - start)) ||
        memmem(start, (size_t)(line - start), "..", 2) || *start == '/' || line[-1] == '/')
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)(line - start), (const char *)start);
    *next = line + 1;
    return name;
}

static void put_file(const char *name, const uint8_t *bytes, size_t size)
{
    if (!scratch_open_folder(name))
        return;
    if (size > 0)
        scratch_write(name, bytes, size);
    else
        scratch_remove(name);
}

static void put_files(const char *first, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size, *at = bytes;
    char name[256];
    snprintf(name, sizeof name, "%.255s", first);
    for (const uint8_t *mark; (mark = memmem(at, (size_t)(end - at), MARK, MARK_BYTES)) != NULL;) {
        const uint8_t *next;
        const char *other = read_mark(mark, end, &next);
        if (!other)
            break;
        put_file(name, at, (size_t)(mark - at));
        snprintf(name, sizeof name, "%.255s", other);
        at = next;
    }
    put_file(name, at, (size_t)(end - at));
}

/* "golden/hf_clip/config.json": the folder, and the file in it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char file[PATH_BYTES], folder[sizeof FUZZ_DATA + PATH_BYTES];
    if (!take_line(&bytes, &size, file) && !take_replayed(file))
        return 0;
    char *slash = strchr(file, '/');
    slash = slash ? strchr(slash + 1, '/') : NULL;
    if (!slash)
        return 0;
    *slash = 0;
    snprintf(folder, sizeof folder, FUZZ_DATA "/%s", file);
    scratch_clear();
    scratch_link_all(folder);
    put_files(slash + 1, bytes, size);
#ifdef FUZZ_TOKENIZER
    try_tokenizer(scratch_path(""), (const char *)bytes, size);
#else
    try_folder();
#endif
    return 0;
}
