# SPDX-License-Identifier: BSD-2-Clause
"""Checkpoint folders of open_clip: open_clip_config.json, open_clip_model.safetensors."""
import open_clip
import torch

from reference_timm import block_states


def recognises(folder):
    return (folder / "open_clip_config.json").exists()


def load(folder, dtype=torch.float64, attention="sdpa", call=None):
    model = open_clip.create_model(f"local-dir:{folder}", device="cpu", precision="fp32").eval()
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = attention == "sdpa"
    return model.to(dtype)


def preprocess(folder, image, call=None):
    _, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}", device="cpu")
    return {"pixel_values": transform(image)[None].float()}


def tokenize(folder, texts):
    return open_clip.get_tokenizer(f"local-dir:{folder}")(texts)


def run(model, pixels, input_ids=None, call=None):
    """Every output, by its name in expected.safetensors."""
    tower = model.visual
    blocks = tower.trunk.blocks if hasattr(tower, "trunk") else tower.transformer.resblocks
    out = block_states(tower, blocks, lambda: model.encode_image(pixels))
    out["image_features"] = out.pop("answer")
    out["image_embeds"] = model.encode_image(pixels, normalize=True)
    if input_ids is not None:
        out["text_features"] = model.encode_text(input_ids)
        out["text_embeds"] = model.encode_text(input_ids, normalize=True)
        out["logits_per_image"] = model.get_logits(pixels, input_ids)[0]
    return out
