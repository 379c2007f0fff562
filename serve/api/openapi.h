/* SPDX-License-Identifier: BSD-2-Clause */
/* The description of the interface, OpenAPI 3.1. */
#ifndef SERVE_OPENAPI_H
#define SERVE_OPENAPI_H

#include "buffer.h"

/* false: out of memory. */
bool serve_openapi_write(vit__buffer *out);

#endif
