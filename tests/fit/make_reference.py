#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/data/fit: small features, and what scikit-learn makes of them (numpy, scikit-learn 1.9).

    python3 tests/fit/make_reference.py tests/data/fit

Each case is one file of little-endian numbers: N, D, K, the number of values of C and 1 if the weights are balanced (each u32);
the features [N][D] (f32); the classes [N] (u32); then for each value of C: C, the objective (f64) and the probabilities [N][K] (f32).
The last file holds judgements and the figures of sklearn.metrics.
"""
import os
import struct
import sys
import warnings

import numpy as np
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

CS = [0.01, 1.0, 100.0]


def clouds(seed, n, width, classes, offset=0.0, counts=None):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes), counts) if counts else rng.integers(0, classes, n)
    y = np.concatenate([np.arange(classes), y])[:n] if not counts else y
    centres = rng.normal(size=(classes, width)) * 0.6
    x = (rng.normal(size=(len(y), width)) + centres[y] + offset).astype(np.float32)
    return x, y


def fit(x, y, c, balanced):
    """The converged optimum of scikit-learn on centred features: probabilities and objective."""
    mean = x.astype(np.float64).mean(0)
    centred = x.astype(np.float64) - mean
    weights = len(y) / (y.max() + 1) / np.bincount(y) if balanced else np.ones(y.max() + 1)
    model = LogisticRegression(C=c, tol=1e-10, max_iter=20000, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(centred, y)
    p = model.predict_proba(centred)
    loss = -(weights[y] * np.log(p[np.arange(len(y)), y])).sum()
    return p, loss + (model.coef_ ** 2).sum() / (2 * c)


def write_case(folder, name, x, y, balanced=False):
    classes = int(y.max()) + 1
    with open(os.path.join(folder, name + ".bin"), "wb") as file:
        file.write(struct.pack("<5I", *x.shape, classes, len(CS), balanced))
        file.write(x.astype("<f4").tobytes() + y.astype("<u4").tobytes())
        for c in CS:
            p, objective = fit(x, y, c, balanced)
            file.write(struct.pack("<2d", c, objective) + p.astype("<f4").tobytes())


def write_figures(folder):
    """40 rows of 7 classes, of which one is never predicted."""
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(7) * 0.5, 40)
    p[:, 4] *= 0.01
    p /= p.sum(1, keepdims=True)
    truth = np.concatenate([np.arange(7), rng.integers(0, 7, 33)])
    predicted = p.argmax(1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, predicted, labels=range(7), zero_division=0)
    confusion = metrics.confusion_matrix(truth, predicted, labels=range(7))
    top5 = metrics.top_k_accuracy_score(truth, p, k=5)
    with open(os.path.join(folder, "figures.bin"), "wb") as file:
        file.write(struct.pack("<2I", *p.shape) + p.astype("<f8").tobytes() + truth.astype("<u4").tobytes())
        file.write(struct.pack("<4d", metrics.accuracy_score(truth, predicted), metrics.balanced_accuracy_score(truth, predicted),
                               top5, metrics.log_loss(truth, p, labels=range(7))))
        for column in (precision, recall, f1, support):
            file.write(np.asarray(column, "<f8").tobytes())
        file.write(confusion.astype("<u4").tobytes())


def main(folder):
    os.makedirs(folder, exist_ok=True)
    write_case(folder, "seven_classes", *clouds(1, 300, 32, 7, offset=5))
    write_case(folder, "two_classes", *clouds(2, 120, 12, 2))
    write_case(folder, "imbalance", *clouds(3, 0, 8, 3, counts=[120, 60, 3]))
    write_case(folder, "balanced", *clouds(3, 0, 8, 3, counts=[120, 60, 3]), balanced=True)
    x, y = clouds(4, 150, 10, 4)
    x[:, 9] = x[:, 3]
    write_case(folder, "duplicate_column", x, y)
    write_case(folder, "wide", *clouds(6, 30, 60, 5))
    write_figures(folder)


if __name__ == "__main__":
    main(sys.argv[1])
