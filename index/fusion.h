/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_FUSION_H
#define VIT_FUSION_H

#include "store.h"

/* What vit_index_fuse does, after it has checked the query. */
bool vit__fuse(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits);

#endif
