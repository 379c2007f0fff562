# SPDX-License-Identifier: BSD-2-Clause
"""The ways to Parquet that docs/formats.md shows, run as they stand there, with pyarrow and DuckDB from PyPI in an
environment of the build folder. Where they cannot be had, the test is skipped and says why."""
import os
import re
import subprocess
import sys
import unittest

from bulk import VIT, Case, make_pictures
from files import read

PYTHON = os.path.join(os.environ["VIT_BUILD"], "parquet-venv", "bin", "python3")
PACKAGES = ["numpy", "pyarrow", "duckdb"]
SKIPPED = 77

# Every number of the table against the .npy file, bit for bit, and the paths in order.
CHECK = """
import json, sys, numpy, pyarrow.parquet
table = pyarrow.parquet.read_table(sys.argv[1])
want = numpy.load("photos.npy")
got = numpy.stack(table.column("embedding").to_numpy(zero_copy_only=False)).astype(numpy.float32)
assert got.shape == want.shape and (got == want).all(), (got.shape, want.shape)
with open("photos.jsonl") as lines:
    assert table.column("path").to_pylist() == [json.loads(line)["path"] for line in lines]
"""


def prepare():
    """None, or why the packages cannot be had."""
    try:
        if subprocess.run([PYTHON, "-c", "import " + ", ".join(PACKAGES)], capture_output=True).returncode == 0:
            return None
    except FileNotFoundError:
        pass
    folder = os.path.dirname(os.path.dirname(PYTHON))
    for command in ([sys.executable, "-m", "venv", "--clear", folder],
                    [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return f"{' '.join(command[1:])}: {(done.stderr or done.stdout).strip()[-500:]}"
    return None


def snippet(name):
    """The shell commands that stand in the page behind <!-- tested: NAME -->."""
    page = read(os.path.join(os.environ["VIT_SOURCE"], "docs", "formats.md")).decode()
    return re.search(r"<!-- tested: %s -->\n```sh\n(.*?)```" % name, page, re.S).group(1)


class Parquet(Case):
    def run_snippet(self, name, result):
        path = os.pathsep.join([os.path.dirname(PYTHON), os.path.dirname(VIT), os.environ["PATH"]])
        make_pictures("photos", 25)
        done = subprocess.run(["sh", "-e", "-c", snippet(name)], env=os.environ | {"PATH": path}, capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        subprocess.run([VIT, "embed", "--normalize", "-o", "photos.npy", "photos"], check=True)
        done = subprocess.run([PYTHON, "-c", CHECK, result], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_pyarrow(self):
        self.run_snippet("pyarrow", "photos.parquet")

    def test_parts(self):
        self.run_snippet("parts", "vectors/part-00000.parquet")

    def test_duckdb(self):
        self.run_snippet("duckdb", "vectors.parquet")


if __name__ == "__main__":
    reason = prepare()
    if reason:
        print(f"skipped: pyarrow and DuckDB cannot be had here: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
