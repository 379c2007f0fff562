# SPDX-License-Identifier: BSD-2-Clause
"""What all tests of the command share: running it, and a folder for each test. Python's standard library only.

vit_add_command_test() of cmake/command_test.cmake tells each test, in these environment variables:

    VIT_COMMAND                     the program
    VIT_SOURCE, VIT_BUILD           the project, and the build folder
    VIT_VENVS                       where environments with packages from PyPI and npm are kept (venvs.py)
    VIT_TAR, VIT_SQLITE, VIT_CURL   1 if the command can read tar files, keep indexes, and pull models; else 0
"""
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from environment import environment
from files import *

VIT = os.environ["VIT_COMMAND"]
SOURCE = os.environ["VIT_SOURCE"]
BUILD = os.environ["VIT_BUILD"]
READS_TAR, KEEPS_INDEXES, PULLS = (os.environ[name] == "1" for name in ("VIT_TAR", "VIT_SQLITE", "VIT_CURL"))

DATA = os.path.join(SOURCE, "tests", "data")
DOCS = os.path.join(SOURCE, "docs")
PICTURES = os.path.join(SOURCE, "examples", "images")
DECODE = os.path.join(DATA, "decode")
GOLDEN = os.path.join(DATA, "golden")
DEFAULT_MODEL = os.path.join(SOURCE, "models", "vit-tiny-cifar10")  # what the command takes without -m
MODEL = os.path.join(GOLDEN, "hf_vit_classifier")  # a classifier of 48 x 48 pixels and 7 labels
PICTURE = os.path.join(MODEL, "image.png")
CLASSES, WIDTH, SIDE, TOKENS = 7, 48, 48, 37

USAGE, MODEL_FAILS, OUTPUT_FAILS, INTERRUPTED = 2, 3, 4, 130
SKIPPED = 77  # the exit status of a test that cannot be tried here
TIMEOUT = 240  # seconds; only a command that hangs takes that long


def is_sanitized():
    """Was the command built with AddressSanitizer? Its shadow needs terabytes of addresses, so it starts in no small memory."""
    return "asan" in subprocess.run(["ldd", VIT], capture_output=True, text=True, check=True).stdout


def golden(case, name):
    return os.path.join(GOLDEN, case, name)


def case_folders(pattern="*"):
    """The golden cases whose names match, in name order; there must be some."""
    found = sorted(glob.glob(os.path.join(GOLDEN, pattern)))
    found = [folder for folder in found if os.path.exists(os.path.join(folder, "case.json"))]
    assert found, pattern
    return found


def case_of(folder):
    with open(os.path.join(folder, "case.json")) as file:
        return json.load(file)


def expected_of(folder, name="expected.safetensors"):
    return read_safetensors(os.path.join(folder, name))


def hub_of(arguments):
    """Golden cases may take a config from the hub: it is in a cache of their own."""
    folders = [argument for argument in arguments if isinstance(argument, (str, bytes))]
    hubs = [hub for hub in (os.path.join(os.fsdecode(folder), "hub") for folder in folders) if os.path.isdir(hub)]
    return {"HF_HUB_CACHE": hubs[0]} if hubs else {}


def relative_error(got, want):
    """max|got - want| / max|want|: the goldens' metric."""
    assert len(got) == len(want), (len(got), len(want))
    return max(abs(a - b) for a, b in zip(got, want)) / max(abs(b) for b in want)


def command_line(*arguments):
    """The words that run the command; numbers among the arguments become words."""
    return [VIT, *(word if isinstance(word, (str, bytes)) else str(word) for word in arguments)]


def run(*arguments, stdin=b"", env=None, timeout=TIMEOUT, **more):
    """Runs the command to its end, whatever its exit status. Output and messages come as bytes; stdin is bytes or a file."""
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    return subprocess.run(command_line(*arguments), capture_output=True, timeout=timeout, env=env or environment(**hub_of(arguments)),
                          **given, **more)


class Case(unittest.TestCase):
    """Each test in an empty folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vit-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def picture(self, name, width=30, height=20, colour=(0, 0, 0)):
        """A picture in the test's folder, in folders that are made where they are missing."""
        return write(self.path(name), png(width, height, colour))

    def vit(self, *arguments, status=0, saying=(), silent=False, **more):
        """Runs the command in the test's folder, as run() does. It must end with this status, speak as it should, and say these
        words. self.said is all that it said on standard error. silent: it may fail without a word."""
        more.setdefault("cwd", self.folder)
        done = run(*arguments, **more)
        self.said = done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, "%s\n%s" % (arguments, self.said))
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(b"vit: "), line)
        if status and not silent:
            self.assertTrue(done.stderr, "fails without a word")
        for words in [saying] if isinstance(saying, str) else saying:
            self.assertIn(words, self.said)
        return done

    def start(self, *arguments, **more):
        """The command, running in the test's folder; its output and its messages are pipes."""
        options = {"cwd": self.folder, "env": environment(), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(command_line(*arguments), **options)

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
    unittest.main(verbosity=2)


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main_at_once(threads=8):
    """As main(), with several tests at a time: they wait more than they work, and share nothing. Arguments: the classes to
    run, or with a dash before it, one to leave out."""
    tests = list(flatten(unittest.defaultTestLoader.loadTestsFromName("__main__")))
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    left_out = [a[1:] for a in sys.argv[1:] if a.startswith("-")]
    tests = [t for t in tests if type(t).__name__ not in left_out and (not names or type(t).__name__ in names)]

    def run_test(test):
        result = unittest.TestResult()
        started = time.monotonic()
        test.run(result)
        return test, result, time.monotonic() - started

    bad = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for test, result, seconds in pool.map(run_test, tests):
            for kind, found in (("FAIL", result.failures), ("ERROR", result.errors)):
                for which, text in found:
                    print("%s: %s\n%s" % (kind, which, text))
            for which, why in result.skipped:
                print("skipped: %s: %s" % (which, why))
            bad += not result.wasSuccessful()
            skipped += bool(result.skipped)
            if "-v" in sys.argv:
                print("%6.1f s  %s" % (seconds, test.id()))
    print("%d passed, %d failed, %d skipped" % (len(tests) - bad - skipped, bad, skipped))
    sys.exit(1 if bad else SKIPPED if skipped == len(tests) else 0)
