/* SPDX-License-Identifier: BSD-2-Clause */
/* The Python package ftfy ("fixes text for you", 6.3): what it does to a text with its default
 * settings, all but the repair of text that was decoded with the wrong encoding (mojibake:
 * "cafÃ©"). */
#ifndef VIT_FTFY_H
#define VIT_FTFY_H

#include "buffer.h"

/* Adds the fixed text. false: its HTML references are nested so deeply that fixing it would take
 * very long. */
bool vit__ftfy_fix(const char *text, size_t size, vit__buffer *out);

#endif
