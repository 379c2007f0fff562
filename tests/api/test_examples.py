#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The programs that README.md and the public headers print, compiled as they stand there and run.

Each is an indented or fenced piece of C: a whole program, or includes and then statements, which are put into main().
With a missing model, picture or tokenizer the program must print the message and nothing else; with
files that are there it must print its result. In a build with sanitizers the programs have them
too, so that a leak fails the test. CC_COMMAND is the compiler with its flags and folders of headers,
LIBRARIES the shared libraries; the rest is the harness'.
"""
import re
import shlex

from harness import *

CC = shlex.split(os.environ["CC_COMMAND"])
LIBRARIES = os.environ["LIBRARIES"].split(":")
MODEL = DEFAULT_MODEL
PICTURE = os.path.join(PICTURES, "cat.jpg")
TOKENIZER = os.path.join(DATA, "text", "gemma_bpe")


def text_of(*names):
    return read(os.path.join(SOURCE, *names)).decode()


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


README, = examples_of_page(text_of("README.md"))
VIT_H, = examples_of_header(text_of("vit", "include", "vit", "vit.h"))
IO, = examples_of_header(text_of("io", "include", "vit", "io.h"))
TEXT, = examples_of_header(text_of("text", "include", "vit", "text.h"))
PIPELINE, = examples_of_header(text_of("pipeline", "include", "vit", "pipeline.h"))
INDEX, = examples_of_header(text_of("index", "include", "vit", "index.h"))
HUB, = examples_of_header(text_of("hub", "include", "vit", "hub.h"))
FIT, = examples_of_header(text_of("fit", "include", "vit", "fit.h"))


class Examples(Case):
    def run_example(self, example, status=0, **names):
        """What it prints, ending with this status; names: strings of the example, and the paths that stand in for them."""
        for name, path in names.values():
            self.assertIn('"%s"' % name, example)
            example = example.replace('"%s"' % name, '"%s"' % path)
        source, program = self.path("example.c"), self.path("example")
        with open(source, "w", encoding="utf-8") as file:
            file.write(program_of(example))
        command = CC + [source, "-o", program] + LIBRARIES
        command += ["-Wl,-rpath," + os.path.dirname(library) for library in LIBRARIES]
        built = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(built.returncode, 0, built.stderr)
        done = subprocess.run([program], capture_output=True, text=True, timeout=TIMEOUT, cwd=self.folder,
                              env=environment(HF_HUB_CACHE="/nowhere", HF_HUB_OFFLINE="1"))
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
        self.assert_fails(self.run_example(VIT_H), model)
        self.assert_fails(self.run_example(VIT_H, model=(model, MODEL)), picture, "No such file")
        self.assert_fails(self.run_example(VIT_H, picture=(picture, PICTURE)), model)
        text_file = os.path.join(SOURCE, "README.md")
        no_picture = self.run_example(VIT_H, model=(model, MODEL), picture=(picture, text_file))
        self.assert_fails(no_picture, text_file)
        done = self.run_example(VIT_H, model=(model, MODEL), picture=(picture, PICTURE))
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^192 numbers, the first -?\d+\.\d+\n$")

    def test_picture(self):
        self.assert_fails(self.run_example(IO), "photo.jpg", "No such file")
        done = self.run_example(IO, picture=("photo.jpg", PICTURE))
        self.assertEqual(done.stdout + done.stderr, "")

    def test_pull(self):
        self.assert_fails(self.run_example(HUB), "facebook/dinov2-small", "OFFLINE")

    def test_fit(self):
        if os.environ["VIT_LBFGS"] != "1":
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
        if not KEEPS_INDEXES:
            self.skipTest("this build has no SQLite")
        index = self.path("photos.db")
        self.vit("index", "--quiet", "--db", index, PICTURES)
        done = self.run_example(INDEX, index=("photos.db", index), picture=("cat.jpg", PICTURE))
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"^1\.0000  \S+cat\.jpg\n(0\.\d{4}  \S+\n){2}$")


if __name__ == "__main__":
    main()
