/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"
#include "vit/io.h"
vit_status vit_image_decode(const void *b, size_t s, const char *n, const vit_load_options *o, vit_image *i, vit_error *err)
{ (void)b; (void)s; (void)n; (void)o; (void)i; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
