#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How far bf16 and int8 are from f32: cosines of the embeddings of a folder of photos. Python's standard library only.

    python3 quality.py VIT MODEL PHOTOS

Prints for each precision how many photos there were, the mean cosine, the first percentile, and the worst with its photo. The
table in docs/models.md is made so.
"""
import array
import json
import math
import os
import subprocess
import sys
import tempfile


def embed(vit, model, photos, precision, folder):
    """{path: vector}"""
    file = os.path.join(folder, precision + ".jsonl")
    command = [vit, "embed", "-q", "-m", model, "--precision", precision, "--format", "jsonl", "-o", file, photos]
    status = subprocess.run(command, check=False).returncode
    if status not in (0, 1):  # 1: some pictures could not be read, which vit has said
        sys.exit(f"vit embed ended with status {status}")
    with open(file, encoding="utf-8") as lines:
        results = [json.loads(line) for line in lines]
    return {result["path"]: array.array("d", result["embedding"]) for result in results if "embedding" in result}


def cosine(a, b):
    def product(x, y):
        return math.fsum(i * j for i, j in zip(x, y))
    return product(a, b) / math.sqrt(product(a, a) * product(b, b))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    vit, model, photos = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        want = embed(vit, model, photos, "f32", folder)
        if not want:
            sys.exit(f"{photos}: no photo could be read")
        for precision in ("bf16", "int8"):
            got = embed(vit, model, photos, precision, folder)
            cosines = sorted((cosine(vector, got[path]), path) for path, vector in want.items())
            mean = math.fsum(c for c, _ in cosines) / len(cosines)
            percentile = cosines[len(cosines) // 100][0]
            print(f"{precision}: {len(cosines)} photos, mean {mean:.5f}, first percentile {percentile:.5f}, "
                  f"worst {cosines[0][0]:.5f} ({os.path.basename(cosines[0][1])}), "
                  f"{sum(c < 0.999 for c, _ in cosines)} below 0.999")


if __name__ == "__main__":
    main()
