/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of the hub, in words for people: "401" becomes what the user can do about it. */
#ifndef VIT_REFUSAL_H
#define VIT_REFUSAL_H

#include "curl.h"
#include "settings.h"

/* Makes the error of an answer that is no success: of its status, or, where no status came, of its outcome. file: the
 * file that was asked for; "" where the whole repository was. */
vit_status vit__refusal(const vit__settings *settings, const char *file, const vit__answer *answer, vit_error *err);

#endif
