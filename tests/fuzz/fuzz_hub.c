/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as what a hub sends: its list of files, an index of shards, the headers of an answer; and as a name. */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "curl.h"
#include "fuzz.h"
#include "plan.h"

static vit_status take_name(void *data, const char *name)
{
    (void)data;
    if (!vit__is_safe_name(name))
        abort();
    return VIT_OK;
}

static void read_list(const char *bytes, size_t size)
{
    static const char *const patterns[] = {"*.txt", "extra/"};
    const vit_hub_options all = {.all = 1}, some = {.include = patterns, .n_include = 2};
    vit__listing listing;
    if (vit__listing_read(bytes, size, "list", &listing, NULL) != VIT_OK)
        return;
    bool *chosen = calloc(listing.n + 1, sizeof *chosen);
    if (!chosen)
        abort();
    for (size_t i = 0; i < listing.n; i++) {
        const vit__listed *file = &listing.files[i];
        if (!vit__is_safe_name(file->name) || (*file->digest && !vit__is_digest(file->digest)) ||
            vit__listing_find(&listing, file->name) != file)
            abort();
        vit__plan_is_index(file->name);
    }
    if (!vit__is_hex(listing.commit, VIT__HUB_COMMIT))
        abort();
    const vit__buffer text = {.data = (char *)bytes, .size = size};
    vit__plan_choose(&listing, &all, "https://hub.example", "a/b", chosen, NULL);
    vit__plan_choose(&listing, &some, "https://hub.example", "a/b", chosen, NULL);
    vit__plan_shards(&listing, "0_A/pytorch_model.bin.index.json", &text, chosen, NULL);
    vit__plan_twofold(&listing, &text, chosen);
    if (vit__plan_has_weights(&listing, "0_A") && listing.n == 0)
        abort();
    free(chosen);
    vit__listing_free(&listing);
}

static void read_headers(const char *bytes, size_t size)
{
    static const char *const names[] = {"ETag", "X-Linked-Etag", "X-Linked-Size", "Location", "ratelimit", ""};
    vit__answer answer = {.status = 200};
    char value[40];
    uint64_t number;
    vit__buffer_add(&answer.headers, bytes, size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (vit__answer_header(&answer, names[i], value, sizeof value) && strlen(value) >= sizeof value)
            abort();
        vit__answer_number(&answer, names[i], &number);
    }
    vit__buffer_free(&answer.headers);
}

/* A name that is taken leads nowhere but below its folder. */
static void read_name(const char *bytes, size_t size)
{
    vit__hub_name name;
    char *text = calloc(size + 1, 1);
    if (!text)
        abort();
    memcpy(text, bytes, size);
    if (vit__hub_name_read(text, &name) &&
        (!vit__is_safe_name(name.id) || strstr(name.id, "--") || (*name.revision && !vit__is_safe_name(name.revision))))
        abort();
    if (vit__is_etag(text) && !vit__is_safe_name(text))
        abort();
    if (vit__is_safe_name(text) && (*text == '/' || strstr(text, "/../") || strncmp(text, "../", 3) == 0))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = size ? (const char *)bytes : "";
    read_list(text, size);
    vit__index_shards("a/model.safetensors.index.json", &(vit__buffer){.data = (char *)text, .size = size}, take_name,
                      NULL, NULL);
    read_headers(text, size);
    read_name(text, size);
    return 0;
}
