/* SPDX-License-Identifier: BSD-2-Clause */
/* The description of the interface, OpenAPI 3.1: the paths of
 * the table of routes, with what openapi.json says of them. */
#ifndef SERVE_OPENAPI_H
#define SERVE_OPENAPI_H

#include "app.h"
#include "buffer.h"

/* The file openapi.json, in the program. */
extern const char serve_openapi_text[];
extern const size_t serve_openapi_text_size;

/* false: out of memory. */
bool serve_openapi_write(const serve_app *app, vit__buffer *out);

#endif
