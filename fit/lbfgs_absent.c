/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for lbfgs.c in a build without liblbfgs. */
#include "error.h"
#include "descent.h"

vit_status vit__descend(const vit__descent *descent, double *x, vit__descent_end *end, vit_error *err)
{
    (void)descent, (void)x, (void)end;
    return vit__fail(err, VIT_ERR_UNAVAILABLE, "liblbfgs",
                     "this build fits nothing: it was made without liblbfgs (Debian: liblbfgs-dev)");
}
