#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How many of timm's Vision Transformers the command runs with timm's own numbers.

    timm_coverage.py VIT [-k TEXT] [--unreduced] [-o docs/models.md]

For every architecture of vit/families/timm_architectures.c: builds it with timm at two blocks and a small picture that is not
square, with seeded random weights, saves it as timm publishes checkpoints, runs the command VIT on the folder and compares
hidden states, tokens, embedding and logits with timm's (in float64). What is wider than 1024 gets fewer heads of the
same size. Stages become narrow, and keep their windows and the picture's size. --unreduced leaves an architecture as it is: then config.json says nothing but its name, as published ones do.
-o writes the table between the marks of a Markdown file. Needs the packages of models/reference/requirements.txt.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "models" / "reference"), str(ROOT / "tests" / "golden")]

import make_expected as reference  # noqa: E402

import numpy as np  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
from timm.models._hub import save_for_hf  # noqa: E402

import make_cases  # noqa: E402
import reference_timm  # noqa: E402

TABLE = ROOT / "vit" / "families" / "timm_architectures.c"
MARKS = "<!-- timm coverage: written by tests/by_hand/timm_coverage.py -->", "<!-- end of timm coverage -->"
WIDEST = 1024  # of an architecture that keeps its width
DEPTH, CLASSES, PATCHES = 2, 7, (3, 4)


def architectures():
    """Name and arguments of every row of the table."""
    for name, literals in re.findall(r'\{"(\w+)", VIT__TIMM_\w+,\s*((?:"[^"]*"\s*)+)\}', TABLE.read_text()):
        text = "".join(re.findall(r'"([^"]*)"', literals))
        yield name, dict(item.split("=", 1) for item in text.split())


def reduced_stages(arguments):
    """Narrow, with few blocks; windows and pictures stay as they are."""
    return {"embed_dim": 4 * int(arguments["num_heads"].split(",")[0]), "depths": [1, 2, 1, 1], "num_classes": CLASSES}, True


def reduced(arguments):
    """model_args of the small model, and whether it kept its width."""
    if "depths" in arguments:
        return reduced_stages(arguments)
    patch, width, heads = int(arguments.get("patch_size", 16)), int(arguments["embed_dim"]), int(arguments["num_heads"])
    args = {"depth": DEPTH, "img_size": [patch * n for n in PATCHES]}
    if arguments.get("num_classes") != "0":
        args["num_classes"] = CLASSES
    fits = width <= WIDEST
    if not fits:
        heads, width = 8, width // heads * 8
        args.update(embed_dim=width, num_heads=heads)
    return args, fits


def has_grouped_heads(name):
    return "sapiens2" in name


def build(name, folder, unreduced, arguments):
    """Writes the checkpoint; the model, and a note on what was made smaller."""
    args, fits = ({}, True) if unreduced else reduced(arguments)
    if has_grouped_heads(name) and args:           # fewer heads of keys in the second block
        heads = args.get("num_heads", int(arguments["num_heads"]))
        args["num_kv_heads"] = [heads, heads // 2]
    torch.manual_seed(1)
    model = timm.create_model(name, pretrained=False, **args).eval()
    make_cases.randomise(model, 1)
    size = tuple(args.get("img_size") or timm.data.resolve_data_config({}, model=model)["input_size"][1:])
    save_for_hf(model, folder, safe_serialization=True, data_config={"input_size": (3, *size)})
    if unreduced:
        config = json.loads((folder / "config.json").read_text())
        config.pop("model_args", None)
        config["pretrained_cfg"]["fixed_input_size"] = timm.get_pretrained_cfg(name).fixed_input_size
        (folder / "config.json").write_text(json.dumps(config))
    note = "" if fits else f"{args['num_heads']} of {arguments['num_heads']} heads"
    return model, size, note


def outputs(model, pixels, dtype, attention):
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = attention == "sdpa"
    return reference_timm.run(model.to(dtype), pixels.to(dtype))


OPTIONS = {"last_hidden_state": "tokens", "pooled": "embedding", "logits": "logits"}


def ask(command, folder, name):
    """One output of the command, or what it said instead."""
    option = OPTIONS.get(name) or "hidden:" + name.rsplit(".", 1)[1]
    out = folder / "out.npy"
    done = subprocess.run([command, "embed", "-q", "-m", folder, "--output", option, "--pixels", folder / "pixels.npy", "-o", out],
                          capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip().replace(str(folder), "")
    return torch.from_numpy(np.load(out)), None


def measure(command, name, arguments, unreduced):
    """(worst error, bound, note), or (None, None, message)."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model, size, note = build(name, folder, unreduced, arguments)
        pixels = torch.randn((1, 3, *size), generator=torch.Generator().manual_seed(2))
        np.save(folder / "pixels.npy", pixels.numpy())
        single = outputs(model, pixels, torch.float32, "sdpa")
        eager = outputs(model, pixels, torch.float32, "eager")
        exact = outputs(model, pixels, torch.float64, "sdpa")
        del model
        moved = max(reference.deviation(other[n], single[n]) for n in single for other in (eager, exact))
        bound = next(t for t in make_cases.TOLERANCES if t >= 10 * moved)
        worst = 0.0
        for output, want in exact.items():
            if output == "embeddings" or (output.startswith("hidden_states.") and int(output[14:]) not in (0, 1, 2)):
                continue
            got, message = ask(command, folder, output)
            if message:
                return None, None, message
            if got.numel() != want.numel():
                return None, None, f"{output} has {got.numel()} values, timm's {want.numel()}"
            worst = max(worst, reference.deviation(got.reshape(want.shape), want))
        return worst, bound, note


def table(rows):
    good = sum(worst is not None and worst <= bound for _, worst, bound, _ in rows)
    loaded = sum(worst is not None for _, worst, _, _ in rows)
    lines = [f"{loaded} of {len(rows)} architectures of timm {timm.__version__} load, {good} match.", "",
             "| architecture | largest error | bound | made smaller |", "|---|---|---|---|"]
    for name, worst, bound, note in rows:
        result = f"{worst:.1e} | {bound:.0e}" if worst is not None else "refused | "
        lines.append(f"| `{name}` | {result} | {note} |")
    return lines


def write_between_marks(path, lines):
    text = path.read_text()
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    path.write_text("\n".join([before + MARKS[0], *lines, MARKS[1]]) + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vit", help="the command")
    parser.add_argument("-k", default="", help="only architectures whose name holds this")
    parser.add_argument("--unreduced", action="store_true", help="as published: slow, and much memory for wide ones")
    parser.add_argument("-o", "--output", type=Path, help="Markdown file to put the table into")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    rows = []
    for name, arguments in architectures():
        if args.k not in name:
            continue
        rows.append((name, *measure(args.vit, name, arguments, args.unreduced)))
        _, worst, bound, note = rows[-1]
        verdict = "REFUSED" if worst is None else "ok" if worst <= bound else "DIFFERS"
        print(f"{name:48s} {verdict:8s}{'' if worst is None else f'{worst:.1e} of {bound:.0e}'}  {note[:300]}", flush=True)
    print(table(rows)[0])
    if args.output:
        write_between_marks(args.output, table(rows))
    return 0 if all(worst is not None and worst <= bound for _, worst, bound, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
