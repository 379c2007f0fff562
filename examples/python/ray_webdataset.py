# SPDX-License-Identifier: BSD-2-Clause
"""Vectors of the pictures in tar files of a WebDataset, on a Ray cluster: ray_webdataset.py FOLDER-OF-TARS OUT [MODEL].
Needs ray[data]. Each sample has its `__key__`, a picture in `jpg`, and whatever else the tar has under that key."""

import sys

import libvit.ray
import ray


def main(tars: str, out: str, model: str | None = None) -> None:
    ds = ray.data.read_webdataset(tars, decoder=None)  # the picture stays encoded: the actors decode it
    ds = ds.select_columns(["__key__", "jpg"])
    ds = libvit.ray.embed(ds, model, column="jpg", normalize=True)
    ds.write_parquet(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
