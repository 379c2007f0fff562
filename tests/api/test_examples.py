#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The programs that README.md and the public headers print, compiled as they stand there and run.

Each is an indented or fenced piece of C: a whole program, or includes and then statements, which are put into main().
With a missing model, picture or tokenizer the program must print the message and nothing else; with
files that are there it must print its result. In a build with sanitizers the programs have them
too, so that a leak fails the test. CC_COMMAND is the compiler with its flags and folders of headers,
LIBRARIES the shared libraries, VIT the command.
"""
import os
import re
import shlex
import subprocess
import tempfile
import unittest

SOURCE = os.environ["SOURCE"]
CC = shlex.split(os.environ["CC_COMMAND"])
LIBRARIES = os.environ["LIBRARIES"].split(":")
MODEL = os.path.join(SOURCE, "models", "vit-tiny-cifar10")
PICTURE = os.path.join(SOURCE, "examples", "images", "cat.jpg")
TOKENIZER = os.path.join(SOURCE, "tests", "data", "text", "gemma_bpe")


def read(*names):
    with open(os.path.join(SOURCE, *names), encoding="utf-8") as file:
        return file.read()


def examples_of_page(text):
    """The contents of ```c fences."""
    return re.findall(r"^```c\n(.*?)^```$", text, re.M | re.S)


def examples_of_header(text):
    """The pieces of the first long comment that are indented by four more spaces than its words."""
    comment = re.search(r"^/\*\n(.*?)^ \*/", text, re.M | re.S)[1]
    lines = [re.sub(r"^ \* ?", "", line) for line in comment.splitlines()]
    pieces, piece = [], []
    for line in lines + ["end"]:
        if line.startswith("    ") or (piece and not line):
            piece.append(line[4:])
        elif piece:
            pieces.append("\n".join(piece).strip("\n") + "\n")
            piece = []
    return pieces


def program_of(example):
    """A whole program: the example's includes and the usual ones, its statements in main()."""
    if "int main(" in example:
        return example
    lines = example.splitlines(keepends=True)
    includes = [line for line in lines if line.startswith("#include")]
    statements = [line for line in lines if not line.startswith("#include")]
    standard = ["#include <%s>\n" % name for name in ("stdio.h", "stdlib.h", "vit/io.h")]
    return "".join(standard + includes + ["int main(void)\n{\n"] + statements + ["return 0;\n}\n"])


README, = examples_of_page(read("README.md"))
VIT, = examples_of_header(read("vit", "include", "vit", "vit.h"))
IO, = examples_of_header(read("io", "include", "vit", "io.h"))
TEXT, = examples_of_header(read("text", "include", "vit", "text.h"))
PIPELINE, = examples_of_header(read("pipeline", "include", "vit", "pipeline.h"))
INDEX, = examples_of_header(read("index", "include", "vit", "index.h"))
HUB, = examples_of_header(read("hub", "include", "vit", "hub.h"))
FIT, = examples_of_header(read("fit", "include", "vit", "fit.h"))


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="vit-examples-")
        self.addCleanup(self.folder.cleanup)

    def run_example(self, example, status=0, **names):
        """What it prints, ending with this status; names: strings of the example, and the paths that stand in for them."""
        for name, path in names.values():
            self.assertIn('"%s"' % name, example)
            example = example.replace('"%s"' % name, '"%s"' % path)
        source, program = (os.path.join(self.folder.name, n) for n in ("example.c", "example"))
        with open(source, "w", encoding="utf-8") as file:
            file.write(program_of(example))
        command = CC + [source, "-o", program] + LIBRARIES
        command += ["-Wl,-rpath," + os.path.dirname(library) for library in LIBRARIES]
        built = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(built.returncode, 0, built.stderr)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "VIT_"))}
        done = subprocess.run([program], capture_output=True, text=True, timeout=120,
                              cwd=self.folder.name, env=clean | {"HF_HUB_CACHE": "/nowhere", "HF_HUB_OFFLINE": "1"})
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def assert_fails(self, done, *words):
        """One line that says what is missing."""
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_first_page(self):
        model, picture = "facebook/dinov2-small", "photo.jpg"
        self.assert_fails(self.run_example(README, status=1), model)
        self.assert_fails(self.run_example(README, status=1, model=(model, MODEL)), picture, "No such file")
        self.assert_fails(self.run_example(README, status=1, picture=(picture, PICTURE)), model)
        done = self.run_example(README, model=(model, MODEL), picture=(picture, PICTURE))
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^it begins with( -?\d+\.\d+){3}\n$")

    def test_photo_to_vector(self):
        model, picture = "google/vit-base-patch16-224", "photo.jpg"
        self.assert_fails(self.run_example(VIT), model)
        self.assert_fails(self.run_example(VIT, model=(model, MODEL)), picture, "No such file")
        self.assert_fails(self.run_example(VIT, picture=(picture, PICTURE)), model)
        text_file = os.path.join(SOURCE, "README.md")
        no_picture = self.run_example(VIT, model=(model, MODEL), picture=(picture, text_file))
        self.assert_fails(no_picture, text_file)
        done = self.run_example(VIT, model=(model, MODEL), picture=(picture, PICTURE))
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^192 numbers, the first -?\d+\.\d+\n$")

    def test_picture(self):
        self.assert_fails(self.run_example(IO), "photo.jpg", "No such file")
        done = self.run_example(IO, picture=("photo.jpg", PICTURE))
        self.assertEqual(done.stdout + done.stderr, "")

    def test_pull(self):
        self.assert_fails(self.run_example(HUB), "facebook/dinov2-small", "OFFLINE")

    def test_fit(self):
        if os.environ["LBFGS"] != "1":
            self.skipTest("built without liblbfgs")
        done = self.run_example(FIT)
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^class 1 has the weights -0\.\d+ and 0\.\d+, and the bias -?\d\.\d+\n$")

    def test_text(self):
        folder = "clip-vit-base-patch32"
        self.assert_fails(self.run_example(TEXT), folder)
        done = self.run_example(TEXT, folder=(folder, TOKENIZER))
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^(\d+\n)+$")

    def test_pipeline(self):
        model = "facebook/dinov2-small"
        self.assert_fails(self.run_example(PIPELINE, status=1), model)
        done = self.run_example(PIPELINE, model=(model, MODEL), picture=("cat.jpg", PICTURE))
        self.assertRegex(done.stdout, r"^\S+cat.jpg: -?\d\S+ \.\.\.\n$")
        self.assert_fails(subprocess.CompletedProcess([], 0, "", done.stderr), "dog.jpg", "No such file")

    def test_index(self):
        self.assert_fails(self.run_example(INDEX, status=1), "photos.db")
        index = os.path.join(self.folder.name, "photos.db")
        made = subprocess.run([os.environ["VIT"], "index", "--quiet", "--db", index, os.path.dirname(PICTURE)],
                              capture_output=True, text=True)
        if "without SQLite" in made.stderr:
            self.skipTest("this build has no SQLite")
        self.assertEqual(made.returncode, 0, made.stderr)
        done = self.run_example(INDEX, index=("photos.db", index), picture=("cat.jpg", PICTURE))
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^1\.0000  \S+cat\.jpg\n(0\.\d{4}  \S+\n){2}$")


if __name__ == "__main__":
    unittest.main()
