#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/data/fit/neighbours.bin: unit vectors, and how they vote by DINOv2's KnnModule (dinov2/eval/knn.py), in numpy.

    python3 tests/fit/make_neighbours.py tests/data/fit

Little-endian numbers: N, D, K, Q (u32); the rows [N][D] (f32), their classes [N] (u32), the queries [Q][D] (f32); then for each vote
k, 1 if all votes are equal (u32), the temperature (f64), the scores [Q][K] (f32), and for each row the class that all others say (u32).
"""
import os
import struct
import sys

import numpy as np

VOTES = [(1, 0, 0.07), (5, 0, 0.07), (20, 0, 0.07), (20, 0, 0.5), (20, 0, 0.001), (7, 1, 0.07), (200, 0, 0.07)]


def knn_module(rows, classes, n_classes, queries, k, equal, temperature, left_out=None):
    """Scores of the classes: topk, softmax of the similarities, sums by class."""
    similarity = (queries.astype(np.float64) @ rows.astype(np.float64).T).round(12)  # equal rows have equal scores
    if left_out is not None:
        similarity[np.arange(len(queries)), left_out] = -np.inf
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :min(k, len(rows) - (left_out is not None))]
    best = np.take_along_axis(similarity, order, 1)
    weights = np.ones_like(best) if equal else np.exp((best - best[:, :1]) / temperature)
    weights /= weights.sum(1, keepdims=True)
    one_hot = np.eye(n_classes)[classes[order]]
    return (one_hot * weights[:, :, None]).sum(1).round(12)  # and equal votes equal sums


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def main():
    rng = np.random.default_rng(20)
    classes = rng.integers(0, 6, 150)
    centres = rng.normal(size=(6, 21))
    rows = unit(rng.normal(size=(150, 21)) + 0.7 * centres[classes])
    rows[40:45] = rows[10:15]  # the same vectors, of other classes: the earlier row comes first
    queries = np.concatenate([unit(rng.normal(size=(30, 21)) + 0.7 * centres[rng.integers(0, 6, 30)]), rows[10:14]])
    with open(os.path.join(sys.argv[1], "neighbours.bin"), "wb") as file:
        file.write(struct.pack("<4I", *rows.shape, 6, len(queries)))
        file.write(rows.astype("<f4").tobytes() + classes.astype("<u4").tobytes() + queries.astype("<f4").tobytes())
        for k, equal, temperature in VOTES:
            scores = knn_module(rows, classes, 6, queries, k, equal, temperature)
            others = knn_module(rows, classes, 6, rows, k, equal, temperature, np.arange(len(rows)))
            file.write(struct.pack("<2Id", k, equal, temperature) + scores.astype("<f4").tobytes())
            file.write(others.argmax(1).astype("<u4").tobytes())


main()
