# SPDX-License-Identifier: BSD-2-Clause
"""The files and lines that embed and classify write."""
import math
import os
import re
import stat

from harness import *

PICTURES_OF_MODEL = [PICTURE, os.path.join(MODEL, "image2.png")]


def f32_text(value):
    return struct.unpack("<f", struct.pack("<f", float(value)))[0]


class Npy(Case):
    def test_layout(self):
        self.embed(*PICTURES_OF_MODEL)
        self.assert_files("out.npy", "out.jsonl", "out.meta.json")
        self.assertEqual(read_npy(self.path("out.npy"))[:2], ("<f4", (2, WIDTH)))
        self.embed("--output", "tokens", *PICTURES_OF_MODEL)
        self.assertEqual(read_npy(self.path("out.npy"))[:2], ("<f4", (2, TOKENS, WIDTH)))
        self.embed("--dtype", "f16", PICTURE)
        self.assertEqual(read_npy(self.path("out.npy"))[:2], ("<f2", (1, WIDTH)))

    def test_sidecars(self):
        self.embed("nothing.png", PICTURE, os.path.join(DECODE, "html_page.jpg"), PICTURES_OF_MODEL[1], status=1)
        self.assert_files("out.npy", "out.jsonl", "out.meta.json", "out.errors.jsonl")
        self.assertEqual(read_json_lines(self.path("out.jsonl")),
                         [{"row": i, "path": p} for i, p in enumerate(PICTURES_OF_MODEL)])
        errors = read_json_lines(self.path("out.errors.jsonl"))
        self.assertEqual([(e["path"], e["error"]["code"]) for e in errors],
                         [("nothing.png", "not_found"), (os.path.join(DECODE, "html_page.jpg"), "unsupported_format")])
        self.assertTrue(all(e["error"]["message"] for e in errors))
        self.assertEqual(read_npy(self.path("out.npy"))[1], (2, WIDTH))

    def test_errors_of_an_earlier_run_go(self):
        self.embed("nothing.png", PICTURE, status=1)
        self.embed(PICTURE)
        self.assert_files("out.npy", "out.jsonl", "out.meta.json")

    def test_all_failed(self):
        self.embed("nothing.png", status=1)
        self.assertEqual(read_npy(self.path("out.npy"))[1], (0, WIDTH))
        self.assertEqual(read_json_lines(self.path("out.jsonl")), [])

    def test_metadata(self):
        self.embed("--output", "cls", "--normalize", PICTURE)
        with open(self.path("out.meta.json")) as file:
            meta = json.load(file)
        info = json.loads(self.vit("info", "--json", "-m", MODEL).stdout)
        self.assertEqual(meta["model_digest"], info["digest"])
        self.assertRegex(meta["model_digest"], "^[0-9a-f]{64}$")
        self.assertEqual(meta["preprocessing_digest"], info["preprocessing_digest"])
        self.assertEqual((meta["precision"], meta["output"], meta["normalize"]), ("f32", "cls", True))

    def test_names(self):
        for name, base in (("x", "x"), ("x.npy", "x"), ("x.y.npy", "x.y"), ("x.dat", "x.dat")):
            folder = self.path("for." + name)
            os.mkdir(folder)
            self.vit("embed", "-m", MODEL, "-o", os.path.join(folder, name), "nothing.png", PICTURE, status=1)
            self.assertEqual(sorted(os.listdir(folder)),
                             sorted([name, base + ".jsonl", base + ".meta.json", base + ".errors.jsonl"]))


class NothingCameOut(Case):
    """An older result survives a run that has no result."""

    def files(self):
        return {name: read(self.path(name)) for name in os.listdir(self.folder) if os.path.isfile(self.path(name))}

    def check(self, *arguments, name):
        """The command makes the file NAME of one picture, and keeps that file where every input fails or none is there."""
        os.makedirs(self.path("empty"), exist_ok=True)
        self.vit(*arguments, PICTURE, "nothing.png", status=1)
        before = self.files()
        self.assertIn(name, before)
        for failing in (["nothing.png"], ["empty"], ["nothing.png", os.path.join(DECODE, "html_page.jpg")]):
            done = self.vit(*arguments, *failing, status=0 if failing == ["empty"] else 1)
            self.assertEqual(self.files(), before, (arguments, failing))
            self.assertRegex(done.stderr, b"%s: this run has no result to write" % name.encode())

    def test_embed(self):
        for form in ("npy", "jsonl", "csv", "raw", "fvecs", "pgcopy"):
            with self.subTest(form):
                self.check("embed", "-m", MODEL, "-o", form + "." + form, name=form + "." + form)

    def test_classify(self):
        for form in ("txt", "json", "csv"):
            with self.subTest(form):
                self.check("classify", "-m", MODEL, "-o", "y." + form, name="y." + form)

    def test_where_nothing_stood(self):
        """The file says itself that nothing came out, and the next run of the kind still keeps what is not there."""
        self.embed("nothing.png", name="x.jsonl", status=1)
        self.assertEqual([list(row) for row in read_json_lines(self.path("x.jsonl"))], [["path", "error"]])

    def test_a_link_stays(self):
        os.mkdir(self.path("elsewhere"))
        os.symlink(os.path.join("elsewhere", "x.csv"), self.path("x.csv"))
        self.embed(PICTURE, name="elsewhere/x.csv")
        before = read(self.path("x.csv"))
        self.embed("nothing.png", name="x.csv", status=1)
        self.assertTrue(os.path.islink(self.path("x.csv")))
        self.assertEqual(read(self.path("x.csv")), before)


class OtherFormats(Case):
    def setUp(self):
        super().setUp()
        self.embed(*PICTURES_OF_MODEL, name="ref.npy")
        self.rows = [list(r) for r in read_rows(self.path("ref.npy"))]

    def test_jsonl(self):
        inputs = [PICTURE, "nothing.png", PICTURES_OF_MODEL[1]]
        done = self.vit("embed", "-m", MODEL, "--format", "jsonl", "-o", "-", *inputs, status=1)
        self.embed(*inputs, name="x.jsonl", status=1)
        with open(self.path("x.jsonl"), "rb") as file:
            self.assertEqual(file.read(), done.stdout)
        rows = json_lines(done.stdout)
        self.assertEqual([r["path"] for r in rows], inputs)
        self.assertEqual([[f32_text(v) for v in rows[i]["embedding"]] for i in (0, 2)], self.rows)
        self.assertEqual(sorted(rows[1]), ["error", "path"])
        self.assertEqual(rows[1]["error"]["code"], "not_found")

    def test_jsonl_is_the_default_of_its_name_and_of_no_name(self):
        self.embed(PICTURE, name="y.jsonl")
        self.assertEqual(len(read_json_lines(self.path("y.jsonl"))[0]["embedding"]), WIDTH)

    def test_matrices(self):
        done = self.vit("embed", "-m", MODEL, "--format", "jsonl", "--output", "hidden:1", "-o", "-", PICTURE)
        matrix = json_lines(done.stdout)[0]["embedding"]
        self.assertEqual((len(matrix), len(matrix[0])), (TOKENS, WIDTH))

    def test_csv(self):
        odd = self.picture('with, comma and "quote".png')
        self.embed("--format", "csv", odd, PICTURE, "nothing.png", name="x.csv", status=1)
        import csv
        with open(self.path("x.csv"), newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual([r[0] for r in rows], ["path", odd, PICTURE])
        self.assertEqual([f32_text(v) for v in rows[2][1:]], self.rows[0])
        self.assertEqual(read_json_lines(self.path("x.errors.jsonl"))[0]["path"], "nothing.png")

    def test_raw(self):
        done = self.vit("embed", "-m", MODEL, "--format", "raw", "-o", "-", *PICTURES_OF_MODEL)
        self.assertEqual(list(floats(done.stdout)), self.rows[0] + self.rows[1])
        self.embed("--format", "raw", *PICTURES_OF_MODEL, name="x.raw")
        with open(self.path("x.raw"), "rb") as file:
            self.assertEqual(file.read(), done.stdout)
        self.assertEqual(len(read_json_lines(self.path("x.jsonl"))), 2)

    def test_f16_is_the_nearest(self):
        self.embed("--dtype", "f16", *PICTURES_OF_MODEL, name="half.npy")
        descr, shape, data = read_npy(self.path("half.npy"))
        halves = struct.unpack("<%de" % (shape[0] * shape[1]), data)
        expected = [struct.unpack("<e", struct.pack("<e", v))[0] for v in self.rows[0] + self.rows[1]]
        self.assertEqual(list(halves), expected)

    def test_normalised(self):
        self.embed("--normalize", *PICTURES_OF_MODEL)
        for row, plain in zip(read_rows(self.path("out.npy")), self.rows):
            length = math.sqrt(sum(v * v for v in plain))
            # one rounding to f32 of each value
            self.assertLess(max(abs(a - b / length) for a, b in zip(row, plain)), 1e-7)


class Whole(Case):
    """Output files appear whole or not at all."""

    def test_old_output_stays_when_the_new_one_fails(self):
        self.embed(PICTURE)
        before = {name: open(self.path(name), "rb").read() for name in os.listdir(self.folder)}
        self.embed("--output", "hidden:99", PICTURE, status=USAGE)
        os.mkdir(self.path("blocked"))
        os.mkdir(self.path("blocked", "x.meta.json"))
        self.vit("embed", "-m", MODEL, "-o", "blocked/x.npy", PICTURE, status=OUTPUT_FAILS)
        self.assertEqual(os.listdir(self.path("blocked")), ["x.meta.json"])
        after = {name: open(self.path(name), "rb").read() for name in before}
        self.assertEqual(before, after)

    def test_permissions_are_the_usual_ones(self):
        self.embed(PICTURE, preexec_fn=lambda: os.umask(0o027))
        for name in ("out.npy", "out.jsonl", "out.meta.json"):
            self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o640)

    def test_link_is_kept(self):
        os.mkdir(self.path("real"))
        os.symlink("real/x.jsonl", self.path("x.jsonl"))
        write(self.path("real/x.jsonl"), b'{"path":"old.png","embedding":[0]}\n')
        self.embed(PICTURE, name="x.jsonl")
        self.assertTrue(os.path.islink(self.path("x.jsonl")))
        self.assertEqual(read_json_lines(self.path("real/x.jsonl"))[0]["path"], PICTURE)

    def test_decoding_failure_leaves_no_file(self):
        self.vit("preprocess", "--stage", "decoded", "-o", "x.npy", "nothing.png", status=1)
        self.assert_files()

    def test_a_limit_on_file_size(self):
        """As a full disk: what has been written so far goes."""
        import resource
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        self.embed(PICTURE, status=OUTPUT_FAILS, preexec_fn=limit)
        self.assert_files()


class Same(Case):
    """The result for an image depends on nothing but the image and the model."""

    def test_batches_and_threads(self):
        inputs = [os.path.join(PICTURES, n) for n in sorted(os.listdir(PICTURES)) if n.endswith((".jpg", ".png"))]
        inputs = (inputs + PICTURES_OF_MODEL) * 3
        self.embed("-t", "1", "--batch", "1", *inputs)
        with open(self.path("out.npy"), "rb") as file:
            expected = file.read()
        for threads, batch in (("1", "5"), ("2", "3"), ("3", "64"), ("4", "1")):
            self.embed("-t", threads, "--batch", batch, *inputs, name="other.npy")
            with open(self.path("other.npy"), "rb") as file:
                self.assertTrue(file.read() == expected, (threads, batch))

    def test_locales(self):
        plain = self.vit("classify", "-m", MODEL, "--format", "json", PICTURE).stdout
        for locale in ("C", "de_DE.UTF-8", "tr_TR", "nonsense"):
            done = self.vit("classify", "-m", MODEL, "--format", "json", PICTURE,
                            env=environment(LC_ALL=locale, LANG=locale, LC_NUMERIC=locale))
            self.assertEqual(done.stdout, plain)

    def test_instruction_sets_agree(self):
        # f32 sums in another order: a few units in the last place of the largest value
        self.embed(PICTURE)
        best = read_rows(self.path("out.npy"))[0]
        for level in ("c", "neon" if os.uname().machine == "aarch64" else "avx2"):
            self.embed(PICTURE, name="level.npy", env=environment(VIT_CPU=level))
            self.assertLess(relative_error(read_rows(self.path("level.npy"))[0], best), 1e-5)


class Classify(Case):
    def test_json(self):
        rows = self.classify("-k", "3", *PICTURES_OF_MODEL)
        for row, path in zip(rows, PICTURES_OF_MODEL):
            self.assertEqual(list(row), ["path", "predictions"])
            self.assertEqual(row["path"], path)
            self.assertEqual([list(p) for p in row["predictions"]], [["label", "index", "score"]] * 3)
            scores = [p["score"] for p in row["predictions"]]
            self.assertEqual(scores, sorted(scores, reverse=True))

    def test_probabilities_are_the_softmax_of_the_logits(self):
        self.embed("--output", "logits", PICTURE)
        logits = read_rows(self.path("out.npy"))[0]
        total = sum(math.exp(v - max(logits)) for v in logits)
        expected = sorted(((math.exp(v - max(logits)) / total, i) for i, v in enumerate(logits)), reverse=True)
        got = self.classify("-k", "100", PICTURE)[0]["predictions"]
        self.assertEqual([p["index"] for p in got], [i for _, i in expected])
        for prediction, (score, _) in zip(got, expected):
            self.assertAlmostEqual(prediction["score"], score, delta=1e-6)
        self.embed("--output", "probs", PICTURE)
        for prediction in got:
            self.assertEqual(f32_text(prediction["score"]), read_rows(self.path("out.npy"))[0][prediction["index"]])

    def test_labels_are_the_checkpoints(self):
        with open(os.path.join(MODEL, "config.json")) as file:
            labels = json.load(file)["id2label"]
        for p in self.classify("-k", "100", PICTURE)[0]["predictions"]:
            self.assertEqual(p["label"], labels[str(p["index"])])

    def test_csv(self):
        import csv
        import io
        done = self.vit("classify", "-m", MODEL, "--format", "csv", "-k", "2", *PICTURES_OF_MODEL)
        rows = list(csv.reader(io.StringIO(done.stdout.decode())))
        self.assertEqual(rows[0], ["path", "rank", "index", "label", "score"])
        expected = self.classify("-k", "2", *PICTURES_OF_MODEL)
        self.assertEqual([(r[0], int(r[1]), int(r[2]), r[3], float(r[4])) for r in rows[1:]],
                         [(e["path"], i + 1, p["index"], p["label"], p["score"])
                          for e in expected for i, p in enumerate(e["predictions"])])

    def test_text(self):
        best = self.classify("-k", "1", PICTURE)[0]["predictions"][0]
        text = self.vit("classify", "-m", MODEL, "-k", "1", PICTURE).stdout.decode()
        self.assertEqual(text.splitlines()[0], PICTURE)
        self.assertIn(best["label"], text)
        self.assertIn("%.4f" % best["score"], text)

    def test_to_a_file(self):
        done = self.vit("classify", "-m", MODEL, "--format", "json", PICTURE)
        self.assertEqual(self.vit("classify", "-m", MODEL, "--format", "json", "-o", "x", PICTURE).stdout, b"")
        with open(self.path("x"), "rb") as file:
            self.assertEqual(file.read(), done.stdout)


class InfoAndBench(Case):
    def test_info(self):
        info = json.loads(self.vit("info", "--json", "-m", MODEL).stdout)
        self.assertRegex(info["digest"], "^[0-9a-f]{64}$")
        import hashlib
        with open(os.path.join(MODEL, "model.safetensors"), "rb") as file:
            self.assertEqual(info["digest"], hashlib.sha256(file.read()).hexdigest())
        text = self.vit("info", "-m", MODEL).stdout.decode()
        self.assertIn(info["digest"], text)
        self.assertIn(info["family"], text)
        text = self.vit("info", "-m", os.path.join(GOLDEN, "timm_test_vit")).stdout.decode()
        self.assertRegex(text, r"\ngflops +0\.08\n")
        self.assertRegex(text, r"\nlabels +tench, Tinca tinca; goldfish, Carassius auratus; .* \.\.\. \(1000 in all\)\n")

    def test_bench(self):
        keys = {"model", "precision", "batch", "threads", "ms_per_image", "min_ms_per_image", "images_per_s", "gflops",
                "load_ms", "peak_rss_mb"}
        for extra in ([], ["--images", PICTURES], ["--batch", "4", "-t", "1"]):
            done = self.vit("bench", "--json", "--seconds", "0.2", "-m", MODEL, *extra)
            row, = json_lines(done.stdout)
            self.assertEqual(set(row) & keys, keys)
            self.assertEqual(row["precision"], "f32")
            for key in ("ms_per_image", "min_ms_per_image", "images_per_s", "gflops", "load_ms", "peak_rss_mb"):
                self.assertGreater(row[key], 0)
            self.assertLessEqual(row["min_ms_per_image"], row["ms_per_image"])
            self.assertEqual("image_side_ms" in row, "--images" in extra)
            self.assertGreater(row.get("image_side_ms", 1), 0)
        self.vit("bench", "--seconds", "0.1", "-m", MODEL)
        self.vit("bench", "--seconds", "0.1", "-m", MODEL, "--images", "nothing", status=1)

    def test_bench_of_standard_input(self):
        """Standard input is read once, and measured for as many passes as fit into the time."""
        done = self.vit("bench", "--seconds", "0.3", "-m", MODEL, "--images", "-", stdin=read(PICTURE))
        self.assertGreater(int(re.search(rb"median of (\d+) runs", done.stdout)[1]), 1)
        for nothing in (b"", b"no picture"):
            done = self.vit("bench", "--seconds", "0.1", "-m", MODEL, "--images", "-", stdin=nothing, status=1)
            self.assertIn(b"vit: -: ", done.stderr)
        self.vit("bench", "-m", MODEL, "--images", "-", "--images", "-", stdin=read(PICTURE), status=USAGE)


if __name__ == "__main__":
    main()
