/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_TRY_MODEL_H
#define VIT_TRY_MODEL_H

/* Opens both towers of a checkpoint that may be damaged. A model that opens encodes, or says why it cannot; aborts
 * where a promise of the interface is broken. */
void try_model(const char *path);

#endif
