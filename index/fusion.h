/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_FUSION_H
#define VIT_FUSION_H

#include "store.h"

/* vit_index_fuse of a query that was checked. */
bool vit__fuse(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits);

#endif
