/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of limit.h, for programs. */
#include "vit/limits.h"

#include "limit.h"
#include "vit/vit.h"

_Static_assert(VIT__LIMIT_PICTURE_PIXELS == VIT_MAX_PIXELS, "the public header has the same");

#define ROW(name, text, unit, set_by, what) {text, VIT__LIMIT_##name, unit, set_by, what},

static const vit_limit limits[] = {VIT__LIMITS(ROW)};

const vit_limit *vit_limit_at(size_t index)
{
    return index < sizeof limits / sizeof *limits ? &limits[index] : NULL;
}
