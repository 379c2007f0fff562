/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weights as torch.save writes them (pytorch_model.bin): a zip archive of a pickle and the storages that it names, or,
 * before torch 1.6, five pickles with the storages behind them. Works on bytes in memory, as safetensors.h does.
 */
#ifndef VIT_TORCH_FILE_H
#define VIT_TORCH_FILE_H

#include "safetensors.h"

/* Are these the first bytes of such a file? */
bool vit__torch_file_is(const void *bytes, size_t size);

/* The tensors of the dictionary that the file holds; what else is in it (numbers, texts, metadata) is passed over. They
 * lie in the bytes where their strides are those of rows, else in copies that *result owns. Errors: corrupt, truncated,
 * unsupported_model (what no dictionary of tensors needs: the message names it), out_of_memory. Otherwise as
 * vit__safetensors_parse; result->header is NULL. */
vit_status vit__torch_file_parse(const void *bytes, size_t size, const char *where, vit__safetensors *result,
                                 vit_error *err);

#endif
