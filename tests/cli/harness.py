# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command share: running it. Python's standard library only.

VIT_COMMAND is the program, VIT_TEST_DATA is tests/data, VIT_PICTURES is examples/images; tests/ is on the path.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from environment import environment
from files import *

VIT = os.environ["VIT_COMMAND"]
DATA = os.environ["VIT_TEST_DATA"]
PICTURES = os.environ["VIT_PICTURES"]
GOLDEN = os.path.join(DATA, "golden")
DECODE = os.path.join(DATA, "decode")
MODEL = os.path.join(GOLDEN, "hf_vit_classifier")  # a classifier of 48 x 48 pixels and 7 labels
PICTURE = os.path.join(MODEL, "image.png")
CLASSES, WIDTH, SIDE, TOKENS = 7, 48, 48, 37

USAGE, MODEL_FAILS, OUTPUT_FAILS, INTERRUPTED = 2, 3, 4, 130
TIMEOUT = 120  # seconds; only a command that hangs takes that long


def golden(case, name):
    return os.path.join(GOLDEN, case, name)


def hub_of(arguments):
    """Golden cases may take a config from the hub: it is in a cache of their own."""
    hubs = [hub for hub in (os.path.join(os.fsdecode(argument), "hub") for argument in arguments) if os.path.isdir(hub)]
    return {"HF_HUB_CACHE": hubs[0]} if hubs else {}


def relative_error(got, want):
    """max|got - want| / max|want|: the goldens' metric."""
    assert len(got) == len(want), (len(got), len(want))
    return max(abs(a - b) for a, b in zip(got, want)) / max(abs(b) for b in want)


class Case(unittest.TestCase):
    """Each test in an empty folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vit-cli-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def picture(self, name, width=30, height=20, colour=(0, 0, 0)):
        """A picture in the test's folder, in folders that are made where they are missing."""
        return write(self.path(name), png(width, height, colour))

    def vit(self, *arguments, status=0, stdin=b"", env=None, **more):
        """Runs the command in the test's folder. It must end with this status, and speak as it should."""
        done = subprocess.run([VIT, *arguments], input=stdin, capture_output=True, timeout=TIMEOUT,
                              cwd=more.pop("cwd", self.folder), env=env or environment(**hub_of(arguments)), **more)
        self.assertEqual(done.returncode, status, (arguments, done.stderr.decode("utf-8", "replace")))
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(b"vit: "), line)
        if status:
            self.assertTrue(done.stderr, "fails without a word")
        return done

    def classify(self, *arguments, **more):
        """The JSON objects that classify prints."""
        done = self.vit("classify", "-m", MODEL, "--format", "json", *arguments, **more)
        return json_lines(done.stdout)

    def embed(self, *arguments, name="out.npy", **more):
        return self.vit("embed", "-m", MODEL, "-o", self.path(name), *arguments, **more)

    def assert_files(self, *names):
        """Nothing else stands in the test's folder."""
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(names))


def main():
    unittest.main(verbosity=1)
