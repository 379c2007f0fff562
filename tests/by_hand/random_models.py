#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the command on models drawn at random, and compares every output with the library that the model comes from.

    random_models.py VIT [--seed N] [--count N] [--family NAME] [-k TEXT] [--keep FOLDER]

Draws architecture and options (random_draws.py), saves the checkpoint as its library does, stores it anew in some way that
people meet (another type of number, shards, one file, names with or without the prefix, a config that says less), and
compares with the library in float64, within ten times what the library itself moves in float32. What differs is kept in
--keep. --family draws one family alone, -k keeps the draws whose name contains TEXT. Needs the packages of models/reference/requirements.txt.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "models" / "reference"), str(ROOT / "tests" / "golden")]

import make_expected as reference  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

import make_cases  # noqa: E402
import random_draws  # noqa: E402
import random_storage  # noqa: E402
import random_words  # noqa: E402

OUTPUTS = {"last_hidden_state": ["tokens"], "pooler_output": ["pooler"], "pooled": ["embedding"], "logits": ["logits"],
           "image_features": ["embedding"], "text_features": ["embedding"], "image_embeds": ["embedding", "--normalize"],
           "text_embeds": ["embedding", "--normalize"], "mean": ["mean"], "cls": ["cls"]}
TEXT_OUTPUTS = ("text_features", "text_embeds")
KINDS = {**random_draws.KINDS, **random_words.KINDS}


def draw_model(seed, family=None):
    """The model of one seed, of any kind or of one family."""
    generator = random.Random(seed)
    if family in random_draws.ONE:
        kind, what = random_draws.ONE[family]
        return kind(generator, seed, what)
    kinds = [KINDS[family]] if family else list(KINDS.values())
    return generator.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0](generator, seed)


def options_of(name, names):
    """--output and what goes with it; None: the command has no such output."""
    if name.startswith("hidden_states."):
        return ["hidden:" + name.rsplit(".", 1)[1]]
    alone = name.endswith("_embeds") and name.replace("_embeds", "_features") not in names
    return OUTPUTS[name][:1] if alone else OUTPUTS.get(name)


def expected(draw, folder):
    """Every output in float64, and the bound for another way of computing them in float32."""
    ids = torch.tensor(draw.ids) if draw.ids else None
    runs = []
    for dtype, attention in ((torch.float64, draw.attention), (torch.float32, draw.attention), (torch.float32, "eager")):
        runs.append(draw.answer(draw.load(folder, dtype, attention), dtype, ids))
    exact, single, eager = runs
    moved = max(reference.deviation(other[name], single[name]) for name in single for other in (exact, eager))
    return exact, next(bound for bound in make_cases.TOLERANCES if bound >= 10 * moved)


def ask(command, model, place, draw, name, options):
    """One output of the command, or what it said instead."""
    words = draw.text_only or name in TEXT_OUTPUTS
    if draw.texts is not None:
        given = [argument for text in draw.texts for argument in ("--text", text)]
    else:
        given = ["--tokens", place / "tokens.npy"] if words else ["--pixels", place / "pixels.npy"]
    done = subprocess.run([command, "embed", "-q", "-m", model, *given, "--output", *options, "-o", place / "out.npy"],
                          capture_output=True, text=True, env={**os.environ, **draw.environment(place / "model")})
    if done.returncode:
        return None, done.stderr.strip().replace(str(place), "")
    return torch.from_numpy(np.load(place / "out.npy")), None


def compare(command, model, place, draw, wanted):
    """(largest error, its output), or (None, message)."""
    worst = (0.0, "nothing")
    for name, want in wanted.items():
        options = options_of(name, wanted)
        if options is None:
            continue
        got, message = ask(command, model, place, draw, name, options)
        if message:
            return None, f"{name}: {message}"
        if got.numel() != want.numel():
            return None, f"{name}: {tuple(got.shape)} instead of {tuple(want.shape)}"
        worst = max(worst, (reference.deviation(got.reshape(want.shape), want), name))
    return worst


def check(command, draw, place):
    """'ok', 'DIFFERS', 'REFUSED' or 'not built', and what there is to say about it."""
    folder = place / "model"
    folder.mkdir()
    try:
        draw.write(folder)
        stored = random_storage.store_before(draw, folder)
        wanted, bound = expected(draw, folder)
    except Exception as problem:                   # options that the library itself does not take together
        return "not built", f"{type(problem).__name__}: {problem}".replace("\n", " ")[:150]
    model, way = random_storage.store_after(draw, folder)
    np.save(place / "pixels.npy", draw.pixels().numpy())
    np.save(place / "tokens.npy", np.array(draw.ids or [[0]], dtype=np.int32))
    worst, name = compare(command, model, place, draw, wanted)
    how = " ".join(filter(None, (stored, way)))
    if worst is None:
        return "REFUSED", f"[{how}] {name[:330]}"
    verdict = "ok" if worst <= bound else "DIFFERS"
    return verdict, f"{worst:.1e} of {bound:.0e} in {name} [{how}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vit", help="the command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--family", choices=[*KINDS, *random_draws.ONE])
    parser.add_argument("-k", default="", help="only draws whose name contains this")
    parser.add_argument("--keep", type=Path, help="where models that differ stay")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    counts = {}
    for seed in range(args.seed, args.seed + args.count):
        draw = draw_model(seed, args.family)
        if args.k not in draw.name:
            continue
        with tempfile.TemporaryDirectory() as place:
            verdict, note = check(args.vit, draw, Path(place))
            if args.keep and verdict in ("DIFFERS", "REFUSED"):
                shutil.copytree(place, args.keep / f"{seed}", dirs_exist_ok=True)
        counts[verdict] = counts.get(verdict, 0) + 1
        print(f"{seed:5d} {draw.name:44s} {verdict:9s} {note}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if counts.get("DIFFERS") or counts.get("REFUSED") else 0


if __name__ == "__main__":
    sys.exit(main())
