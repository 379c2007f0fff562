/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_SESSION_H
#define VIT_SESSION_H

#include <unistd.h>

#include "lanes.h"

struct vit_session {
    const vit_model *model;
    char multiplier[32]; /* what multiplies the blocks' matrices, for people */
    unsigned threads;    /* that were asked for */
    pid_t process;       /* that made it, and has its threads */
    vit__lanes lanes;
};

/* vit_session_create, on a machine where the process may use so many processors: no more threads work. Tests say more
 * than there are. */
vit_status vit__session_create(const vit_model *model, const vit_session_options *options, unsigned processors,
                               vit_session **session, vit_error *err);

#endif
