/* SPDX-License-Identifier: BSD-2-Clause */
/* One line a request on stderr. No bodies, words, paths of files, or keys. */
#ifndef SERVE_LOG_H
#define SERVE_LOG_H

#include "call.h"

/* call NULL: it was refused before an endpoint had it. */
void serve_log_request(bool json, const serve_request *request, const serve_response *response, const serve_call *call,
                       double seconds);

#endif
