#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes expected.safetensors for a checkpoint folder: what the library that the checkpoint comes from computes.

    make_expected.py FOLDER [--image FILE] [--text TEXT ... | --input-ids JSON] [-o FILE]
    make_expected.py FOLDER --check        recompute the folder's expected.safetensors and compare

`vit verify FOLDER` then compares the command's own numbers with these. Outputs are computed in float64 from pixel_values
in float32, and stored as float32. Needs the packages of requirements.txt; see README.md.
"""
import argparse
import json
import shlex
import sys
from pathlib import Path

try:
    import torch

    # torchvision cannot be imported beside a torch that lacks its two compiled operators unless these are declared.
    for operator in ("nms", "qnms"):
        try:
            torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass                                   # a torchvision that brings them

    from PIL import Image, ImageOps
    from safetensors.torch import load_file, save_file

    import reference_open_clip
    import reference_own
    import reference_timm
    import reference_transformers
except ImportError as error:
    packages = shlex.quote(str(Path(__file__).resolve().parent / "requirements.txt"))
    sys.exit(f"{error}; install the packages that are needed: {shlex.quote(sys.executable)} -m pip install -r {packages}")

LIBRARIES = (reference_open_clip, reference_transformers, reference_timm, reference_own)
PROJECT = Path(__file__).resolve().parents[2]
CHECK_BOUND = 1e-6  # float64 results rounded to float32 differ by rounding only


def library_of(folder):
    for library in LIBRARIES:
        if library.recognises(folder):
            return library
    sys.exit(f"{folder}: neither config.json, nor open_clip_config.json, nor a model.safetensors of the project's own format")


def expected(folder, image, input_ids=None, call=None, dtype=torch.float64, attention="sdpa"):
    """All tensors of expected.safetensors for one picture."""
    library = library_of(folder)
    out = library.preprocess(folder, image, call)
    pixels = out["pixel_values"].to(dtype)
    with torch.no_grad():
        results = library.run(library.load(folder, dtype, attention, call), pixels, input_ids, call)
    out.update({name: tensor.float().contiguous() for name, tensor in results.items()})
    if input_ids is not None:
        out["input_ids"] = input_ids.int()
    for name, tensor in out.items():
        if not torch.isfinite(tensor.float()).all():
            sys.exit(f"{folder}: {name} is not finite")
    return out


def deviation(got, want):
    """max |got - want| / max |want|"""
    return float((got.double() - want.double()).abs().max() / want.double().abs().max().clamp_min(1e-30))


def check(folder):
    """Recomputes every expected file that case.json lists (or expected.safetensors); True if all agree."""
    case_file = folder / "case.json"
    case = json.loads(case_file.read_text()) if case_file.exists() else {}
    good = True
    for entry in case.get("images", [{"image": "image.png", "expected": "expected.safetensors"}]):
        want = load_file(folder / entry["expected"])
        image = Image.open(folder / entry["image"]).convert("RGB")
        ids = want["input_ids"].long() if "input_ids" in want else None
        got = expected(folder, image, ids, case.get("call"))
        # a case may keep fewer hidden states; attention maps are a case's own extra
        names = [name for name in want if name != "input_ids" and not name.startswith(("attentions.", "z_sample."))]
        missing = [name for name in names if name not in got]
        worst = max((deviation(got[name], want[name]), name) for name in names if name in got)
        bad = bool(missing) or worst[0] > CHECK_BOUND
        good = good and not bad
        print(f"{folder.name:36s} {entry['expected']:22s} {len(names):3d} tensors  {worst[0]:.1e} {worst[1]:24s}"
              f" {'DIFFERS' if bad else 'ok'} {'missing: ' + ' '.join(missing) if missing else ''}", flush=True)
    return good


def input_ids_of(args, folder):
    if args.input_ids:
        return torch.tensor(json.loads(args.input_ids), dtype=torch.long)
    if args.text:
        return library_of(folder).tokenize(folder, args.text)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+", help="checkpoint folder (several with --check)")
    parser.add_argument("--image", type=Path, help="picture; else image.png of the folder, else a sample of the project")
    parser.add_argument("--text", action="append", help="text for the text tower, by the folder's own tokenizer; may repeat")
    parser.add_argument("--input-ids", help="token ids for the text tower: JSON, one list a text")
    parser.add_argument("--check", action="store_true", help="compare with what is there instead of writing")
    parser.add_argument("--call", default="{}", help='further arguments: JSON; of the forward call, as {"interpolate_pos_encoding": true}, or for timm of '
                        'create_model, as {"img_size": [448, 448]}')
    parser.add_argument("-o", "--output", type=Path, help="file to write; FOLDER/expected.safetensors if left out")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    if args.check:
        return 0 if all([check(folder) for folder in args.folder]) else 1
    folder = args.folder[0]
    own_image = folder / "image.png"
    image = args.image or (own_image if own_image.exists() else PROJECT / "examples/images/cat.jpg")
    picture = ImageOps.exif_transpose(Image.open(image)).convert("RGB")  # as the pipelines of transformers do, and vit
    out = expected(folder, picture, input_ids_of(args, folder), json.loads(args.call))
    path = args.output or folder / "expected.safetensors"
    save_file(out, path)
    print(f"{path}: {len(out)} tensors from {image}")
    named = [] if image == own_image else ["--image", str(image)]
    other = [] if path == folder / "expected.safetensors" else ["--expected", str(path)]
    print("compare: " + shlex.join(["vit", "verify", str(folder), *other, *named]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
