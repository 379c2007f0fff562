# SPDX-License-Identifier: BSD-2-Clause
"""Every block of code of the pages runs."""

import contextlib
import io
import os
import shutil
import unittest

from blocks import python_blocks
from small_clip import add_tokenizer
from support import CAT, CLIP, COFFEE, SOURCE, Case

# Blocks that need no server and no network.
PAGES = ("docs/python.md", "python/README.md")


class Blocks(Case):
    def setUp(self):
        here = os.getcwd()
        os.chdir(SOURCE)
        self.addCleanup(os.chdir, here)

    def run_block(self, block):
        names, printed = {"__name__": "block"}, io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(block, "block", "exec"), names)
        return names, printed.getvalue()

    def test_pages(self):
        for page in PAGES:
            blocks = python_blocks(os.path.join(SOURCE, page))
            self.assertTrue(blocks, page)
            for i, block in enumerate(blocks):
                with self.subTest(page=page, block=i):
                    names, _ = self.run_block(block)
                    if "search_by_words" in names:
                        clip = os.path.join(self.folder(), "clip")
                        shutil.copytree(CLIP, clip)
                        add_tokenizer(clip)
                        with contextlib.redirect_stdout(io.StringIO()) as printed:
                            names["search_by_words"](clip, [CAT, COFFEE])
                        self.assertIn("Prediction(label=", printed.getvalue())

    def test_readme(self):
        """The block of README.md that imports libvit, and what it says that is printed."""
        path = os.path.join(SOURCE, "README.md")
        (block,) = [block for block in python_blocks(path) if "import libvit" in block]
        _, printed = self.run_block(block)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for line in printed.splitlines():
            self.assertIn(line, text)
        self.assertTrue(printed)

    def test_first_output(self):
        page = os.path.join(SOURCE, "docs", "python.md")
        _, printed = self.run_block(python_blocks(page)[0])
        with open(page, encoding="utf-8") as file:
            self.assertIn("prints `%s`" % printed.strip(), file.read())


if __name__ == "__main__":
    unittest.main()
