# SPDX-License-Identifier: BSD-2-Clause
"""Pictures that are nearly the same: duplicates.py PICTURE... The cosine of each pair of vectors, with NumPy alone. For
more than some ten thousand pictures use `vit dedup`, which does not hold all pairs in memory."""

import os
import sys

import libvit
import numpy as np

THRESHOLD = 0.95  # of the cosine: 1 is the same picture


def main(*pictures: str) -> None:
    model = libvit.Model(os.environ.get("VIT_MODEL"))
    vectors, rows, errors = model.embed(pictures, normalize=True, errors="skip")
    cosines = vectors @ vectors.T
    first, second = np.nonzero(np.triu(cosines >= THRESHOLD, k=1))  # each pair once
    for i, j in zip(first, second):
        print(f"{cosines[i, j]:.4f}  {pictures[rows[i]]}  {pictures[rows[j]]}")
    for error in errors.values():
        print(error, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
