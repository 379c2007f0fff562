/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_TRY_TOKENIZER_H
#define VIT_TRY_TOKENIZER_H

#include <stddef.h>

/* Opens the tokenizer of a folder that may be damaged, as each kind there is. One that opens takes these bytes as a
 * text, and a text of its own; aborts where a promise of the interface is broken. */
void try_tokenizer(const char *folder, const char *text, size_t size);

#endif
