/* SPDX-License-Identifier: BSD-2-Clause */
/* timm's Vision Transformers, by architecture name. */
#include "error.h"
#include "family.h"

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    (void)tower;
    (void)out;
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, vit__checkpoint_config_name(checkpoint),
                     "this build does not read timm's architectures");
}

const vit__family vit__family_timm = {"timm", VIT__CHECKPOINT_TIMM, NULL, plan, NULL};
