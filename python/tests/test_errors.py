# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong, and how it is told."""

import copy
import os
import pathlib
import pickle
import shutil
import unittest

import numpy as np

import libvit
from support import CAT, CLASSIFIER, CLIP, COFFEE, HORSE, PICTURES, Case

BAD = ["no.jpg", b"no picture", CAT]


class Errors(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = libvit.Model(batch=2)
        cls.want = cls.model.embed(PICTURES)

    def test_classes(self):
        for name, builtin in (
            ("NotFound", FileNotFoundError),
            ("Unreadable", OSError),
            ("ImageError", ValueError),
            ("ModelError", ValueError),
            ("InvalidArgument", ValueError),
            ("OutOfMemory", MemoryError),
            ("NonFinite", ArithmeticError),
            ("InternalError", RuntimeError),
        ):
            kind = getattr(libvit, name)
            self.assertTrue(
                issubclass(kind, libvit.Error) and issubclass(kind, builtin) and issubclass(kind, Exception), name
            )
            error = kind("corrupt", 5, "a.jpg", "is damaged", 3)
            for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
                self.assertEqual(
                    (type(again), again.code, again.status, again.where, again.message, again.row, str(again)),
                    (kind, "corrupt", 5, "a.jpg", "is damaged", 3, "input 3: a.jpg: is damaged"),
                )

    def test_fields(self):
        with self.assertRaises(libvit.NotFound) as caught:
            self.model.embed([CAT, "no such.jpg", HORSE])
        error = caught.exception
        self.assertEqual(
            (error.code, error.status, error.where, error.row, error.filename),
            ("not_found", 2, "no such.jpg", 1, "no such.jpg"),
        )
        self.assertIn("input 1: no such.jpg: ", str(error))

    def test_skip(self):
        pictures = ["no.jpg", CAT, b"", COFFEE, CAT[:-1], HORSE, PICTURES[3]]
        for model in (self.model, libvit.Model(batch=2, threads=1), libvit.Model(batch=100)):
            result = model.embed(pictures, errors="skip")
            self.assertIsInstance(result, libvit.Result)
            self.assertEqual((result.rows.dtype, list(result.rows)), (np.int64, [1, 3, 5, 6]))
            self.assert_same(result.vectors, self.want)
            self.assertEqual(
                {row: error.code for row, error in result.errors.items()},
                {0: "not_found", 2: "unsupported_format", 4: "not_found"},
            )
            self.assertEqual([error.row for error in result.errors.values()], [0, 2, 4])
        both = self.model.embed(pictures, output=["cls", "mean"], errors="skip")
        self.assertEqual(
            {name: array.shape for name, array in both.vectors.items()}, {"cls": (4, 192), "mean": (4, 192)}
        )
        none = self.model.embed(BAD[:2], errors="skip")
        self.assertEqual((none.vectors.shape, len(none.rows), len(none.errors)), ((0, 192), 0, 2))

    def test_yield(self):
        got = list(self.model.embed_iter(["no.jpg", CAT, b"", COFFEE], errors="yield"))
        self.assertEqual([type(thing) for thing in got], [libvit.NotFound, np.ndarray, libvit.ImageError, np.ndarray])
        self.assert_same(got[1], self.want[0])
        self.assert_same(got[3], self.want[1])
        with self.assertRaises(libvit.NotFound):
            list(self.model.embed_iter([CAT, "no.jpg"]))

    def test_classify_skip(self):
        got = self.model.classify(["no.jpg", CAT], top=1, errors="skip")
        self.assertEqual((got[0], got[1][0].label), (None, "cat"))
        self.assertIsNone(self.model.classify("no.jpg", errors="skip"))
        with self.assertRaises(libvit.NotFound):
            self.model.classify(["no.jpg", CAT])

    def test_an_iterator_that_raises(self):
        def pictures():
            yield CAT
            raise KeyError("of the caller")

        with self.assertRaises(KeyError):
            self.model.embed(pictures())
        self.assert_same(self.model.embed(CAT), self.want[0])

    def test_non_finite(self):
        x = self.model.preprocess(PICTURES[:3])
        x[1, 0, 0, 0] = np.nan
        with self.assertRaises(libvit.NonFinite) as caught:
            self.model.encode(x)
        self.assertEqual(caught.exception.row, 1)
        result = self.model.encode(x, errors="skip")
        self.assertEqual((list(result.rows), list(result.errors)), ([0, 2], [1]))
        self.assert_same(result.vectors, self.want[[0, 2]])

    def test_models(self):
        folder = self.folder()
        broken = os.path.join(folder, "broken")
        shutil.copytree(CLASSIFIER, broken)
        weights = pathlib.Path(broken, "model.safetensors")
        weights.write_bytes(weights.read_bytes()[:-100])
        empty = os.path.join(folder, "empty")
        os.mkdir(empty)
        for source, kind in (
            (broken, libvit.ModelError),
            (empty, libvit.NotFound),
            ("no/such", libvit.NotFound),
            (os.path.join(folder, "none"), libvit.NotFound),
            ("", libvit.InvalidArgument),
            ("a\0b", libvit.InvalidArgument),
            (CAT, libvit.Error),
        ):
            with self.subTest(source=source), self.assertRaises(kind):
                libvit.Model(source)
        with self.assertRaises(libvit.ModelError):
            libvit.TextModel(CLASSIFIER)

    def test_options(self):
        for options in (
            {"precision": "f64"},
            {"threads": 0},
            {"threads": -1},
            {"threads": 1 << 30},
            {"threads": True},
            {"batch": 0},
            {"image_size": 0},
            {"image_size": (1, 2, 3)},
            {"resampler": "best"},
            {"exif": "maybe"},
            {"background": "red"},
            {"max_pixels": 0},
            {"threads": 1.5},
        ):
            with self.subTest(options=options), self.assertRaises(libvit.InvalidArgument) as caught:
                libvit.Model(**options)
            self.assertIn(*options, str(caught.exception))
        for call in (
            lambda: self.model.embed(CAT, output="nothing"),
            lambda: self.model.embed(CAT, output=[]),
            lambda: self.model.embed(CAT, dtype="int8"),
            lambda: self.model.embed(CAT, errors="ignore"),
            lambda: self.model.embed_iter([CAT], errors="skip"),
            lambda: self.model.classify(CAT, top=0),
            lambda: self.model.encode(np.zeros((1, 3, 8, 8), np.float32)),
        ):
            with self.assertRaises(libvit.InvalidArgument):
                call()
        with self.assertRaises(TypeError):
            self.model.embed(CAT, output=3)
        with self.assertRaises(libvit.ModelError) as caught:
            self.model.embed(CAT, output="pooler")
        self.assertEqual(caught.exception.code, "unsupported_output")
        with self.assertRaises(libvit.ModelError):
            libvit.Model(CLIP).classify(CAT)
        with self.assertRaises(libvit.ModelError):
            self.model.zero_shot(CAT, ["cat"], text_model=libvit.TextModel(CLIP))

    def test_closed(self):
        with libvit.Model() as model:
            iterator = model.embed_iter(PICTURES)
            first = next(iterator)
        self.assert_same(first, self.want[0])
        for call in (
            lambda: model.embed(CAT),
            lambda: model.family,
            lambda: model.share(),
            lambda: model.classify(CAT),
        ):
            with self.assertRaises(libvit.InvalidArgument) as caught:
                call()
            self.assertIn("closed", str(caught.exception))
        model.close()


if __name__ == "__main__":
    unittest.main()
