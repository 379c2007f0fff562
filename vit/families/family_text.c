/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoders of texts that are models by themselves, plain or in a folder of sentence-transformers. */
#include <stdio.h>

#include "sentence.h"
#include "text_encoder.h"

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    vit__reader r = vit__reader_of(checkpoint, err);
    if (tower != VIT__TOWER_TEXT)
        return VIT_OK;
    const char *type = vit__read_text(&r, "model_type", "");
    vit__text_source source = {.checkpoint = checkpoint, .config = &r, .model_type = type};
    out->present = true;
    snprintf(out->config.family, sizeof out->config.family, "%s", type);
    vit__read_expect(&r, "is_decoder", false, false, "decoders of texts");
    vit__text_encoder_plan(&source, out);
    if (r.status == VIT_OK)
        vit__sentence_plan(checkpoint, &r, out);
    return r.status;
}

static const char *const types[] = {"bert",       "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet",
                                    "nomic_bert", "m2m_100", "t5",          "mt5",       NULL};

/* Heads that pretraining or another task left beside the encoder, decoders, buffers, and copies of the vocabulary's
 * table. */
static const char *const harmless[] = {"embeddings.position_ids",
                                       "embed_positions.weights",
                                       "rotary_emb.inv_freq",
                                       "encoder.embed_tokens.weight",
                                       "model.shared.weight",
                                       "shared.weight",
                                       "final_logits_bias",
                                       "cls.*",
                                       "lm_head.*",
                                       "classifier.*",
                                       "pre_classifier.*",
                                       "qa_outputs.*",
                                       "vocab_transform.*",
                                       "vocab_layer_norm.*",
                                       "vocab_projector.*",
                                       "decoder.*",
                                       "model.decoder.*",
                                       "pooler.dense.weight",
                                       "pooler.dense.bias",
                                       NULL};

const vit__family vit__family_text = {"text", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
