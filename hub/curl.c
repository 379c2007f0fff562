/* SPDX-License-Identifier: BSD-2-Clause */
#include "curl.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "error.h"
#include "library.h"
#include "limit.h"
#include "memory.h"

#define LOST_BODY_MAX ((size_t)256 * 1024) /* of an answer whose body nobody wants */
#define OLDEST 0x075500                    /* 7.85.0: CURLOPT_PROTOCOLS_STR */

/* ------------------------------------------------------------------ the library ---- */

static struct {
    CURLcode (*global_init)(long);
    curl_version_info_data *(*version_info)(CURLversion);
    CURL *(*init)(void);
    void (*cleanup)(CURL *);
    void (*reset)(CURL *);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    const char *(*strerror)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_list)(struct curl_slist *);
    CURLU *(*url)(void);
    void (*url_cleanup)(CURLU *);
    CURLUcode (*url_set)(CURLU *, CURLUPart, const char *, unsigned);
    CURLUcode (*url_get)(const CURLU *, CURLUPart, char **, unsigned);
    void (*free)(void *);
} lib;

static const vit__library_function functions[] = {
    {"curl_global_init", &lib.global_init},  {"curl_version_info", &lib.version_info},
    {"curl_easy_init", &lib.init},           {"curl_easy_cleanup", &lib.cleanup},
    {"curl_easy_reset", &lib.reset},         {"curl_easy_setopt", &lib.setopt},
    {"curl_easy_perform", &lib.perform},     {"curl_easy_getinfo", &lib.getinfo},
    {"curl_easy_strerror", &lib.strerror},   {"curl_slist_append", &lib.append},
    {"curl_slist_free_all", &lib.free_list}, {"curl_url", &lib.url},
    {"curl_url_cleanup", &lib.url_cleanup},  {"curl_url_set", &lib.url_set},
    {"curl_url_get", &lib.url_get},          {"curl_free", &lib.free},
};
#define N_FUNCTIONS (sizeof functions / sizeof *functions)

static bool too_old; /* the one that was tried last */

static bool start(void)
{
    too_old = lib.version_info(CURLVERSION_NOW)->version_num < OLDEST;
    return !too_old && lib.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* The two that Debian has, by the library that each leaves cryptography to: OpenSSL, GnuTLS. */
static vit__library flavours[] = {
    {.file = "libcurl.so.4", .functions = functions, .n = N_FUNCTIONS, .start = start},
    {.file = "libcurl-gnutls.so.4", .functions = functions, .n = N_FUNCTIONS, .start = start},
};

static bool load(void)
{
    return vit__library_load(&flavours[0]) || vit__library_load(&flavours[1]);
}

/* ------------------------------------------------------------------ URLs ---- */

/* As curl itself reads them, so that whom we think we ask and whom it asks are one. */
static CURLU *read_url(const char *url)
{
    CURLU *read = load() ? lib.url() : NULL;
    if (read && lib.url_set(read, CURLUPART_URL, url, 0) == CURLUE_OK)
        return read;
    if (read)
        lib.url_cleanup(read);
    return NULL;
}

static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *theirs = NULL, *ours = NULL;
    if (lib.url_get(url, part, &theirs, flags) == CURLUE_OK)
        ours = vit__strdup(theirs);
    lib.free(theirs);
    return ours;
}

char *vit__url_join(const char *base, const char *location)
{
    CURLU *url = read_url(base);
    char *joined = url && lib.url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK ? part_of(url, CURLUPART_URL, 0)
                                                                                    : NULL;
    if (url)
        lib.url_cleanup(url);
    char *origin = joined ? vit__url_origin(joined) : NULL;
    if (!origin) {
        free(joined);
        return NULL;
    }
    free(origin);
    return joined;
}

char *vit__url_origin(const char *text)
{
    CURLU *url = read_url(text);
    if (!url)
        return NULL;
    char *scheme = part_of(url, CURLUPART_SCHEME, 0), *host = part_of(url, CURLUPART_HOST, 0);
    char *port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT), *origin = NULL;
    bool web = scheme && (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
    size_t size = web && host && port ? strlen(scheme) + strlen(host) + strlen(port) + sizeof "://:" : 0;
    if (size > 0 && (origin = vit__alloc(size, 1)) != NULL) {
        snprintf(origin, size, "%s://%s:%s", scheme, host, port);
        for (char *c = origin; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    }
    free(scheme);
    free(host);
    free(port);
    lib.url_cleanup(url);
    return origin;
}

/* ------------------------------------------------------------------ answers ---- */

bool vit__answer_header(const vit__answer *answer, const char *name, char *value, size_t size)
{
    const char *at = answer->headers.data, *end = at ? at + answer->headers.size : at;
    const size_t length = strlen(name);
    *value = 0;
    for (const char *next; at < end; at = next) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        next = newline ? newline + 1 : end;
        if ((size_t)(stop - at) <= length || strncasecmp(at, name, length) != 0 || at[length] != ':')
            continue;
        at += length + 1;
        while (at < stop && strchr(" \t\r", *at))
            at++;
        while (stop > at && strchr(" \t\r", stop[-1]))
            stop--;
        const size_t n = (size_t)(stop - at);
        if (n >= size || memchr(at, 0, n))
            return false;
        memcpy(value, at, n);
        value[n] = 0;
        return true;
    }
    return false;
}

bool vit__answer_number(const vit__answer *answer, const char *name, uint64_t *number)
{
    char text[24];
    *number = 0;
    if (!vit__answer_header(answer, name, text, sizeof text) || !*text || strlen(text) > 18 ||
        text[strspn(text, "0123456789")])
        return false;
    *number = strtoull(text, NULL, 10);
    return true;
}

/* ------------------------------------------------------------------ one request ---- */

struct vit__curl {
    CURL *easy;
    const vit__request *request;
    vit__answer *answer;
    size_t header_bytes, lost_bytes;
    bool in_body, stopped, cancelled, too_long, wait_over;
    double started;
};

vit_status vit__curl_open(vit__curl **curl, const char *id, vit_error *err)
{
    *curl = NULL;
    if (!load())
        return vit__fail(err, VIT_ERR_UNAVAILABLE, id,
                         "libcurl 7.85 or newer cannot be loaded (%s): install it (on Debian: apt-get install "
                         "libcurl3-gnutls), or run: hf download %s",
                         *flavours[1].why ? flavours[1].why
                         : too_old        ? "it is too old"
                                          : "it cannot be started: is there little memory?",
                         id);
    vit__curl *made = vit__alloc_zero(1, sizeof *made);
    if (made && (made->easy = lib.init()) != NULL) {
        *curl = made;
        return VIT_OK;
    }
    free(made);
    return vit__fail_memory(err, "libcurl");
}

void vit__curl_close(vit__curl *curl)
{
    if (!curl)
        return;
    lib.cleanup(curl->easy);
    free(curl);
}

/* A proxy, or a server that says "100 Continue" first, sends several answers: the last one counts. */
static size_t on_header(char *bytes, size_t one, size_t size, void *data)
{
    vit__curl *curl = data;
    (void)one;
    curl->header_bytes += size;
    if (curl->header_bytes > VIT__LIMIT_HUB_HEADER_BYTES) {
        curl->too_long = true;
        return 0;
    }
    if (size >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        vit__buffer_clear(&curl->answer->headers);
    vit__buffer_add(&curl->answer->headers, bytes, size);
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
    vit__curl *curl = data;
    (void)one;
    curl->in_body = true;
    lib.getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &curl->answer->status);
    const long status = curl->answer->status;
    if (status != 200 && status != 206) {
        curl->lost_bytes += size;
        return curl->lost_bytes <= LOST_BODY_MAX ? size : 0;
    }
    curl->stopped = curl->request->take && !curl->request->take(curl->request->target, curl->answer, bytes, size);
    return curl->stopped ? 0 : size;
}

/* Called about once a second, and whenever something came. Headers that drip are silence too. */
static int on_progress(void *data, curl_off_t total, curl_off_t done, curl_off_t up_total, curl_off_t up)
{
    vit__curl *curl = data;
    (void)total, (void)done, (void)up_total, (void)up;
    curl->wait_over = !curl->in_body && vit__seconds() - curl->started > 2.0 * (double)curl->request->seconds;
    curl->cancelled = curl->request->go_on && !curl->request->go_on(curl->request->target);
    return curl->cancelled || curl->wait_over;
}

static struct curl_slist *headers_of(const vit__request *request)
{
    vit__buffer line = {0};
    struct curl_slist *list = lib.append(NULL, "Accept-Encoding: identity");
    if (list && request->token) {
        vit__buffer_add_string(&line, "Authorization: Bearer ");
        vit__buffer_add_string(&line, request->token);
        struct curl_slist *longer = vit__buffer_terminate(&line) ? lib.append(list, line.data) : NULL;
        if (!longer)
            lib.free_list(list);
        list = longer;
    }
    vit__buffer_free(&line);
    return list;
}

static void set_options(vit__curl *curl, const vit__request *request, const struct curl_slist *headers)
{
    CURL *easy = curl->easy;
    const char *authorities = getenv("SSL_CERT_FILE");
    lib.reset(easy);
    lib.setopt(easy, CURLOPT_URL, request->url);
    lib.setopt(easy, CURLOPT_HTTPHEADER, headers);
    lib.setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* a proxy does not see the token */
    lib.setopt(easy, CURLOPT_USERAGENT, "libvithub");
    lib.setopt(easy, CURLOPT_PROTOCOLS_STR, request->http ? "http,https" : "https");
    lib.setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    lib.setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    lib.setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (authorities && *authorities)
        lib.setopt(easy, CURLOPT_CAINFO, authorities);
    lib.setopt(easy, CURLOPT_NOSIGNAL, 1L);
    lib.setopt(easy, CURLOPT_NOBODY, request->head ? 1L : 0L);
    lib.setopt(easy, CURLOPT_BUFFERSIZE, request->small_pieces ? 16L * 1024 : 256L * 1024);
    lib.setopt(easy, CURLOPT_CONNECTTIMEOUT, request->seconds);
    lib.setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib.setopt(easy, CURLOPT_LOW_SPEED_TIME, request->seconds);
    lib.setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    lib.setopt(easy, CURLOPT_HEADERDATA, curl);
    lib.setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    lib.setopt(easy, CURLOPT_WRITEDATA, curl);
    lib.setopt(easy, CURLOPT_NOPROGRESS, 0L);
    lib.setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    lib.setopt(easy, CURLOPT_XFERINFODATA, curl);
}

/* What happened, where curl speaks of an error. */
static vit__outcome outcome_of(const vit__curl *curl, CURLcode code)
{
    if (curl->cancelled)
        return VIT__CANCELLED;
    if (code == CURLE_OK || curl->lost_bytes > LOST_BODY_MAX)
        return VIT__ANSWERED;
    if (curl->stopped)
        return VIT__STOPPED;
    if (curl->too_long)
        return VIT__IMPOSSIBLE;
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return VIT__NO_MEMORY;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
        return VIT__IMPOSSIBLE;
    default:
        return VIT__LOST;
    }
}

static void perform(vit__curl *curl, const vit__request *request, vit__answer *answer)
{
    char range[32], reason[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = headers_of(request);
    if (!headers) {
        answer->outcome = VIT__NO_MEMORY;
        return;
    }
    set_options(curl, request, headers);
    lib.setopt(curl->easy, CURLOPT_ERRORBUFFER, reason);
    if (request->from > 0) {
        snprintf(range, sizeof range, "%" PRIu64 "-", request->from);
        lib.setopt(curl->easy, CURLOPT_RANGE, range);
    }
    const CURLcode code = lib.perform(curl->easy);
    lib.getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &answer->status);
    answer->outcome = answer->headers.failed ? VIT__NO_MEMORY : outcome_of(curl, code);
    if (curl->too_long)
        snprintf(answer->why, sizeof answer->why, "it sends headers of more than %zu bytes",
                 VIT__LIMIT_HUB_HEADER_BYTES);
    else if (code != CURLE_OK)
        snprintf(answer->why, sizeof answer->why, "%s", *reason ? reason : lib.strerror(code));
    lib.setopt(curl->easy, CURLOPT_ERRORBUFFER, NULL);
    lib.free_list(headers);
}

void vit__curl_ask(vit__curl *curl, const vit__request *request, vit__answer *answer)
{
    *answer = (vit__answer){0};
    CURL *easy = curl->easy;
    *curl = (vit__curl){.easy = easy, .request = request, .answer = answer, .started = vit__seconds()};
    perform(curl, request, answer);
}
