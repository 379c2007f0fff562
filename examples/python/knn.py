# SPDX-License-Identifier: BSD-2-Clause
"""A classifier for classes of your own: knn.py FOLDER PICTURE..., where FOLDER has a folder of pictures for each class.
It takes the nearest neighbours among the vectors. Needs scikit-learn."""

import os
import sys
from pathlib import Path

import libvit
from sklearn.neighbors import KNeighborsClassifier


def main(folder: str, *pictures: str) -> None:
    model = libvit.Model(os.environ.get("VIT_MODEL"))
    known = sorted(path for path in Path(folder).glob("*/*") if path.is_file())
    vectors, rows, _ = model.embed(known, normalize=True, errors="skip")
    classes = [known[row].parent.name for row in rows]
    neighbours = KNeighborsClassifier(n_neighbors=min(5, len(classes)), metric="cosine", weights="distance").fit(
        vectors, classes
    )
    for picture, name in zip(pictures, neighbours.predict(model.embed(pictures, normalize=True))):
        print(f"{name}  {picture}")


if __name__ == "__main__":
    main(*sys.argv[1:])
