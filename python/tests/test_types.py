# SPDX-License-Identifier: BSD-2-Clause
"""mypy --strict, over the package and over the examples of its page."""

import os
import subprocess
import sys
import unittest

from blocks import python_blocks
from support import SOURCE, Case

PAGES = ("docs/python.md", "python/README.md")


class Types(Case):
    def test_package_and_examples(self):
        folder = self.folder()
        files = []
        for page in PAGES:
            for i, block in enumerate(python_blocks(os.path.join(SOURCE, page))):
                files.append(os.path.join(folder, "%s_%d.py" % (page.replace("/", "_").split(".")[0], i)))
                with open(files[-1], "w", encoding="utf-8") as file:
                    file.write(block)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "mypy",
                "--strict",
                "--cache-dir",
                os.path.join(os.environ["VIT_BUILD"], "mypy-cache"),
                os.path.join(SOURCE, "python", "src"),
                *files,
            ],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "MYPYPATH": os.path.join(SOURCE, "python", "src")},
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
