/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"
#include "error.h"
vit_status vit_model_open(const char *path, const vit_model_options *o, vit_model **m, vit_error *err)
{ (void)path; (void)o; *m = NULL; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
void vit_model_free(vit_model *m) { (void)m; }
const char *vit_model_family(const vit_model *m) { return m->config.family; }
uint32_t vit_model_image_width(const vit_model *m) { (void)m; return 0; }
uint32_t vit_model_image_height(const vit_model *m) { (void)m; return 0; }
size_t vit_model_pixels_size(const vit_model *m) { (void)m; return 0; }
size_t vit_model_classes(const vit_model *m) { (void)m; return 0; }
int vit_model_multi_label(const vit_model *m) { (void)m; return 0; }
const char *vit_model_label(const vit_model *m, size_t i) { (void)m; (void)i; return NULL; }
double vit_model_flops(const vit_model *m) { (void)m; return 0; }
const vit_preprocessor *vit_model_preprocessor(const vit_model *m) { return m->preprocessor; }
char *vit_model_describe(const vit_model *m) { (void)m; return NULL; }
vit_status vit_model_digest(const vit_model *m, char hex[65], vit_error *err)
{ (void)m; hex[0] = 0; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
vit_status vit_output_shape(const vit_model *m, vit_output o, size_t l, size_t s[2], vit_error *err)
{ (void)m; (void)o; (void)l; (void)s; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
size_t vit_output_size(const vit_model *m, vit_output o, size_t l) { (void)m; (void)o; (void)l; return 0; }
