/* SPDX-License-Identifier: BSD-2-Clause */
#include "errors.h"

#include <stdio.h>
#include <string.h>

#include "json_text.h"

#define INVALID "invalid_request_error"

static const struct {
    unsigned status;
    const char *name, *type; /* type: OpenAI's */
} codes[SERVE_CODES] = {
    [SERVE_BAD_REQUEST] = {400, "bad_request", INVALID},
    [SERVE_BAD_DIMENSIONS] = {400, "bad_dimensions", INVALID},
    [SERVE_UNAUTHORIZED] = {401, "unauthorized", "authentication_error"},
    [SERVE_HOST_NOT_ALLOWED] = {403, "host_not_allowed", INVALID},
    [SERVE_ORIGIN_NOT_ALLOWED] = {403, "origin_not_allowed", INVALID},
    [SERVE_NOT_FOUND] = {404, "not_found", INVALID},
    [SERVE_MODEL_NOT_FOUND] = {404, "model_not_found", INVALID},
    [SERVE_METHOD_NOT_ALLOWED] = {405, "method_not_allowed", INVALID},
    [SERVE_REQUEST_TIMEOUT] = {408, "request_timeout", INVALID},
    [SERVE_TOO_LARGE] = {413, "too_large", INVALID},
    [SERVE_UNSUPPORTED_FORMAT] = {415, "unsupported_format", INVALID},
    [SERVE_UNSUPPORTED_ENCODING] = {415, "unsupported_encoding", INVALID},
    [SERVE_CORRUPT] = {422, "corrupt", INVALID},
    [SERVE_TRUNCATED] = {422, "truncated", INVALID},
    [SERVE_NON_FINITE] = {422, "non_finite", INVALID},
    [SERVE_URL_NOT_ALLOWED] = {422, "url_not_allowed", INVALID},
    [SERVE_NO_TEXT_TOWER] = {422, "no_text_tower", INVALID},
    [SERVE_TOKEN_IDS] = {422, "token_ids", INVALID},
    [SERVE_TOO_LONG] = {422, "too_long", INVALID},
    [SERVE_UNPROCESSABLE] = {422, "unprocessable", INVALID},
    [SERVE_TOO_MANY] = {429, "overloaded", "rate_limit_error"},
    [SERVE_HEADER_TOO_LARGE] = {431, "header_too_large", INVALID},
    [SERVE_NOT_OFFERED] = {501, "not_offered", INVALID},
    [SERVE_INTERNAL] = {500, "internal", "server_error"},
    [SERVE_OUT_OF_MEMORY] = {500, "out_of_memory", "server_error"},
    [SERVE_UNAVAILABLE] = {503, "unavailable", "server_error"},
};

unsigned serve_code_status(serve_code code)
{
    return codes[code].status;
}

const char *serve_code_name(serve_code code)
{
    return codes[code].name;
}

serve_code serve_code_of_status(unsigned status)
{
    for (int code = 0; code < SERVE_CODES; code++)
        if (codes[code].status == status)
            return (serve_code)code;
    return SERVE_INTERNAL;
}

serve_code serve_code_of(vit_status status)
{
    static const struct {
        vit_status status;
        serve_code code;
    } rows[] = {
        {VIT_ERR_UNSUPPORTED_FORMAT, SERVE_UNSUPPORTED_FORMAT},
        {VIT_ERR_CORRUPT, SERVE_CORRUPT},
        {VIT_ERR_TRUNCATED, SERVE_TRUNCATED},
        {VIT_ERR_TOO_LARGE, SERVE_TOO_LARGE},
        {VIT_ERR_NON_FINITE, SERVE_NON_FINITE},
        {VIT_ERR_OUT_OF_MEMORY, SERVE_OUT_OF_MEMORY},
        {VIT_ERR_INVALID_ARGUMENT, SERVE_UNPROCESSABLE},
        {VIT_ERR_UNSUPPORTED_MODEL, SERVE_NO_TEXT_TOWER},
        {VIT_ERR_UNSUPPORTED_OUTPUT, SERVE_UNPROCESSABLE},
        {VIT_ERR_NOT_FOUND, SERVE_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return rows[i].code;
    return SERVE_INTERNAL;
}

static void write_openai(vit__buffer *out, serve_code code, const char *param, const char *message)
{
    vit__buffer_add_string(out, "{\"error\":{\"message\":");
    vit__json_put_string(out, message);
    vit__buffer_format(out, ",\"type\":\"%s\",\"param\":", codes[code].type);
    vit__json_put_string(out, param);
    vit__buffer_format(out, ",\"code\":\"%s\"}}\n", codes[code].name);
}

static void write_plain(vit__buffer *out, serve_code code, const char *param, const char *message)
{
    (void)param;
    vit__buffer_add_string(out, "{\"error\":");
    vit__json_put_string(out, message);
    vit__buffer_format(out, ",\"error_type\":\"%s\"}\n", codes[code].name);
}

static void write_detail(vit__buffer *out, serve_code code, const char *param, const char *message)
{
    (void)code;
    (void)param;
    vit__buffer_add_string(out, "{\"detail\":");
    vit__json_put_string(out, message);
    vit__buffer_add_string(out, "}\n");
}

static void write_message(vit__buffer *out, serve_code code, const char *param, const char *message)
{
    (void)code;
    (void)param;
    vit__buffer_add_string(out, "{\"message\":");
    vit__json_put_string(out, message);
    vit__buffer_add_string(out, "}\n");
}

void serve_error_write(serve_response *response, serve_shape shape, serve_code code, const char *param,
                       const char *message)
{
    static void (*const writers[])(vit__buffer *, serve_code, const char *, const char *) = {
        [SERVE_SHAPE_OPENAI] = write_openai,
        [SERVE_SHAPE_PLAIN] = write_plain,
        [SERVE_SHAPE_DETAIL] = write_detail,
        [SERVE_SHAPE_MESSAGE] = write_message,
    };
    char whole[1200];
    snprintf(whole, sizeof whole, "%s%s%s", param ? param : "", param ? ": " : "", message);
    vit__buffer_clear(&response->body);
    response->status = codes[code].status;
    response->type = "application/json";
    writers[shape](&response->body, code, param, whole);
}
