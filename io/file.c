/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"
#include "vit/io.h"
vit_status vit_image_load(const char *p, const vit_load_options *o, vit_image *i, vit_error *err)
{ (void)p; (void)o; (void)i; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
vit_status vit_file_read(const char *p, uint64_t m, void **b, size_t *s, vit_error *err)
{ (void)p; (void)m; (void)b; (void)s; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
vit_status vit_descriptor_read(int d, const char *n, uint64_t m, void **b, size_t *s, vit_error *err)
{ (void)d; (void)n; (void)m; (void)b; (void)s; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
