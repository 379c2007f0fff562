/* SPDX-License-Identifier: BSD-2-Clause */
/* What the modules of a folder of sentence-transformers make of an encoder's tokens: pooling, dense layers, unit
 * length. */
#ifndef VIT_SENTENCE_H
#define VIT_SENTENCE_H

#include "family.h"
#include "json_reader.h"

/* Changes the plan of a text encoder to what the checkpoint's modules say; a checkpoint without modules changes
 * nothing. plan->names is plan->composed. Errors are the reader's. */
void vit__sentence_plan(const vit__checkpoint *checkpoint, vit__reader *reader, vit__plan *plan);

#endif
