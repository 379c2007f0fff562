/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom to ask and how: the options of the caller, then the environment variables of huggingface_hub. */
#ifndef VIT_SETTINGS_H
#define VIT_SETTINGS_H

#include <stdbool.h>

#include "hub_id.h"
#include "vit/hub.h"

typedef struct vit__settings {
    vit_hub_options options; /* the caller's */
    const char *text;        /* the checkpoint's name as the caller gave it, for messages */
    vit__hub_name name;      /* its revision is never empty */
    bool named_revision;     /* the caller's name has one */
    char *endpoint;          /* without a slash at its end */
    char *cache;
    char *token;        /* NULL: there is none, or none is to be sent */
    bool offline;       /* no request may be made ($HF_HUB_OFFLINE) */
    bool links;         /* snapshots get links to blobs, not copies */
    long ask_seconds;   /* so many seconds of silence end a connection that asks for a list or a header */
    long fetch_seconds; /* the same for the content of a file */
} vit__settings;

/* text: "org/name" or "org/name@revision". options may be NULL. local: no request will be made, so neither endpoint nor
 * token are read. The caller frees *settings with vit__settings_free; on failure *settings is all zero. */
vit_status vit__settings_read(const char *text, const vit_hub_options *options, bool local, vit__settings *settings,
                              vit_error *err);
void vit__settings_free(vit__settings *settings);

#endif
