# SPDX-License-Identifier: BSD-2-Clause
"""Every command as a job: what it is given, what it prints and writes, and which of its results stand when some inputs failed.

JOBS is the table: a new command, or a new kind of result, needs a row there and nothing else. VIT_LBFGS is 1 if the command can fit.
"""
import atexit
import copy
import sqlite3

from harness import *
from hub_server import Hub, Repository
from small_clip import add_tokenizer

FITS = os.environ["VIT_LBFGS"] == "1"
FORMATS = {  # as `vit --version` names them: a picture of each
    "JPEG": "decode/exif_orientation_6.jpg", "PNG": "decode/png_gray16.png", "PNM": "decode/pnm_p6.ppm", "WebP": "decode/webp_lossy.webp",
    "GIF": "decode/gif.gif", "BMP": "decode/bmp_24.bmp", "ICO": "decode_more/ico_sizes.ico", "PSD": "decode_more/psd_rgb_rle.psd",
    "TIFF": "decode/tiff_lzw.tif", "AVIF": "decode/avif.avif", "HEIC": "decode/heic.heic", "JPEG XL": "decode_more/jxl_lossy.jxl",
}
TEXTS = b"a photo of a cat\n\na red dog\n"
INPUTS_FAILED = 1  # some pictures could not be read; the others have their results
HEAD = "image.head"  # the tensor that is fitted
# GnuTLS says so while it is loaded, and the loader when it gives up; all else is ours.
SPEAKERS = b"vit: ", b"Error in GnuTLS", b"cannot allocate memory for thread-local data", b"out of memory"
NO_RESULT = b'"error"', b"[]", b'out of memory"'  # what a line has that stands for an input, or a comparison, that failed


def rows_of(content):
    """Results that stand in lines or, of an .npy file, in rows."""
    if content.startswith(b"\x93NUMPY"):
        _, shape, data = parse_npy(content)
        return [data[i * len(data) // shape[0]:(i + 1) * len(data) // shape[0]] for i in range(shape[0])]
    lines = (line for line in content.splitlines() if not any(words in line for words in NO_RESULT))
    return [line.split(b'"path"')[-1] for line in lines]  # before it is the number of the row


class Job:
    """A row of the table. words: the command, with the names of what Given has made. resumes: what is there after a failure is of
    use, and the same command goes on there. there: whether this build has the command."""

    def __init__(self, name, words, *, stdin=b"", resumes=False, there=True):
        self.name, self.words, self.stdin, self.resumes, self.there = name, words.split(), stdin, resumes, there

    def __str__(self):
        return self.name

    def with_words(self, changed):
        """The same job with other words."""
        job = copy.copy(self)
        job.words = [changed(word) for word in self.words]
        return job

    def settings(self, folder):
        """Variables of the command."""
        return {}

    def meaning(self, path):
        """What a file says. None: it is no result."""
        return read(path)

    def printed(self, output):
        """What of the output is the same in every run."""
        return output

    def part_of(self, got, want):
        """Is this what comes of some of the inputs, where the others failed?"""
        return set(rows_of(got)) <= set(rows_of(want))


class IndexJob(Job):
    """Without the hashes: a file that cannot be read again has none, and is encoded again the next time."""

    def meaning(self, path):
        if not path.endswith(".db"):
            return None
        with sqlite3.connect(path) as place:
            place.text_factory = bytes
            assert place.execute("PRAGMA integrity_check").fetchall() == [(b"ok",)]
            if not place.execute("SELECT name FROM sqlite_schema WHERE name = 'images'").fetchall():
                return None  # nothing came into it
            return place.execute("SELECT path, size, vector FROM images JOIN vectors USING (id) ORDER BY path").fetchall()


class PageJob(Job):
    def meaning(self, path):
        """A page says of a thumbnail that cannot be read that it is none."""
        content = read(path)
        return (content.count(b"<figcaption"), content[-8:]) if path.endswith(".html") else content

    def part_of(self, got, want):
        """A page with fewer pictures, or none, and whole to its end."""
        return got[0] <= want[0] and got[1] == want[1] if isinstance(want, tuple) else super().part_of(got, want)


class FitJob(Job):
    def meaning(self, path):
        """Every tensor. The last bits of what is fitted depend on whether OpenBLAS can be loaded: of it the size counts."""
        return {name: len(tensor[2]) if name == HEAD else tensor for name, tensor in tensors_of(path).items()}

    def part_of(self, got, want):
        """Fitted to fewer pictures. The report is another one, too."""
        return isinstance(got, bytes) or got == want


class PcaJob(Job):
    def part_of(self, got, want):
        """All pictures are drawn in colours that they share."""
        return got.endswith(b"IEND\xaeB`\x82")


class BenchJob(Job):
    def printed(self, output):
        """What it measures, and not how much."""
        return b"\n".join(sorted(b"%s" % key.encode() for line in json_lines(output) for key in line))


class PullJob(Job):
    hub = None

    def settings(self, folder):
        if not PullJob.hub:
            names = "config.json", "preprocessor_config.json", "model.safetensors"
            PullJob.hub = Hub({"acme/vit": Repository({name: read(golden("hf_vit_classifier", name)) for name in names})})
            atexit.register(PullJob.hub.close)
        return {"HF_ENDPOINT": self.hub.endpoint, "HF_HOME": os.path.join(folder, "home"), "no_proxy": "*",
                "HF_HUB_CACHE": os.path.join(folder, "cache"), "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"}

    def meaning(self, path):
        return None if ".locks" in path or "CACHEDIR.TAG" in path else read(path)


class Given:
    """What jobs are given, made once: pictures, a model of pictures and words, an index, tables, texts, a tar file."""

    def __init__(self, folder):
        self.folder = folder
        for i in range(5):
            write(self.path("in", "%d.png" % i), png(30, 20, (50 * i, 9, 200 - 40 * i)))
        for name in run("--version").stdout.decode().splitlines()[1].split(": ")[1].split(", "):
            write(self.path("formats", os.path.basename(FORMATS[name])), read(os.path.join(DATA, FORMATS[name])))
        write(self.path("labels.csv"), b"path,label\n" + b"".join(b"in/%d.png,%s\n" % (i, b"ab"[i % 2:][:1]) for i in range(5)))
        write(self.path("list"), b"in/3.png\nin/1.png\nin/4.png\n")
        write(self.path("texts"), TEXTS)
        write(self.path("ids.npy"), ids_bytes([[1, 2, 3], [4, 5, 6]]))
        write(self.path("some.tar"), tar([("%d.png" % i, read(self.path("in", "%d.png" % i))) for i in range(3)]))
        shutil.copytree(MODEL, self.path("model"))
        shutil.copytree(golden("hf_clip", ""), self.path("clip"))
        add_tokenizer(self.path("clip"))
        if KEEPS_INDEXES:
            run("index", "-m", "clip", "-q", "--db", "given.db", "in", cwd=folder).check_returncode()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def link_in(self, folder):
        """Puts a link to each in a folder, so that what else comes there is a job's own."""
        for name in os.listdir(self.folder):
            os.symlink(self.path(name), os.path.join(folder, name))


JOBS = (
    Job("classify", "classify -m model --format csv -q in"),
    Job("classify_words", "classify -m clip --labels cat,dog --json -q in"),
    Job("classify_knn", "classify --knn given.db --labels labels.csv --json -q in", there=KEEPS_INDEXES),
    Job("classify_formats", "classify -m model --json -q formats"),
    Job("embed", "embed -m model -q -o x.npy in"),
    Job("embed_printed", "embed -m model -q --format jsonl in"),
    Job("embed_list", "embed -m model -q -o x.jsonl --from list"),
    Job("embed_words", "embed -m clip -q -o x.jsonl --text cat --text dog"),
    Job("embed_texts", "embed -m clip -q -o x.csv --text-file texts"),
    Job("embed_ids", "embed -m clip -q -o x.jsonl --tokens ids.npy"),
    Job("embed_tar", "embed -m model -q -o x.jsonl --tar some.tar", there=READS_TAR),
    Job("embed_parts", "embed -m model -q --shard-size 2 --resume -t 1 -o parts in", resumes=True),
    Job("attention", "attention -m model -q -o x.png --raw x.npy in/1.png"),
    PcaJob("attention_pca", "attention -m model -q --pca -o x.png in"),
    Job("preprocess", "preprocess -m model -q -o x.npy in/1.png"),
    Job("tokenize", "tokenize -m clip -q", stdin=TEXTS),
    IndexJob("index", "index -m model -q -t 1 --db x.db in", resumes=True, there=KEEPS_INDEXES),
    Job("search", "search --db given.db --json in/3.png", there=KEEPS_INDEXES),
    PageJob("search_words", "search --db given.db --html x.html -o x.json --text cat", there=KEEPS_INDEXES),
    Job("dedup", "dedup --db given.db --threshold 0.1 --json", there=KEEPS_INDEXES),
    FitJob("fit", "fit -m model --labels labels.csv --val 0.4 -q -o x.safetensors", there=FITS),
    Job("info", "info -m model -t 1 --json"),
    Job("info_words", "info -m clip -t 1"),
    BenchJob("bench", "bench -m model --json --seconds 0.01"),
    BenchJob("bench_pictures", "bench -m model --json --seconds 0.01 --images in"),
    Job("verify", "verify --json clip"),
    Job("quantize", "quantize -m model --precision int8 -o x.safetensors"),
    PullJob("pull", "pull acme/vit -q", resumes=True, there=PULLS),
)


class JobCase(Case):
    """Each job in a folder of its own, in which what is given is linked."""

    @classmethod
    def setUpClass(cls):
        shared = tempfile.mkdtemp(prefix="vit-faults-")
        cls.addClassCleanup(shutil.rmtree, shared)
        cls.given = Given(shared)
        cls.before = {name: read(cls.given.path(name)) for name in os.listdir(shared) if os.path.isfile(cls.given.path(name))}

    def folder_for(self, name):
        """A fresh one, with what jobs are given."""
        folder = self.path(name)
        os.mkdir(folder)
        self.given.link_in(folder)
        return folder

    def run_in(self, folder, job, env=None, **more):
        """The job to its end. Its output is what of it is the same in every run."""
        done = subprocess.run([VIT, *job.words], cwd=folder, env={**(env or environment()), **job.settings(folder)}, input=job.stdin,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, **{"stdout": subprocess.PIPE, **more})
        if done.stdout and done.returncode in (0, INPUTS_FAILED):
            done.stdout = job.printed(done.stdout.replace(os.fsencode(folder), b""))
        return done

    def found(self, folder, job):
        """{path: what it says} of all files but the links to what is given."""
        paths = (os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
        found = {os.path.relpath(path, folder): job.meaning(path) for path in paths if os.path.dirname(path) != folder or
                 not os.path.islink(path)}
        return {name: content for name, content in found.items() if content is not None}

    def outcome(self, folder, job, **more):
        """(exit status, output, what the files say) of a job that speaks as it should."""
        done = self.run_in(folder, job, **more)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(SPEAKERS), (job.name, line))
            self.assertNotIn(b"too old", line)  # where memory is what lacks
        self.assertTrue(done.returncode == 0 or done.stderr, (job.name, "fails without a word"))
        return done.returncode, done.stdout, self.found(folder, job)
