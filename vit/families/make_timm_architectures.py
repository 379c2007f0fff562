#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes timm_architectures.c: what timm's constructors get for every Vision Transformer it knows by name.

    make_timm_architectures.py > timm_architectures.c

Needs the packages of models/reference/requirements.txt. Every architecture that timm builds from VisionTransformer, its
distilled variant, Beit, Eva, Swin or SwinV2 is listed, but those with a convolutional stem: the constructor is intercepted, so the table
holds the arguments as timm itself passes them, less those that change nothing in inference.
"""
import functools
import sys
import textwrap

import torch

for operator in ("nms", "qnms"):
    try:
        torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        pass                                       # a torchvision that brings them

import timm  # noqa: E402
from timm.models import _builder, beit, deit, eva, swin_transformer, swin_transformer_v2, vision_transformer  # noqa: E402

CLASSES = {deit.VisionTransformerDistilled: "DISTILLED", vision_transformer.VisionTransformer: "VIT", eva.Eva: "EVA",
           beit.Beit: "BEIT", swin_transformer.SwinTransformer: "SWIN", swin_transformer_v2.SwinTransformerV2: "SWIN2"}
MODULES = ("vision_transformer", "deit", "eva", "beit", "swin_transformer", "swin_transformer_v2")
DROPPED = {"weight_init", "fix_init", "head_init_scale", "rope_shift_coords", "rope_jitter_coords", "rope_rescale_coords",
           "in_chans"}
NAMES = {"Block": "", "ParallelScalingBlock": "parallel_scaling", "ParallelThingsBlock": "parallel_things",
         "ResPostBlock": "res_post", "DiffParallelScalingBlock": "diff_parallel_scaling", "SwiGLU": "swiglu",
         "GluMlp": "swiglu_packed", "SiLU": "silu", "LayerNorm": "layernorm", "RmsNorm": "rmsnorm"}
HEAD = '''/* SPDX-License-Identifier: BSD-2-Clause */
/* Made by make_timm_architectures.py from timm {version}: change that, not this. */
#include "timm_architectures.h"

const vit__timm_architecture vit__timm_architectures[] = {{'''
TAIL = '''}};

const size_t vit__timm_architecture_count = sizeof vit__timm_architectures / sizeof *vit__timm_architectures;'''


class Found(Exception):
    pass


def intercept(cls):
    """Makes the constructor hand over its class and arguments instead of building."""
    def construct(self, *args, **kwargs):
        assert not args
        raise Found(type(self), kwargs)
    cls.__init__ = construct


def text(value):
    """An argument as it stands in the table: a number, true or false, a name, or numbers joined by commas."""
    if isinstance(value, functools.partial):
        if value.func.__name__ == "GluMlp":        # SwiGLUPacked
            assert {k: getattr(v, "__name__", v) for k, v in value.keywords.items()} == \
                {"act_layer": "SiLU", "gate_last": False}, value
            return NAMES["GluMlp"]
        assert set(value.keywords) <= {"eps"}, value
        return f"{NAMES[value.func.__name__]}:{value.keywords['eps']:g}"
    if isinstance(value, type):
        return NAMES[value.__name__]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return ",".join(map(text, value))
    return str(value)


def arguments(kwargs):
    if "num_kv_heads" in kwargs:                   # per block; the tensors say how many, the table that there may be fewer
        kwargs = {**kwargs, "num_kv_heads": min(kwargs["num_kv_heads"])}
    items = {k: text(v) for k, v in kwargs.items() if k not in DROPPED and not k.endswith("_rate") and v is not None}
    return " ".join(f"{k}={v}" for k, v in items.items() if v != "")


def row(name, kind, arguments_text):
    """One initialiser, its text cut into lines; every line but the last ends with the space that was cut."""
    lines = textwrap.wrap(arguments_text, 108)
    literals = "\n     ".join(f'"{line}{" " if i < len(lines) - 1 else ""}"' for i, line in enumerate(lines))
    return f'    {{"{name}", VIT__TIMM_{kind},\n     {literals}}},'


def main():
    _builder._update_default_model_kwargs = lambda *args, **kwargs: None  # the table is of architectures, not of weights
    for cls in CLASSES:
        intercept(cls)
    print(HEAD.format(version=timm.__version__))
    for name in sorted(timm.list_models()):
        if timm.models.model_entrypoint(name).__module__.rsplit(".")[-1] not in MODULES:
            continue
        try:
            timm.create_model(name, pretrained=False)
        except Found as found:
            cls, kwargs = found.args
            if cls in CLASSES and "embed_layer" not in kwargs:
                print(row(name, CLASSES[cls], arguments(kwargs)))
    print(TAIL.replace("}}", "}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
