/* SPDX-License-Identifier: BSD-2-Clause */
/* What a request's header must be, so that the server and a
 * proxy in front of it see the same requests on a connection. */
#ifndef SERVE_FRAMING_H
#define SERVE_FRAMING_H

#include "limit.h"
#include "message.h"

/* 0: it is in order, and *body is the announced length (0 where it comes in chunks,
 * and then *chunked). Else the status to refuse it with, and why (static storage). */
unsigned serve_framing_check(const serve_request *request, uint64_t *body, bool *chunked, const char **why);

#endif
