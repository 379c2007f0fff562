/* SPDX-License-Identifier: BSD-2-Clause */
/* Two orders of images made one: reciprocal rank fusion (Cormack, Clarke, Buettcher 2009). */
#ifndef CLI_FUSION_H
#define CLI_FUSION_H

#include "store.h"

/* Merges the second order into the first and keeps the k best; scores stay what they were. Empties the second. */
void cli_hits_fuse(cli_hits *first, cli_hits *second, size_t k);

#endif
