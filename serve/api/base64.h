/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 as clients send it: both alphabets (RFC 4648, sections 4 and 5), padding or none, white
 * space anywhere. Nettle's decoder, in base/base64_text.h, insists on one alphabet and on padding. */
#ifndef SERVE_BASE64_H
#define SERVE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes `size` characters of base64 into bytes, which has room for size * 3 / 4 + 3 of them, and answers how many
 * bytes there are: "aGk=" has 2. SIZE_MAX: the text is no base64. */
size_t serve_base64_decode(const char *text, size_t size, unsigned char *bytes);

#endif
