# SPDX-License-Identifier: BSD-2-Clause
"""What is taken for a picture: the same bits, however a picture is given; and what is refused."""

import io
import mmap
import os
import pathlib
import unittest
import warnings

import numpy as np
import PIL.Image

import libvit
from support import CAT, CLASSIFIER, DECODE, FULL, HORSE, PICTURES, Case, run_python

# Damaged files, of which Pillow and libvit save different parts, and one refuses what the other reads; and what needs a
# library.
OTHERWISE = ("jpeg_progressive_missing_scans.jpg", "heic.heic")


def can_be_opened(path):
    try:
        with PIL.Image.open(path) as picture:
            picture.load()
        libvit.decode(path)
        return True
    except (libvit.Error, PIL.Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return False


def kinds():
    """Files of all formats, orientations and kinds of alpha, that both open."""
    paths = (os.path.join(DECODE, name) for name in sorted(os.listdir(DECODE)) if name not in OTHERWISE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [path for path in paths if can_be_opened(path)]


def pil(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PIL.Image.open(io.BytesIO(data))


class Array:
    """Something that NumPy sees by one of its protocols alone."""

    def __init__(self, array, protocol):
        self._array = array
        for name in protocol:
            setattr(self, name, getattr(array, name))


class Given(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = libvit.Model(CLASSIFIER)

    def forms(self, path):
        """One picture in all the ways in which it can be given, by name."""
        data = pathlib.Path(path).read_bytes()
        file = open(path, "rb")
        self.addCleanup(file.close)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.addCleanup(mapped.close)
        return {
            "str": path,
            "Path": pathlib.Path(path),
            "bytes": data,
            "bytearray": bytearray(data),
            "memoryview": memoryview(data),
            "strided": memoryview(bytes(b for byte in data for b in (byte, 0)))[::2],
            "mmap": mapped,
            "file": file,
            "BytesIO": io.BytesIO(data),
            "PIL": pil(data),
            "array": libvit.decode(path),
        }

    def test_forms(self):
        paths = kinds()
        self.assertGreater(len(paths), 150)
        for path in paths if FULL else paths[::4] + [path for path in paths if "exif_orientation" in path]:
            want = self.model.embed(path)
            for name, form in self.forms(path).items():
                with self.subTest(path=os.path.basename(path), form=name):
                    self.assert_same(self.model.embed(form), want)
                    if name not in ("file", "BytesIO"):
                        self.assert_same(libvit.decode(form), libvit.decode(path))

    def test_alpha_and_orientation_as_options_say(self):
        for options in ({"background": "00ff80"}, {"exif": "ignore"}, {"exif": "ignore", "background": "ffffff"}):
            model = libvit.Model(CLASSIFIER, **options)
            for path in kinds():
                with self.subTest(path=os.path.basename(path), options=options):
                    want = model.embed(path)
                    self.assert_same(model.embed(pil(pathlib.Path(path).read_bytes())), want)
                    self.assert_same(model.embed(libvit.decode(path, **options)), want)

    def test_a_file_is_read_from_where_it_stands_and_stays_open(self):
        data = pathlib.Path(CAT).read_bytes()
        stream = io.BytesIO(b"before" + data)
        stream.seek(6)
        self.assert_same(self.model.embed(stream), self.model.embed(CAT))
        self.assertFalse(stream.closed)

    def test_arrays(self):
        rgb = libvit.decode(CAT)
        want = self.model.embed(rgb)
        for form in (
            np.asfortranarray(rgb),
            rgb[:, :, :],
            Array(rgb, ["__array_interface__"]),
            Array(rgb, ["__dlpack__", "__dlpack_device__"]),
        ):
            self.assert_same(self.model.embed(form), want)
        gray = np.array(rgb[:, :, 0])
        want = self.model.embed(np.stack([gray] * 3, axis=2))
        self.assert_same(self.model.embed(gray), want)
        self.assert_same(self.model.embed(gray[:, :, None]), want)
        frozen = rgb.copy()
        frozen.flags.writeable = False
        self.assert_same(self.model.embed(frozen), self.model.embed(rgb))

    def test_many(self):
        want = self.model.embed(PICTURES)
        self.assertEqual(want.shape, (4, self.model.width))
        objects = np.array(PICTURES, object)
        for many in (
            tuple(PICTURES),
            iter(PICTURES),
            (p for p in PICTURES),
            objects,
            np.array(PICTURES),
            [pathlib.Path(p) for p in PICTURES],
            [
                PICTURES[0],
                io.BytesIO(pathlib.Path(PICTURES[1]).read_bytes()),
                pathlib.Path(PICTURES[2]).read_bytes(),
                PIL.Image.open(PICTURES[3]),
            ],
        ):
            self.assert_same(self.model.embed(many), want)
        batch = np.stack([libvit.decode(CAT), np.ascontiguousarray(libvit.decode(CAT)[::-1])])
        self.assert_same(self.model.embed(batch), np.stack([self.model.embed(picture) for picture in batch]))
        self.assertEqual(self.model.embed([]).shape, (0, self.model.width))
        self.assertEqual(self.model.embed([CAT]).shape, (1, self.model.width))
        self.assertEqual(self.model.embed(CAT).shape, (self.model.width,))
        self.assertEqual(self.model.embed([], output="tokens").shape, (0, 37, 48))

    def test_columns_of_tables(self):
        """Stand-ins with the names and the methods of PyArrow's; the real ones where they are installed."""
        try:
            import pyarrow as pa
        except ImportError:
            self.skipTest("no pyarrow here")
        data = [pathlib.Path(path).read_bytes() for path in PICTURES]
        want = self.model.embed(PICTURES)
        for column in (
            pa.array(data),
            pa.chunked_array([data[:1], data[1:]]),
            pa.array(data, pa.large_binary()),
            pa.array(PICTURES),
        ):
            self.assert_same(self.model.embed(column), want)
        self.assert_same(self.model.embed(pa.py_buffer(data[0])), want[0])
        self.assert_same(self.model.embed(pa.array(data)[0]), want[0])
        result = self.model.embed(pa.array([data[0], None]), errors="skip")
        self.assertEqual((list(result.rows), list(result.errors)), ([0], [1]))

    def test_odd_paths(self):
        folder = self.folder()
        want = self.model.embed(CAT)
        for name in (os.fsdecode(b"\xff\xfe.jpg"), "a b.jpg", "\u00e4\u732b.jpg", "http:a.jpg", "-.jpg"):
            path = os.path.join(folder, name)
            os.symlink(CAT, path)
            self.assert_same(self.model.embed(path), want)
        with self.assertRaises(libvit.NotFound) as caught:
            self.model.embed(os.path.join(folder, os.fsdecode(b"\xff")))
        self.assertEqual(os.path.basename(caught.exception.where), os.fsdecode(b"\xff"))


class Refused(Case):
    """Arguments that are no pictures, with the exception and a piece of its text."""

    def test_refused(self):
        model = libvit.Model(CLASSIFIER)
        rgb = libvit.decode(CAT)
        closed = open(CAT, "rb")
        closed.close()
        cases = [
            (rgb.astype(np.float32), TypeError, "float32 with shape [240, 240, 3]"),
            (rgb.transpose(2, 0, 1), TypeError, "[3, 240, 240]"),
            (np.zeros((2, 3, 48, 48), np.float32), TypeError, "encode() for pixel_values"),
            (np.zeros((4, 4, 4), np.uint8), TypeError, "HWC uint8"),
            (np.zeros((4, 4, 2), np.uint8), TypeError, "[4, 4, 2]"),
            (np.zeros((0, 4, 3), np.uint8), TypeError, "[0, 4, 3]"),
            (np.zeros(7, np.uint8), TypeError, "[7]"),
            (np.zeros((1, 2, 4, 4, 3), np.uint8), TypeError, "[1, 2, 4, 4, 3]"),
            (np.zeros((4, 4, 3), np.uint16), TypeError, "uint16"),
            (np.zeros((4, 4), bool), TypeError, "bool"),
            (3, TypeError, "int is no picture"),
            (None, TypeError, "NoneType is no picture"),
            (2.5, TypeError, "float"),
            (object(), TypeError, "object"),
            ({"a": CAT}, TypeError, "dict"),
            ({CAT}, TypeError, "set"),
            ([None], TypeError, "this is NoneType"),
            ([[CAT]], TypeError, "this is list"),
            (io.StringIO("text"), TypeError, "binary mode"),
            (closed, libvit.Unreadable, "closed file"),
            ("", libvit.NotFound, ""),
            ("no such file.jpg", libvit.NotFound, "no such file.jpg"),
            ("a\0b.jpg", libvit.InvalidArgument, "zero byte"),
            ("http://example.org/a.jpg", libvit.InvalidArgument, "fetch it first"),
            ("s3://bucket/a.jpg", libvit.InvalidArgument, "fetch it first"),
            (os.path.dirname(CAT), libvit.Unreadable, os.path.dirname(CAT)),
            (b"", libvit.ImageError, "input 0"),
            (b"no picture", libvit.ImageError, "not a picture"),
            (bytearray(), libvit.ImageError, "input 0"),
            (pathlib.Path(HORSE).read_bytes()[:5000], libvit.ImageError, ""),
            (io.BytesIO(), libvit.ImageError, ""),
            ([CAT, b"x"], libvit.ImageError, "input 1"),
            (os.path.join(DECODE, "README.md"), libvit.ImageError, "README.md"),
        ]
        for thing, exception, text in cases:
            with self.subTest(thing=repr(thing)[:60]):
                with self.assertRaises(exception) as caught:
                    model.embed(thing)
                self.assertIn(text, str(caught.exception))
        self.assert_same(model.embed(CAT), model.embed(CAT))

    def test_too_many_pixels(self):
        with self.assertRaises(libvit.ImageError) as caught:
            libvit.Model(CLASSIFIER, max_pixels=1000).embed(CAT)
        self.assertEqual(caught.exception.code, "too_large")
        with self.assertRaises(libvit.ImageError):
            libvit.decode(CAT, max_pixels=1000)

    def test_nothing_else_is_imported(self):
        loaded = run_python(
            "import sys, libvit; libvit.Model().classify(sys.argv[1]); print(*sys.modules)", CAT
        ).split()
        for name in ("PIL", "pyarrow", "pandas", "tqdm", "ray", "torch"):
            self.assertNotIn(name, loaded)


if __name__ == "__main__":
    unittest.main()
