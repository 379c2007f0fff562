# SPDX-License-Identifier: BSD-2-Clause
"""Vectors of all pictures below a folder, in a Parquet file: embed_folder.py FOLDER OUT.parquet [MODEL]. Needs
pyarrow."""

import sys
from pathlib import Path

import libvit
import pyarrow as pa
import pyarrow.parquet as pq

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


def main(folder: str, out: str, name: str | None = None) -> None:
    model = libvit.Model(name)
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in ENDINGS)
    schema = pa.schema([("path", pa.string()), ("embedding", pa.list_(pa.float32(), model.width))])
    with pq.ParquetWriter(out, schema) as writer:
        for first in range(0, len(paths), 1000):  # no more vectors than these are in memory at a time
            some = paths[first : first + 1000]
            vectors, rows, errors = model.embed(some, normalize=True, errors="skip", progress=True)
            column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), model.width)
            writer.write_table(pa.table([pa.array([str(some[row]) for row in rows]), column], schema=schema))
            for error in errors.values():
                print(error, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
