/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads spiece.model, the file of a sentencepiece model: a protobuf message. */
#ifndef VIT_FILE_SPIECE_H
#define VIT_FILE_SPIECE_H

#include "error.h"
#include "spiece.h"

/* Takes the bytes of the file. Corrupt, unsupported_model, out_of_memory; what is filled is freed
 * with vit__spiece_free, on failure too. */
vit_status vit__file_read_spiece(const char *model, size_t size, const char *where, vit__spiece *spiece,
                                 vit_error *err);

#endif
