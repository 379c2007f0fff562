/* SPDX-License-Identifier: BSD-2-Clause */
/* Where bytes end up that no reader takes: says what they are, so that the user knows what to do next. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "reader.h"

#define CONVERT "which this build does not read; convert it to PNG or JPEG"

#define RAW                                                                                                            \
    "this is a camera's raw file (CR3, RAF, ORF, RW2, X3F), which this project does not develop; have a program for "  \
    "photos write a JPEG or TIFF of it"

typedef struct signature {
    size_t offset;
    const char *bytes;
    size_t length;
    const char *name; /* NULL: what begins so may be anything */
    const char *message;
} signature;

/* clang-format off */
#define AT(offset, bytes, name, message) {offset, bytes, sizeof bytes - 1, name, message}
/* clang-format on */

static const signature signatures[] = {
    AT(0, "FUJIFILMCCD-RAW", "RAF", RAW),
    AT(4, "ftypcrx", "CR3", RAW),
    AT(0, "IIRO", "ORF", RAW),
    AT(0, "IIRS", "ORF", RAW),
    AT(0, "MMOR", "ORF", RAW),
    AT(0, "IIU\0", "RW2", RAW),
    AT(0, "FOVb", "X3F", RAW),
    AT(4, "ftyp", "MPEG-4", "this is a film (MPEG-4), not a picture"),
    AT(0, "\0\0\0\x0cjP  ", "JPEG 2000", "this is a JPEG 2000 file, " CONVERT),
    AT(0, "\xff\x4f\xff\x51", "JPEG 2000", "this is a JPEG 2000 file, " CONVERT),
    AT(0, "qoif", "QOI", "this is a QOI file, " CONVERT),
    AT(0, "\x76\x2f\x31\x01", "OpenEXR", "this is an OpenEXR file, " CONVERT),
    AT(0, "P7", "PAM", "this is a PAM file, " CONVERT),
    AT(0, "PF", "PFM", "this is a PFM file, " CONVERT),
    AT(0, "Pf", "PFM", "this is a PFM file, " CONVERT),
    AT(0, "8BPS", "PSD", "this is a Photoshop file of another version than 1 (a PSB?), " CONVERT),
    AT(0, "%PDF", "PDF", "this is a PDF document, not a picture"),
    AT(0, "PK\3\4", "ZIP", "this is a ZIP archive, not a picture"),
    AT(257, "ustar", "tar", "this is a tar file, not a picture; unpack it first"),
    AT(0, "\x1f\x8b", "gzip", "this is gzip-compressed data, not a picture; unpack it first"),
    AT(0, "BZh", "bzip2", "this is bzip2-compressed data, not a picture; unpack it first"),
    AT(0, "\x28\xb5\x2f\xfd", "zstd", "this is zstd-compressed data, not a picture; unpack it first"),
    AT(0,
       "\xfd"
       "7zXZ",
       "xz", "this is xz-compressed data, not a picture; unpack it first"),
};

/* Compared in any case, after white space and a byte order mark. */
static const signature texts[] = {
    AT(0, "<!doctype html", "HTML", "this is an HTML page, not a picture (a download that failed?)"),
    AT(0, "<html", "HTML", "this is an HTML page, not a picture (a download that failed?)"),
    AT(0, "<svg", "SVG", "this is an SVG drawing, " CONVERT),
    AT(0, "<?xml", "XML", "this is an XML file (an SVG drawing, or a download that failed?), not a picture"),
    AT(0, "version https://git-lfs", "Git LFS pointer",
       "this is a Git LFS pointer, not the picture itself; run git lfs pull"),
    AT(0, "{", NULL, "this is text (JSON?), not a picture (a download that failed?)"),
};

static const signature *match_signature(const vit__source *source)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (source->size >= s->offset + s->length && memcmp(source->bytes + s->offset, s->bytes, s->length) == 0)
            return s;
    }
    return NULL;
}

static const signature *match_text(const vit__source *source)
{
    const char *text = (const char *)source->bytes;
    size_t size = source->size;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3, size -= 3;
    while (size > 0 && strchr(" \t\r\n", *text) && *text)
        text++, size--;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (size >= texts[i].length && strncasecmp(text, texts[i].bytes, texts[i].length) == 0)
            return &texts[i];
    }
    return NULL;
}

static const signature *match(const vit__source *source)
{
    const signature *found = match_signature(source);
    return found ? found : match_text(source);
}

const char *vit__unknown_name(const vit__source *source)
{
    const signature *found = match(source);
    return found ? found->name : NULL;
}

static bool all_zero(const vit__source *source)
{
    for (size_t i = 0; i < source->size; i++) {
        if (source->bytes[i] != 0)
            return false;
    }
    return true;
}

/* "JPEG, PNG, PNM", into text, which is returned. */
static const char *list_formats(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; vit_image_format(i) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", vit_image_format(i));
    return text;
}

vit_status vit__read_unknown(const vit__source *source, const vit_load_options *options, vit_image *image,
                             vit_error *err)
{
    (void)options;
    (void)image;
    const signature *found = match(source);
    const char *message = found ? found->message : NULL;
    if (source->size == 0)
        message = "the file is empty";
    if (!message && all_zero(source))
        message = "the file holds nothing but zero bytes (a copy that failed?)";
    if (!message)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, source->name,
                         "not a picture in a format that this build reads (%s)", list_formats((char[256]){0}, 256));
    return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, source->name, "%s", message);
}
