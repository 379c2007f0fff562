/* SPDX-License-Identifier: BSD-2-Clause */
/* Making safetensors files from a header's text, and looking at every byte of parsed ones. */
#ifndef VIT_TEST_TENSORS_H
#define VIT_TEST_TENSORS_H

#include "safetensors.h"
#include "support.h"

/* 8 bytes of size, the header, and data_size bytes: byte i is 7 * i + 1 mod 256. The caller frees. */
uint8_t *safetensors_make(const char *header, size_t data_size, size_t *size);

/* The same as a file of a folder. */
void safetensors_write(const char *folder, const char *name, const char *header, size_t data_size);

#endif
