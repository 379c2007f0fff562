# SPDX-License-Identifier: BSD-2-Clause
"""The layouts of the public structs and the values of the public enums are those of layouts.txt: test_layouts.py [--write]

A program that was compiled with older headers goes on with a newer library, so a member is added only where `reserved`
was, and no value of an enum changes. What must change all the same changes layouts.txt, and with it the library's SOVERSION.
SOURCE is the project, CC_COMMAND the compiler with all include paths of the public headers.
"""
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ["SOURCE"]
LIST = os.path.join(SOURCE, "tests", "api", "layouts.txt")


def headers():
    found = glob.glob(os.path.join(SOURCE, "*", "include", "vit", "*.h"))
    return sorted(os.path.basename(path) for path in found), [open(path, encoding="utf-8").read() for path in sorted(found)]


def without_comments(text):
    return re.sub(r"/\*.*?\*/|^\s*#.*?$", "", text, flags=re.S | re.M)


def members(body):
    """The names that the declarations of a struct declare."""
    for declaration in body.split(";"):
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", declaration)
        if pointer:
            yield pointer[1]
            continue
        for part in re.sub(r"\[[^\]]*\]", "", declaration).split(","):
            name = re.search(r"(\w+)\s*$", part)
            if name:
                yield name[1]


def questions(texts):
    """("struct.member", an expression in C) and so on."""
    for text in map(without_comments, texts):
        for _, body, name in re.findall(r"typedef struct (\w+)?\s*\{(.*?)\}\s*(\w+);", text, flags=re.S):
            yield name, "sizeof(%s)" % name
            for member in members(body):
                yield "%s.%s" % (name, member), "offsetof(%s, %s)" % (name, member)
        for body in re.findall(r"typedef enum \w+\s*\{(.*?)\}", text, flags=re.S):
            for value in body.split(","):
                if value.strip():
                    yield value.split("=")[0].strip(), "(size_t)" + value.split("=")[0].strip()


def layouts():
    names, texts = headers()
    asked = sorted(set(questions(texts)))
    program = "#include <stddef.h>\n#include <stdio.h>\n" + "".join('#include "vit/%s"\n' % name for name in names)
    program += "int main(void)\n{\n" + "".join('    printf("%%s %%zu\\n", "%s", %s);\n' % pair for pair in asked) + "}\n"
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "layouts.c"), "w") as file:
            file.write(program)
        subprocess.run([*shlex.split(os.environ["CC_COMMAND"]), "-o", "layouts", "layouts.c"], cwd=folder, check=True)
        return subprocess.run([os.path.join(folder, "layouts")], check=True, capture_output=True, text=True).stdout


class Layouts(unittest.TestCase):
    def test_they_are_as_listed(self):
        with open(LIST) as file:
            listed = file.read()
        self.assertGreater(len(listed.splitlines()), 150)
        self.assertEqual(layouts().splitlines(), listed.splitlines(),
                         "if it is meant: python3 tests/api/test_layouts.py --write, with SOURCE and CC_COMMAND set")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        text = layouts()
        with open(LIST, "w") as file:
            file.write(text)
    else:
        unittest.main(verbosity=2)
