#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fills in (or with --check: compares) the SHA-256 sums of tests/data/resize and tests/data/preprocess by running the
libraries themselves: Pillow, torchvision, transformers, timm and open_clip.

    make_goldens.py [--check] [DATA]        DATA is ../data by default

With Pillow 13 it fills "pillow13", with an older one "pillow"; torchvision's sums are filled by either. To see a sum
made with an older Pillow: pip install --target OLD 'pillow<13', PYTHONPATH=OLD.
Sums are of the 8-bit RGB rows, or of the little-endian float32 bytes of pixel_values [3, H, W].
"""
import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image

for name in ("nms", "qnms"):  # torchvision wants them defined, whatever torch it meets
    torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import open_clip.transform
import timm.data
import transformers
from torchvision.transforms.v2 import InterpolationMode, functional

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
PILLOW = "pillow13" if int(PIL.__version__.split(".")[0]) >= 13 else "pillow"


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def pillow_resize(case, image):
    return np.array(image.resize(case["dst"], FILTERS[case["filter"]]))


def torchvision_resize(case, image):
    tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
    width, height = case["dst"]
    mode = InterpolationMode.NEAREST_EXACT if case["filter"] == "nearest" else InterpolationMode(case["filter"])
    return functional.resize(tensor, [height, width], interpolation=mode, antialias=True).permute(1, 2, 0).numpy()


def resize_sums(case, folder):
    image = Image.open(folder / case["source"]).convert("RGB")
    sums = {PILLOW: digest(pillow_resize(case, image))}
    if "torchvision" in case:
        sums["torchvision"] = digest(torchvision_resize(case, image))
    return sums


def transformers_values(row, image, backend):
    config = dict(row["config"])
    config = config.get("image_processor", config)
    name = config.get("image_processor_type", config.get("feature_extractor_type", ""))
    name = name.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast")
    processor = getattr(transformers, name + ("Pil" if backend == "pil" else "")).from_dict(config)
    return processor(image, return_tensors="np")["pixel_values"][0].astype(np.float32)


def timm_values(row, image):
    config = timm.data.resolve_data_config(pretrained_cfg=row["config"].get("pretrained_cfg", row["config"]))
    return timm.data.create_transform(**config, is_training=False)(image).numpy()


def open_clip_values(row, image):
    size = row["config"]["model_cfg"]["vision_cfg"]["image_size"]
    config = open_clip.transform.PreprocessCfg(**row["config"]["preprocess_cfg"], size=size)
    return open_clip.transform.image_transform_v2(config, is_train=False)(image).numpy()


def pixel_values(row, image):
    """{column: pixel_values or None where the library refuses}"""
    if row["library"] == "timm":
        return {PILLOW: timm_values(row, image)}
    if row["library"] == "open_clip":
        return {PILLOW: open_clip_values(row, image)}
    return {PILLOW: transformers_values(row, image, "pil"),
            "torchvision": transformers_values(row, image, "torchvision")}


def preprocess_sums(row, folder):
    for name, case in row["cases"].items():
        image = Image.open(folder / name).convert("RGB")
        for column, values in pixel_values(row, image).items():
            case["shape"] = case["shape"] or list(values.shape)
            if list(values.shape) != case["shape"]:
                raise SystemExit(f"{row['name']} {name}: shape {values.shape}, the manifest says {case['shape']}")
            yield case, column, digest(values)


def fill(case, column, value, check, what):
    if check and case.get(column) not in (None, value):
        print("DIFFERS", what, column)
        return 1
    if not check:
        case[column] = value
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("data", nargs="?", type=Path, default=Path(__file__).resolve().parents[2] / "data")
    arguments = parser.parse_args()
    done = differ = 0
    for kind in ("resize", "preprocess"):
        path = arguments.data / kind / "manifest.json"
        manifest = json.loads(path.read_text())
        for row in manifest["cases"]:
            if kind == "resize":
                sums = [(row, column, value) for column, value in resize_sums(row, path.parent).items()]
            elif row.get("tolerance"):
                continue
            else:
                sums = preprocess_sums(row, path.parent)
            for case, column, value in sums:
                done += 1
                differ += fill(case, column, value, arguments.check, row.get("name", row.get("source")))
        if not arguments.check:
            lines = ",\n".join(json.dumps(row) for row in manifest["cases"])
            path.write_text('{"made_with": ' + json.dumps(manifest["made_with"]) + ',\n"cases": [\n' + lines + "\n]}\n")
    print(f"{done} sums with {PILLOW}, {differ} differ")
    return differ != 0


if __name__ == "__main__":
    raise SystemExit(main())
