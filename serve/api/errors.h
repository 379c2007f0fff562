/* SPDX-License-Identifier: BSD-2-Clause */
/* All that can go wrong with a request, in one table; and how each kind of client is told. */
#ifndef SERVE_ERRORS_H
#define SERVE_ERRORS_H

#include "message.h"
#include "vit/error.h"

typedef enum serve_code {
    SERVE_BAD_REQUEST,
    SERVE_BAD_DIMENSIONS,
    SERVE_UNAUTHORIZED,
    SERVE_HOST_NOT_ALLOWED,
    SERVE_ORIGIN_NOT_ALLOWED,
    SERVE_NOT_FOUND,
    SERVE_MODEL_NOT_FOUND,
    SERVE_METHOD_NOT_ALLOWED,
    SERVE_REQUEST_TIMEOUT,
    SERVE_TOO_LARGE,
    SERVE_UNSUPPORTED_FORMAT,
    SERVE_UNSUPPORTED_ENCODING,
    SERVE_CORRUPT,
    SERVE_TRUNCATED,
    SERVE_NON_FINITE,
    SERVE_URL_NOT_ALLOWED,
    SERVE_NO_TEXT_TOWER,
    SERVE_TOKEN_IDS,
    SERVE_TOO_LONG,
    SERVE_UNPROCESSABLE,
    SERVE_TOO_MANY, /* load */
    SERVE_HEADER_TOO_LARGE,
    SERVE_NOT_OFFERED,
    SERVE_INTERNAL,
    SERVE_OUT_OF_MEMORY,
    SERVE_UNAVAILABLE,
    SERVE_CODES
} serve_code;

/* How a client reads an error. */
typedef enum serve_shape {
    SERVE_SHAPE_OPENAI, /* {"error":{"message":...,"type":...,"param":...,"code":...}} */
    SERVE_SHAPE_PLAIN,  /* {"error":"...","error_type":...}: tritonclient fails where error is no string */
    SERVE_SHAPE_DETAIL, /* {"detail":"..."} */
    SERVE_SHAPE_MESSAGE /* {"message":"..."} */
} serve_shape;

unsigned serve_code_status(serve_code code);
const char *serve_code_name(serve_code code);
serve_code serve_code_of_status(unsigned status); /* of HTTP's, for what is refused before a route is known */
serve_code serve_code_of(vit_status status);      /* of an input that failed */

/* Makes the response one that says so; whatever was in it goes. param may be NULL: "input[3]". */
void serve_error_write(serve_response *response, serve_shape shape, serve_code code, const char *param,
                       const char *message);

#endif
