/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configs and tensor names of transformers' image models have in common. */
#ifndef VIT_TRANSFORMERS_H
#define VIT_TRANSFORMERS_H

#include "family.h"
#include "model_keys.h"

/* Sizes, patches, blocks and activation by the keys of ViTConfig, with its defaults but for eps: a plain
 * pre-norm encoder with biases. Tokens, positions, norms outside the blocks and heads are left to the family. */
void vit__transformers_encoder(vit__reader *reader, double eps, vit_config *config);

/* The patches' size, where its default is not ViT's, and the grid of positions that follows from it. */
void vit__transformers_patches(vit__reader *reader, size_t size, vit_config *config);

/* What all encoders of the DINO line have, once norm_eps is read: a class token, which is the embedding and what is
 * pooled, pictures of any size, a scale behind each branch of a block, and a last norm. */
void vit__transformers_dino(vit_config *config);

/* pooler_output = act(dense(token 0)), if its tensors are there. */
void vit__transformers_pooler(vit__reader *reader, const vit__checkpoint *checkpoint, vit__plan *plan);

/* A classifier over `pooling`, if the architecture is ...ForImageClassification, or if the checkpoint does not name its
 * architecture and has the classifier's tensor. */
void vit__transformers_head(vit__reader *reader, const vit__checkpoint *checkpoint, vit__pooling pooling,
                            vit__plan *plan);

#define VIT__VIT_EMBEDDING_NAMES                                                                                       \
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embeddings.projection"),                                           \
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("embeddings.cls_token"),                                                      \
    [VIT__SLOT_POSITIONS] = VIT__ALONE("embeddings.position_embeddings"),                                              \
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("layernorm"), [VIT__SLOT_POOLER] = VIT__PAIR("pooler.dense")

#define VIT__CLASSIFIER_NAME [VIT__SLOT_HEAD] = VIT__PAIR("^classifier")

#define VIT__VIT_ATTENTION_NAMES(block)                                                                                \
    [VIT__SLOT_QUERY] = VIT__PAIR(block "attention.attention.query"),                                                  \
    [VIT__SLOT_KEY] = VIT__PAIR(block "attention.attention.key"),                                                      \
    [VIT__SLOT_VALUE] = VIT__PAIR(block "attention.attention.value"),                                                  \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(block "attention.output.dense")

/* The names of attention in encoders that are built as BERT's. */
#define VIT__SELF_ATTENTION_NAMES(block)                                                                               \
    [VIT__SLOT_QUERY] = VIT__PAIR(block "attention.self.query"),                                                       \
    [VIT__SLOT_KEY] = VIT__PAIR(block "attention.self.key"),                                                           \
    [VIT__SLOT_VALUE] = VIT__PAIR(block "attention.self.value"),                                                       \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(block "attention.output.dense")

#define VIT__DENSE_MLP_NAMES(block)                                                                                    \
    [VIT__SLOT_FC1] = VIT__PAIR(block "intermediate.dense"), [VIT__SLOT_FC2] = VIT__PAIR(block "output.dense")

#define VIT__VIT_BLOCK_NAMES(block)                                                                                    \
    [VIT__SLOT_NORM1] = VIT__PAIR(block "layernorm_before"),                                                           \
    VIT__VIT_ATTENTION_NAMES(block), [VIT__SLOT_NORM2] = VIT__PAIR(block "layernorm_after"),                           \
    VIT__DENSE_MLP_NAMES(block)

#define VIT__NEW_ATTENTION_NAMES(block)                                                                                \
    [VIT__SLOT_QUERY] = VIT__PAIR(block "attention.q_proj"), [VIT__SLOT_KEY] = VIT__PAIR(block "attention.k_proj"),    \
    [VIT__SLOT_VALUE] = VIT__PAIR(block "attention.v_proj"),                                                           \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(block "attention.o_proj")

#define VIT__VIT_NEW_BLOCK_NAMES(block)                                                                                \
    [VIT__SLOT_NORM1] = VIT__PAIR(block "layernorm_before"),                                                           \
    VIT__NEW_ATTENTION_NAMES(block), [VIT__SLOT_NORM2] = VIT__PAIR(block "layernorm_after"),                           \
    [VIT__SLOT_FC1] = VIT__PAIR(block "mlp.fc1"), [VIT__SLOT_FC2] = VIT__PAIR(block "mlp.fc2")

#endif
