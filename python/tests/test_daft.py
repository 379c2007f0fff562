# SPDX-License-Identifier: BSD-2-Clause
"""Daft itself: its result is the command's."""

import os
import unittest

import daft
import pyarrow as pa

import libvit.daft
from engines import EngineCase


class Daft(EngineCase):
    def frame(self):
        paths = sorted(os.path.join(self.folder, name) for name in os.listdir(self.folder))
        df = daft.from_pydict({"path": paths})
        return df.with_column("content", df["path"].download())

    def test_embed(self):
        df, embedder = self.frame(), libvit.daft.Embedder(self.model)
        df = df.with_column("v", embedder.embed(df["content"])).with_column("r", embedder.result(df["content"]))
        table = df.select("path", "v", "r").to_arrow()
        self.assertEqual(
            (table["v"].type.value_type, table["v"].type.list_size), (pa.float32(), libvit.Model(self.model).width)
        )
        rows = table.to_pylist()
        self.check((row["path"], row["v"], row["r"]["error"]) for row in rows)
        self.check((row["path"], row["r"]["embedding"], row["r"]["error"]) for row in rows)

    def test_paths(self):
        embedder = libvit.daft.Embedder(self.model, output="mean", normalize=True, batch_size=10)
        df = self.frame()
        rows = df.with_column("v", embedder.embed(df["path"])).select("path", "v").to_pylist()
        model = libvit.Model(self.model)
        for row in rows:
            if row["path"] in self.expected:
                self.assertEqual(row["v"], model.embed(row["path"], output="mean", normalize=True).tolist())
            else:
                self.assertIsNone(row["v"])

    def test_page(self):
        folder = self.run_blocks("libvit.daft")
        rows = daft.read_parquet(os.path.join(folder, "vectors")).to_pylist()
        self.assertEqual((len(rows), sum(row["error"] is None for row in rows)), (65, 64))


if __name__ == "__main__":
    unittest.main()
