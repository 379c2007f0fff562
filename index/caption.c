/* SPDX-License-Identifier: BSD-2-Clause */
#include "caption.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "buffer.h"
#include "file.h"
#include "json.h"
#include "limit.h"
#include "memory.h"
#include "plain_text.h"
#include "utf8.h"

#define TAKEOUT_NAME 46 /* bytes that Takeout leaves of a name before ".json" */
#define TAKEOUT ".supplemental-metadata"
#define EDITED "-edited"

/* A larger file is not a caption. */
static const vit__file_kind caption_file = {.most = VIT__LIMIT_CAPTION_BYTES};

/* The parts of an image's path: folder with its slash, stem, extension with its dot. */
typedef struct image_name {
    const char *path, *name;
    size_t folder, stem, whole; /* bytes of path, of name, of name */
} image_name;

static image_name split(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    size_t whole = strlen(name);
    return (image_name){path, name, (size_t)(name - path), dot && dot > name ? (size_t)(dot - name) : whole, whole};
}

/* ------------------------------------------------------------------ where ---- */

/* To so many bytes, at the end of a character. */
static void cut(vit__buffer *text, size_t start, size_t most)
{
    size_t size = text->size - start;
    if (size <= most)
        return;
    while (most > 0 && ((unsigned char)text->data[start + most] & 0xC0) == 0x80)
        most--;
    text->size = start + most;
}

static bool add_stem(const image_name *image, vit__buffer *path)
{
    vit__buffer_add(path, image->name, image->stem);
    return true;
}

static bool add_whole(const image_name *image, vit__buffer *path)
{
    vit__buffer_add(path, image->name, image->whole);
    return true;
}

/* "a.jpg.supplemental-metadata", and what Takeout leaves of it. */
static bool add_takeout(const image_name *image, vit__buffer *path)
{
    vit__buffer_add(path, image->name, image->whole);
    vit__buffer_add_string(path, TAKEOUT);
    cut(path, image->folder, TAKEOUT_NAME);
    return true;
}

/* "(1)" at the end of the stem: its bytes, or 0. */
static size_t number_size(const image_name *image)
{
    size_t at = image->stem;
    if (at < 3 || image->name[--at] != ')')
        return 0;
    while (at > 0 && image->name[at - 1] >= '0' && image->name[at - 1] <= '9')
        at--;
    bool digits = at < image->stem - 1;
    return digits && at > 1 && image->name[at - 1] == '(' ? image->stem - at + 1 : 0;
}

/* Adds the name of a numbered image, as Takeout writes it: "a.jpg(1)" for a(1).jpg; with words,
 * "a.jpg.supplemental-metadata(1)". */
static bool add_number(const image_name *image, const char *words, vit__buffer *path)
{
    size_t number = number_size(image);
    if (number == 0)
        return false;
    vit__buffer_add(path, image->name, image->stem - number);
    vit__buffer_add(path, image->name + image->stem, image->whole - image->stem);
    vit__buffer_add_string(path, words);
    cut(path, image->folder, TAKEOUT_NAME - number);
    vit__buffer_add(path, image->name + image->stem - number, number);
    return true;
}

static bool add_numbered(const image_name *image, vit__buffer *path)
{
    return add_number(image, "", path);
}

static bool add_numbered_takeout(const image_name *image, vit__buffer *path)
{
    return add_number(image, TAKEOUT, path);
}

static bool add_original(const image_name *image, const char *words, vit__buffer *path)
{
    size_t size = sizeof EDITED - 1;
    if (image->stem <= size || strncmp(image->name + image->stem - size, EDITED, size) != 0)
        return false;
    vit__buffer_add(path, image->name, image->stem - size);
    vit__buffer_add(path, image->name + image->stem, image->whole - image->stem);
    vit__buffer_add_string(path, words);
    cut(path, image->folder, TAKEOUT_NAME);
    return true;
}

static bool add_edited(const image_name *image, vit__buffer *path)
{
    return add_original(image, "", path);
}

static bool add_edited_takeout(const image_name *image, vit__buffer *path)
{
    return add_original(image, TAKEOUT, path);
}

/* ------------------------------------------------------------------ what ---- */

/* Is it the image's own name, with or without its extension? */
static bool is_name(const char *text, const image_name *image)
{
    size_t size = strlen(text);
    return (size == image->whole || size == image->stem) && strncmp(text, image->name, size) == 0;
}

/* Two long names may be cut to one: then the title says whose the file is. */
static bool is_of_another(const vit__json *object, const image_name *image)
{
    const char *title = vit__json_string(vit__json_get(object, "title"));
    return title && image->whole > TAKEOUT_NAME && strlen(title) > TAKEOUT_NAME && !is_name(title, image) &&
           strncmp(title, image->name, TAKEOUT_NAME - 3) == 0;
}

static bool json_caption(const image_name *image, vit__buffer *bytes, char **caption)
{
    static const char *const members[] = {"caption", "text", "description", "title"};
    vit__json *object = NULL;
    vit_status status = vit__json_parse(bytes->data, bytes->size, NULL, &object, NULL);
    const char *found = NULL;
    for (size_t i = 0; i < sizeof members / sizeof *members && !found && !is_of_another(object, image); i++) {
        const char *text = vit__json_string(vit__json_get(object, members[i]));
        bool own_name = text && strcmp(members[i], "title") == 0 && is_name(text, image);
        if (text && *text && !own_name)
            found = text;
    }
    if (found)
        *caption = vit__strdup(found);
    vit__json_free(object);
    return status != VIT_ERR_OUT_OF_MEMORY && (!found || *caption);
}

/* The text as it is. */
static bool plain_caption(const image_name *image, vit__buffer *bytes, char **caption)
{
    (void)image;
    const char *text = vit__buffer_terminate(bytes);
    *caption = text ? vit__strdup(text) : NULL;
    return *caption != NULL;
}

/* Text first: where both stand, as in webdataset, it is the caption itself. */
static const struct {
    bool (*add)(const image_name *image, vit__buffer *path); /* false: there is no such name for this image */
    const char *suffix;
    bool (*caption)(const image_name *image, vit__buffer *bytes, char **caption); /* false: out of memory */
} places[] = {
    {add_stem, ".txt", plain_caption},
    {add_whole, ".txt", plain_caption},
    {add_stem, ".json", json_caption},
    {add_whole, ".json", json_caption},
    {add_takeout, ".json", json_caption},
    {add_numbered, ".json", json_caption},
    {add_numbered_takeout, ".json", json_caption},
    {add_edited, ".json", json_caption},
    {add_edited_takeout, ".json", json_caption},
};
#define N_PLACES (sizeof places / sizeof *places)

/* The path of a place into *path; NULL: this image has none there, or path->failed. */
static const char *caption_path(const image_name *image, size_t place, vit__buffer *path)
{
    vit__buffer_clear(path);
    vit__buffer_add(path, image->path, image->folder);
    if (!places[place].add(image, path))
        return NULL;
    vit__buffer_add_string(path, places[place].suffix);
    return vit__buffer_terminate(path);
}

bool vit__caption_time(const char *path, int64_t *time)
{
    const image_name image = split(path);
    vit__buffer name = {0};
    *time = 0;
    for (size_t i = 0; i < N_PLACES && !name.failed; i++) {
        struct stat status;
        const char *place = caption_path(&image, i, &name);
        if (!place || stat(place, &status) != 0 || !S_ISREG(status.st_mode) ||
            (uint64_t)status.st_size > caption_file.most)
            continue;
        int64_t changed = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
        *time = changed > *time ? changed : *time;
    }
    bool done = !name.failed;
    vit__buffer_free(&name);
    return done;
}

/* On one line without control characters; what is not UTF-8 becomes "?". */
static void clean(char *text)
{
    char *to = text;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = vit__utf8_valid_length(at);
        bool control = (length == 1 && (*at <= 0x20 || *at == 0x7F)) || (length == 2 && *at == 0xC2 && at[1] < 0xA0);
        if (control) {
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
static bool read_at(const image_name *image, size_t place, char **caption)
{
    vit__buffer path = {0}, bytes = {0};
    const char *name = caption_path(image, place, &path);
    bool done = !path.failed;
    vit_status status = name ? vit__file_read(name, &caption_file, &bytes, NULL) : VIT_ERR_NOT_FOUND;
    if (status == VIT_OK)
        done = vit__text_make_plain(&bytes) && places[place].caption(image, &bytes, caption);
    else if (status == VIT_ERR_OUT_OF_MEMORY)
        done = false;
    vit__buffer_free(&bytes);
    vit__buffer_free(&path);
    return done;
}

bool vit__caption_read(const char *path, char **caption)
{
    const image_name image = split(path);
    bool done = true;
    *caption = NULL;
    for (size_t i = 0; i < N_PLACES && done && !*caption; i++) {
        done = read_at(&image, i, caption);
        if (*caption)
            clean(*caption);
        if (*caption && !**caption) {
            free(*caption);
            *caption = NULL;
        }
    }
    return done;
}
