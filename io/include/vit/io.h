/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvitio: files and bytes in, 8-bit RGB out. JPEG, PNG, PBM, PGM, PPM, BMP, ICO, PSD and, where
 * built with their libraries, WebP, GIF, TIFF, AVIF, HEIC and JPEG XL, told apart by content, never
 * by name. Pixels equal those of Pillow's Image.open(...).convert("RGB") (after
 * ImageOps.exif_transpose, by default). Of TIFF, HEIC and JPEG XL, which Pillow turns while it
 * loads, the orientation is applied always.
 *
 *     vit_image image = {0};
 *     vit_error err = {0};
 *     if (vit_image_load("photo.jpg", NULL, &image, &err) != VIT_OK)
 *         fprintf(stderr, "%s: %s\n", err.where, err.message);
 *     vit_image_free(&image);
 *
 * The rules of vit/vit.h hold here too. All functions may be called from several threads at once.
 */
#ifndef VIT_IO_H
#define VIT_IO_H

#include "vit/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum vit_exif {
    VIT_EXIF_APPLY = 0, /* turn the picture as its EXIF orientation says */
    VIT_EXIF_IGNORE = 1 /* keep the pixels as stored */
} vit_exif;

/* The formats that this build reads, for i = 0, 1, ...: "JPEG", "PNG", "PNM", ...; static. NULL past the last.
 *
 *     for (size_t i = 0; vit_image_format(i); i++)
 *         puts(vit_image_format(i));
 */
VIT_API const char *vit_image_format(size_t i);

/* The format of a file, by its first bytes: "JPEG". Formats that are known but never read have names too: "PDF", "SVG",
 * "MPEG-4" for a film. The file may still be damaged further on. The string is static. NULL: the format is not known,
 * as with plain text. bytes may be NULL where size is 0. *readable is 1 if this build reads the format (one of
 * vit_image_format), else 0; readable may be NULL.
 *
 *     int readable;
 *     const char *format = vit_image_format_of(bytes, size, &readable);
 *     if (format && !readable)
 *         printf("a file in the format %s, which cannot be read here\n", format); */
VIT_API const char *vit_image_format_of(const void *bytes, size_t size, int *readable);

VIT_API const char *vit_exif_name(vit_exif exif); /* "apply", "ignore"; static. NULL: there is no such value */

typedef struct vit_load_options {
    vit_exif exif;
    int composite;         /* 0: drop transparency, keep the colours underneath; 1: composite over background */
    uint8_t background[3]; /* R, G, B */
    uint64_t max_pixels;   /* 0 = VIT_MAX_PIXELS; checked from the header, before memory is taken */
    uint64_t max_bytes;    /* of the file; 0 = 1 GiB */
    /* Not 0: the caller can do with a smaller picture, which is upright at least this wide and this high. A JPEG is
     * then decoded from part of its frequencies, to 1/2, 1/4 or 1/8 of its size. That is faster and takes less memory,
     * but does not give the pixels of Pillow. 0 = the whole picture. */
    uint32_t least_width, least_height;
    uint64_t reserved[4]; /* zero */
} vit_load_options;

/* Decodes size bytes. name is only used in messages and may be NULL; options may be NULL. bytes may
 * be NULL where size is 0, which is unsupported_format like any empty file. On success the caller
 * frees *image with vit_image_free. Errors: unsupported_format, corrupt, truncated, too_large,
 * out_of_memory. */
VIT_API vit_status vit_image_decode(const void *bytes, size_t size, const char *name, const vit_load_options *options,
                                    vit_image *image, vit_error *err);

/* Reads and decodes one regular file. Errors: those of vit_image_decode, not_found, unreadable (which
 * includes directories, pipes and devices). */
VIT_API vit_status vit_image_load(const char *path, const vit_load_options *options, vit_image *image, vit_error *err);

/* A picture with the sizes that its file has. A photo that a phone took upright is often stored as 4032 x 3024 and
 * shown as 3024 x 4032. Decoded with least_width and least_height of 400, its image may be 504 x 672. */
typedef struct vit_picture {
    vit_image image;                      /* 504 x 672; freed with vit_image_free */
    uint32_t width, height;               /* 3024, 4032: of the whole picture, upright, however little was decoded */
    uint32_t stored_width, stored_height; /* 4032, 3024: as the file has them, before its EXIF orientation turns it */
} vit_picture;

/* As vit_image_decode and vit_image_load, with the sizes beside the image. On failure *picture is all zero. */
VIT_API vit_status vit_picture_decode(const void *bytes, size_t size, const char *name, const vit_load_options *options,
                                      vit_picture *picture, vit_error *err);
VIT_API vit_status vit_picture_load(const char *path, const vit_load_options *options, vit_picture *picture,
                                    vit_error *err);

/* Reads the header alone, and takes no memory for pixels: what a picture will take can be known before it is decoded.
 * Only stored_width and stored_height are filled. The file may still be damaged further on. Errors: those of
 * vit_image_decode.
 *
 *     vit_picture picture;
 *     if (vit_picture_measure(bytes, size, "photo.jpg", NULL, &picture, &err) == VIT_OK)
 *         printf("%zu bytes\n", (size_t)3 * picture.stored_width * picture.stored_height);   36578304 for 4032 x 3024 */
VIT_API vit_status vit_picture_measure(const void *bytes, size_t size, const char *name,
                                       const vit_load_options *options, vit_picture *picture, vit_error *err);

/* The picture as a PNG file in memory; the caller frees *bytes with vit_free. Errors: invalid_argument, too_large,
 * out_of_memory. */
VIT_API vit_status vit_image_encode_png(const vit_image *image, void **bytes, size_t *size, vit_error *err);

/* The picture as a JPEG file in memory, smaller than a PNG and not exact: for thumbnails and pages.
 * quality is 1 to 100; 75 to 90 are usual. An edge has at most 65,500 pixels. The caller frees
 * *bytes with vit_free. Errors: invalid_argument, too_large, out_of_memory. */
VIT_API vit_status vit_image_encode_jpeg(const vit_image *image, int quality, void **bytes, size_t *size,
                                         vit_error *err);

/* Reads a file, or the rest of a descriptor, into memory; the caller frees *bytes with vit_free.
 * max_bytes 0 = 1 GiB. name is only used in messages and may be NULL. */
VIT_API vit_status vit_file_read(const char *path, uint64_t max_bytes, void **bytes, size_t *size, vit_error *err);
VIT_API vit_status vit_descriptor_read(int descriptor, const char *name, uint64_t max_bytes, void **bytes, size_t *size,
                                       vit_error *err);

#ifdef __cplusplus
}
#endif
#endif
