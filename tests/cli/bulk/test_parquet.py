# SPDX-License-Identifier: BSD-2-Clause
"""The ways to Parquet that docs/formats.md shows, run as they stand there, with pyarrow and DuckDB from PyPI in an
environment that venvs.py keeps. Where they cannot be had, the test is skipped and says why."""
import re

from jobs import *
from venvs import venv

PYTHON = venv("parquet", "numpy", "pyarrow", "duckdb")

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


def snippet(name):
    """The shell commands that stand in the page behind <!-- tested: NAME -->."""
    page = read(os.path.join(DOCS, "formats.md")).decode()
    return re.search(r"<!-- tested: %s -->\n```sh\n(.*?)```" % name, page, re.S).group(1)


class Parquet(JobCase):
    def run_snippet(self, name, result):
        path = os.pathsep.join([os.path.dirname(PYTHON), os.path.dirname(VIT), os.environ["PATH"]])
        make_pictures("photos", 25)
        done = subprocess.run(["sh", "-e", "-c", snippet(name)], env=environment(PATH=path), capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.vit("embed", "--normalize", "-o", "photos.npy", "photos")
        done = subprocess.run([PYTHON, "-c", CHECK, result], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_pyarrow(self):
        self.run_snippet("pyarrow", "photos.parquet")

    def test_parts(self):
        self.run_snippet("parts", "vectors/part-00000.parquet")

    def test_duckdb(self):
        self.run_snippet("duckdb", "vectors.parquet")


if __name__ == "__main__":
    if PYTHON is None:
        sys.exit(SKIPPED)
    main()
