# SPDX-License-Identifier: BSD-2-Clause
"""The pictures of a folder that are most like one: faiss_search.py FOLDER PICTURE. Needs faiss-cpu."""

import os
import sys
from pathlib import Path

import faiss
import libvit


def main(folder: str, query: str) -> None:
    model = libvit.Model(os.environ.get("VIT_MODEL"))
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    vectors, rows, _ = model.embed(paths, normalize=True, errors="skip")
    index = faiss.IndexFlatIP(model.width)  # of vectors of unit length, the inner product is the cosine
    index.add(vectors)
    scores, found = index.search(model.embed([query], normalize=True), min(5, index.ntotal))
    for score, i in zip(scores[0], found[0]):
        print(f"{score:.4f}  {paths[rows[i]]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
