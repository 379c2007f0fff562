/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_SESSION_H
#define VIT_SESSION_H

#include <unistd.h>

#include "lanes.h"

struct vit_session {
    const vit_model *model;
    char multiplier[32]; /* what multiplies the blocks' matrices, for people */
    unsigned threads;
    pid_t process; /* that made it, and has its threads */
    vit__lanes lanes;
};

#endif
