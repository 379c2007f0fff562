# SPDX-License-Identifier: BSD-2-Clause
"""Every command over every kind of input: it ends with the right status, writes what it should,
leaves nothing else anywhere, and no sanitizer has anything to say.

A row of COMMANDS or INPUTS is all that a new command, format or kind of input needs here.
"""
import collections
import concurrent.futures

from harness import *

DEFAULT_WIDTH = 192  # of the default model's vectors
REPORTED = 99  # the exit status when a sanitizer stops the command, which no command ends with

PICTURES_MADE = {"in/%d.png" % i: png(20 + i, 30 - i, (60 * i, 255 - 60 * i, 99)) for i in range(4)}
SOME = [("%d.png" % i, data) for i, data in enumerate(PICTURES_MADE.values())]
ABOUT = [("0.txt", b"a text"), ("0.json", b'{"a": 1}'), ("1.txt", b"another")]  # of a tar file's
BAD = ("bad.png", b"no picture")

# Where the inputs are: {path: bytes}.
FILES = dict(PICTURES_MADE) | {
    "bad.png": BAD[1],
    "empty/notes.txt": b"",
    "list": b"in/2.png\nin/0.png\n",
    "bad-list": b"in/2.png\nabsent.png\nbad.png\nin/1.png\nin/0.png\n",
    "no-list": b"",
    "one.tar": tar(SOME[:1]),
    "some.tar": tar(sorted(SOME + ABOUT)),
    "bad.tar": tar(sorted(SOME[:3] + ABOUT + [BAD])),
    "cut.tar": tar(SOME[:2])[:1024],
    "empty.tar": tar([]),
    "tar-list": b"one.tar\nsome.tar\n",
}

# kind says what of the command line it needs. good and bad are how many results and failures come
# of it; found, whether any input is there at all.
Input = collections.namedtuple("Input", "kind words stdin good bad found",
                               defaults=("", 0, 0, True))

INPUTS = (
    Input("file", "in/0.png", good=1),
    Input("files", "in/0.png in/1.png in/3.png", good=3),
    Input("folder", "in", good=4),
    Input("list", "--from list", good=2),
    Input("list", "--from -", "list", good=2),
    Input("list", "--from list in/3.png", good=3),
    Input("stdin", "-", "in/1.png", good=1),
    Input("files", "in/0.png bad.png in/1.png absent.png in/2.png", good=3, bad=2),
    Input("list", "--from bad-list", good=3, bad=2),
    Input("file", "bad.png", bad=1),
    Input("stdin", "-", "bad.png", bad=1, found=False),
    Input("file", "absent.png", bad=1, found=False),
    Input("list", "--from absent", bad=1, found=False),
    Input("folder", "empty", found=False),
    Input("list", "--from no-list", found=False),
)
TARS = (
    Input("tar", "--tar one.tar", good=1),
    Input("tar", "--tar some.tar", good=4),
    Input("tar", "--tar one.tar some.tar", good=5),
    Input("tar", "--tar -", "some.tar", good=4),
    Input("tar", "--tar --from tar-list", good=5),
    Input("tar", "--tar bad.tar one.tar", good=4, bad=1),
    Input("tar", "--tar -", "cut.tar", good=1, bad=1),
    Input("tar", "--tar absent.tar", bad=1, found=False),
    Input("tar", "--tar in/0.png", bad=1, found=False),
    Input("tar", "--tar empty.tar", found=False),
)
# For formats whose writing is all that differs from that of a format before them.
FEW = {"in/0.png", "in/0.png bad.png in/1.png absent.png in/2.png", "--tar bad.tar one.tar",
       "empty"}


def lines(data):
    return data.decode().splitlines()


def of_json(data):
    """Results and failures among the JSON objects, one a line."""
    rows = json_lines(data)
    bad = sum("error" in row for row in rows)
    return len(rows) - bad, bad


def of_headings(data):
    """What stands before lines that are set in."""
    return sum(not line.startswith("  ") for line in lines(data)), None


def of_csv(data):
    return len(lines(data)) - 1, None


def of_npy(data):
    return parse_npy(data)[1][0], None


def of_halves(data):
    return len(data) / 2 / DEFAULT_WIDTH, None


def of_page(data):
    assert data.endswith(b"</html>\n"), data[-99:]
    return data.count(b"<section>"), None


def of_parts(data):
    manifest = json.loads(data)
    assert manifest["complete"], manifest
    return manifest["rows"], manifest["failed"]


def of_index(data):
    assert data.startswith(b"SQLite format 3\0"), data[:16]
    return None, None


def made(data):
    """A file that says nothing of how many."""
    assert data, "an empty file"
    return None, None


# words: the command, OUT standing for a folder of its own. results: {file, "-" being standard
# output: what it says}; beside: {file: whether it stands there, given the input}. takes: kinds of
# inputs; for others the command line is refused. few: over FEW inputs only.
Command = collections.namedtuple("Command", "words results beside takes few",
                                 defaults=({}, None, False))


def always(row):
    return True


def if_bad(row):
    return row.bad > 0


def rows_beside(name):
    return {name + ".jsonl": always, name + ".meta.json": always, name + ".errors.jsonl": if_bad}


COMMANDS = (
    Command("classify --format json", {"-": of_json}),
    Command("classify -k 2", {"-": of_headings}, few=True),
    Command("classify -k 1 -o OUT/x.csv", {"x.csv": of_csv}, few=True),
    Command("embed -o OUT/x.npy", {"x.npy": of_npy}, rows_beside("x")),
    Command("embed --batch 2 --shard-size 2 -o OUT/parts", {"parts/manifest.json": of_parts}),
    Command("embed --format jsonl", {"-": of_json}, few=True),
    Command("embed --normalize -o OUT/x.jsonl", {"x.jsonl": of_json}, few=True),
    Command("embed -o OUT/x.csv", {"x.csv": of_csv}, {"x.errors.jsonl": if_bad}, few=True),
    Command("embed -o OUT/x.raw --dtype f16", {"x.raw": of_halves}, rows_beside("x"), few=True),
    Command("embed --format pgcopy", {"-": made}, few=True),
    Command("preprocess -o OUT/x.npy", {"x.npy": made}, takes={"file", "stdin", "folder"}),
    Command("attention -o OUT/x.png", {"x.png": made}, takes={"file", "stdin", "folder"}),
    Command("attention --raw OUT/x.npy", {"x.npy": made}, takes={"file", "stdin", "folder"},
            few=True),
)
ON_INDEXES = (
    Command("search --db all.db --json", {"-": of_json}),
    Command("search --db all.db -k 2 --html OUT/x.html", {"-": of_headings, "x.html": of_page}),
    Command("search --db all.db --batch 1 --html OUT/x.html -o OUT/x.json",
            {"x.json": of_json, "x.html": of_page}),
    Command("search --db all.db -k 1 -o OUT/x.txt", {"x.txt": of_headings}, few=True),
    Command("index --db OUT/x.db", {"x.db": of_index}, {"x.db-vectors": lambda row: row.good > 0},
            takes={"file", "files", "folder", "list"}),
)
ONE_PICTURE = {"preprocess", "attention"}


def files_below(folder):
    """And folders with nothing in them, as "name/"."""
    found = set()
    for path, folders, names in os.walk(folder):
        found |= {os.path.relpath(os.path.join(path, name), folder) for name in names}
        if path != folder and not folders and not names:
            found.add(os.path.relpath(path, folder) + "/")
    return found


class EveryInput(Case):
    """The inputs are made once: they are only read."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="vit-cli-")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        for name, data in FILES.items():
            write(os.path.join(cls.shared, name), data)
        os.mkdir(os.path.join(cls.shared, "tmp"))
        if KEEPS_INDEXES:
            subprocess.run([VIT, "index", "-q", "--db", "all.db", "in"], cwd=cls.shared, check=True,
                           timeout=TIMEOUT, env=environment())
        cls.before = files_below(cls.shared)

    def finish(self, command, row, out):
        """The finished process. What the command writes by itself goes below out, or into tmp."""
        os.mkdir(out)
        options = {name: os.environ.get(name, "") + ":exitcode=%d" % REPORTED
                   for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")}
        words = command.words.replace("OUT", out).split() + row.words.split()
        return subprocess.run([VIT, *words], input=FILES.get(row.stdin, b""), capture_output=True,
                              timeout=TIMEOUT, cwd=self.shared,
                              env=environment(TMPDIR=os.path.join(self.shared, "tmp"), **options))

    def status(self, command, row):
        if command.takes is not None and row.kind not in command.takes:
            return USAGE
        if row.kind == "folder" and command.words.split()[0] in ONE_PICTURE:
            return 1
        if "--shard-size" in command.words and not row.found:
            return 1
        return 1 if row.bad else 0

    def wanted(self, command, row, status):
        """The names of the files that the command should leave."""
        if status == USAGE or (status and command.words.split()[0] in ONE_PICTURE):
            return set()
        names = set(command.results) - {"-"}
        if "--shard-size" in command.words:
            if not row.found:
                return set()
            parts = ["parts/part-%05d" % i for i in range((row.good + 1) // 2)]
            names |= {part + end for part in parts for end in (".npy", ".jsonl")}
            names.add("parts/errors.jsonl")
        return names | {name for name, stands in command.beside.items() if stands(row)}

    def check(self, command, row, out, done):
        status = self.status(command, row)
        said = done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, said)
        for line in said.splitlines():
            self.assertTrue(line.startswith("vit: "), said)
        wanted = self.wanted(command, row, status)
        self.assertEqual(files_below(out), wanted)
        for name, count in command.results.items():
            if name != "-" and name not in wanted:
                continue
            data = done.stdout if name == "-" else read(os.path.join(out, name))
            if status == USAGE:
                self.assertEqual(data, b"")
                continue
            for got, want in zip(count(data), (row.good, row.bad)):
                self.assertIn(got, (want, None), name)

    def check_all(self, commands, rows):
        """Two at a time, as there are cores."""
        runs = [(command, row, self.path("%d-%d" % (i, j))) for i, command in enumerate(commands)
                for j, row in enumerate(rows) if not command.few or row.words in FEW]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            finished = pool.map(lambda run: self.finish(*run), runs)
            for (command, row, out), done in zip(runs, finished):
                with self.subTest(command=command.words, input=row.words, stdin=row.stdin):
                    self.check(command, row, out, done)
        self.assertEqual(files_below(self.shared), self.before)

    def test_files(self):
        self.check_all(COMMANDS, INPUTS)

    @unittest.skipUnless(READS_TAR, "this vit was built without libarchive")
    def test_tar_files(self):
        self.check_all(COMMANDS, TARS)

    @unittest.skipUnless(KEEPS_INDEXES, "this vit was built without SQLite")
    def test_files_on_indexes(self):
        self.check_all(ON_INDEXES, INPUTS)

    @unittest.skipUnless(KEEPS_INDEXES and READS_TAR, "this vit lacks SQLite or libarchive")
    def test_tar_files_on_indexes(self):
        self.check_all(ON_INDEXES, TARS)

    @unittest.skipUnless(KEEPS_INDEXES, "this vit was built without SQLite")
    def test_dedup(self):
        """It has no inputs but the index. At so low a threshold all pictures are one group."""
        every = "dedup --db all.db --threshold 0.001"
        commands = (
            Command(every, {"-": of_headings}),
            Command(every + " --json --html OUT/x.html", {"-": of_json, "x.html": of_page}),
            Command(every + " -o OUT/x.json --html OUT/x.html",
                    {"x.json": of_json, "x.html": of_page}),
        )
        self.check_all(commands, [Input("none", "", good=1)])


if __name__ == "__main__":
    main()
