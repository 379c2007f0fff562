/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/memops.h>

#include "error.h"
#include "file.h"
#include "limit.h"
#include "memory.h"
#include "sha256.h"

typedef struct words {
    char **words;
    size_t n, capacity;
} words;

struct serve_gate {
    pthread_mutex_t lock; /* guards keys */
    words keys;           /* their digests, so that all are of one length */
    words hosts, origins;
    bool open;
};

static bool add(words *list, const char *word, size_t size)
{
    char **grown = vit__grow(list->words, &list->capacity, list->n, 1, sizeof *grown);
    char *copy = vit__alloc(size + 1, 1);
    if (grown)
        list->words = grown;
    if (!grown || !copy) {
        free(copy);
        return false;
    }
    memcpy(copy, word, size);
    copy[size] = '\0';
    list->words[list->n++] = copy;
    return true;
}

static void free_words(words *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->words[i]);
    free(list->words);
    *list = (words){0};
}

serve_gate *serve_gate_create(void)
{
    serve_gate *gate = vit__alloc_zero(1, sizeof *gate);
    if (gate)
        pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

void serve_gate_free(serve_gate *gate)
{
    if (!gate)
        return;
    free_words(&gate->keys);
    free_words(&gate->hosts);
    free_words(&gate->origins);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

/* ------------------------------------------------------------------ keys ---- */

static bool add_key(words *keys, const char *key, size_t size)
{
    char digest[65];
    vit__sha256(key, size, digest);
    return size == 0 || add(keys, digest, 64);
}

static bool add_lines(words *keys, const char *text, size_t size)
{
    bool done = true;
    for (size_t start = 0; start < size && done;) {
        const char *line = text + start, *end = memchr(line, '\n', size - start);
        size_t length = end ? (size_t)(end - line) : size - start;
        start += length + 1;
        while (length > 0 && strchr(" \t\r", line[length - 1]))
            length--;
        while (length > 0 && strchr(" \t", *line))
            line++, length--;
        done = length == 0 || *line == '#' || add_key(keys, line, length);
    }
    return done;
}

vit_status serve_gate_read_keys(serve_gate *gate, const char *path, const char *further, vit_error *err)
{
    static const vit__file_kind kind = {.most = VIT__LIMIT_SERVE_KEYS_BYTES};
    words keys = {0};
    vit__buffer file = {0};
    vit_status status = path ? vit__file_read(path, &kind, &file, err) : VIT_OK;
    bool done = status == VIT_OK && add_lines(&keys, file.data, file.size) &&
                (!further || add_key(&keys, further, strlen(further)));
    vit__buffer_free(&file);
    if (!done) {
        free_words(&keys);
        return status != VIT_OK ? status : vit__fail_memory(err, path);
    }
    if (path && keys.n == (further && *further ? 1u : 0u)) {
        free_words(&keys);
        return vit__fail(err, VIT_ERR_CORRUPT, path, "there is no key in it: write one on a line");
    }
    pthread_mutex_lock(&gate->lock);
    words old = gate->keys;
    gate->keys = keys;
    pthread_mutex_unlock(&gate->lock);
    free_words(&old);
    return VIT_OK;
}

bool serve_gate_has_keys(const serve_gate *gate)
{
    return gate->keys.n > 0;
}

/* Every key is compared, each in the same time. */
static bool is_key(serve_gate *gate, const char *key)
{
    char digest[65];
    int found = 0;
    vit__sha256(key, strlen(key), digest);
    pthread_mutex_lock(&gate->lock);
    for (size_t i = 0; i < gate->keys.n; i++)
        found |= memeql_sec(gate->keys.words[i], digest, 64);
    pthread_mutex_unlock(&gate->lock);
    return found;
}

/* "Authorization: Bearer KEY", or "x-api-key: KEY" as some clients send it. */
static bool has_key(serve_gate *gate, const serve_request *request)
{
    const char *authorization = serve_fields_header(&request->headers, "Authorization");
    const char *key = serve_fields_header(&request->headers, "x-api-key");
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        key = authorization + 7 + strspn(authorization + 7, " ");
    return key && is_key(gate, key);
}

/* ------------------------------------------------------------------ hosts, origins ---- */

vit_status serve_gate_allow_host(serve_gate *gate, const char *host, vit_error *err)
{
    return add(&gate->hosts, host, strlen(host)) ? VIT_OK : vit__fail_memory(err, host);
}

vit_status serve_gate_allow_origin(serve_gate *gate, const char *origin, vit_error *err)
{
    return add(&gate->origins, origin, strlen(origin)) ? VIT_OK : vit__fail_memory(err, origin);
}

void serve_gate_open(serve_gate *gate)
{
    gate->open = true;
}

/* The host without its port: "[::1]:80" is "::1". false: this is none. */
static bool host_of(const char *text, char *host, size_t size)
{
    size_t length = strcspn(text, ":");
    if (*text == '[') {
        length = strcspn(++text, "]");
        if (text[length] != ']')
            return false;
    }
    if (length == 0 || length >= size)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    return true;
}

bool serve_host_is_local(const char *text)
{
    char host[256];
    struct in_addr address;
    struct in6_addr address6;
    if (!host_of(text, host, sizeof host))
        return false;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &address6) == 1 && memcmp(&address6, &in6addr_loopback, sizeof address6) == 0;
}

static bool host_allowed(const serve_gate *gate, const char *text)
{
    char host[256];
    if (serve_host_is_local(text))
        return true;
    for (size_t i = 0; host_of(text, host, sizeof host) && i < gate->hosts.n; i++)
        if (strcasecmp(gate->hosts.words[i], host) == 0 || strcasecmp(gate->hosts.words[i], text) == 0)
            return true;
    return false;
}

static bool is_listed(const words *list, const char *word)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->words[i], word) == 0 || strcmp(list->words[i], "*") == 0)
            return true;
    return false;
}

/* "http://127.0.0.1:8080" of a page that this server sent, as the request's Host says. */
static bool is_own(const char *origin, const char *host)
{
    const char *after = strstr(origin, "://");
    return after && host && strcasecmp(after + 3, host) == 0;
}

const char *serve_gate_shared_origin(serve_gate *gate, const serve_request *request)
{
    const char *origin = serve_fields_header(&request->headers, "Origin");
    return origin && is_listed(&gate->origins, origin) ? origin : NULL;
}

bool serve_gate_passes(serve_gate *gate, const serve_request *request, bool open, serve_code *code, const char **why)
{
    const char *host = serve_fields_header(&request->headers, "Host");
    const char *origin = serve_fields_header(&request->headers, "Origin");
    bool keys = serve_gate_has_keys(gate);
    if (!keys && !gate->open && host && *host && !host_allowed(gate, host)) {
        *code = SERVE_HOST_NOT_ALLOWED;
        *why = "this server answers to localhost alone: name further hosts with --allow-host";
        return false;
    }
    if (origin && !is_own(origin, host) && !is_listed(&gate->origins, origin)) {
        *code = SERVE_ORIGIN_NOT_ALLOWED;
        *why = "pages of other sites may not ask this server: name theirs with --cors-origin";
        return false;
    }
    if (keys && !open && !has_key(gate, request)) {
        *code = SERVE_UNAUTHORIZED;
        *why = "this server wants a key: Authorization: Bearer KEY";
        return false;
    }
    return true;
}
