/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"
vit_status vit_session_create(const vit_model *m, const vit_session_options *o, vit_session **s, vit_error *err)
{ (void)m; (void)o; *s = NULL; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
void vit_session_free(vit_session *s) { (void)s; }
unsigned vit_session_threads(const vit_session *s) { (void)s; return 0; }
const char *vit_session_kernels(const vit_session *s) { (void)s; return "c"; }
vit_status vit_encode(vit_session *s, const float *p, size_t n, vit_output o, float *r, vit_error *err)
{ (void)s; (void)p; (void)n; (void)o; (void)r; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
vit_status vit_encode_requests(vit_session *s, const float *p, size_t n, const vit_request *r, size_t nr, vit_error *err)
{ (void)s; (void)p; (void)n; (void)r; (void)nr; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
void vit_top_k(const float *s, size_t n, size_t k, size_t *i) { (void)s; (void)n; (void)k; (void)i; }
