#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a random-weight ViT classifier in Hugging Face layout; needs numpy only.

    python3 make_vit.py OUT [ti16|s16|b16|b32|l14]

Speed does not depend on what the weights are, only on their shapes (and on their not being denormal).
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

# name: width, depth, heads, MLP width, patch
SIZES = {"ti16": (192, 12, 3, 768, 16), "s16": (384, 12, 6, 1536, 16), "b16": (768, 12, 12, 3072, 16),
         "b32": (768, 12, 12, 3072, 32), "l14": (1024, 24, 16, 4096, 14)}
IMAGE, CLASSES = 224, 1000


def tensors(width, depth, mlp, patch):
    """Name and shape of every tensor of ViTForImageClassification."""
    tokens = (IMAGE // patch) ** 2 + 1
    yield "vit.embeddings.cls_token", (1, 1, width)
    yield "vit.embeddings.position_embeddings", (1, tokens, width)
    yield "vit.embeddings.patch_embeddings.projection.weight", (width, 3, patch, patch)
    yield "vit.embeddings.patch_embeddings.projection.bias", (width,)
    for i in range(depth):
        layer = f"vit.encoder.layer.{i}."
        linears = [(f"attention.attention.{n}", width, width) for n in ("query", "key", "value")]
        linears += [("attention.output.dense", width, width), ("intermediate.dense", mlp, width),
                    ("output.dense", width, mlp)]
        for name, rows, columns in linears:
            yield layer + name + ".weight", (rows, columns)
            yield layer + name + ".bias", (rows,)
        for name in ("layernorm_before", "layernorm_after"):
            yield layer + name + ".weight", (width,)
            yield layer + name + ".bias", (width,)
    yield "vit.layernorm.weight", (width,)
    yield "vit.layernorm.bias", (width,)
    yield "classifier.weight", (CLASSES, width)
    yield "classifier.bias", (CLASSES,)


def values(name, shape, rng):
    if "norm" in name and name.endswith("weight"):
        return np.ones(shape, np.float32)
    return (rng.standard_normal(shape) * 0.02).astype(np.float32)


def write(out, shapes, config):
    """A folder with tensors of these names and shapes, and a classifier's config."""
    out.mkdir(parents=True, exist_ok=True)
    header, offset = {}, 0
    for name, shape in shapes:
        end = offset + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(1)
    with open(out / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes:
            file.write(values(name, shape, rng).tobytes())
    (out / "config.json").write_text(json.dumps({
        **config, "hidden_act": "gelu", "image_size": IMAGE, "num_channels": 3, "qkv_bias": True,
        "id2label": {str(i): f"LABEL_{i}" for i in range(CLASSES)},
        "label2id": {f"LABEL_{i}": i for i in range(CLASSES)}}))
    (out / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": IMAGE, "width": IMAGE},
        "resample": 2, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3}))


def main():
    out, size = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "b16"
    width, depth, heads, mlp, patch = SIZES[size]
    write(out, list(tensors(width, depth, mlp, patch)), {
        "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": width,
        "num_hidden_layers": depth, "num_attention_heads": heads, "intermediate_size": mlp, "layer_norm_eps": 1e-12,
        "patch_size": patch})


if __name__ == "__main__":
    main()
