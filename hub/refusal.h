/* SPDX-License-Identifier: BSD-2-Clause */
/* What an answer of the hub that is no success means, in words for people. */
#ifndef VIT_REFUSAL_H
#define VIT_REFUSAL_H

#include "curl.h"
#include "settings.h"

/* The error of an answer; of one without a status, that of its outcome. file: "" where it is about the whole
 * repository. */
vit_status vit__refusal(const vit__settings *settings, const char *file, const vit__answer *answer, vit_error *err);

#endif
