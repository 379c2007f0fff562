/* SPDX-License-Identifier: BSD-2-Clause */
/* The hub's protocol: which requests, with the token to whom, which redirects, what is tried again and after how
 * long. */
#ifndef VIT_TRANSFER_H
#define VIT_TRANSFER_H

#include "curl.h"
#include "listing.h"
#include "partial.h"
#include "settings.h"

typedef struct vit__transfer {
    const vit__settings *settings;
    vit__curl *curl;
    char *origin; /* of the endpoint: the only one that sees the token */
    /* Shown to the caller; `done` and `total` are the caller's of this struct to keep. */
    vit_hub_progress progress;
    bool cancelled;
} vit__transfer;

/* On failure *transfer is closed. */
vit_status vit__transfer_open(const vit__settings *settings, vit__transfer *transfer, vit_error *err);
void vit__transfer_close(vit__transfer *transfer);

/* Tells the caller how far it is; false: the caller wants it to end. data is a vit__transfer. */
bool vit__transfer_go_on(void *data);

/* What the hub says of a file: where it is, and what is in it. */
typedef struct vit__remote {
    char *url;
    bool with_token; /* it is on the endpoint's origin */
    char etag[VIT__ETAG_MAX + 1];
    char digest[VIT__DIGEST_ROOM]; /* that decides */
    uint64_t size;
} vit__remote;

/* The JSON of the listing; the caller frees *json. */
vit_status vit__transfer_list(vit__transfer *transfer, vit__buffer *json, vit_error *err);

/* Asks for a file of the commit. The listing and the answer must agree on it. The caller frees remote->url. */
vit_status vit__transfer_ask(vit__transfer *transfer, const char *commit, const vit__listed *file, vit__remote *remote,
                             vit_error *err);

/* Fetches what the partial file lacks, and has it be right. file: for asking anew, where an address does not hold any
 * more. */
vit_status vit__transfer_fetch(vit__transfer *transfer, const char *commit, const vit__listed *file,
                               vit__remote *remote, vit__partial *partial, vit_error *err);

#endif
