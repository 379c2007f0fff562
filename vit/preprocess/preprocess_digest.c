/* SPDX-License-Identifier: BSD-2-Clause */
/* One number for a set of preprocessing rules. */
#include <string.h>

#include "error.h"
#include "sha256.h"
#include "vit/vit.h"

vit_status vit_preprocessor_digest(const vit_preprocessor *preprocessor, char hex[65], vit_error *err)
{
    if (hex)
        hex[0] = '\0';
    if (!preprocessor || !hex)
        return vit__fail_null(err, __func__, preprocessor ? "hex" : "preprocessor");
    char *description = vit_preprocessor_describe(preprocessor);
    if (!description)
        return vit__fail_memory(err, NULL);
    vit__sha256(description, strlen(description), hex);
    vit_free(description);
    return VIT_OK;
}
