# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of bulk jobs share: running vit, making small pictures, reading what it wrote. Standard library
only; tests/ is on the path."""
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest

from files import json_lines, parse_npy, read, write

VIT = os.environ["VIT"]
os.environ.pop("VIT_MODEL", None)  # what steers the command from outside


def vit(*arguments, **options):
    """Runs vit and answers the finished process; output and messages as bytes."""
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([VIT, *map(str, arguments)], capture_output=True, **options)


def picture(seed, width=40, height=30):
    """A PPM that differs from those of all other seeds."""
    return b"P6\n%d %d\n255\n" % (width, height) + random.Random(seed).randbytes(3 * width * height)


def make_pictures(folder, count, bad=()):
    """count pictures, those numbered in bad broken in one of three ways; their paths in order."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for i in range(count):
        paths.append(os.path.join(folder, f"{i:05d}.ppm"))
        data = picture(i)
        if i in bad:
            data = (b"no picture", data[:500], b"")[i % 3]
        write(paths[-1], data)
    return paths


def snapshot(folder):
    """Name -> bytes of all files in the folder."""
    return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}


def join(files):
    """The rows of all parts of a snapshot, in order: (bytes of the vectors, lines about them)."""
    manifest = json.loads(files["manifest.json"])
    vectors, rows = b"", []
    for part in manifest["parts"]:
        _, shape, data = parse_npy(files[part["file"]])
        about = json_lines(files[part["file"].replace(".npy", ".jsonl")])
        assert shape[0] == part["rows"] == len(about)
        assert [line["row"] for line in about] == list(range(shape[0]))
        vectors += data
        rows += about
    return vectors, rows


class Case(unittest.TestCase):
    """A test with a folder of its own, which is the current one while it runs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vit-bulk-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def check(self, process, status, message=None):
        self.assertEqual(process.returncode, status, process.stderr.decode(errors="replace"))
        for line in process.stderr.splitlines():
            self.assertTrue(line.startswith(b"vit: "), line)
        if message is not None:
            self.assertIn(message, process.stderr.decode(errors="replace"))

    def check_no_job(self, *inputs, right=("in",), **options):
        """A bulk job over these inputs finds none: it says so and leaves nothing behind. The same
        command with the right inputs, and with another option, then begins a job."""
        command = ("embed", "--shard-size", 3)
        if not os.path.exists("right"):
            self.check(vit(*command, "--normalize", "-o", "right", *right), 0)
        os.mkdir("out-there")
        for folder, resume in (("out", []), ("out-there", ["--resume"])):
            with self.subTest(inputs=inputs, folder=folder):
                process = vit(*command, *resume, "-o", folder, *inputs, **options)
                self.check(process, 1, "no input was found")
                self.assertEqual(os.path.exists(folder), folder == "out-there")
                if folder == "out-there":
                    self.assertEqual(os.listdir(folder), [])
                self.check(vit(*command, *resume, "--normalize", "-o", folder, *right), 0)
                self.check_same(snapshot(folder), snapshot("right"))
        shutil.rmtree("out")
        shutil.rmtree("out-there")

    def check_same(self, got, want):
        """Two snapshots, compared with a message that does not print them."""
        self.assertEqual(sorted(got), sorted(want))
        for name in want:
            self.assertTrue(got[name] == want[name], f"{name} differs")
