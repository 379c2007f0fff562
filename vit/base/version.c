/* SPDX-License-Identifier: BSD-2-Clause */
#include "vit/vit.h"

const char *vit_version(void)
{
    return VIT_VERSION;
}
