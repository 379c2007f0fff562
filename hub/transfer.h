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
    char *origin;              /* of the endpoint: the only one that sees the token */
    vit_hub_progress progress; /* what options.progress is shown; whoever opened the transfer sets done and total */
    bool cancelled;            /* options.progress has asked for the end */
} vit__transfer;

/* settings must outlive the transfer. The caller closes *transfer; on failure nothing is open. */
vit_status vit__transfer_open(const vit__settings *settings, vit__transfer *transfer, vit_error *err);
void vit__transfer_close(vit__transfer *transfer);

/* Shows options.progress how far the transfer is. false: the caller of the library wants the end. data is a
 * vit__transfer, so that this function can be the go_on of a request or of a lock. */
bool vit__transfer_go_on(void *data);

/* What the hub says of a file: where it is, and what is in it. */
typedef struct vit__remote {
    char *url;
    bool with_token; /* the URL is on the endpoint's origin, which may see the token */
    char etag[VIT__ETAG_MAX + 1];
    char digest[VIT__DIGEST_ROOM]; /* which the fetched bytes must have */
    uint64_t size;
} vit__remote;

/* Asks for the list of the files of the revision: JSON, which vit__listing_read reads. The caller frees *json. */
vit_status vit__transfer_list(vit__transfer *transfer, vit__buffer *json, vit_error *err);

/* Asks where a file of the commit is, with a request of HEAD. The answer must agree with the listing in size and digest
 * (else VIT_ERR_CORRUPT). The caller frees remote->url. */
vit_status vit__transfer_ask(vit__transfer *transfer, const char *commit, const vit__listed *file, vit__remote *remote,
                             vit_error *err);

/* Fetches the bytes that the partial file lacks. On VIT_OK the partial file is complete and has its digest. file: where
 * the URL has expired, the file is asked for once more, and *remote gets the new URL. */
vit_status vit__transfer_fetch(vit__transfer *transfer, const char *commit, const vit__listed *file,
                               vit__remote *remote, vit__partial *partial, vit_error *err);

#endif
