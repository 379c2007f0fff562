#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a random-weight CLIP in Hugging Face layout, for serve.py; needs numpy only.

    python3 make_clip.py OUT [s16]

Its tower of pictures has the shapes of make_vit.py's model of the same name, its tower of words those of CLIP ViT-B/32, with a
vocabulary of a few words.
"""
import sys
from pathlib import Path

from make_vit import IMAGE, SIZES, write

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from small_clip import add_tokenizer  # noqa: E402  # of the tests, one folder up

WORDS = {"hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8, "intermediate_size": 2048}
VOCABULARY, CONTEXT, EMBEDDING = 512, 77, 512


def pair(name, *shape):
    yield name + ".weight", shape
    yield name + ".bias", shape[:1]


def blocks(tower, width, depth, mlp):
    for i in range(depth):
        layer = f"{tower}.encoder.layers.{i}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from pair(layer + "self_attn." + part, width, width)
        yield from pair(layer + "mlp.fc1", mlp, width)
        yield from pair(layer + "mlp.fc2", width, mlp)
        for part in ("layer_norm1", "layer_norm2"):
            yield from pair(layer + part, width)


def tensors(width, depth, mlp, patch):
    """Name and shape of every tensor of CLIPModel."""
    wide = WORDS["hidden_size"]
    yield "logit_scale", ()
    yield "text_model.embeddings.token_embedding.weight", (VOCABULARY, wide)
    yield "text_model.embeddings.position_embedding.weight", (CONTEXT, wide)
    yield from blocks("text_model", wide, WORDS["num_hidden_layers"], WORDS["intermediate_size"])
    yield from pair("text_model.final_layer_norm", wide)
    yield "text_projection.weight", (EMBEDDING, wide)
    yield "vision_model.embeddings.class_embedding", (width,)
    yield "vision_model.embeddings.patch_embedding.weight", (width, 3, patch, patch)
    yield "vision_model.embeddings.position_embedding.weight", ((IMAGE // patch) ** 2 + 1, width)
    yield from blocks("vision_model", width, depth, mlp)
    yield from pair("vision_model.pre_layrnorm", width)
    yield from pair("vision_model.post_layernorm", width)
    yield "visual_projection.weight", (EMBEDDING, width)


def main():
    out, size = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "s16"
    width, depth, heads, mlp, patch = SIZES[size]
    words = {**WORDS, "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "bos_token_id": VOCABULARY - 2,
             "eos_token_id": VOCABULARY - 1, "pad_token_id": VOCABULARY - 1, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    pictures = {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads, "intermediate_size": mlp,
                "patch_size": patch, "image_size": IMAGE, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    write(out, list(tensors(width, depth, mlp, patch)), {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": EMBEDDING, "text_config": words,
        "vision_config": pictures})
    add_tokenizer(out, ("a", "photo", "of", "thing", "number", "dog", *"0123456789"))


if __name__ == "__main__":
    main()
