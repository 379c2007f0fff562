/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in a folder that has no weights under the usual names, and what to name instead. */
#ifndef VIT_AROUND_H
#define VIT_AROUND_H

#include <stddef.h>

/* A sentence for the end of a message, such as "; photos/checkpoint-500 has some: name that folder". Empty
 * where nothing that helps is there. names[n]: files that weights may be in, for links that lead nowhere. */
void vit__look_around(const char *folder, const char *const *names, size_t n, char *sentence, size_t size);

#endif
