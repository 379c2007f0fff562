/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"
vit_status vit_image_resize(const vit_image *src, vit_image *dst, vit_filter filter, vit_resampler resampler, vit_error *err)
{ (void)src; (void)dst; (void)filter; (void)resampler; return vit__fail(err, VIT_ERR_INTERNAL, NULL, "not built yet"); }
