#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a random-weight Swin classifier in Hugging Face layout, for compare.py; needs numpy only.

    python3 make_swin.py OUT [tiny|small|base]

tiny has the shapes of microsoft/swin-tiny-patch4-window7-224.
"""
import sys
from pathlib import Path

from make_vit import CLASSES, write

# name: width of the first stage, blocks of each, heads of each
SIZES = {"tiny": (96, (2, 2, 6, 2), (3, 6, 12, 24)), "small": (96, (2, 2, 18, 2), (3, 6, 12, 24)),
         "base": (128, (2, 2, 18, 2), (4, 8, 16, 32))}
WINDOW, PATCH = 7, 4


def pair(name, *shape):
    yield name + ".weight", shape
    yield name + ".bias", shape[:1]


def block(name, width, heads):
    yield from pair(name + "layernorm_before", width)
    yield from pair(name + "layernorm_after", width)
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        yield from pair(name + "attention." + part, width, width)
    yield name + "attention.self.relative_position_bias_table", ((2 * WINDOW - 1) ** 2, heads)
    yield from pair(name + "intermediate.dense", 4 * width, width)
    yield from pair(name + "output.dense", width, 4 * width)


def tensors(width, depths, heads):
    """Name and shape of every tensor of SwinForImageClassification."""
    yield from pair("swin.embeddings.patch_embeddings.projection", width, 3, PATCH, PATCH)
    yield from pair("swin.embeddings.norm", width)
    for stage, depth in enumerate(depths):
        layer, wide = f"swin.encoder.layers.{stage}.", width << stage
        for i in range(depth):
            yield from block(f"{layer}blocks.{i}.", wide, heads[stage])
        if stage + 1 < len(depths):
            yield layer + "downsample.reduction.weight", (2 * wide, 4 * wide)
            yield from pair(layer + "downsample.norm", 4 * wide)
    last = width << (len(depths) - 1)
    yield from pair("swin.layernorm", last)
    yield from pair("classifier", CLASSES, last)


def main():
    out, size = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "tiny"
    width, depths, heads = SIZES[size]
    write(out, list(tensors(width, depths, heads)), {
        "architectures": ["SwinForImageClassification"], "model_type": "swin", "embed_dim": width, "depths": list(depths),
        "num_heads": list(heads), "window_size": WINDOW, "patch_size": PATCH, "mlp_ratio": 4.0, "layer_norm_eps": 1e-5})


if __name__ == "__main__":
    main()
