/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void stamp(char text[32])
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, 32 - size, ".%03ldZ", now.tv_nsec / 1000000);
}

void serve_log_request(bool json, const serve_request *request, const serve_response *response, const serve_call *call,
                       double seconds)
{
    char time[32], line[512];
    const char *route = call ? call->route->path : "-", *method = call ? call->route->method : "-";
    double queued = call ? call->queued * 1e3 : 0, loaded = call ? call->loaded * 1e3 : 0;
    double encoded = call ? call->encoded * 1e3 : 0;
    size_t inputs = call ? call->n_inputs : 0;
    uint64_t received = request->received;
    stamp(time);
    if (json)
        snprintf(
            line, sizeof line,
            "{\"time\":\"%s\",\"id\":\"%s\",\"method\":\"%s\",\"route\":\"%s\",\"status\":%u,\"received\":%" PRIu64 ","
            "\"sent\":%zu,\"inputs\":%zu,\"ms\":%.1f,\"queued_ms\":%.1f,\"decoded_ms\":%.1f,\"encoded_ms\":%.1f}\n",
            time, request->id, method, route, response->status, received, response->body.size, inputs, seconds * 1e3,
            queued, loaded, encoded);
    else
        snprintf(line, sizeof line,
                 "%s %s %s %s %u %" PRIu64
                 " bytes in, %zu out, %zu inputs, %.1f ms (queued %.1f, decoded %.1f, encoded %.1f)\n",
                 time, request->id, method, route, response->status, received, response->body.size, inputs,
                 seconds * 1e3, queued, loaded, encoded);
    fputs(line, stderr); /* one write of one line */
}
