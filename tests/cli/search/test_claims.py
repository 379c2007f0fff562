# SPDX-License-Identifier: BSD-2-Clause
"""What index, search and dedup write destroys nothing: no index, no picture, no file of others."""
import sqlite3

from indexes import *

READS = "which this run reads"
SIDES = ("-wal", "-shm", "-journal", "-vectors", "-vectors.new")


class Claims(IndexCase):
    def setUp(self):
        super().setUp()
        self.names = self.pictures(2)

    def snapshot(self):
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, self.folder)] = read(path)
        return found

    def refuse(self, *arguments, saying):
        before = self.snapshot()
        self.vit(*arguments, status=USAGE)
        self.assertEqual(self.snapshot(), before, arguments)
        self.assertIn(saying, self.said, arguments)

    def searches(self, *output):
        """Both commands that write what they find."""
        return (["search", "--db", self.db, *output, self.names[0]],
                ["dedup", "--db", self.db, *output])


class Index(Claims):
    def test_place_that_is_an_input(self):
        write(self.path("empty"), b"")
        write(self.path("list"), b"\n")
        os.symlink("empty", self.path("soft"))
        os.link(self.path("empty"), self.path("hard"))
        for place in ("empty", "./empty", self.path("empty"), "soft", "hard"):
            self.refuse("index", "--db", place, "empty", saying=READS)
            self.refuse("index", "--db", place, "--from", "empty", saying=READS)
        for side in SIDES:
            write(self.path("new.db" + side), b"")
            self.refuse("index", "--db", "new.db", "--from", "new.db" + side, saying=READS)
            os.remove(self.path("new.db" + side))
        self.refuse("index", "--db", "photos", "photos", saying=READS)

    def test_found_on_the_way(self):
        """A list names the index itself, an empty file until now."""
        write(self.path("mine"), b"")
        write(self.path("list"), "\n".join(self.names + ["mine"]).encode())
        self.vit("index", "--db", "mine", "--from", "list", status=USAGE)
        self.assertIn(READS, self.said)

    def test_place_of_others(self):
        with sqlite3.connect(self.path("mine.db")) as db:
            db.execute("CREATE TABLE mine(a)")
        db.close()
        write(self.path("photo"), noise(1))
        write(self.path("notes"), b"my notes\n" * 30)
        write(self.path("weights"), read(os.path.join(DEFAULT_MODEL, "model.safetensors")))
        for place, words in (("mine.db", "not an index of vit"), ("photo", "PNG"),
                             ("notes", "text"), ("weights", "safetensors")):
            self.refuse("index", "--db", place, "photos", saying=words)

    def test_files_beside_it(self):
        for indexed in (False, True):
            if indexed:
                self.vit("index", "--db", self.db, "photos")
            for side in SIDES:
                kept = self.path(self.db + side)
                before = read(kept) if os.path.exists(kept) else None
                write(kept, noise(3))
                self.refuse("index", "--db", self.db, "photos", saying="PNG")
                if before is None:
                    os.remove(kept)
                else:
                    write(kept, before)
        self.vit("index", "--db", self.db, "photos")

    def test_a_link_to_an_index(self):
        os.mkdir(self.path("real"))
        self.vit("index", "--db", "real/x.db", "photos")
        os.symlink("real/x.db", self.path("link.db"))
        self.vit("index", "--db", "link.db", "photos")
        self.assertIn("2 unchanged", self.said)
        write(self.path("real/x.db-wal"), noise(3))
        self.refuse("index", "--db", "link.db", "photos", saying="PNG")

    def test_names(self):
        for end in ("jpg", "PNG", "json", "npy", "safetensors", "txt", "tar", "duckdb"):
            self.refuse("index", "--db", "x." + end, "photos", saying=".db")
        for name in ("x", "x.db", "x.sqlite", "x.SQLITE3", "x.vit", "x.2024"):
            self.vit("index", "--db", name, "photos")


class Found(Claims):
    """What search and dedup write."""

    def setUp(self):
        super().setUp()
        self.vit("index", "--db", self.db, "photos")

    def test_the_index_is_read(self):
        os.symlink(self.db, self.path("soft"))
        os.link(self.path(self.db), self.path("hard"))
        names = [self.db, "./" + self.db, self.path(self.db), "soft", "hard"]
        names += [self.db + side for side in SIDES]
        for option in ("-o", "--html"):
            for name in names:
                for arguments in self.searches(option, name):
                    self.refuse(*arguments, saying=option + " " + name)
        with sqlite3.connect(self.path(self.db)) as db:  # while it has a log
            db.execute("BEGIN IMMEDIATE")
            for side in ("-wal", "-shm"):
                self.assertTrue(os.path.exists(self.path(self.db + side)))
                for arguments in self.searches("--json", "-o", self.db + side):
                    self.vit(*arguments, status=USAGE)
        db.close()

    def test_queries_are_read(self):
        write(self.path("list"), self.names[0].encode() + b"\n")
        write(self.path("empty"), b"")
        search = ["search", "--db", self.db]
        self.refuse(*search, "-o", "list", "--from", "list", saying=READS)
        for option in ("-o", "--html"):
            self.refuse(*search, option, "empty", "empty", saying=READS)
            self.refuse(*search, option, "empty", self.names[0], "empty", saying=READS)
            self.refuse(*search, option, self.names[0], self.names[1], saying="PNG")

    def test_other_files_are_kept(self):
        others = {"PNG": noise(1), "text": b"my notes\nof a year\n", "JSON": b'{"a":1}\n',
                  "safetensors": b"\x20\0\0\0\0\0\0\0{\"a\":",
                  "HTML": b"<!DOCTYPE html>\n<title>mine</title>\n",
                  "SQLite": b"SQLite format 3\0" + bytes(100) + b"x" * 90}
        for words, content in others.items():
            write(self.path("x"), content)
            for output in (["-o", "x"], ["--json", "-o", "x"], ["--html", "x"]):
                for arguments in self.searches(*output):
                    self.refuse(*arguments, saying=words)

    def test_earlier_results_are_replaced(self):
        for output in ("-o x", "--json -o x", "-o x.json", "--html x.html", "--html x"):
            for arguments in self.searches(*output.split()):
                for name in ("x", "x.json", "x.html"):
                    if os.path.exists(self.path(name)):
                        os.remove(self.path(name))
                self.vit(*arguments)
                first = self.snapshot()
                self.vit(*arguments)
                self.assertEqual(self.snapshot(), first)

    def test_groups_and_nothing(self):
        """Text with groups in it, and text of a query that found nothing."""
        self.vit("dedup", "--db", self.db, "--threshold", "0.0001", "-o", "groups.txt")
        self.assertRegex(read(self.path("groups.txt")), rb"^2 images, ")
        self.vit("dedup", "--db", self.db, "--threshold", "0.0001", "-o", "groups.txt")
        for _ in range(2):
            self.vit("search", "--db", self.db, "--like", "nothing", "-o", "x.txt", self.names[0])
        self.assertEqual(read(self.path("x.txt")), self.names[0].encode() + b"\n")

    def test_nothing_came_out(self):
        """What an earlier search wrote survives a search whose queries all fail."""
        for output in ("-o x.txt", "-o x.json", "--html x.html"):
            arguments = ["search", "--db", self.db, *output.split()]
            self.vit(*arguments, self.names[0])
            first = self.snapshot()
            self.vit(*arguments, "nothing.png", status=1)
            self.assertIn("%s: this run has no result to write" % output.split()[1], self.said)
            self.assertEqual(self.snapshot(), first)

    def test_names(self):
        for option, name, advice in (("-o", "x.csv", ".json"), ("-o", "x.npy", ".json"),
                                     ("-o", "x.JPG", ".json"), ("--html", "x.json", ".html"),
                                     ("--html", "x.pdf", ".html")):
            for arguments in self.searches(option, name):
                self.refuse(*arguments, saying=advice)
        for name in ("x.json", "x.JSONL", "x.ndjson"):
            self.vit("search", "--db", self.db, "-o", name, self.names[0])
            self.assertEqual(json_lines(read(self.path(name)))[0]["query"], self.names[0])
            self.vit("dedup", "--db", self.db, "--threshold", "0.0001", "-o", "groups" + name)
            self.assertEqual(len(json_lines(read(self.path("groups" + name)))[0]["paths"]), 2)
        self.vit("search", "--db", self.db, "--json", "-o", "y.txt", self.names[0])  # as asked for
        self.assertTrue(read(self.path("y.txt")).startswith(b'{"query":'))

    def test_two_outputs(self):
        for arguments in self.searches("-o", "x", "--html", "./x"):
            self.refuse(*arguments, saying="same file")


if __name__ == "__main__":
    main()
