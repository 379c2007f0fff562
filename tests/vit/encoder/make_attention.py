# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/data/attention/expected.safetensors: attention weights of golden checkpoints, as transformers computes them
(eager attention, float64, from the cases' pixel_values or input_ids), named CASE.TOWER.BLOCK.

    make_attention.py        needs transformers and torch as in models/reference/requirements.txt
"""
from pathlib import Path

import torch

for operator in ("nms", "qnms"):
    torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import transformers  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

DATA = Path(__file__).resolve().parents[2] / "data"
# case, class, tower, blocks: relative positions, rotary positions behind registers, a causal mask.
CASES = [("hf_beit_classifier", "BeitForImageClassification", "image", (0, 1)),
         ("hf_dinov3_vit", "DINOv3ViTModel", "image", (0, 1)),
         ("hf_clip", "CLIPModel", "text", (0, 1)),
         ("hf_siglip", "SiglipModel", "text", (0,))]


def attentions(case, name, tower):
    folder = DATA / "golden" / case
    model = getattr(transformers, name).from_pretrained(folder, attn_implementation="eager").double().eval()
    given = load_file(folder / "expected.safetensors")
    if tower == "text":
        return model.text_model(input_ids=given["input_ids"].long(), output_attentions=True).attentions
    return model(pixel_values=given["pixel_values"].double(), output_attentions=True).attentions


def main():
    torch.set_grad_enabled(False)
    out = {f"{case}.{tower}.{block}": attentions(case, name, tower)[block].float().contiguous()
           for case, name, tower, blocks in CASES for block in blocks}
    save_file(out, DATA / "attention" / "expected.safetensors")
    for name, tensor in out.items():
        print(name, tuple(tensor.shape))


main()
