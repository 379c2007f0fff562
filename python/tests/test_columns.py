# SPDX-License-Identifier: BSD-2-Clause
"""The adapters for engines, without the engines: Arrow columns, and a stand-in for Ray's map_batches."""

import os
import pickle
import sys
import types
import unittest
from unittest import mock

import numpy as np
import pyarrow as pa

import libvit
import libvit.ray
import libvit.spark
from engines import BAD, EngineCase
from libvit._columns import Opening, embed_column, opened, opening
from support import CLASSIFIER, CLIP, Case, run_python


class Dataset:
    """As much of ray.data.Dataset as the adapter uses: batches of rows, each through the one actor."""

    def __init__(self, table):
        self.table = table

    def map_batches(
        self, actor, *, fn_constructor_kwargs, batch_format, batch_size, num_cpus, compute, udf_modifying_row_count=True
    ):
        assert batch_format == "pyarrow" and compute and num_cpus and not udf_modifying_row_count
        work = actor(**pickle.loads(pickle.dumps(fn_constructor_kwargs)))
        return Dataset(
            pa.concat_tables([work(self.table[i : i + batch_size]) for i in range(0, len(self.table), batch_size)])
        )


def stand_in(cpus=4):
    """A module `ray` for a cluster of so many CPUs."""
    module = types.ModuleType("ray")
    module.is_initialized = lambda: True
    module.cluster_resources = lambda: {"CPU": float(cpus)}
    module.data = types.SimpleNamespace(ActorPoolStrategy=dict)
    return mock.patch.dict(sys.modules, ray=module)


class Ray(EngineCase):
    def table(self, read=True):
        paths = [os.path.join(self.folder, name) for name in sorted(os.listdir(self.folder))]
        pictures = []
        for path in paths:
            with open(path, "rb") as file:
                pictures.append(file.read() if read else path)
        return pa.table({"path": paths, "bytes": pa.array(pictures, pa.binary() if read else pa.string())})

    def test_embed(self):
        for read in (True, False):
            with stand_in():
                got = libvit.ray.embed(Dataset(self.table(read)), self.model, batch_size=7, actors=2).table
            got.validate(full=True)
            self.assertEqual(got.schema.names, ["path", "embedding", "error"])
            self.assertEqual(got.schema.field("embedding").type, pa.list_(pa.float32(), libvit.Model(self.model).width))
            self.check(zip(*(got[name].to_pylist() for name in got.schema.names)))

    def test_classify(self):
        with stand_in():
            got = libvit.ray.classify(Dataset(self.table()), self.model, top=2, keep_input=True, actors=2).table
        got.validate(full=True)
        self.assertEqual(got.schema.names, ["path", "bytes", "labels", "error"])
        model = libvit.Model(self.model)
        for path, _, labels, error in zip(*(got[name].to_pylist() for name in got.schema.names)):
            if os.path.basename(path) == BAD:
                self.assertEqual((labels, error), (None, "unsupported_format"))
            else:
                self.assertEqual(
                    [(p["label"], p["index"], np.float32(p["score"])) for p in labels],
                    [(p.label, p.index, np.float32(p.score)) for p in model.classify(path, top=2)],
                )

    def test_other_model(self):
        """The actor's model must be the driver's."""
        how = opening(CLASSIFIER, {}, True)
        for digests in (("0" * 64, None), (None, "0" * 64)):
            with self.assertRaises(libvit.ModelError):
                libvit.ray.Embedder(CLASSIFIER, digests=digests)
        libvit.ray.Embedder(CLASSIFIER, digests=(how.digest, how.rules))
        with stand_in(), self.assertRaises(libvit.NotFound):
            libvit.ray.embed(Dataset(self.table()), "/no/such/model")

    def test_actors(self):
        size = libvit.ray.pool_size
        self.assertEqual(size(None, 1, 64), {"size": 56})
        self.assertEqual(size(None, 1, 4), {"size": 3})
        self.assertEqual(size(None, 4, 64), {"size": 14})
        self.assertEqual(size(3, 1, 4), {"size": 3})
        self.assertEqual(size((2, 8), 1, 4), {"min_size": 2, "max_size": 8})
        for actors, cpus, total in (
            (2, 1, 2),
            (None, 1, 1),
            (None, 4, 4),
            ((4, 8), 1, 4),
            (0, 1, 4),
            ((3, 2), 1, 8),
            (2, 2, 4),
        ):
            with self.assertRaisesRegex(libvit.InvalidArgument, "would hang"):
                size(actors, cpus, total)

    def test_wrong_columns(self):
        work = libvit.ray.Embedder(self.model)
        picture = pa.array([b"x"], pa.binary())
        for table, words in (
            (pa.table({"image": picture}), "no column 'bytes'.*image"),
            (pa.table({"bytes": [1]}), "int64.*binary"),
            (pa.table({"bytes": picture, "error": ["x"]}), "'error' already"),
        ):
            with self.assertRaisesRegex(libvit.InvalidArgument, words):
                work(table)
        with self.assertRaisesRegex(libvit.InvalidArgument, "'tokens'"):
            libvit.ray.Embedder(self.model, output="tokens")(self.table()[:2].select(["bytes"]))


class Columns(Case):
    def test_kinds(self):
        """Whatever the type of the column, slices and nulls included."""
        model = libvit.Model(CLASSIFIER)
        with open(os.path.join(os.environ["VIT_SOURCE"], "examples", "images", "cat.jpg"), "rb") as file:
            cat = file.read()
        want = model.embed(cat)
        kinds = [pa.binary(), pa.large_binary()] + ([pa.binary_view()] if hasattr(pa, "binary_view") else [])
        for kind in kinds:
            column = pa.array([b"", cat, None, b"no", cat, None], kind)[1:5]
            for fixed in (True, False):
                vectors, errors = embed_column(model, column, fixed=fixed)
                vectors.validate(full=True)
                self.assertEqual(errors.to_pylist(), [None, "invalid_argument", "unsupported_format", None])
                self.assertEqual([vector is None for vector in vectors.to_pylist()], [False, True, True, False])
                self.assert_same(np.array(vectors[3].as_py(), np.float32), want)
        nothing, _ = embed_column(model, pa.array([], pa.binary()))
        self.assertEqual((len(nothing), nothing.type.list_size), (0, model.width))
        vectors, _ = embed_column(model, [cat], normalize=True, dtype="float16")
        self.assert_same(
            np.array(vectors.to_pylist()[0], np.float16), model.embed(cat, normalize=True, dtype="float16")
        )

    def test_opening(self):
        """Plain values, and one model a process for them."""
        how = opening(CLIP, {"precision": "int8", "threads": 1}, True)
        again = pickle.loads(pickle.dumps(how))
        self.assertLess(len(pickle.dumps(how)), 1000)
        self.assertIs(opened(how), opened(again))
        self.assertEqual((opened(how).precision, opened(how).digest), ("int8", how.digest))
        self.assertEqual(opening(None, {}, False), Opening(None, ()))
        relative = opening(CLASSIFIER, {"preprocessor": "x.json", "image_size": [48, 48]}, False)
        self.assertEqual(dict(relative.options), {"preprocessor": os.path.abspath("x.json"), "image_size": (48, 48)})

    def test_imports(self):
        """`import libvit` imports no engine, and neither do the adapters before they are used."""
        engines = ("PIL", "pandas", "pyarrow", "tqdm", "ray", "pyspark", "daft")
        code = "import sys, libvit, libvit.ray, libvit.spark; print([m for m in %r if m in sys.modules])" % (engines,)
        self.assertEqual(run_python(code).strip(), "[]")


if __name__ == "__main__":
    unittest.main()
