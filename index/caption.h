/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The caption that stands beside an image, as webdataset, img2dataset and
 * photo exports write it. For photos/a.jpg, the first that there is of
 *
 *     photos/a.txt, photos/a.jpg.txt                  the text as it is
 *     photos/a.json, photos/a.jpg.json                the member "caption", "text", "description" or "title"
 *     photos/a.jpg.supplemental-metadata.json         likewise: Google Takeout since 2024
 *
 * Takeout cuts the whole name to 51 bytes, so that photos/IMG_20240102_030405678.jpg.supplemental-metad.json is meant
 * too. It writes what belongs to a(1).jpg into a.jpg(1).json, and nothing for a-edited.jpg, whose original is a.jpg.
 */
#ifndef VIT_CAPTION_H
#define VIT_CAPTION_H

#include <stdbool.h>
#include <stdint.h>

/* When the caption beside an image changed last; 0: there is none. false: out of memory. */
bool vit__caption_time(const char *image, int64_t *time);
/* The caption in UTF-8, on one line; NULL: none. Freed with free(). false: out of memory. A title that is merely the
 * image's name is none. */
bool vit__caption_read(const char *image, char **caption);

#endif
