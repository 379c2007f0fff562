/* SPDX-License-Identifier: BSD-2-Clause */
/* The identity of a checkpoint's weights: what sha256sum prints, so that anyone can compute it. */
#include <string.h>

#include "checkpoint_internal.h"
#include "path.h"
#include "sha256.h"

/* Bytes between two returns of pages: reading a whole file must not make it stay in memory. */
#define STEP ((size_t)8 << 20)

static void digest_file(const vit__mapped_file *file, char hex[65])
{
    vit__sha256_state state;
    vit__sha256_start(&state);
    for (size_t done = 0; done < file->size; done += STEP) {
        const char *bytes = (const char *)file->data + done;
        size_t n = file->size - done < STEP ? file->size - done : STEP;
        vit__sha256_add(&state, bytes, n);
        vit__mapped_file_give_back(bytes, n);
    }
    vit__sha256_finish(&state, hex);
}

/* A line of sha256sum: "<digest>  <name>\n". Names are plain, so it escapes none of them. */
static void add_line(vit__sha256_state *lines, const vit__shard *shard)
{
    char hex[65];
    const char *name = vit__path_name(shard->path);
    digest_file(&shard->file, hex);
    vit__sha256_add(lines, hex, 64);
    vit__sha256_add(lines, "  ", 2);
    vit__sha256_add(lines, name, strlen(name));
    vit__sha256_add(lines, "\n", 1);
}

vit_status vit__checkpoint_digest(const vit__checkpoint *checkpoint, char hex[65], vit_error *err)
{
    const vit__shards *shards = &checkpoint->shards;
    const vit__modules *modules = &checkpoint->layout.modules;
    vit_status status = vit__checkpoint_check(checkpoint, err);
    if (status != VIT_OK)
        return status;
    if (shards->n_shards == 1 && modules->n_shards == 0) {
        digest_file(&shards->shards[0].file, hex);
        return vit__checkpoint_check(checkpoint, err);
    }
    vit__sha256_state lines;
    vit__sha256_start(&lines);
    for (size_t i = 0; i < shards->n_shards; i++)
        add_line(&lines, &shards->shards[i]);
    for (size_t i = 0; i < modules->n_shards; i++)
        add_line(&lines, &modules->shards[i]);
    vit__sha256_finish(&lines, hex);
    return vit__checkpoint_check(checkpoint, err);
}
