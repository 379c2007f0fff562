# SPDX-License-Identifier: BSD-2-Clause
"""What is read, in which order, and what happens to inputs that cannot be."""
import os
import shutil

from harness import *


class Order(Case):
    def paths(self, *arguments, **more):
        return [r["path"] for r in self.classify(*arguments, **more)]

    def tree(self):
        for name in ("b.png", "a.png", "a/z.PNG", "a/deep/er/x.JpEg", "a-b.png", "c/y.ppm", "c/notes.txt", "c/.png",
                     "c/Makefile"):
            self.picture(os.path.join("tree", name))
        return self.path("tree")

    def test_as_given(self):
        names = [self.picture("%s.png" % n) for n in "zaqm"]
        self.assertEqual(self.paths(*names), names)
        self.assertEqual(self.paths("--batch", "1", "-t", "1", *names), names)
        self.assertEqual(self.paths("--batch", "3", "-t", "4", *(names * 9)), names * 9)

    def test_paths_are_written_as_given(self):
        self.picture("x.png")
        self.assertEqual(self.paths("x.png", "./x.png", ".//x.png"), ["x.png", "./x.png", ".//x.png"])

    def test_folders(self):
        tree = self.tree()
        expected = [os.path.join(tree, n) for n in ("a-b.png", "a.png", "a/deep/er/x.JpEg", "a/z.PNG", "b.png", "c/y.ppm")]
        found = self.paths(tree)
        self.assertEqual(found, sorted(found, key=os.fsencode))
        self.assertEqual(found, expected)
        self.assertEqual(self.paths(tree + "/"), found)
        self.assertEqual(self.paths("tree"), ["tree" + f[len(tree):] for f in found])
        self.assertEqual(self.paths(os.path.join(tree, "b.png"), tree), [expected[4]] + expected)

    def test_named_files_are_tried_whatever_their_name(self):
        tree = self.tree()
        notes = os.path.join(tree, "c/notes.txt")
        self.assertEqual(self.paths(notes), [notes])

    def test_empty_folder(self):
        os.mkdir(self.path("empty"))
        done = self.vit("classify", "-m", MODEL, "--format", "json", "empty")
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"empty", done.stderr)

    def test_links(self):
        tree = self.tree()
        os.symlink("..", os.path.join(tree, "c", "up"))
        os.symlink("b.png", os.path.join(tree, "link.png"))
        found = self.paths(tree)
        self.assertIn(os.path.join(tree, "link.png"), found)
        self.assertEqual(len(found), 7)

    def test_lists(self):
        names = [self.picture("%s.png" % n) for n in ("one", "with space", "three")]
        text = "\n".join(names).encode()
        write(self.path("list"), text)
        write(self.path("list0"), b"\0".join(map(os.fsencode, names)) + b"\0")
        self.assertEqual(self.paths("--from", "list"), names)
        self.assertEqual(self.paths("--from", "-", stdin=text + b"\n"), names)
        self.assertEqual(self.paths("--from", "-", stdin=b"\n\n" + text + b"\n\n"), names)
        self.assertEqual(self.paths("-0", "--from", "list0"), names)
        self.assertEqual(self.paths("--null", "--from=-", stdin=b"\0".join(map(os.fsencode, names))), names)
        self.assertEqual(self.paths(names[2], "--from", "list", names[0]), [names[2]] + names + [names[0]])
        self.assertEqual(self.paths("--from", "-", stdin=b""), [])

    def test_names_in_lists_that_need_care(self):
        odd = self.picture("line\nbreak.png")
        self.assertEqual(self.paths("-0", "--from", "-", stdin=os.fsencode(odd)), [odd])
        self.picture("sub/x.png")
        self.assertEqual(self.paths("--from", "-", stdin=b"sub\n"), ["sub/x.png"])

    def test_list_that_is_not_there(self):
        names = [self.picture("x.png")]
        rows = self.classify("--from", "nothing", *names, status=1)
        self.assertEqual([r["path"] for r in rows], ["nothing"] + names)
        self.assertEqual(rows[0]["error"]["code"], "not_found")

    def test_standard_input(self):
        with open(PICTURE, "rb") as file:
            content = file.read()
        from_file, from_stdin = self.classify(PICTURE)[0], self.classify("-", stdin=content)[0]
        self.assertEqual(from_stdin["path"], "-")
        self.assertEqual(from_stdin["predictions"], from_file["predictions"])
        failed = self.classify("-", stdin=b"", status=1)
        self.assertEqual(failed[0]["error"]["code"], "unsupported_format")


class BadInputs(Case):
    def setUp(self):
        super().setUp()
        os.mkfifo(self.path("pipe.png"))
        os.symlink("nothing", self.path("dangling.png"))
        shutil.copy(os.path.join(DECODE, "png_bomb_30000.png"), self.path("bomb.png"))
        self.bad = [("nothing.png", "not_found"), ("dangling.png", "not_found"), ("pipe.png", "unreadable"),
                    (os.path.join(DECODE, "html_page.jpg"), "unsupported_format"),
                    (os.path.join(DECODE, "jpeg_zero_bytes.jpg"), "unsupported_format"),
                    (os.path.join(DECODE, "text.png"), "unsupported_format"),
                    (os.path.join(DECODE, "png_bad_filter.png"), "corrupt"),
                    (os.path.join(DECODE, "jpeg_truncated_50.jpg"), "truncated"), ("bomb.png", "too_large")]

    def test_reported_and_skipped(self):
        good = self.picture("good.png")
        inputs = [good]
        for path, _ in self.bad:
            inputs += [path, good]
        for extra in ([], ["-t", "1", "--batch", "1"], ["--batch", "100", "-t", "3"]):
            done = self.vit("classify", "-m", MODEL, "--format", "json", *extra, *inputs, status=1)
            rows = json_lines(done.stdout)
            self.assertEqual([r["path"] for r in rows], inputs)
            for (path, code), row in zip(self.bad, rows[1::2]):
                self.assertEqual(sorted(row), ["error", "path"])
                self.assertEqual(row["error"]["code"], code, path)
                self.assertTrue(row["error"]["message"])
                self.assertIn(os.fsencode(path), done.stderr)
            for row in rows[0::2]:
                self.assertEqual(row["predictions"], rows[0]["predictions"])

    def test_all_bad(self):
        rows = self.classify(*[path for path, _ in self.bad], status=1)
        self.assertEqual([r["error"]["code"] for r in rows], [code for _, code in self.bad])

    def test_in_folders(self):
        self.picture("f/good.png")
        write(self.path("f/bad.gif"), b"no picture")
        os.mkfifo(self.path("f/pipe.jpg"))
        rows = self.classify("f", status=1)
        self.assertEqual([(r["path"], r.get("error", {}).get("code")) for r in rows],
                         [("f/bad.gif", "unsupported_format"), ("f/good.png", None), ("f/pipe.jpg", "unreadable")])

    def test_one_refused_by_its_size(self):
        self.picture("small.png", 60, 50)  # more than the 48 x 48 of the preprocessing
        self.classify("--max-pixels", "3000", "small.png")
        rows = self.classify("--max-pixels", "2999", "small.png", status=1)
        self.assertEqual(rows[0]["error"]["code"], "too_large")

    def test_quiet_still_reports(self):
        done = self.vit("classify", "-q", "-m", MODEL, "nothing.png", status=1)
        self.assertIn(b"nothing.png", done.stderr)

    def test_other_formats_keep_going(self):
        good = self.picture("good.png")
        for style in ("text", "csv"):
            done = self.vit("classify", "-m", MODEL, "--format", style, "nothing.png", good, status=1)
            self.assertIn(b"good.png", done.stdout)
            self.assertNotIn(b"nothing.png", done.stdout)


class Names(Case):
    def test_bytes_that_are_not_utf8(self):
        raw = b"caf\xe9 \xff.png"
        path = os.path.join(os.fsencode(self.folder), raw)
        write(path, png(8, 8))
        for arguments in ([path], ["--from", "-"]):
            rows = self.classify(*arguments, stdin=path)
            self.assertEqual(os.fsencode(rows[0]["path"]), path)
        self.embed(path)
        self.assertEqual(os.fsencode(read_json_lines(self.path("out.jsonl"))[0]["path"]), path)

    def test_failed_ones_too(self):
        path = b"\xed\xa0\x80 \xc0\xaf \xf5.png"  # a surrogate, an overlong slash, past the last code point
        rows = self.classify(path, status=1)
        self.assertEqual(os.fsencode(rows[0]["path"]), path)
        for byte in path:  # and nothing but ASCII stands for what is not UTF-8
            self.assertTrue(byte < 0x80 or "\\udc%02x" % byte in self.raw_json(path))

    def raw_json(self, path):
        return self.vit("classify", "-m", MODEL, "--format", "json", path, status=1).stdout.decode("utf-8")

    def test_utf8_stays_as_it_is(self):
        name = "\u00e9\u4e16 \U0001f408.png"
        self.picture(name)
        done = self.vit("classify", "-m", MODEL, "--format", "json", name)
        self.assertIn(name.encode("utf-8"), done.stdout)

    def test_characters_that_json_escapes(self):
        for name in ('quote".png', "back\\slash.png", "tab\t.png", "bell\a.png", "line\nbreak.png", "del\x7f.png"):
            self.picture(name)
            self.assertEqual(self.classify(name)[0]["path"], name)

    def test_terminal_commands_in_names_are_shown_not_obeyed(self):
        done = self.vit("classify", "-m", MODEL, "\x1b[2J\n.png", status=1)
        self.assertNotIn(b"\x1b", done.stderr)


class Pixels(Case):
    def setUp(self):
        super().setUp()
        self.vit("preprocess", "-m", MODEL, "-o", "one.npy", PICTURE)
        self.pixels = read_npy(self.path("one.npy"))[2]

    def npy(self, name, content):
        return write(self.path(name), content)

    def test_same_as_the_picture(self):
        self.npy("three.npy", npy_bytes("<f4", (3, 3, SIDE, SIDE), self.pixels * 3))
        picture = self.classify(PICTURE)[0]["predictions"]
        rows = self.classify("--pixels", "three.npy", PICTURE)
        self.assertEqual([r["predictions"] for r in rows], [picture] * 4)
        self.assertEqual([r["path"] for r in rows], ["three.npy"] * 3 + [PICTURE])

    def test_other_versions_of_the_format(self):
        expected = self.classify("--pixels", "one.npy")
        for version in (2, 3):
            self.npy("one.npy", npy_bytes("<f4", (1, 3, SIDE, SIDE), self.pixels, version))
            self.assertEqual(self.classify("--pixels", "one.npy"), expected)

    def test_no_rows(self):
        self.npy("none.npy", npy_bytes("<f4", (0, 3, SIDE, SIDE), b""))
        self.embed("--pixels", "none.npy")
        self.assertEqual(read_npy(self.path("out.npy"))[1], (0, WIDTH))

    def test_refused(self):
        good = npy_bytes("<f4", (1, 3, SIDE, SIDE), self.pixels)
        wrong = {"truncated": [good[:-1], good[:100], npy_bytes("<f4", (2, 3, SIDE, SIDE), self.pixels)],
                 "unsupported_format": [npy_bytes("<f8", (1, 3, SIDE, SIDE), self.pixels * 2),
                                        npy_bytes(">f4", (1, 3, SIDE, SIDE), self.pixels),
                                        npy_bytes("<f4", (1, 1, SIDE, SIDE), self.pixels),
                                        npy_bytes("<f4", (3, SIDE, SIDE), self.pixels),
                                        good.replace(b"False", b"True "), b"", good[:9], b"PK\3\4 an archive",
                                        good[:6] + b"\x09" + good[7:],
                                        npy_bytes("<f4", (2**40, 3, SIDE, SIDE), self.pixels),
                                        npy_bytes("<f4", (2**31, 3, 2**31, 2**31), b"")]}
        for code, contents in wrong.items():
            for content in contents:
                self.npy("wrong.npy", content)
                rows = self.classify("--pixels", "wrong.npy", PICTURE, status=1)
                self.assertEqual(len(rows), 2)
                # a shape past all bounds is damage, or more than the file has
                self.assertIn(rows[0]["error"]["code"], (code, "corrupt", "truncated"), content[:90])
                self.assertIn("predictions", rows[1])
        for path, code in (("nothing.npy", "not_found"), (self.folder, "unreadable")):
            self.assertEqual(self.classify("--pixels", path, status=1)[0]["error"]["code"], code)

    def test_a_result_that_is_not_finite_is_never_written(self):
        nan = struct.pack("<f", float("nan")) + self.pixels[4:]
        self.npy("mixed.npy", npy_bytes("<f4", (3, 3, SIDE, SIDE), self.pixels + nan + self.pixels))
        for extra in ([], ["--batch", "1"], ["--batch", "64"]):
            rows = self.classify(*extra, "--pixels", "mixed.npy", status=1)
            self.assertEqual([r.get("error", {}).get("code") for r in rows], [None, "non_finite", None])
            self.assertEqual(rows[0]["predictions"], rows[2]["predictions"])
        self.embed("--pixels", "mixed.npy", status=1)
        self.assertEqual(read_npy(self.path("out.npy"))[1], (2, WIDTH))
        self.assertEqual(read_json_lines(self.path("out.errors.jsonl"))[0]["error"]["code"], "non_finite")


if __name__ == "__main__":
    main()
