/* SPDX-License-Identifier: BSD-2-Clause */
/* What the entries share. An entry is a function that takes any bytes and aborts where
 * a promise is broken. libFuzzer makes up the bytes; replay.c takes them from files. */
#ifndef VIT_FUZZ_H
#define VIT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The file that the bytes are, or are a damaged copy of. NULL with libFuzzer. */
extern const char *replayed_path;

/* PATH of NAME in a folder of this process, which is removed at
 * exit. The buffer is static and reused after eight calls. */
const char *scratch_path(const char *name);

/* Puts a file there, or takes it away. */
void scratch_write(const char *name, const void *bytes, size_t size);
void scratch_remove(const char *name);

/* Takes all files away. */
void scratch_clear(void);

/* Links there to all files of a folder. */
void scratch_link_all(const char *folder);

/* Of a name like "1_Pooling/config.json": makes the link to that folder a folder of links, so that files can be put
 * there. false: it names a place that nothing may be put in. */
bool scratch_open_folder(const char *name);

#endif
