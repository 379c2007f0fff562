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
    char *token; /* NULL: there is none, or none is to be sent */
    bool offline, links;
    long ask_seconds, fetch_seconds; /* of silence, until a connection counts as lost */
} vit__settings;

/* options may be NULL. local: nobody is to be asked, so that neither endpoint nor token are read. On failure
 * *settings is all zero. */
vit_status vit__settings_read(const char *text, const vit_hub_options *options, bool local, vit__settings *settings,
                              vit_error *err);
void vit__settings_free(vit__settings *settings);

#endif
