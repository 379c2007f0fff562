# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of bulk jobs share, beside the harness: numbered pictures, what is left in a folder of parts, a run that
kills itself. VIT_KILL_LIBRARY is the library of kill_at.c."""
import random

from harness import *


def picture(seed, width=40, height=30):
    """A PPM that differs from those of all other seeds."""
    return b"P6\n%d %d\n255\n" % (width, height) + random.Random(seed).randbytes(3 * width * height)


def make_pictures(folder, count, bad=()):
    """count pictures, those numbered in bad broken in one of three ways; their paths in order."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for i in range(count):
        paths.append(os.path.join(folder, f"{i:05d}.ppm"))
        data = picture(i)
        if i in bad:
            data = (b"no picture", data[:500], b"")[i % 3]
        write(paths[-1], data)
    return paths


def snapshot(folder):
    """Name -> bytes of all files in the folder."""
    return {name: read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}


def join(files):
    """The rows of all parts of a snapshot, in order: (bytes of the vectors, lines about them)."""
    manifest = json.loads(files["manifest.json"])
    vectors, rows = b"", []
    for part in manifest["parts"]:
        _, shape, data = parse_npy(files[part["file"]])
        about = json_lines(files[part["file"].replace(".npy", ".jsonl")])
        assert shape[0] == part["rows"] == len(about)
        assert [line["row"] for line in about] == list(range(shape[0]))
        vectors += data
        rows += about
    return vectors, rows


def watched(**settings):
    """The environment of a run that counts its calls that change the disk, and may be killed at one of them: kill_at.c says
    what VIT_KILL_COUNT, VIT_KILL_WHEN and VIT_KILL_AT mean."""
    return environment(LD_PRELOAD=os.environ["VIT_KILL_LIBRARY"], ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0",
                       **settings)


class JobCase(Case):
    """Each test in an empty folder of its own, which is this process' current one while the test runs."""

    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def check_no_job(self, *inputs, right=("in",), **options):
        """A bulk job over these inputs finds none: it says so and leaves nothing behind. The same
        command with the right inputs, and with another option, then begins a job."""
        command = ("embed", "--shard-size", 3)
        if not os.path.exists("right"):
            self.vit(*command, "--normalize", "-o", "right", *right)
        os.mkdir("out-there")
        for folder, resume in (("out", []), ("out-there", ["--resume"])):
            with self.subTest(inputs=inputs, folder=folder):
                self.vit(*command, *resume, "-o", folder, *inputs, **options, status=1, saying="no input was found")
                self.assertEqual(os.path.exists(folder), folder == "out-there")
                if folder == "out-there":
                    self.assertEqual(os.listdir(folder), [])
                self.vit(*command, *resume, "--normalize", "-o", folder, *right)
                self.check_same(snapshot(folder), snapshot("right"))
        shutil.rmtree("out")
        shutil.rmtree("out-there")

    def check_same(self, got, want):
        """Two snapshots, compared with a message that does not print them."""
        self.assertEqual(sorted(got), sorted(want))
        for name in want:
            self.assertTrue(got[name] == want[name], f"{name} differs")
