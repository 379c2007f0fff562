/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the text and as the JSON beside a picture, and as the picture's name: a caption is one line of UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "caption.h"
#include "fuzz.h"
#include "utf8.h"

#define NAME_MOST 255 /* bytes, of a file */

static void check_caption(const char *image)
{
    char *caption;
    if (!vit__caption_read(image, &caption))
        abort();
    for (const unsigned char *at = (const unsigned char *)caption; at && *at;) {
        const size_t length = vit__utf8_valid_length(at);
        if (length == 0 || *at < 0x20)
            abort();
        at += length;
    }
    if (caption && (!*caption || *caption == ' '))
        abort();
    free(caption);
}

/* Where the captions of a picture of this name stand. */
static void look_by_name(const uint8_t *bytes, size_t size)
{
    char name[NAME_MOST + 1];
    int64_t time;
    const size_t length = size < NAME_MOST ? size : NAME_MOST;
    memcpy(name, bytes, length);
    name[length] = '\0';
    for (char *at = name; (at = strchr(at, '/')) != NULL;)
        *at = '_'; /* of this folder */
    if (!vit__caption_time(scratch_path(name), &time))
        abort();
    check_caption(scratch_path(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    scratch_write("a.txt", bytes, size);
    check_caption(scratch_path("a.jpg"));
    scratch_remove("a.txt");
    scratch_write("a.jpg.json", bytes, size);
    check_caption(scratch_path("a.jpg"));
    scratch_remove("a.jpg.json");
    if (size > 0)
        look_by_name(bytes, size);
    return 0;
}
