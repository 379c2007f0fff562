/* SPDX-License-Identifier: BSD-2-Clause */
#include "preprocess.h"
#include "error.h"
vit_status vit_preprocessor_open(const char *path, vit_preprocessor **p, vit_error *err)
{ (void)path; *p = NULL; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
void vit_preprocessor_free(vit_preprocessor *p) { (void)p; }
vit_status vit_preprocess_shape(const vit_preprocessor *p, uint32_t w, uint32_t h, const vit_preprocess_options *o, uint32_t *ow, uint32_t *oh, vit_error *err)
{ (void)p; (void)w; (void)h; (void)o; (void)ow; (void)oh; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
vit_status vit_preprocess(const vit_preprocessor *p, const vit_image *i, const vit_preprocess_options *o, float *x, vit_error *err)
{ (void)p; (void)i; (void)o; (void)x; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
vit_status vit_preprocess_resized(const vit_preprocessor *p, const vit_image *i, const vit_preprocess_options *o, vit_image *r, vit_error *err)
{ (void)p; (void)i; (void)o; (void)r; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
char *vit_preprocessor_describe(const vit_preprocessor *p) { (void)p; return NULL; }
