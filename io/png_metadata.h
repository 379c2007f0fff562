/* SPDX-License-Identifier: BSD-2-Clause */
/* What we want from a PNG's ancillary chunks: its orientation. Found before the pixels are read, although the chunks
 * may stand behind them, so that pixels go straight to their place. */
#ifndef VIT_PNG_METADATA_H
#define VIT_PNG_METADATA_H

#include "reader.h"

/* True if the checksum of the chunk fits. The chunk is known to lie wholly in memory. */
bool vit__png_chunk_sound(const uint8_t *chunk);

/* 1..8: from eXIf, else from ImageMagick's text "Raw profile type exif", else from XMP, else 1. Broken data counts as
 * absent. The only failure is VIT_ERR_OUT_OF_MEMORY. */
vit_status vit__png_orientation(const vit__source *source, int *orientation, vit_error *err);

#endif
