/* SPDX-License-Identifier: BSD-2-Clause */
#include "mistaken.h"

#include <stdbool.h>
#include <string.h>

#include "npy.h"
#include "options.h"
#include "tar.h"
#include "text.h"
#include "utf8.h"

#define TEXT_BYTES 4096 /* of a text, that are looked at */

static bool starts_with(const void *bytes, size_t size, const char *magic, size_t length)
{
    return size >= length && memcmp(bytes, magic, length) == 0;
}

/* Compressed in ways that --tar does not undo: xz, lz4, lzip, compress. */
static bool is_packed(const void *bytes, size_t size)
{
    return starts_with(bytes, size, "\3757zXZ", 6) || starts_with(bytes, size, "\x04\x22\x4D\x18", 4) ||
           starts_with(bytes, size, "LZIP", 4) || starts_with(bytes, size, "\x1F\x9D", 2);
}

/* No control bytes but those of lines (and NUL, if that separates them), and nearly all of it
 * UTF-8: names of files may be anything, and the last character may be cut. */
static bool is_text_with(const void *bytes, size_t size, bool nul)
{
    unsigned char text[TEXT_BYTES + 1];
    size_t length = size < TEXT_BYTES ? size : TEXT_BYTES, strange = 0, letters = 0, nuls = 0;
    memcpy(text, bytes, length);
    text[length] = '\0';
    for (size_t i = 0; i < length;) {
        size_t character = vit__utf8_valid_length(text + i);
        nuls += text[i] == '\0';
        if ((text[i] < ' ' && !strchr("\t\r\n", text[i])) || text[i] == 0x7F)
            return false;
        letters += text[i] > ' ';
        strange += character == 0;
        i += character ? character : 1;
    }
    return (nuls > 0) == nul && letters > nuls && strange * 4 < length;
}

static bool is_text(const void *bytes, size_t size)
{
    return is_text_with(bytes, size, false);
}

/* As find -print0 writes it. */
static bool is_nul_list(const void *bytes, size_t size)
{
    return is_text_with(bytes, size, true);
}

/* The first row that fits decides. */
static const struct {
    bool (*is)(const void *bytes, size_t size);
    const char *what;
    const char *option;    /* that takes it */
    const char *hint;      /* for commands that have the option */
    const char *otherwise; /* for those that do not; NULL: nothing can be said */
    bool names_place;      /* behind the hint */
    bool general;          /* what libvitio has told apart is something else: HTML is text, and no list */
} things[] = {
    {cli_tar_is, "a tar file", "tar", "--tar takes the pictures in it", "unpack it", false, false},
    {is_packed, "compressed data", "tar", "unpack it first; if it is a tar file, unpack it into --tar -",
     "unpack it first", false, false},
    {cli_npy_is, "a NumPy array", "pixels", "if it holds preprocessed pixels, name it with --pixels ", NULL, true,
     false},
    {is_nul_list, "text", "from", "if it lists pictures, name it with -0 --from ", NULL, true, true},
    {is_text, "text", "from", "if it lists pictures, name it with --from ", NULL, true, true},
};

void cli_mistaken(const void *bytes, size_t size, const char *place, vit_error *err)
{
    bool told_apart = strncmp(err->message, "this is ", strlen("this is ")) == 0;
    for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
        if ((told_apart && things[i].general) || !things[i].is(bytes, size))
            continue;
        bool takes = cli_takes(things[i].option);
        const char *hint = takes ? things[i].hint : things[i].otherwise;
        cli_text message = {0};
        cli_text_format(&message, "this is %s, not a picture%s%s", things[i].what, hint ? "; " : "", hint ? hint : "");
        if (takes && things[i].names_place)
            cli_text_shell(&message, place);
        *err = (vit_error){0};
        vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, place, "%s", message.data);
        cli_text_free(&message);
        return;
    }
}
