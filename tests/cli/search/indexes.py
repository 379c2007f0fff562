# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of index, search and dedup share, beside the harness: pictures that a model tells apart, an index of the test."""
import random
import unittest.mock

from harness import *


def noise(seed, side=24):
    """A picture of noise in blocks of one tint: no two seeds look alike to a model."""
    source = random.Random(seed)
    tint = [source.randrange(256) for _ in range(3)]
    blocks = [[tuple((t + source.randrange(160)) % 256 for t in tint) for _ in range(4)] for _ in range(4)]
    rows = b"".join(b"\0" + b"".join(bytes(blocks[4 * y // side][4 * x // side]) for x in range(side)) for y in range(side))
    return png_of_rows(side, side, rows)


def cosine(a, b):
    length = (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
    return sum(x * y for x, y in zip(a, b)) / length


class IndexCase(Case):
    """Each test with an index, `db`, in its folder. The model is the default one."""

    db = "photos.db"

    @classmethod
    def share_folder(cls):
        """One folder for all tests of the class, which only read it, made before the first; a case whose folder it is, to fill it."""
        cls.shared = tempfile.mkdtemp(prefix="vit-%s-" % cls.__name__.lower())
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        case = cls("setUp")
        case.folder = cls.shared
        return case

    def pictures(self, count, folder="photos", first=0):
        """photos/000.png and so on; their paths as the index has them."""
        names = ["%s/%03d.png" % (folder, i) for i in range(first, first + count)]
        for i, name in enumerate(names):
            write(self.path(name), noise(first + i))
        return names

    def index(self, *arguments, status=0):
        """The counts it reports: encoded, moved, copied, removed, unchanged, failed."""
        self.vit("index", "--db", self.db, *arguments, status=status)
        report = self.said.splitlines()[-1].rsplit(": ", 1)[1].split(", ")
        return {word: int(count) for count, word in (part.split() for part in report)}

    def search(self, *arguments, **more):
        return json_lines(self.vit("search", "--json", "--db", self.db, *arguments, **more).stdout)

    def found(self, *arguments):
        """Paths that one query finds."""
        return [hit["path"] for hit in self.search(*arguments)[0]["results"]]

    def check_index_of_nothing(self):
        """Where no picture came, an index says that it has none, and is bound to no option."""
        self.pictures(2)
        os.mkdir(self.path("empty"))
        write(self.path("list"), b"absent.png\n")
        write(self.path("bad.png"), b"no picture")
        for status, inputs in ((1, ["absent"]), (0, ["empty"]), (1, ["--from", "list"]),
                               (1, ["bad.png"])):
            self.assertEqual(self.index("--output", "cls", *inputs, status=status)["encoded"], 0)
            for command in (["search", "photos/000.png"], ["dedup"]):
                self.vit(command[0], "--db", self.db, *command[1:], status=USAGE)
                self.assertIn("nothing was indexed", self.said)
        self.assertEqual(self.index("--output", "mean", "photos")["encoded"], 2)
        self.vit("index", "--db", self.db, "--output", "cls", "empty", status=USAGE)
        self.assertEqual(len(self.found("photos/000.png")), 2)

    def check_several_begin(self, rounds, *arguments):
        """Of several processes one makes the index, and all fill it."""
        names = self.pictures(6)
        for i in range(rounds):
            place = [argument.replace("%d", str(i)) for argument in arguments]
            several = [self.start("index", "-t", "1", *place, "photos") for _ in range(4)]
            for process in several:
                said = process.communicate(timeout=TIMEOUT)[1]
                self.assertEqual(process.returncode, 0, said)
            answers = json_lines(self.vit("search", *place, "--json", names[0]).stdout)
            self.assertEqual(sorted(hit["path"] for hit in answers[0]["results"]), names)

    def vectors(self, *inputs):
        """{path: vector}, from vit embed."""
        lines = json_lines(self.vit("embed", "--format", "jsonl", *inputs).stdout)
        return {line["path"]: line["embedding"] for line in lines}
