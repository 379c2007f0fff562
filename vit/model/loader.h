/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes vectors, norms and linear layers from the tensors of a checkpoint; weights.c puts them together to an encoder.
 * A matrix is stored in one of several layouts (vit__layout), and becomes [outputs, inputs]. A layer is then handed to
 * the back end, which may pack it.
 *
 * The first failure stops the rest: loader.status is set, and all further calls do nothing and answer NULL, or a layer
 * that is absent. So a caller checks the status once, at the end.
 */
#ifndef VIT_LOADER_H
#define VIT_LOADER_H

#include "weights.h"

/* Matrices that one layer is made from: each of its parts, as stored and transposed. */
#define VIT__MOST_SOURCES (2 * VIT__LINEAR_PARTS)

typedef struct vit__loader {
    const vit_config *config;
    const vit__name *names;
    const vit__binding *binding;
    vit__checkpoint *checkpoint;
    const vit__weights_target *target;
    vit_error *err;
    vit_status status;
    const float *sources[VIT__MOST_SOURCES]; /* the matrices that the next layer is made from */
    size_t source_sizes[VIT__MOST_SOURCES], n_sources;
    const vit__tensor *stored; /* the next layer, if the file has it packed; NULL: it is made from sources */
} vit__loader;

/* The tensors of a slot. */
const vit__bound *vit__load_bound(const vit__loader *l, vit__slot slot, size_t block);

/* A tensor's values, and those of a slot's weight. NULL: it is absent. */
const float *vit__load_floats(vit__loader *l, const vit__tensor *tensor);
const float *vit__load_vector(vit__loader *l, vit__slot slot, size_t block);

/* Memory for count * size floats, which the checkpoint owns. */
float *vit__load_memory(vit__loader *l, size_t count, size_t size);

/* A norm of the config's kind, or of another. */
vit__norm_weights vit__load_norm(vit__loader *l, vit__slot slot, size_t block, double eps);
vit__norm_weights vit__load_norm_of_kind(vit__loader *l, vit__slot slot, size_t block, double eps, vit__norm_kind kind);

/* Layers that are not prepared yet. First: the matrix of a slot. */
vit__linear vit__load_matrix(vit__loader *l, vit__slot slot, size_t block, size_t inputs, size_t outputs);
/* n matrices of `rows` rows as one layer. They are in the packed slot together, or each in a slot of its own. */
vit__linear vit__load_stacked(vit__loader *l, vit__slot packed, const vit__slot *slots, size_t n, size_t block,
                              size_t inputs, size_t rows);
/* q, k and v as one layer, with `rows` rows each. */
vit__linear vit__load_attention_input(vit__loader *l, size_t block, size_t inputs, size_t rows);
/* Some rows of a matrix. Their bias is the matrix's, or else own_bias. */
vit__linear vit__load_rows(vit__loader *l, vit__slot slot, size_t block, size_t first, size_t rows,
                           const float *own_bias);
/* Some columns of a matrix, without a bias. */
vit__linear vit__load_columns(vit__loader *l, vit__slot slot, size_t block, size_t first, size_t inputs,
                              size_t columns);

/* Hands a layer to the back end. If the back end packs it, the matrices that it was made from leave memory. */
vit__linear vit__load_prepared(vit__loader *l, vit__linear linear, vit_precision precision);

/* The precision for a layer outside of the blocks that works on every token: such a layer is never int8. */
vit_precision vit__load_at_least_bf16(const vit__loader *l);

/* The prepared layer of a slot outside of the blocks that works on one vector for each input: always f32. */
vit__linear vit__load_single(vit__loader *l, vit__slot slot, size_t inputs, size_t outputs);

#endif
