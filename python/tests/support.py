# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the package share. VIT_SOURCE is the repository, VIT_COMMAND the command of the same build."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

SOURCE = os.environ["VIT_SOURCE"]
VIT = os.environ["VIT_COMMAND"]
FULL = os.environ.get("VIT_TEST_FULL") == "1"
IMAGES = os.path.join(SOURCE, "examples", "images")
DATA = os.path.join(SOURCE, "tests", "data")
DECODE = os.path.join(DATA, "decode")
CLASSIFIER = os.path.join(DATA, "golden", "hf_vit_classifier")  # 48 x 48 pixels, 7 labels
CLIP = os.path.join(DATA, "golden", "hf_clip")
TIMEOUT = 120  # seconds; only what hangs takes that long


def image(name):
    return os.path.join(IMAGES, name)


CAT, COFFEE, HORSE, ROCKET = (image(name) for name in ("cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"))
PICTURES = [CAT, COFFEE, HORSE, ROCKET]


def golden_cases():
    """Folders of all small checkpoints, wherever they stand in tests/data."""
    areas = sorted(name for name in os.listdir(DATA) if name.startswith("golden"))
    folders = [
        os.path.join(DATA, area, name) for area in areas for name in sorted(os.listdir(os.path.join(DATA, area)))
    ]
    return [folder for folder in folders if os.path.isfile(os.path.join(folder, "case.json"))]


def command(*arguments, expect=0, **options):
    """What the command prints on stdout, as bytes."""
    done = subprocess.run([VIT, *map(str, arguments)], capture_output=True, timeout=TIMEOUT, **options)
    if expect is not None and done.returncode != expect:
        raise AssertionError(
            "vit %s: exit status %d\n%s" % (arguments, done.returncode, done.stderr.decode(errors="replace"))
        )
    return done.stdout


def run_python(code, *arguments, expect=0, timeout=TIMEOUT, **environment):
    """Runs a program in a Python of its own; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
    if done.returncode != expect:
        raise AssertionError("exit status %d\n%s" % (done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout.decode()


class Case(unittest.TestCase):
    def folder(self):
        """An empty folder, for this test alone."""
        made = tempfile.mkdtemp(prefix="vit-python-")
        self.addCleanup(shutil.rmtree, made)
        return made

    def assert_same(self, got, want, message=None):
        """Bit for bit."""
        got, want = np.asarray(got), np.asarray(want)
        self.assertEqual((got.dtype, got.shape), (want.dtype, want.shape), message)
        self.assertEqual(got.tobytes(), want.tobytes(), message)
