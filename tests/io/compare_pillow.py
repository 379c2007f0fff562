#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each picture of some folders, decoded by vit and by Pillow, compared sample for sample.

    python3 compare_pillow.py VIT FOLDER... [--all]

Needs Pillow and NumPy, and for HEIC pillow-heif (a virtual environment). Prints one line for each picture that differs, or that
only one side reads, then a table: how many pictures of each format are the same, are refused by both, and so on. --all prints a
line for every picture. The format is the one that vit names, or else Pillow's. Both sides apply the orientation and drop transparency. Gray
of 16 bits is compared with the high bytes of Pillow's numbers, since Pillow itself makes nearly all of it white (docs/pictures.md).
"""
import argparse
import collections
import io
import subprocess
import warnings
from pathlib import Path

import numpy
from PIL import Image, ImageOps

try:
    import pillow_heif
    pillow_heif.register_heif_opener()
except ImportError:
    pass

SECONDS = 120
BITS_PER_SAMPLE = 258
COLUMNS = ("same", "both refuse", "differs", "only Pillow reads", "only vit reads")


def ours(vit, path):
    """The samples, or None, and what vit says."""
    run = subprocess.run([vit, "preprocess", "-q", "--stage", "decoded", "-o", "-", "--", str(path)], capture_output=True,
                         timeout=SECONDS)
    said = run.stderr.decode(errors="replace").strip()
    if run.returncode < 0:
        said = f"ENDED BY SIGNAL {-run.returncode} {said}"
    return (numpy.load(io.BytesIO(run.stdout)) if run.returncode == 0 else None), said


def high_bytes(image, bits):
    """Gray of 12 or 16 bits, scaled to 8."""
    samples = numpy.asarray(image).astype(numpy.int64)
    if samples.min() < 0 or samples.max() > 65535:
        raise ValueError("gray of more than 16 bits, or signed")
    return numpy.repeat((samples >> (bits - 8)).astype(numpy.uint8)[..., None], 3, axis=2)


def theirs(path):
    """The samples, or None; Pillow's name of the format, or None; what Pillow says."""
    form = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                form = image.format
                bits = 12 if form == "TIFF" and image.tag_v2.get(BITS_PER_SAMPLE) == (12,) else 16
                upright = ImageOps.exif_transpose(image)
                samples = high_bytes(upright, bits) if upright.mode.startswith("I") else numpy.asarray(upright.convert("RGB"))
                return samples, form, upright.mode
    except Exception as error:  # Pillow's readers raise nearly every kind on damaged files
        return None, form, f"{type(error).__name__}: {error}"


def outcome(mine, other):
    if mine is None or other is None:
        return COLUMNS[1] if mine is other else COLUMNS[3] if mine is None else COLUMNS[4]
    return COLUMNS[0] if mine.shape == other.shape and (mine == other).all() else COLUMNS[2]


def detail(mine, other, said, remark):
    if mine is not None and other is not None:
        if mine.shape != other.shape:
            return f"{mine.shape} here, {other.shape} in Pillow ({remark})"
        gap = numpy.abs(mine.astype(int) - other)
        return f"by up to {gap.max()}, {100 * (gap > 0).mean():.2f} % of the samples ({remark})"
    return " | ".join(x for x in (said, remark) if x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vit")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    table = collections.defaultdict(collections.Counter)
    for path in sorted(p for folder in args.folders for p in folder.rglob("*") if p.is_file()):
        mine, said = ours(args.vit, path)
        other, form, remark = theirs(path)
        result = outcome(mine, other)
        table[form or "none"][result] += 1
        if args.all or result not in COLUMNS[:2] or "SIGNAL" in said:
            print(f"{form or 'none'}: {path}: {result}: {detail(mine, other, said, remark)}")
    print(f"\n{'':12}" + "".join(f"{column:>19}" for column in COLUMNS))
    for form, counts in sorted(table.items()):
        print(f"{form:12}" + "".join(f"{counts[column]:19}" for column in COLUMNS))


if __name__ == "__main__":
    main()
