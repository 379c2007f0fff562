/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "file.h"
#include "json.h"
#include "memory.h"
#include "sha256.h"
#include "utf8.h"

#define BUFFER_SIZE 65536

static int64_t nanoseconds(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

bool vit__file_stamp_of(const char *path, vit_index_stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *stamp = (vit_index_stamp){status.st_size, nanoseconds(&status)};
    return S_ISREG(status.st_mode);
}

bool vit__file_hash(const char *path, char hash[VIT__HASH_SIZE])
{
    static const vit__file_kind any_file;
    char buffer[BUFFER_SIZE];
    int descriptor;
    uint64_t size;
    if (vit__file_open(path, &any_file, &descriptor, &size, NULL) != VIT_OK)
        return false;
    vit__sha256_state state;
    vit__sha256_start(&state);
    ssize_t count;
    while ((count = read(descriptor, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
        if (count > 0)
            vit__sha256_add(&state, buffer, (size_t)count);
    close(descriptor);
    vit__sha256_finish(&state, hash);
    return count == 0;
}

bool vit__file_hash_of(const char *path, const vit_index_stamp *stamp, char hash[VIT__HASH_SIZE])
{
    vit_index_stamp now;
    return vit__file_hash(path, hash) && vit__file_stamp_of(path, &now) && now.size == stamp->size &&
           now.time == stamp->time;
}

/* ------------------------------------------------------------------ captions ---- */

/* A larger file is not a caption. */
static const vit__file_kind caption_file = {.most = 65536};

/* As webdataset, img2dataset and photo exports write it. */
static bool json_caption(vit__buffer *bytes, char **caption)
{
    static const char *const members[] = {"caption", "text", "description", "title"};
    vit__json *object = NULL;
    vit_status status = vit__json_parse(bytes->data, bytes->size, NULL, &object, NULL);
    const char *string = NULL;
    for (size_t i = 0; i < sizeof members / sizeof *members && !(string && *string); i++)
        string = vit__json_string(vit__json_get(object, members[i]));
    if (string)
        *caption = vit__strdup(string);
    vit__json_free(object);
    return status != VIT_ERR_OUT_OF_MEMORY && (!string || *caption);
}

/* The text as it is. */
static bool plain_caption(vit__buffer *bytes, char **caption)
{
    const char *text = vit__buffer_terminate(bytes);
    *caption = text ? vit__strdup(text) : NULL;
    return *caption != NULL;
}

/* Text first: where both stand, as in webdataset, it is the caption itself. */
static const struct {
    bool whole_name; /* a.jpg.txt, not a.txt */
    const char *suffix;
    bool (*caption)(vit__buffer *bytes, char **caption); /* false: out of memory */
} places[] = {
    {false, ".txt", plain_caption},
    {true, ".txt", plain_caption},
    {false, ".json", json_caption},
    {true, ".json", json_caption},
};
#define N_PLACES (sizeof places / sizeof *places)

/* NULL: out of memory. */
static const char *caption_path(const char *image, size_t place, vit__buffer *path)
{
    const char *slash = strrchr(image, '/'), *dot = strrchr(image, '.');
    size_t length = strlen(image);
    if (!places[place].whole_name && dot && dot > (slash ? slash : image))
        length = (size_t)(dot - image);
    vit__buffer_clear(path);
    vit__buffer_add(path, image, length);
    vit__buffer_add_string(path, places[place].suffix);
    return vit__buffer_terminate(path);
}

bool vit__caption_time(const char *image, int64_t *time)
{
    vit__buffer path = {0};
    *time = 0;
    for (size_t i = 0; i < N_PLACES && !path.failed; i++) {
        struct stat status;
        const char *name = caption_path(image, i, &path);
        if (name && stat(name, &status) == 0 && S_ISREG(status.st_mode) &&
            (uint64_t)status.st_size <= caption_file.most && nanoseconds(&status) > *time)
            *time = nanoseconds(&status);
    }
    bool done = !path.failed;
    vit__buffer_free(&path);
    return done;
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

/* Reads the caption at one of the places, if there is one; false: out of memory. */
static bool read_at(const char *image, size_t place, char **caption)
{
    vit__buffer path = {0}, bytes = {0};
    const char *name = caption_path(image, place, &path);
    vit_status status = name ? vit__file_read(name, &caption_file, &bytes, NULL) : VIT_ERR_OUT_OF_MEMORY;
    bool done = status == VIT_OK ? places[place].caption(&bytes, caption) : status != VIT_ERR_OUT_OF_MEMORY;
    vit__buffer_free(&bytes);
    vit__buffer_free(&path);
    return done;
}

bool vit__caption_read(const char *image, char **caption)
{
    bool done = true;
    *caption = NULL;
    for (size_t i = 0; i < N_PLACES && done && !*caption; i++) {
        done = read_at(image, i, caption);
        if (*caption)
            clean(*caption);
        if (*caption && !**caption) {
            free(*caption);
            *caption = NULL;
        }
    }
    return done;
}
