# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/data/components/expected.safetensors: rows, their mean and principal components by numpy's SVD, and the colours
of patches after DINOv2 (Oquab et al. 2023, section 7.5): NAME.rows, NAME.mean, NAME.components, patches.colours.

    make_components.py       needs numpy and safetensors
"""
from pathlib import Path

import numpy
from safetensors.numpy import save_file

OUT = Path(__file__).resolve().parents[1] / "data" / "components" / "expected.safetensors"


def principal(rows, k):
    """Mean and components; the largest number of a component is positive, and what is rounding alone is zero."""
    rows = rows.astype(numpy.float64)
    mean = rows.mean(0)
    _, values, directions = numpy.linalg.svd(rows - mean, full_matrices=True)
    values = numpy.pad(values, (0, max(0, k - len(values))))[:k]
    directions = directions[:k]
    directions *= numpy.sign(directions[numpy.arange(k), numpy.abs(directions).argmax(1)])[:, None]
    directions[values ** 2 <= 1e-12 * values[0] ** 2] = 0
    return mean, directions


def colours(features):
    """features [pictures, rows, columns, width]: uint8 [pictures, rows, columns, 3]."""
    flat = features.reshape(-1, features.shape[-1]).astype(numpy.float64)
    mean, components = principal(flat, 1)
    scores = (flat - mean) @ components[0]
    inside = numpy.zeros(features.shape[1:3], bool)
    inside[1:-1, 1:-1] = True
    at_edge = numpy.broadcast_to(~inside, features.shape[:3]).reshape(-1)
    front = scores < 0 if scores[at_edge].sum() > 0 else scores > 0
    mean, components = principal(flat[front], 3)
    scores = (flat[front] - mean) @ components.T
    scores = (scores - scores.min(0)) / (scores.max(0) - scores.min(0))
    out = numpy.zeros((len(flat), 3))
    out[front] = numpy.rint(scores * 255)
    return out.reshape(features.shape[:3] + (3,))


def patches(random):
    """Two pictures of 6 x 7 patches: a thing of two parts in the middle, and what is around it."""
    kinds = random.normal(size=(3, 24))
    kinds[1:] += 3 * random.normal(size=24)  # both parts differ from the background in one direction
    which = numpy.zeros((2, 6, 7), int)
    which[0, 1:5, 2:5] = 1
    which[0, 3:5, 2:5] = 2
    which[1, 2:4, 1:4] = 1
    which[1, 2:4, 4:6] = 2
    return (kinds[which] + 0.3 * random.normal(size=(2, 6, 7, 24)) + 5).astype(numpy.float32)


def main():
    random = numpy.random.default_rng(2023)
    features = patches(random)
    cases = {"patches": (features.reshape(-1, 24), 3),
             "wide": (random.normal(size=(12, 40)).astype(numpy.float32), 3),
             "long": ((random.normal(size=(200, 5)) * [9, 7, 5, 3, 1] + 100).astype(numpy.float32), 5),
             "two_directions": ((random.integers(-8, 8, (10, 2)) @ random.integers(-4, 4, (2, 6))).astype(numpy.float32), 4)}
    out = {"patches.colours": colours(features).astype(numpy.float32)}
    for name, (rows, k) in cases.items():
        mean, components = principal(rows, k)
        out |= {name + ".rows": rows, name + ".mean": mean.astype(numpy.float32),
                name + ".components": components.astype(numpy.float32)}
    save_file({name: numpy.ascontiguousarray(tensor) for name, tensor in out.items()}, OUT)
    for name, tensor in out.items():
        print(name, tensor.shape)


main()
