/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "expand.h"
#include "file.h"
#include "hub_cache.h"
#include "limit.h"
#include "memory.h"
#include "path.h"

#define ENDPOINT "https://huggingface.co"
#define SECONDS 10        /* as huggingface_hub */
#define SECONDS_MAX 86400 /* a day */
#define SPACE " \t\r\n\v\f"

static const vit__file_kind token_file = {.most = VIT__LIMIT_HUB_TOKEN_BYTES, .not_opened = "the token cannot be read"};

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool is_true(const char *name)
{
    static const char *const words[] = {"1", "ON", "YES", "TRUE"};
    const char *value = variable(name);
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static long seconds(const char *name)
{
    const char *value = variable(name);
    char *end = NULL;
    long number = value ? strtol(value, &end, 10) : SECONDS;
    return (value && *end) || number < 1 || number > SECONDS_MAX ? SECONDS : number;
}

/* ------------------------------------------------------------------ the token ---- */

/* A token is one printable word: it goes into a header as it is. */
static vit_status take_token(const char *text, size_t size, const char *where, char **token, vit_error *err)
{
    while (size > 0 && strchr(SPACE, *text))
        text++, size--;
    while (size > 0 && strchr(SPACE, text[size - 1]))
        size--;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i]; /* a char has a sign, or none (on ARM) */
        if (byte <= ' ' || byte >= 0x7f)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, where, "this is not a token: it is not one word");
    }
    if (size == 0)
        return VIT_OK;
    *token = vit__alloc(size + 1, 1);
    if (!*token)
        return vit__fail_memory(err, where);
    memcpy(*token, text, size);
    (*token)[size] = 0;
    return VIT_OK;
}

static vit_status token_path(char **path, vit_error *err)
{
    const char *given = variable("HF_TOKEN_PATH");
    char *home = NULL;
    vit_status status = given ? VIT_OK : vit__hub_home(&home, err);
    *path = NULL;
    if (status != VIT_OK || (!given && !home))
        return status;
    *path = given ? vit__path_expand(given) : vit__path_join(home, "token");
    free(home);
    return *path ? VIT_OK : vit__fail_memory(err, "the token");
}

static vit_status read_token_file(char **token, vit_error *err)
{
    char *path;
    vit__buffer text = {0};
    vit_error why = {0};
    vit_status status = token_path(&path, err);
    if (!path)
        return status;
    status = vit__file_read(path, &token_file, &text, &why);
    if (status == VIT_OK)
        status = take_token(text.data ? text.data : "", text.size, path, token, err);
    else if (status == VIT_ERR_NOT_FOUND)
        status = VIT_OK;
    else
        vit__fail(err, status, why.where, "%s", why.message);
    vit__buffer_free(&text);
    free(path);
    return status;
}

static vit_status find_token(vit__settings *s, vit_error *err)
{
    static const char *const names[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
    vit_status status = VIT_OK;
    if (s->options.no_token || s->offline || is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        return VIT_OK;
    for (size_t i = 0; status == VIT_OK && !s->token && i < sizeof names / sizeof *names; i++) {
        const char *value = variable(names[i]);
        status = value ? take_token(value, strlen(value), names[i], &s->token, err) : VIT_OK;
    }
    return status == VIT_OK && !s->token ? read_token_file(&s->token, err) : status;
}

/* ------------------------------------------------------------------ the rest ---- */

static vit_status read_name(vit__settings *s, vit_error *err)
{
    if (!vit__hub_name_read(s->text, &s->name))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, s->text,
                         "not the name of a checkpoint on the hub: \"organisation/name\", or with a branch, a tag, "
                         "refs/pr/N or a commit \"organisation/name@revision\"");
    s->named_revision = *s->name.revision != 0;
    if (!s->named_revision)
        strcpy(s->name.revision, "main");
    return VIT_OK;
}

static vit_status find_endpoint(vit__settings *s, vit_error *err)
{
    const char *given = s->options.endpoint ? s->options.endpoint : variable("HF_ENDPOINT");
    const char *url = given ? given : ENDPOINT;
    if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, url, "the endpoint is not a URL that begins with https://");
    if (strpbrk(url, "@?# \t\r\n"))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "the endpoint",
                         "a URL without user, query and spaces is wanted, such as " ENDPOINT);
    s->endpoint = vit__strdup(url);
    if (!s->endpoint)
        return vit__fail_memory(err, url);
    for (size_t n = strlen(s->endpoint); n > 0 && s->endpoint[n - 1] == '/'; n--)
        s->endpoint[n - 1] = 0;
    return VIT_OK;
}

static vit_status find_cache(vit__settings *s, vit_error *err)
{
    if (s->options.cache) {
        s->cache = vit__strdup(s->options.cache);
        return s->cache ? VIT_OK : vit__fail_memory(err, s->options.cache);
    }
    vit_status status = vit__hub_cache_folder(&s->cache, err);
    if (status == VIT_OK && !s->cache)
        status = vit__fail(err, VIT_ERR_NOT_FOUND, "the Hugging Face cache",
                           "there is no home folder to keep it in: set HF_HUB_CACHE");
    return status;
}

vit_status vit__settings_read(const char *text, const vit_hub_options *options, bool local, vit__settings *s,
                              vit_error *err)
{
    *s = (vit__settings){.text = text,
                         .offline = is_true(variable("HF_HUB_OFFLINE") ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE"),
                         .links = !is_true("HF_HUB_DISABLE_SYMLINKS"),
                         .ask_seconds = seconds("HF_HUB_ETAG_TIMEOUT"),
                         .fetch_seconds = seconds("HF_HUB_DOWNLOAD_TIMEOUT")};
    if (options)
        s->options = *options;
    vit_status status = read_name(s, err);
    if (status == VIT_OK && !local)
        status = find_endpoint(s, err);
    if (status == VIT_OK)
        status = find_cache(s, err);
    if (status == VIT_OK && !local)
        status = find_token(s, err);
    if (status != VIT_OK)
        vit__settings_free(s);
    return status;
}

void vit__settings_free(vit__settings *s)
{
    free(s->endpoint);
    free(s->cache);
    free(s->token);
    *s = (vit__settings){0};
}
