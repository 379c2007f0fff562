/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of curl.c where the headers of libcurl were not there when this was built. */
#include "curl.h"
#include "error.h"

vit_status vit__curl_open(vit__curl **curl, const char *id, vit_error *err)
{
    *curl = NULL;
    return vit__fail(
        err, VIT_ERR_UNAVAILABLE, id,
        "this was built without the headers of libcurl (on Debian: libcurl4-gnutls-dev), and cannot fetch: "
        "run hf download %s",
        id);
}

void vit__curl_close(vit__curl *curl)
{
    (void)curl;
}

void vit__curl_ask(vit__curl *curl, const vit__request *request, vit__answer *answer)
{
    (void)curl, (void)request;
    *answer = (vit__answer){.outcome = VIT__IMPOSSIBLE};
}

bool vit__answer_header(const vit__answer *answer, const char *name, char *value, size_t size)
{
    (void)answer, (void)name, (void)size;
    *value = 0;
    return false;
}

bool vit__answer_number(const vit__answer *answer, const char *name, uint64_t *number)
{
    (void)answer, (void)name;
    *number = 0;
    return false;
}

char *vit__url_join(const char *base, const char *location)
{
    (void)base, (void)location;
    return NULL;
}

char *vit__url_origin(const char *url)
{
    (void)url;
    return NULL;
}
