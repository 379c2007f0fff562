/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "json_read.h"
#include "utf8.h"
#include "text.h"

#define BUFFER_SIZE 65536
#define CAPTION_MAX 65536 /* bytes of a caption's file; a larger one is not a caption */

static int64_t nanoseconds(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

bool cli_file_stamp_of(const char *path, cli_file_stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *stamp = (cli_file_stamp){status.st_size, nanoseconds(&status)};
    errno = EINVAL;
    return S_ISREG(status.st_mode);
}

bool cli_file_hash(const char *path, char hash[CLI_DIGEST_HEX])
{
    char buffer[BUFFER_SIZE];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    cli_digest *digest = cli_digest_start();
    ssize_t count;
    while ((count = read(descriptor, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
        if (count > 0)
            cli_digest_add(digest, buffer, (size_t)count);
    int error = errno;
    close(descriptor);
    cli_digest_hex(digest, hash);
    cli_digest_free(digest);
    errno = error;
    return count == 0;
}

bool cli_file_hash_of(const char *path, const cli_file_stamp *stamp, char hash[CLI_DIGEST_HEX])
{
    cli_file_stamp now;
    return cli_file_hash(path, hash) && cli_file_stamp_of(path, &now) && now.size == stamp->size &&
           now.time == stamp->time;
}

/* ------------------------------------------------------------------ captions ---- */

/* As webdataset, img2dataset and photo exports write it. */
static char *json_caption(const char *bytes, size_t size)
{
    static const char *const members[] = {"caption", "text", "description", "title"};
    char *caption = NULL;
    cli_json *object = cli_json_parse(bytes, size);
    for (size_t i = 0; i < sizeof members / sizeof *members && !caption; i++) {
        const char *string = cli_json_text_of(cli_json_get(object, members[i]));
        if (string && *string)
            caption = cli_duplicate(string);
    }
    cli_json_free(object);
    return caption;
}

/* Text first: where both stand, as in webdataset, it is the caption itself. */
static const struct {
    bool whole_name; /* a.jpg.txt, not a.txt */
    const char *suffix;
    char *(*caption)(const char *bytes, size_t size); /* NULL: the text as it is */
} places[] = {
    {false, ".txt", NULL},
    {true, ".txt", NULL},
    {false, ".json", json_caption},
    {true, ".json", json_caption},
};
#define N_PLACES (sizeof places / sizeof *places)

static char *caption_path(const char *image, size_t place)
{
    const char *slash = strrchr(image, '/'), *dot = strrchr(image, '.');
    size_t length = strlen(image);
    if (!places[place].whole_name && dot && dot > (slash ? slash : image))
        length = (size_t)(dot - image);
    cli_text path = {0};
    cli_text_add(&path, image, length);
    cli_text_string(&path, places[place].suffix);
    return path.data;
}

static bool is_caption_file(const char *path, struct stat *status)
{
    return stat(path, status) == 0 && S_ISREG(status->st_mode) && status->st_size <= CAPTION_MAX;
}

int64_t cli_caption_time(const char *image)
{
    int64_t latest = 0;
    for (size_t i = 0; i < N_PLACES; i++) {
        struct stat status;
        char *path = caption_path(image, i);
        if (is_caption_file(path, &status) && nanoseconds(&status) > latest)
            latest = nanoseconds(&status);
        free(path);
    }
    return latest;
}

/* Reads a small file; NULL if it cannot be read. */
static char *read_small(const char *path, size_t *size)
{
    struct stat status;
    if (!is_caption_file(path, &status))
        return NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    char *bytes = cli_allocate(CAPTION_MAX + 1, 1);
    ssize_t count = read(descriptor, bytes, CAPTION_MAX);
    close(descriptor);
    *size = count > 0 ? (size_t)count : 0;
    bytes[*size] = '\0';
    return bytes;
}

/* On one line without control characters; what is not UTF-8 becomes "?". */
static void clean(char *text)
{
    char *to = text;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = vit__utf8_valid_length(at);
        if (length == 1 && (*at <= 0x20 || *at == 0x7F)) {
            if (to > text && to[-1] != ' ')
                *to++ = ' ';
        } else if (length == 0) {
            *to++ = '?';
        } else {
            memmove(to, at, length);
            to += length;
        }
        at += length ? length : 1;
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

char *cli_caption_read(const char *image)
{
    char *caption = NULL;
    for (size_t i = 0; i < N_PLACES && !caption; i++) {
        size_t size = 0;
        char *path = caption_path(image, i);
        char *bytes = read_small(path, &size);
        free(path);
        if (bytes && places[i].caption) {
            caption = places[i].caption(bytes, size);
            free(bytes);
        } else {
            caption = bytes;
        }
        if (caption)
            clean(caption);
        if (caption && !*caption) {
            free(caption);
            caption = NULL;
        }
    }
    return caption;
}
