# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of engines share: 65 files, of which one is no picture, and what the command says of them."""

import os
import random
import shutil
import sys
import tempfile
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.environ["VIT_SOURCE"], "tests"))
from blocks import python_blocks  # noqa: E402
from files import png_of_rows  # noqa: E402
from support import IMAGES, SOURCE, command  # noqa: E402

GOOD = 64
BAD = "33_no_picture.jpg"


def noise(seed, width=64, height=48):
    """The bytes of a PNG that no other seed gives."""
    numbers = random.Random(seed)
    return png_of_rows(width, height, b"".join(b"\0" + numbers.randbytes(3 * width) for _ in range(height)))


def make_pictures(folder):
    """Fills the folder. The paths of the pictures; the file that is none is not among them."""
    paths = [
        os.path.join(folder, "%02d_%s" % (i, name))
        for i, name in enumerate(sorted(os.listdir(IMAGES)))
        if not name.endswith(".md")
    ]
    for path in paths:
        shutil.copy(os.path.join(IMAGES, os.path.basename(path)[3:]), path)
    for i in range(GOOD - len(paths)):
        paths.append(os.path.join(folder, "%02d_noise.png" % (10 + i)))
        with open(paths[-1], "wb") as file:
            file.write(noise(i))
    with open(os.path.join(folder, BAD), "wb") as file:
        file.write(b"a text, and no picture")
    return paths


class EngineCase(unittest.TestCase):
    """`folder` has the 65 files, `expected` the command's vector for each of the 64 paths."""

    model = os.path.join(os.environ["VIT_SOURCE"], "models", "vit-tiny-cifar10")

    @classmethod
    def setUpClass(cls):
        cls.room = tempfile.mkdtemp(prefix="vit-engine-")
        cls.addClassCleanup(shutil.rmtree, cls.room, True)
        cls.folder = os.path.join(cls.room, "pictures")
        os.mkdir(cls.folder)
        paths = make_pictures(cls.folder)
        vectors = os.path.join(cls.room, "command.npy")
        command("embed", "-m", cls.model, "-o", vectors, "-q", "-t", "1", *paths)
        cls.expected = dict(zip(paths, np.load(vectors)))

    def run_blocks(self, module):
        """The blocks of docs/scale.md that import this module, with a folder of this test for /data. The folder."""
        blocks = [
            block
            for block in python_blocks(os.path.join(SOURCE, "docs", "scale.md"))
            if "import %s\n" % module in block
        ]
        self.assertTrue(blocks)
        data = tempfile.mkdtemp(dir=self.room)
        shutil.copytree(self.folder, os.path.join(data, "photos"))
        command("quantize", "-m", self.model, "--precision", "f32", "-q", "-o", os.path.join(data, "model.safetensors"))
        for block in blocks:
            exec(compile(block.replace("/data/", data + "/"), "docs/scale.md", "exec"), {"__name__": "block"})
        return data

    def check(self, rows):
        """rows: (path, vector or None, error or None) of each of the 65 files, in any order, none lost and none
        twice."""
        rows = list(rows)
        self.assertEqual(sorted(os.path.basename(path) for path, _, _ in rows), sorted(os.listdir(self.folder)))
        for path, vector, error in rows:
            if os.path.basename(path) == BAD:
                self.assertEqual((vector, error), (None, "unsupported_format"))
            else:
                self.assertIsNone(error, path)
                self.assertEqual(np.asarray(vector, np.float32).tobytes(), self.expected[path].tobytes(), path)
