/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvithub: fetches a checkpoint from the Hugging Face hub into the cache that all programs of this machine share
 * (huggingface_hub has the same one), so that libvit opens it by its name from then on, without a network.
 *
 *     #include <vit/hub.h>
 *
 *     vit_error err = {0};
 *     vit_hub_snapshot *snapshot;
 *     if (vit_hub_pull("facebook/dinov2-small", NULL, &snapshot, &err) == VIT_OK)
 *         printf("%s holds %zu files\n", snapshot->folder, snapshot->n_files);
 *     else
 *         fprintf(stderr, "%s: %s\n", err.where, err.message);
 *     vit_hub_snapshot_free(snapshot);
 *
 * Every byte is compared with the digest that the hub gives for its file. A run that was cut off leaves a partial
 * file, and the next run goes on with it. The library prints nothing. It needs libcurl 7.85 or newer, which it loads
 * when it is first wanted. Errors are those of vit/error.h; vit_status_name is in libvit. Functions may be called from
 * several threads at once, also for the same checkpoint. A host program should ignore SIGXFSZ if it limits the size of
 * its files, as for any program that writes.
 */
#ifndef VIT_HUB_H
#define VIT_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "vit/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far a pull is. */
typedef struct vit_hub_progress {
    const char *file;      /* the file at hand, "model.safetensors"; "": the list of files is asked for */
    uint64_t done, total;  /* bytes of the files that were not there; an earlier run may have begun with some */
    unsigned wait_seconds; /* above 0: the hub is busy or does not answer, and is asked again after this time */
} vit_hub_progress;

/* Zeros are the defaults: vit_hub_options options = {0}. */
typedef struct vit_hub_options {
    const char *endpoint; /* NULL: $HF_ENDPOINT, or "https://huggingface.co" */
    /* The cache's folder. NULL: the first that is set of $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
     * $XDG_CACHE_HOME/huggingface/hub and ~/.cache/huggingface/hub. */
    const char *cache;
    /* More files than vit reads: patterns in which '*' stands for any text, '/' too. "*.txt"; "extra/" is
     * all of that folder. */
    const char *const *include;
    size_t n_include;
    int all;             /* all files but pickles and the weights of other frameworks; see vit_hub_pull */
    int check;           /* hash what is there, and fetch anew what is broken */
    int dry_run;         /* ask what there is, and fetch and write nothing */
    int no_token;        /* send no token, even where $HF_TOKEN or the file "token" has one */
    uint64_t limit_rate; /* bytes a second; 0: no limit */
    /* Called several times a second with `data`. Answers 0 to go on; anything else ends the pull with
     * VIT_ERR_CANCELLED. May be NULL. */
    int (*progress)(void *data, const vit_hub_progress *progress);
    void *data;
    uint64_t reserved[4]; /* zero */
} vit_hub_options;

typedef struct vit_hub_file {
    char *name; /* "config.json" */
    uint64_t size;
    char digest[65]; /* what the hub says: SHA-256 (64 digits) or git's SHA-1 (40 digits); "": it says neither */
    int fetched;     /* 1: it was fetched, since it was not there or broken; with dry_run: it would be fetched */
} vit_hub_file;

typedef struct vit_hub_snapshot {
    char *id;       /* "facebook/dinov2-small" */
    char *revision; /* that was asked for: "main" */
    char *commit;   /* 40 digits */
    char *folder;   /* the snapshot's, which vit_model_open takes */
    vit_hub_file *files;
    size_t n_files;
    uint64_t bytes;         /* of all files */
    uint64_t fetched_bytes; /* of the files that were fetched */
} vit_hub_snapshot;

/* Fetches what is not there yet of "org/name" or "org/name@revision": a branch, a tag, "refs/pr/1", or the 40 digits of
 * a commit. Weights of torch.save, such as pytorch_model.bin, are fetched only where there are no safetensors. options
 * may be NULL. On success the caller frees *snapshot; on failure it is NULL. With $HF_HUB_OFFLINE or
 * $TRANSFORMERS_OFFLINE set to 1, ON, YES or TRUE no request is made, and what is complete in the cache succeeds.
 * Errors: invalid_argument (no name of a checkpoint, no URL), not_found (no such repository, revision or weights),
 * unreadable (no access), corrupt (the hub sends what is not right, the cache holds what must not be there),
 * unavailable (no answer, offline, no libcurl), unwritable (the disk), cancelled, out_of_memory. */
VIT_API vit_status vit_hub_pull(const char *name, const vit_hub_options *options, vit_hub_snapshot **snapshot,
                                vit_error *err);

/* The snapshot of a checkpoint that is in the cache already; no request is made. VIT_ERR_NOT_FOUND: its weights or its
 * configuration are not there. files are those that vit reads. Of the options, only cache and check count. The caller
 * frees *snapshot, as above. */
VIT_API vit_status vit_hub_find(const char *name, const vit_hub_options *options, vit_hub_snapshot **snapshot,
                                vit_error *err);

VIT_API void vit_hub_snapshot_free(vit_hub_snapshot *snapshot);

#ifdef __cplusplus
}
#endif
#endif
