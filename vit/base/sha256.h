/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 by Nettle, behind one file. */
#ifndef VIT_SHA256_H
#define VIT_SHA256_H

#include <stddef.h>

/* hex gets 64 lower-case digits and a NUL. */
void vit__sha256(const void *bytes, size_t size, char hex[65]);

#endif
