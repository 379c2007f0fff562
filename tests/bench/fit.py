#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Times `vit fit --vectors` beside scikit-learn's lbfgs on the same objective, in one run: python fit.py VIT [ROWS WIDTH CLASSES]

Needs numpy and scikit-learn. Both stop at a gradient of 1e-8 a row, on two threads.
"""
import os
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "2"
import numpy as np
from sklearn.linear_model import LogisticRegression


def main(vit, rows=50000, width=768, classes=100):
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, rows)
    y[:classes] = np.arange(classes)
    centres = rng.normal(size=(classes, width)) * 0.15
    x = (rng.normal(size=(rows, width)) + centres[y]).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        at = os.path.join(folder, "v")
        np.save(at + ".npy", x)
        with open(at + ".jsonl", "w", encoding="utf-8") as file:
            file.write("".join('{"row":%d,"path":"%d.jpg"}\n' % (i, i) for i in range(rows)))
        with open(at + ".csv", "w", encoding="utf-8") as file:
            file.write("path,label\n" + "".join("%d.jpg,%05d\n" % (i, k) for i, k in enumerate(y)))
        start, before = time.perf_counter(), os.times()
        subprocess.run([vit, "fit", "-q", "-t", "2", "-C", "1", "--val", "0", "--vectors", at + ".npy", "--labels", at + ".csv", "-o",
                        at + ".safetensors"], check=True, stdout=subprocess.DEVNULL)
        ours, after = time.perf_counter() - start, os.times()
    print(f"vit: {ours:.1f} s, {after.children_user - before.children_user:.1f} s of processors", flush=True)
    start, before = time.perf_counter(), os.times()
    model = LogisticRegression(C=1, tol=1e-8, max_iter=2000).fit(x.astype(np.float64), y)
    theirs, after = time.perf_counter() - start, os.times()
    print(f"scikit-learn: {theirs:.1f} s, {after.user - before.user:.1f} s of processors")
    print(f"{rows} x {width}, {classes} classes: vit {ours:.1f} s, scikit-learn {theirs:.1f} s ({model.n_iter_[0]} iterations): "
          f"{ours / theirs:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
