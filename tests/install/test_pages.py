# SPDX-License-Identifier: BSD-2-Clause
"""The pages find each other, and are found where the command says: test_pages.py VIT FOLDER

FOLDER holds README.md: it is the tree, or share/doc/libvit of an installation, whose scripts are in
share/libvit. Looked at are every link of every page, and every file that help, messages and the manual
page name."""
import os
import re
import subprocess
import sys
import unittest

VIT, FOLDER = sys.argv[1], os.path.realpath(sys.argv[2])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"(?ms)^```.*?^```$")
HEADING = re.compile(r"(?m)^#+ (.*)$")
NAMED = re.compile(r"(?:docs|models|examples)/[\w./-]*\w\.(?:md|py|c|sh)\b")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def pages():
    for folder, folders, files in os.walk(FOLDER):
        folders[:] = [f for f in folders if not f.startswith((".", "build", "tests"))]
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".md"))


def anchors(page):
    """As GitHub makes them of headings: small letters, no punctuation, spaces to dashes."""
    headings = HEADING.findall(CODE.sub("", read(page)))
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


class Pages(unittest.TestCase):
    def vit(self, *arguments):
        done = subprocess.run([VIT, *arguments], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assert_found(self, name):
        beside = os.path.join(FOLDER, "..", "..", "libvit")
        self.assertTrue(any(os.path.exists(os.path.join(f, name)) for f in (FOLDER, beside)), name)

    def test_links(self):
        seen = 0
        for page in pages():
            for link in LINK.findall(CODE.sub("", read(page))):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = os.path.join(os.path.dirname(page), path) if path else page
                with self.subTest(page=os.path.relpath(page, FOLDER), link=link):
                    seen += 1
                    self.assertTrue(os.path.exists(target))
                    if anchor:
                        self.assertIn(anchor, anchors(target))
        self.assertGreater(seen, 20)

    def test_help_says_where_the_pages_are(self):
        overview = self.vit("help")
        listed = overview.split("Commands:")[1].split("Options:")[0]
        commands = re.findall(r"(?m)^  ([a-z]+) ", listed)
        self.assertIn("classify", commands)
        for text in [overview] + [self.vit(name, "--help") for name in commands if name != "help"]:
            said = text.splitlines()[-1]
            self.assertRegex(said, "^Documentation: man vit; ")
            self.assertEqual(os.path.realpath(said.rpartition(" in ")[2]), FOLDER)
            for name in ["README.md"] + NAMED.findall(text):
                self.assert_found(name)

    def test_files_that_messages_name(self):
        with open(VIT, "rb") as file:
            named = set(NAMED.findall(file.read().decode("latin-1")))
        self.assertIn("models/reference/make_expected.py", named)
        for name in named:
            self.assert_found(name)

    def test_files_that_the_manual_page_names(self):
        manual = os.path.join(FOLDER, "docs", "vit.1")
        if not os.path.exists(manual):  # installed
            manual = os.path.join(FOLDER, "..", "..", "man", "man1", "vit.1")
        for name in NAMED.findall(read(manual).replace("\\-", "-").replace("\\/", "")):
            self.assert_found(name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
