# SPDX-License-Identifier: BSD-2-Clause
"""Checkpoint folders of timm: config.json with an architecture, and pretrained_cfg."""
import json

import timm
import torch
from timm.data import create_transform, resolve_data_config


def recognises(folder):
    path = folder / "config.json"
    return path.exists() and "architecture" in json.loads(path.read_text())


def load(folder, dtype=torch.float64, attention="sdpa", call=None):
    """call: further arguments of timm.create_model, as img_size."""
    model = timm.create_model(f"local-dir:{folder}", pretrained=True, **(call or {})).eval()
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = attention == "sdpa"
    return model.to(dtype)


def preprocess(folder, image, call=None):
    model = timm.create_model(f"local-dir:{folder}", pretrained=False, **(call or {}))
    size = {"input_size": (3, *call["img_size"])} if call else {}
    transform = create_transform(**resolve_data_config(size, model=model), is_training=False)
    return {"pixel_values": transform(image)[None].float()}


def run(model, pixels, input_ids=None, call=None):
    """Every output, by its name in expected.safetensors."""
    out = block_states(model, blocks_of(model), lambda: model.forward_features(pixels))
    out["last_hidden_state"] = features = out.pop("answer")
    out["pooled"] = model.forward_head(features, pre_logits=True)
    if model.num_classes:
        out["logits"] = model.forward_head(features)
    return out


def blocks_of(model):
    """All of them, stage after stage where there are stages."""
    return model.blocks if hasattr(model, "blocks") else [block for stage in model.layers for block in stage.blocks]


def block_states(model, blocks, forward):
    """What goes into the first block and comes out of each, and the answer of forward()."""
    states, hooks = {}, []

    def before(name):
        return lambda module, inputs: states.__setitem__(name, inputs[0])

    def after(name):
        return lambda module, inputs, output: states.__setitem__(name, output[0] if isinstance(output, tuple) else output)

    if not isinstance(getattr(model, "norm_pre", torch.nn.Identity()), torch.nn.Identity):
        hooks.append(model.norm_pre.register_forward_pre_hook(before("embeddings")))
    hooks.append(blocks[0].register_forward_pre_hook(before("hidden_states.0")))
    hooks += [block.register_forward_hook(after(f"hidden_states.{i + 1}")) for i, block in enumerate(blocks)]
    states["answer"] = forward()
    for hook in hooks:
        hook.remove()
    return states
