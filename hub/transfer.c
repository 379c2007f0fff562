/* SPDX-License-Identifier: BSD-2-Clause */
#include "transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "error.h"
#include "limit.h"
#include "memory.h"
#include "refusal.h"

#define LONGEST_WAIT 300u /* seconds that a hub may ask for: its own windows are five minutes */
#define MOMENT 100000000  /* nanoseconds between two looks at the caller, while waiting */

static const unsigned waits[] = {1, 2, 4, 8, 8}; /* seconds before the second try, the third, ... */
#define TRIES (sizeof waits / sizeof *waits)

vit_status vit__transfer_open(const vit__settings *settings, vit__transfer *t, vit_error *err)
{
    *t = (vit__transfer){.settings = settings, .progress.file = ""};
    vit_status status = vit__curl_open(&t->curl, settings->name.id, err);
    if (status != VIT_OK)
        return status;
    t->origin = vit__url_origin(settings->endpoint);
    if (t->origin)
        return VIT_OK;
    vit__transfer_close(t);
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, settings->endpoint, "the endpoint is not a URL");
}

void vit__transfer_close(vit__transfer *t)
{
    vit__curl_close(t->curl);
    free(t->origin);
    t->curl = NULL;
    t->origin = NULL;
}

bool vit__transfer_go_on(void *data)
{
    vit__transfer *t = data;
    const vit_hub_options *options = &t->settings->options;
    if (!t->cancelled && options->progress)
        t->cancelled = options->progress(options->data, &t->progress) != 0;
    return !t->cancelled;
}

static vit_status fail_cancelled(const vit__transfer *t, vit_error *err)
{
    return vit__fail(err, VIT_ERR_CANCELLED, t->settings->text, "ended by its caller");
}

/* ------------------------------------------------------------------ trying again ---- */

/* May the next answer be another one? */
static bool may_pass(const vit__answer *answer)
{
    static const long busy[] = {408, 429, 500, 502, 503, 504};
    if (answer->outcome == VIT__LOST)
        return true;
    for (size_t i = 0; answer->outcome == VIT__ANSWERED && i < sizeof busy / sizeof *busy; i++)
        if (answer->status == busy[i])
            return true;
    return false;
}

/* Seconds that the answer itself asks for: `ratelimit:
 * "api";r=0;t=55` is 56 of them, `Retry-After: 5` is 5. 0: none. */
static unsigned asked_wait(const vit__answer *answer)
{
    char limit[128];
    uint64_t seconds = 0;
    const char *t = NULL;
    if (answer->outcome != VIT__ANSWERED)
        return 0;
    if (answer->status == 429 && vit__answer_header(answer, "ratelimit", limit, sizeof limit))
        t = strstr(limit, "t=");
    if (t && t[2] >= '0' && t[2] <= '9')
        seconds = strtoull(t + 2, NULL, 10) + 1;
    else
        vit__answer_number(answer, "Retry-After", &seconds);
    return seconds > LONGEST_WAIT ? LONGEST_WAIT + 1 : (unsigned)seconds;
}

static vit_status pass_time(vit__transfer *t, unsigned seconds, vit_error *err)
{
    const struct timespec moment = {.tv_nsec = MOMENT};
    const double start = vit__seconds();
    t->progress.wait_seconds = seconds;
    do {
        if (!vit__transfer_go_on(t))
            return fail_cancelled(t, err);
        nanosleep(&moment, NULL);
    } while (vit__seconds() - start < seconds);
    t->progress.wait_seconds = 0;
    return VIT_OK;
}

/* Waits before the next try. The error of the answer, if there have been enough. */
static vit_status wait_to_try(vit__transfer *t, unsigned *tries, const char *file, const vit__answer *answer,
                              vit_error *err)
{
    unsigned asked = asked_wait(answer);
    if (asked > LONGEST_WAIT)
        return vit__fail(err, VIT_ERR_UNAVAILABLE, t->settings->text,
                         "%s is busy, and asks to wait for more than %u seconds: run it again later",
                         t->settings->endpoint, LONGEST_WAIT);
    if (*tries >= TRIES)
        return vit__refusal(t->settings, file, answer, err);
    const unsigned usual = waits[(*tries)++];
    return pass_time(t, asked ? asked : usual, err);
}

/* ------------------------------------------------------------------ redirects ---- */

/* A request, and where it has led. */
typedef struct errand {
    vit__request request;
    const char *file;  /* for messages */
    bool stay;         /* a redirect to another origin is an answer */
    vit__buffer *body; /* emptied before each try; may be NULL */
    char *url;         /* that was asked last; or of another origin, where the errand ended before it */
    bool with_token;   /* it is on the endpoint's origin, and so was all before */
    bool elsewhere;
    vit__answer answer;
} errand;

static void close_errand(errand *e)
{
    vit__buffer_free(&e->answer.headers);
    free(e->url);
    e->url = NULL;
}

static bool is_redirect(const vit__answer *answer)
{
    const long status = answer->status;
    return answer->outcome == VIT__ANSWERED &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static bool is_plain_http(const char *origin)
{
    return strncmp(origin, "http:", 5) == 0;
}

/* e->url = where the answer leads. */
static vit_status follow(const vit__transfer *t, errand *e, vit_error *err)
{
    char location[8192];
    char *next = NULL, *origin = NULL;
    if (vit__answer_header(&e->answer, "Location", location, sizeof location))
        next = vit__url_join(e->url, location);
    if (next)
        origin = vit__url_origin(next);
    bool allowed = origin && (!is_plain_http(origin) || is_plain_http(t->origin));
    if (!allowed) {
        free(next);
        free(origin);
        return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text,
                         "%s%s%s: the hub redirects to an address that is not https", t->settings->endpoint,
                         *e->file ? ", " : "", e->file);
    }
    e->elsewhere = strcmp(origin, t->origin) != 0;
    e->with_token = e->with_token && !e->elsewhere;
    free(origin);
    free(e->url);
    e->url = next;
    return VIT_OK;
}

/* One try, through all redirects. */
static vit_status run(vit__transfer *t, errand *e, vit_error *err)
{
    for (unsigned hops = 0;; hops++) {
        e->request.url = e->url;
        e->request.token = e->with_token ? t->settings->token : NULL;
        e->request.http = is_plain_http(t->origin);
        vit__buffer_free(&e->answer.headers);
        vit__curl_ask(t->curl, &e->request, &e->answer);
        if (!is_redirect(&e->answer))
            return VIT_OK;
        if (hops == VIT__LIMIT_HUB_REDIRECTS)
            return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text, "%s%s%s: more than %d redirects, one to the next",
                             t->settings->endpoint, *e->file ? ", " : "", e->file, VIT__LIMIT_HUB_REDIRECTS);
        vit_status status = follow(t, e, err);
        if (status != VIT_OK || (e->elsewhere && e->stay))
            return status;
    }
}

/* The errand at `url`, tried again where that may help. VIT_OK: it ended with status 200, or elsewhere. */
static vit_status run_patiently(vit__transfer *t, errand *e, const char *url, vit_error *err)
{
    for (unsigned tries = 0;;) {
        close_errand(e);
        e->url = vit__strdup(url);
        if (!e->url)
            return vit__fail_memory(err, t->settings->text);
        e->with_token = true;
        e->elsewhere = false;
        if (e->body)
            vit__buffer_clear(e->body);
        vit_status status = run(t, e, err);
        bool done = e->answer.outcome == VIT__ANSWERED && (e->answer.status == 200 || (e->stay && e->elsewhere));
        if (status != VIT_OK || done)
            return status;
        if (!may_pass(&e->answer))
            return vit__refusal(t->settings, e->file, &e->answer, err);
        status = wait_to_try(t, &tries, e->file, &e->answer, err);
        if (status != VIT_OK)
            return status;
    }
}

/* ------------------------------------------------------------------ addresses ---- */

static void add_encoded(vit__buffer *out, const char *text, bool slashes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char code[4];
    for (; *text; text++) {
        if (strchr(plain, *text) || (slashes && *text == '/')) {
            vit__buffer_add(out, text, 1);
            continue;
        }
        snprintf(code, sizeof code, "%%%02X", (unsigned)(unsigned char)*text);
        vit__buffer_add(out, code, 3);
    }
}

/* ENDPOINT + prefix + ID + middle, in a fresh buffer. */
static vit__buffer start_url(const vit__settings *s, const char *prefix, const char *middle)
{
    vit__buffer url = {0};
    vit__buffer_add_string(&url, s->endpoint);
    vit__buffer_add_string(&url, prefix);
    add_encoded(&url, s->name.id, true);
    vit__buffer_add_string(&url, middle);
    return url;
}

/* ------------------------------------------------------------------ the list ---- */

typedef struct list_intake {
    vit__transfer *transfer;
    vit__buffer *json;
    bool too_large;
} list_intake;

static bool list_go_on(void *target)
{
    return vit__transfer_go_on(((list_intake *)target)->transfer);
}

static bool take_list(void *target, const vit__answer *answer, const void *bytes, size_t size)
{
    list_intake *in = target;
    (void)answer;
    in->too_large = size > VIT__LIMIT_HUB_LISTING_BYTES - in->json->size;
    if (!in->too_large)
        vit__buffer_add(in->json, bytes, size);
    return !in->too_large && !in->json->failed;
}

vit_status vit__transfer_list(vit__transfer *t, vit__buffer *json, vit_error *err)
{
    list_intake in = {t, json, false};
    errand e = {
        .file = "",
        .body = json,
        .request = {.target = &in, .take = take_list, .go_on = list_go_on, .seconds = t->settings->ask_seconds}};
    *json = (vit__buffer){0};
    vit__buffer url = start_url(t->settings, "/api/models/", "/revision/");
    add_encoded(&url, t->settings->name.revision, false);
    vit__buffer_add_string(&url, "?blobs=true");
    vit_status status = vit__buffer_terminate(&url) ? run_patiently(t, &e, url.data, err)
                                                    : vit__fail_memory(err, t->settings->text);
    if (in.too_large || json->failed) {
        if (err)
            *err = (vit_error){0};
        status = json->failed
                     ? vit__fail_memory(err, t->settings->text)
                     : vit__fail(err, VIT_ERR_TOO_LARGE, t->settings->text,
                                 "the hub's list of files has more than %u bytes", VIT__LIMIT_HUB_LISTING_BYTES);
    }
    if (status != VIT_OK)
        vit__buffer_free(json);
    close_errand(&e);
    vit__buffer_free(&url);
    return status;
}

/* ------------------------------------------------------------------ one file ---- */

static vit_status disagree(const vit__transfer *t, const vit__listed *file, const char *about, vit_error *err)
{
    return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text,
                     "%s: the hub's list and its answer for the file disagree about %s", file->name, about);
}

/* Without W/ and quotes, in place. */
static void bare_etag(char *etag)
{
    const char *start = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    size_t length = strlen(start);
    if (length >= 2 && *start == '"' && start[length - 1] == '"') {
        start++;
        length -= 2;
    }
    memmove(etag, start, length);
    etag[length] = 0;
}

/* remote->etag, and the digest that decides: the etag where it is one, else the listing's. */
static vit_status read_etag(const vit__transfer *t, const vit__listed *file, const vit__answer *answer,
                            vit__remote *remote, vit_error *err)
{
    char etag[512];
    if (!vit__answer_header(answer, "X-Linked-Etag", etag, sizeof etag))
        vit__answer_header(answer, "ETag", etag, sizeof etag);
    bare_etag(etag);
    if (!*etag)
        snprintf(etag, sizeof etag, "%s", file->digest);
    if (!vit__is_etag(etag))
        return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text,
                         "%s: the hub gives no name of its content that is one", file->name);
    bool telling = vit__is_digest(etag);
    if (telling && *file->digest && strcmp(etag, file->digest) != 0)
        return disagree(t, file, "its digest", err);
    if (!telling && !*file->digest)
        return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text,
                         "%s: the hub gives no digest, so that nobody could tell whether it came right", file->name);
    strcpy(remote->etag, etag);
    strcpy(remote->digest, telling ? etag : file->digest);
    return VIT_OK;
}

static vit_status read_size(const vit__transfer *t, const vit__listed *file, const errand *e, vit__remote *remote,
                            vit_error *err)
{
    bool said = vit__answer_number(&e->answer, "X-Linked-Size", &remote->size) ||
                (!e->elsewhere && vit__answer_number(&e->answer, "Content-Length", &remote->size));
    if (said && file->has_size && remote->size != file->size)
        return disagree(t, file, "its size", err);
    if (!said && !file->has_size)
        return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text, "%s: the hub does not say how large it is",
                         file->name);
    if (!said)
        remote->size = file->size;
    return VIT_OK;
}

static vit_status read_answer(const vit__transfer *t, const char *commit, const vit__listed *file, errand *e,
                              vit__remote *remote, vit_error *err)
{
    char there[64];
    if (vit__answer_header(&e->answer, "X-Repo-Commit", there, sizeof there) && strcmp(there, commit) != 0)
        return disagree(t, file, "the commit", err);
    vit_status status = read_etag(t, file, &e->answer, remote, err);
    if (status == VIT_OK)
        status = read_size(t, file, e, remote, err);
    if (status != VIT_OK)
        return status;
    remote->url = e->url;
    remote->with_token = e->with_token;
    e->url = NULL;
    return VIT_OK;
}

vit_status vit__transfer_ask(vit__transfer *t, const char *commit, const vit__listed *file, vit__remote *remote,
                             vit_error *err)
{
    errand e = {
        .file = file->name,
        .stay = true,
        .request = {.head = true, .target = t, .go_on = vit__transfer_go_on, .seconds = t->settings->ask_seconds}};
    *remote = (vit__remote){0};
    vit__buffer url = start_url(t->settings, "/", "/resolve/");
    vit__buffer_add_string(&url, commit);
    vit__buffer_add_string(&url, "/");
    add_encoded(&url, file->name, true);
    vit_status status = vit__buffer_terminate(&url) ? run_patiently(t, &e, url.data, err)
                                                    : vit__fail_memory(err, t->settings->text);
    if (status == VIT_OK)
        status = read_answer(t, commit, file, &e, remote, err);
    close_errand(&e);
    vit__buffer_free(&url);
    return status;
}

/* ------------------------------------------------------------------ the content ---- */

typedef struct intake {
    vit__transfer *transfer;
    vit__partial *partial;
    uint64_t base;     /* progress.done without this file */
    bool begun;        /* the answer's first bytes were looked at */
    bool wrong;        /* it is not the content that was announced */
    bool misplaced;    /* it does not begin where it was asked to */
    vit_status status; /* of the disk */
    double started;
    uint64_t paced; /* bytes that came since then, where there is a limit on the rate */
    vit_error *err;
} intake;

static bool intake_go_on(void *target)
{
    return vit__transfer_go_on(((intake *)target)->transfer);
}

/* "bytes 5-9/10", asked for from 5. */
static bool is_range(const vit__answer *answer, uint64_t from, uint64_t whole)
{
    char range[80], right[80];
    snprintf(right, sizeof right, "bytes %" PRIu64 "-", from);
    if (!vit__answer_header(answer, "Content-Range", range, sizeof range) || strncmp(range, right, strlen(right)) != 0)
        return false;
    const char *total = strchr(range, '/');
    return total && (strcmp(total + 1, "*") == 0 || strtoull(total + 1, NULL, 10) == whole);
}

/* Looks at an answer when its first bytes are there. */
static bool begin(intake *in, const vit__answer *answer)
{
    uint64_t length;
    vit__partial *p = in->partial;
    in->begun = true;
    if (answer->status == 206) {
        in->misplaced = !is_range(answer, p->size, p->whole);
        return !in->misplaced;
    }
    in->wrong = vit__answer_number(answer, "Content-Length", &length) && length != p->whole;
    if (!in->wrong && p->size > 0) /* the server knows no ranges */
        in->status = vit__partial_restart(p, in->err);
    return !in->wrong && in->status == VIT_OK;
}

/* Waits until the bytes that came are no more than the rate allows. libcurl's own limit lets twice as many pass. */
static bool pace(intake *in, size_t size)
{
    const struct timespec moment = {.tv_nsec = MOMENT};
    const uint64_t rate = in->transfer->settings->options.limit_rate;
    if (rate == 0)
        return true;
    if (in->paced == 0)
        in->started = vit__seconds();
    in->paced += size;
    while (vit__seconds() - in->started < (double)in->paced / (double)rate) {
        if (!vit__transfer_go_on(in->transfer))
            return false;
        nanosleep(&moment, NULL);
    }
    return true;
}

static bool take_content(void *target, const vit__answer *answer, const void *bytes, size_t size)
{
    intake *in = target;
    vit__partial *p = in->partial;
    if (!in->begun && !begin(in, answer))
        return false;
    in->wrong = size > p->whole - p->size;
    if (in->wrong)
        return false;
    in->status = vit__partial_add(p, bytes, size, in->err);
    in->transfer->progress.done = in->base + p->size;
    return in->status == VIT_OK && pace(in, size);
}

/* One request for what the partial file lacks. */
static vit_status request_content(vit__transfer *t, const vit__listed *file, const vit__remote *remote, intake *in,
                                  errand *e, vit_error *err)
{
    in->begun = in->wrong = in->misplaced = false;
    *e = (errand){.file = file->name,
                  .with_token = remote->with_token,
                  .url = vit__strdup(remote->url),
                  .request = {.from = in->partial->size,
                              .small_pieces = t->settings->options.limit_rate > 0,
                              .seconds = t->settings->fetch_seconds,
                              .target = in,
                              .take = take_content,
                              .go_on = intake_go_on}};
    if (!e->url)
        return vit__fail_memory(err, file->name);
    vit_status status = run(t, e, err);
    if (status == VIT_OK && t->cancelled)
        return fail_cancelled(t, err);
    return status == VIT_OK ? in->status : status;
}

static vit_status refetch(vit__transfer *t, const vit__listed *file, vit__partial *p, bool *again, vit_error *err)
{
    vit_status status = vit__partial_restart(p, err);
    if (status != VIT_OK || !*again) {
        *again = true;
        return status;
    }
    return vit__fail(err, VIT_ERR_CORRUPT, t->settings->text,
                     "%s: what the hub sends is not what it announces (%" PRIu64 " bytes, %s %s), twice in a row",
                     file->name, p->whole, strlen(p->digest.wanted) == VIT__GIT_DIGITS ? "git SHA-1" : "SHA-256",
                     p->digest.wanted);
}

/* A signed address holds for about an hour: another one of the same content. */
static vit_status renew(vit__transfer *t, const char *commit, const vit__listed *file, vit__remote *remote,
                        vit_error *err)
{
    vit__remote anew;
    vit_status status = vit__transfer_ask(t, commit, file, &anew, err);
    if (status != VIT_OK)
        return status;
    bool same = strcmp(anew.etag, remote->etag) == 0 && anew.size == remote->size;
    free(remote->url);
    *remote = anew;
    return same ? VIT_OK : disagree(t, file, "its content", err);
}

/* What to do after an answer that has not completed the content. VIT_OK: try again. */
static vit_status recover(vit__transfer *t, const char *commit, const vit__listed *file, vit__remote *remote,
                          const intake *in, const errand *e, unsigned *tries, vit_error *err)
{
    const vit__answer *answer = &e->answer;
    const bool answered = answer->outcome == VIT__ANSWERED;
    const bool expired = answered && answer->status == 403 && !e->with_token;
    const bool beyond = answered && answer->status == 416;
    const bool cut = answered && (answer->status == 200 || answer->status == 206);
    vit_status status = VIT_OK;
    if (beyond || in->misplaced)
        status = vit__partial_restart(in->partial, err);
    else if (!expired && !cut && !may_pass(answer))
        return vit__refusal(t->settings, file->name, answer, err);
    if (status == VIT_OK)
        status = wait_to_try(t, tries, file->name, answer, err);
    return status == VIT_OK && expired ? renew(t, commit, file, remote, err) : status;
}

vit_status vit__transfer_fetch(vit__transfer *t, const char *commit, const vit__listed *file, vit__remote *remote,
                               vit__partial *p, vit_error *err)
{
    intake in = {.transfer = t, .partial = p, .base = t->progress.done, .err = err};
    uint64_t most = p->size; /* bytes that have come so far: less than these are no progress */
    unsigned tries = 0;
    bool again = false;
    vit_status status = VIT_OK;
    t->progress.done = in.base + p->size;
    while (status == VIT_OK) {
        errand e = {0};
        if (p->size < p->whole)
            status = request_content(t, file, remote, &in, &e, err);
        if (p->size > most) {
            most = p->size;
            tries = 0;
        }
        const bool whole = status == VIT_OK && p->size == p->whole;
        if (whole && vit__partial_is_right(p)) {
            close_errand(&e);
            return VIT_OK;
        }
        if (status == VIT_OK && (whole || in.wrong))
            status = refetch(t, file, p, &again, err);
        else if (status == VIT_OK)
            status = recover(t, commit, file, remote, &in, &e, &tries, err);
        close_errand(&e);
    }
    return status;
}
