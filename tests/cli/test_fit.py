#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""vit fit from outside: folders, tables and vectors to a classifier; the same bytes; what is wrong; docs/fit.md."""
import csv
import html
import math
import random
import re
import struct

from harness import *

INPUTS_FAILED = 1
NAMES = ("cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg")


def read_header(path):
    """(the header, the bytes behind it) of a safetensors file"""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size)), file.read()


def read_head(path):
    """(metadata, weight rows, bias) of a file of a layer alone."""
    header, data = read_header(path)
    numbers = struct.unpack("<%df" % (len(data) // 4), data)
    classes, width = header["head.weight"]["shape"]
    weight = [numbers[k * width:(k + 1) * width] for k in range(classes)]
    return header["__metadata__"], weight, numbers[classes * width:]


def softmax(logits):
    most = max(logits)
    powers = [math.exp(value - most) for value in logits]
    return [power / sum(powers) for power in powers]


class Fit(Case):
    def setUp(self):
        super().setUp()
        for label, names in {"animal": ("cat.jpg", "horse.png"), "thing, other": ("coffee.jpg", "rocket.jpg")}.items():
            os.makedirs(self.path("photos", label))
            for name in names:
                shutil.copy(os.path.join(PICTURES, name), self.path("photos", label, name))

    def fit(self, *arguments, status=0, o="out.safetensors"):
        return self.vit("fit", "-o", o, *arguments, status=status)

    def content(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_file_is_softmax_of_the_layer(self):
        for output, extra in (("embedding", ()), ("cls+mean", ()), ("cls", ("--normalize",))):
            options = ("--output", output, *extra)
            self.fit(*options, "--head-only", "photos", o="head.safetensors")
            self.fit(*options, "photos")
            metadata, weight, bias = read_head(self.path("head.safetensors"))
            self.assertEqual((metadata["format"], metadata["head_input"]), ("vit-head", output))
            labels = json.loads(metadata["id2label"])
            self.assertEqual(labels, {"0": "animal", "1": "thing, other"})
            self.vit("embed", *options, "--format", "jsonl", "-o", "v.jsonl", *(os.path.join(PICTURES, n) for n in NAMES))
            rows = [json.loads(line) for line in self.content("v.jsonl").decode().splitlines()]
            vectors = [row["embedding"] if "embedding" in row else next(v for v in row.values() if isinstance(v, list)) for row in rows]
            wants = [softmax([b + sum(w * x for w, x in zip(ws, vector)) for ws, b in zip(weight, bias)]) for vector in vectors]
            self.vit("preprocess", "-o", "pixels.npy", os.path.join(PICTURES, NAMES[0]))
            for model in (("-m", "out.safetensors"), ("-m", "head.safetensors"), ("--head", "head.safetensors"),
                          ("-m", metadata["base"], "--head", "head.safetensors", "-t", "1")):
                answer = self.vit("classify", *model, "--format", "json", *(os.path.join(PICTURES, n) for n in NAMES)).stdout
                answer += self.vit("classify", *model, "--format", "json", "--pixels", "pixels.npy").stdout
                for want, line in zip(wants + wants[:1], answer.decode().splitlines(), strict=True):
                    for p in json.loads(line)["predictions"]:
                        self.assertAlmostEqual(p["score"], want[p["index"]], delta=1e-6)
                        self.assertEqual(p["label"], labels[str(p["index"])])
            os.remove(self.path("pixels.npy"))
            os.remove(self.path("v.jsonl"))

    def test_format_transformers(self):
        """A folder as transformers writes it: every kind of model, names without their prefix, BF16, shards. That
        transformers computes the same was tried with version 5.24: 2e-6 at most."""
        picture = os.path.join(PICTURES, NAMES[0])
        for case, output, architecture in (
                ("hf_vit_bf16", "cls", "ViT"), ("hf_vit_sharded", "embedding", "ViT"), ("hf_vit_model", "cls", "ViT"),
                ("hf_deit_distilled", "cls", "DeiT"), ("hf_vit_msn", "cls", "ViTMSN"), ("hf_dinov2_model", "cls+mean", "Dinov2"),
                ("hf_dinov2_classifier", "embedding", "Dinov2"), ("hf_dinov2_registers", "cls+mean", "Dinov2WithRegisters")):
            with self.subTest(case=case):
                options = ("-m", golden(case, ""), "--output", output, "-C", "10", "photos")
                self.fit(*options, "--format", "transformers", o=case)
                self.fit(*options, o="packed.safetensors")
                answers = [self.vit("classify", "-m", model, "--format", "json", picture).stdout for model in (case, "packed.safetensors")]
                self.assertEqual(*answers)
                config = json.loads(self.content(case + "/config.json"))
                self.assertEqual(config["architectures"], [architecture + "ForImageClassification"])
                self.assertEqual((config["id2label"], config["label2id"]),
                                 ({"0": "animal", "1": "thing, other"}, {"animal": 0, "thing, other": 1}))
                self.assertEqual(self.content(case + "/preprocessor_config.json"), read(golden(case, "preprocessor_config.json")))
                header, _ = read_header(self.path(case, "model.safetensors"))
                self.assertEqual(header.pop("__metadata__")["format"], "pt")
                self.assertEqual({entry["dtype"] for entry in header.values()}, {"F32"})
                prefix = "vit." if "msn" in case else config["model_type"] + "."
                self.assertEqual({name for name in header if not name.startswith(prefix)}, {"classifier.weight", "classifier.bias"})
                self.assertFalse([name for name in header if "pooler" in name])
        self.assertEqual(sorted(os.listdir(self.path("hf_vit_bf16"))), ["config.json", "model.safetensors", "preprocessor_config.json"])

    def test_format_transformers_is_refused(self):
        os.mkdir(self.path("there"))
        with open(self.path("there", "config.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        vit, dino, clip = (golden(case, "") for case in ("hf_vit_classifier", "hf_dinov2_model", "hf_clip"))
        for words, model, *options in (
                ("there/config.json", vit, "-o", "there"), ("cls+mean, or cls", dino, "--output", "pooler"), ("reads cls", vit, "--output", "mean"),
                ("--normalize", vit, "--normalize"), ("--head-only", vit, "--head-only"), ("--precision", vit, "--precision", "int8"),
                ("--image-size", dino, "--image-size", "42"), ("--preprocessor", vit, "--preprocessor", golden("hf_vit_classifier", "preprocessor_config.json")),
                ("no folder of transformers", clip), ("pytorch_model.bin", golden("hf_vit_bin", ""))):
            self.refuse("-m", model, "--format", "transformers", *options, "photos", saying=words)
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        done = self.fit("-m", vit, "--format", "transformers", "photos", o="file", status=4)
        self.assertIn(b"a file has this name", done.stderr)
        self.assertEqual(self.content("there/config.json"), b"{}")
        self.fit("--format", "packed", "photos")

    def test_a_head_is_described_and_packed(self):
        self.fit("--head-only", "--output", "cls+mean", "photos", o="head.safetensors")
        metadata, _, _ = read_head(self.path("head.safetensors"))
        described = json.loads(self.vit("info", "--json", "-m", "head.safetensors").stdout)
        self.assertEqual(described["head"], {"path": "head.safetensors",
                                             **{key: metadata[key] for key in ("base", "base_digest", "preprocessing_digest")}})
        self.assertEqual(described["fit"], json.loads(metadata["fit"]))
        self.assertEqual((described["labels"], described["head_input"]), (["animal", "thing, other"], "cls+mean"))
        self.assertEqual(described["digest"], metadata["base_digest"])
        self.fit("--output", "cls+mean", "photos")
        self.vit("quantize", "--precision", "f32", "-m", "head.safetensors", "-o", "packed.safetensors")
        self.assertEqual(self.content("packed.safetensors"), self.content("out.safetensors"))

    def test_heads_that_are_refused(self):
        self.fit("--head-only", "photos", o="head.safetensors")
        good, base = read_head(self.path("head.safetensors")), read_head(self.path("head.safetensors"))[0]["base"]
        width = len(good[1][0])

        def refuse(words, *more, m="bad.safetensors", status=MODEL_FAILS):
            done = self.vit("classify", "-m", m, *more, os.path.join(PICTURES, NAMES[0]), status=status)
            for word in (words,) if isinstance(words, str) else words:
                self.assertIn(word, done.stderr.decode())

        def write(shapes=None, numbers=None, **changes):
            metadata = {key: value for key, value in {**good[0], **changes}.items() if value is not None}
            shapes = shapes or {"head.weight": [2, width], "head.bias": [2]}
            header, at = {"__metadata__": metadata}, 0
            for name, shape in shapes.items():
                header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * math.prod(shape)]}
                at += 4 * math.prod(shape)
            text = json.dumps(header).encode()
            with open(self.path("bad.safetensors"), "wb") as file:
                file.write(struct.pack("<Q", len(text)) + text + struct.pack("<%df" % (at // 4), *(numbers or [0.5] * (at // 4))))

        write(base_digest=None, preprocessing_digest=None, fit=None, head_normalize=None)
        self.vit("classify", "-m", "bad.safetensors", os.path.join(PICTURES, NAMES[0]))
        for words, changes in (
                ((good[0]["base_digest"], "0" * 64), {"base_digest": "0" * 64}),
                ((good[0]["preprocessing_digest"], "1" * 64), {"preprocessing_digest": "1" * 64}),
                ("head_input", {"head_input": None}), ("tokens", {"head_input": "tokens"}), ("head_input", {"head_input": "x"}),
                ("head_normalize", {"head_normalize": "maybe"}), ("id2label", {"id2label": None}), ("bad.safetensors", {"id2label": "{"}),
                ("id2label", {"id2label": "[]"}), ("which model", {"base": None}), ("/nowhere", {"base": "/nowhere"}),
                ("classifier alone", {"base": self.path("head.safetensors")}),
                ("head.bias", {"shapes": {"head.weight": [2, width]}}), ("head.weight", {"shapes": {"head.bias": [2]}}),
                ("head.bias", {"shapes": {"head.weight": [2, width], "head.bias": [3]}}),
                ("head.weight", {"shapes": {"head.weight": [2, width - 1], "head.bias": [2]}}),
                ("head.weight", {"shapes": {"head.weight": [2 * width], "head.bias": [2]}}),
                ("head.weight", {"shapes": {"head.weight": [0, width], "head.bias": [0]}}),
                ("other tensors", {"shapes": {"head.weight": [2, width], "head.bias": [2], "more": [1]}}),
                ("NaN", {"numbers": [math.nan] + [0.5] * (2 * width + 1)}), ("head.bias", {"numbers": [0.5] * (2 * width + 1) + [math.inf]})):
            write(**changes)
            refuse(words)
        write(base="/nowhere")
        self.vit("classify", "-m", base, "--head", "bad.safetensors", os.path.join(PICTURES, NAMES[0]))
        refuse("vit-head", "--head", os.path.join(base, "model.safetensors"), m=base)
        refuse("not_found", "--head", "gone.safetensors", m=base)
        refuse("classifier alone", "--head", "head.safetensors", m="head.safetensors")
        refuse("preprocessed in another way", "--head", "head.safetensors", "--image-size", "64x64", m=base)
        refuse("--head", "--head", "head.safetensors", "--labels", "a,b", m=base, status=USAGE)
        refuse("--head", "--head", "head.safetensors", "--knn", "x.npy", m=base, status=USAGE)
        digest = json.loads(self.vit("info", "--json", "-m", MODEL).stdout)["digest"]
        refuse((digest, good[0]["base_digest"]), "--head", "head.safetensors", m=MODEL)
        with open(self.path("bad.safetensors"), "wb") as file:
            file.write(self.content("head.safetensors")[:-4])
        refuse("truncated")

    def test_bytes_do_not_depend_on_threads_order_or_features(self):
        shutil.copytree(self.path("photos"), self.path("more"))
        os.rename(self.path("more", "animal", "cat.jpg"), self.path("more", "animal", "tom.jpg"))
        self.fit("-t", "1", "photos", "more")
        first = self.content("out.safetensors")
        self.fit("-t", "2", "--features", "kept", "more", "photos")
        self.assertEqual(self.content("out.safetensors"), first)
        self.fit("--features", "kept", "photos", "more")
        self.assertEqual(self.content("out.safetensors"), first)

    def test_report_and_predictions(self):
        done = self.fit("--report", "r.json", "--predictions", "p.csv", "-C", "0.1,10", "photos")
        self.assertIn(b"Held out: 2 pictures", done.stdout)
        report = json.loads(self.content("r.json"))
        self.assertEqual([point["C"] for point in report["curve"]], [0.1, 10])
        self.assertEqual(sum(map(sum, report["validation"]["confusion"])), 2)
        with open(self.path("p.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 4)
        self.assertEqual(sorted(row["split"] for row in rows), ["train", "train", "validation", "validation"])
        described = json.loads(self.vit("info", "--json", "-m", "out.safetensors").stdout)
        self.assertEqual(described["fit"]["pictures"], 4)
        self.assertEqual(described["head_input"], "embedding")

    def test_page(self):
        """What stands on it, and that no name becomes markup."""
        os.rename(self.path("photos", "animal"), self.path("photos", "<b>&\"animal"))
        self.fit("--html", "page.html", "-C", "0.1,10", "photos")
        page = self.content("page.html").decode()
        for text in ("2 classes: accuracy ", "Wrong with most confidence" if "taken for" in page else "Held out",
                     "The choice of C", "default-src 'none'", "&lt;b&gt;&amp;&quot;animal"):
            self.assertIn(text, page)
        self.assertNotIn("<b>", page)
        self.assertEqual(page.count("<svg "), 2)
        self.assertEqual(page.count("<svg "), page.count("</svg>"))
        self.assertIsNone(re.search(r"https?://", page))

    @unittest.skipUnless(shutil.which("chromium"), "no chromium: the page is not looked at")
    def test_page_in_a_browser(self):
        self.fit("--html", "page.html", "-C", "0.1,10", "photos")
        look = "<script>document.body.dataset.seen=JSON.stringify([document.querySelectorAll('svg circle').length," \
               "document.querySelectorAll('svg rect title').length,document.querySelectorAll('svg')[0].getBoundingClientRect()" \
               ".width,[...document.images].map(i=>i.naturalWidth),document.documentElement.scrollWidth])</script>"
        page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", self.content("page.html").decode())
        with open(self.path("seen.html"), "w", encoding="utf-8") as file:
            file.write(page.replace("</body>", look + "</body>"))
        dom = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=800,1200",
                              "--user-data-dir=" + self.path("profile"), "--dump-dom", "file://" + self.path("seen.html")],
                             capture_output=True, text=True, timeout=120, check=True).stdout
        circles, cells, width, pictures, whole = json.loads(html.unescape(re.search(r'data-seen="([^"]*)"', dom).group(1)))
        self.assertEqual(circles, 2)
        self.assertGreaterEqual(cells, 2)
        self.assertGreater(width, 300)
        self.assertTrue(all(pictures), pictures)
        self.assertLessEqual(whole, 800)

    def test_splits_of_folders_and_tables(self):
        os.makedirs(self.path("sets"))
        shutil.copytree(self.path("photos"), self.path("sets", "train"))
        os.makedirs(self.path("sets", "test", "animal"))
        self.picture("sets/test/animal/x.png")
        done = self.fit("sets")
        self.assertIn(b"Test: 1 pictures", done.stdout)
        table = "\ufefffilename,label,split\r\n" + "".join(
            "%s,%s,%s\r\n" % row for row in (("cat.jpg", '"a ""b"",\nc"', "train"), ("horse.png", '"a ""b"",\nc"', "val"),
                                             ("coffee.jpg", "ü", "train"), ("rocket.jpg", "ü", "dev"), ("gone.jpg", "ü", "")))
        with open(self.path("t.csv"), "w", encoding="utf-8", newline="") as file:
            file.write(table)
        done = self.fit("--labels", "t.csv", "-C", "1", PICTURES, "--head-only", o="table.safetensors")
        self.assertIn(b"line 8: there is no such picture", done.stderr)
        self.assertIn(b"Held out: 2 pictures", done.stdout)
        self.assertEqual(json.loads(read_head(self.path("table.safetensors"))[0]["id2label"]), {"0": 'a "b",\nc', "1": "ü"})
        with open(self.path("t.csv"), "w", encoding="utf-16-le", newline="") as file:
            file.write(table)
        self.fit("--labels", "t.csv", "-C", "1", PICTURES, "--head-only", o="utf16.safetensors")
        self.assertEqual(self.content("utf16.safetensors"), self.content("table.safetensors"))
        with open(self.path("t.csv"), "ab") as file:
            file.write(b"\0\0")
        refused = self.fit("--labels", "t.csv", PICTURES, status=USAGE)
        self.assertIn(b"it holds a zero byte", refused.stderr)

    def test_folders_of_sides_in_capitals_and_with_tables(self):
        for side in ("Train", "TEST"):
            shutil.copytree(self.path("photos", "animal"), self.path("sets", side))
            shutil.copytree(self.path("photos", "thing, other"), self.path("sets", side), dirs_exist_ok=True)
            self.picture("sets/%s/own.png" % side, colour=(10, 20, 30) if side == "Train" else (200, 0, 0))
            with open(self.path("sets", side, "metadata.csv"), "w", encoding="utf-8") as file:
                file.write("file_name,label\ncat.jpg,a\nhorse.png,a\ncoffee.jpg,t\nrocket.jpg,t\nown.png,t\n")
        done = self.fit("-C", "1", "--predictions", "p.csv", "sets")
        with open(self.path("p.csv"), encoding="utf-8", newline="") as file:
            splits = {row["path"]: row["split"] for row in csv.DictReader(file)}
        self.assertEqual((splits["sets/Train/own.png"], splits["sets/TEST/own.png"]), ("train", "test"))
        self.assertIn(b"Test: 1 pictures", done.stdout)  # the others are the same files as those that are fitted to

    def test_pictures_without_a_label(self):
        self.picture("photos/none.png")
        self.picture("photos/empty.png")
        with open(self.path("t.csv"), "w", encoding="utf-8") as file:
            file.write('path,label\n./photos/animal/cat.jpg,a\nphotos//animal/horse.png,a\n"photos/thing, other/coffee.jpg",t\n'
                       '"photos/thing, other/rocket.jpg",t\nphotos/empty.png,\n')
        done = self.fit("-C", "1", "--labels", "t.csv", "photos").stderr.decode()
        self.assertIn("photos/none.png: the table t.csv has no label for it", done)
        self.assertIn("0 lines of the table have no picture, 2 pictures have no label", done)
        self.assertNotIn("cat.jpg", done)
        self.assertNotIn("no label", self.fit("-C", "1", "--labels", "t.csv", "photos/animal").stderr.decode().replace("1 pictures have no label", ""))
        self.write_vectors([[i % 2, 1] for i in range(9)])
        with open(self.path("t.csv"), "w", encoding="utf-8") as file:
            file.write("path,label\n" + "".join("%d.jpg,c%d\n" % (i, i % 2) for i in range(8)))
        done = self.fit("--vectors", "v.npy", "--labels", "t.csv", "-C", "1", o="head.safetensors").stderr.decode()
        self.assertIn("8.jpg: the table t.csv has no label for it", done)

    def test_same_bytes_with_two_labels_are_left_out(self):
        shutil.copy(self.path("photos", "animal", "cat.jpg"), self.path("photos", "animal", "copy.jpg"))
        self.assertIn(b"2 duplicates", self.fit("photos").stdout)
        shutil.copy(self.path("photos", "thing, other", "coffee.jpg"), self.path("photos", "animal", "coffee.jpg"))
        done = self.fit("photos")
        self.assertIn(b"2 left out", done.stdout)
        self.assertIn(b"coffee.jpg", done.stderr)

    def test_a_picture_that_cannot_be_read(self):
        with open(self.path("photos", "animal", "bad.jpg"), "wb") as file:
            file.write(b"no picture")
        for options in ((), ("--features", "kept"), ("--features", "kept")):
            done = self.fit(*options, "photos", status=INPUTS_FAILED)
            self.assertIn(b"1 failed", done.stdout)

    def test_killed_and_repeated(self):
        """An earlier result stays whole until the new one is, vectors that are kept are neither lost nor there twice. With
        VIT_TEST_FULL there are parts of them, and 50 kills."""
        full = os.environ.get("VIT_TEST_FULL") == "1"
        for i in range(2400 if full else 0):
            self.picture("photos/%s/%04d.png" % (("animal", "thing, other")[i % 2], i), 8, 8, (i % 251, i % 241, i % 239))
        self.fit("-C", "1", "--no-refit", "photos", o="again.safetensors")
        old = self.content("again.safetensors")
        self.fit("photos", "--predictions", "want.csv")
        want = self.content("out.safetensors")
        moments = random.Random(3)
        for kill in range(50 if full else 6):
            running = subprocess.Popen([VIT, "fit", "-q", "-o", "again.safetensors", "--features", "kept", "photos"],
                                       cwd=self.folder, env=environment(), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                running.wait(moments.uniform(0, 20 if full and kill % 10 == 9 else 0.3))
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            self.assertIn(self.content("again.safetensors"), (old, want))
        self.fit("--features", "kept", "photos", "--predictions", "again.csv", o="again.safetensors")
        self.assertEqual(self.content("again.safetensors"), want)
        self.assertEqual(self.content("again.csv"), self.content("want.csv"))

    def refuse(self, *arguments, saying):
        done = self.fit(*arguments, status=USAGE)
        self.assertIn(saying, done.stderr.decode(errors="replace"))

    def test_what_is_wrong(self):
        self.refuse("photos/animal", saying="no class folders")
        self.refuse(saying="--labels")
        self.refuse("-C", "0", "photos", saying="from 1e-20")
        self.refuse("--val", "0", "-C", "1,2", "photos", saying="give one")
        self.refuse("-C", "1e-300", "photos", saying="1e-20")
        self.refuse("--folds", "3", "photos", saying="--folds 3")
        self.refuse("--features", "photos", "photos", saying="--features")
        for option, name in (("-o", "photos"), ("-o", "none/x.safetensors"), ("--report", "none/r.json"), ("--html", "photos")):
            done = self.vit("fit", *(() if option == "-o" else ("-o", "x.safetensors")), option, name, "photos", status=4)
            self.assertEqual(done.stdout, b"")  # it says so before the work
        self.assertFalse(os.path.exists(self.path("x.safetensors")))
        os.makedirs(self.path("photos", "empty"))
        self.refuse("photos", saying="photos/empty")
        os.rmdir(self.path("photos", "empty"))
        os.symlink("loop", self.path("photos", "loop"))
        self.refuse("photos", saying="photos/loop")
        os.remove(self.path("photos", "loop"))
        shutil.rmtree(self.path("photos", "thing, other"))
        self.refuse("photos", saying='"animal"')
        for table, words in (("path,label\ncat.jpg,\xff\n", "not UTF-8"), ('path,label\n"cat.jpg,a\n', "not closed"), ("", "empty"),
                             ("a,b\n1,2\n", "no column path"), ("path;label\n1;2\n", "no comma"), ("path,label,split\ncat.jpg,a,tset\n", "tset")):
            with open(self.path("t.csv"), "w", encoding="latin-1") as file:
                file.write(table)
            self.refuse("--labels", "t.csv", PICTURES, saying=words)

    def write_vectors(self, rows):
        shape = "(%d, %d)" % (len(rows), len(rows[0]))
        header = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % shape).ljust(117) + "\n"
        with open(self.path("v.npy"), "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
            file.write(b"".join(struct.pack("<%df" % len(row), *row) for row in rows))
        with open(self.path("v.jsonl"), "w", encoding="utf-8") as file:
            file.write("".join('{"row":%d,"path":"%d.jpg"}\n' % (i, i) for i in range(len(rows))))

    def test_vectors(self):
        self.write_vectors([[i % 3 + 0.01 * i, 5 - i % 3] for i in range(30)])
        with open(self.path("t.csv"), "w", encoding="utf-8") as file:
            file.write("path,label\n" + "".join("%d.jpg,c%d\n" % (i, i % 3) for i in range(31)))
        done = self.fit("--vectors", "v.npy", "--labels", "t.csv", "-C", "1")
        self.assertIn(b"line 32: there is no vector", done.stderr)
        self.assertEqual(len(read_head(self.path("out.safetensors"))[1]), 3)
        self.write_vectors([[i % 3, math.nan if i == 7 else 1] for i in range(30)])
        self.refuse("--vectors", "v.npy", "--labels", "t.csv", saying="7.jpg")

    def test_neighbours(self):
        rows = [[math.sin(i * i), math.cos(3 * i) + i % 3, 0.1 * i % 1] for i in range(40)]
        self.write_vectors(rows)
        with open(self.path("t.csv"), "w", encoding="utf-8") as file:
            file.write("path,label,split\n" + "".join("%d.jpg,c%d,%s\n" % (i, i % 3, ("train", "test")[i % 2]) for i in range(40)))
        units = [[x / math.hypot(*row) for x in row] for row in rows]
        done = self.vit("fit", "--method", "knn", "-k", "1,5", "--vectors", "v.npy", "--labels", "t.csv", "--report", "r.json")
        report = json.loads(self.content("r.json"))
        self.assertEqual([side["k"] for side in report["neighbours"]], [1, 5])
        self.assertIn(b"By the 5 nearest of all others: 40 pictures", done.stdout)
        for side in report["neighbours"]:
            confusion = [[0] * 3 for _ in range(3)]
            for i, unit in enumerate(units):
                near = sorted(((sum(a * b for a, b in zip(unit, other)), j) for j, other in enumerate(units) if j != i), reverse=True)
                votes = [0] * 3
                for score, j in near[:side["k"]]:
                    votes[j % 3] += math.exp((score - near[0][0]) / 0.07)
                confusion[i % 3][votes.index(max(votes))] += 1
            self.assertEqual(side["confusion"], confusion)
            self.assertAlmostEqual(side["accuracy"], sum(confusion[k][k] for k in range(3)) / 40)
        self.assertEqual(sorted(os.listdir(self.folder)), ["photos", "r.json", "t.csv", "v.jsonl", "v.npy"])
        for options in (("-o", "x.safetensors"), ("--head-only",), ("--precision", "int8"), ("--predictions", "p.csv"), ("--html", "p.html"), ("-C", "1"),
                        ("--class-weight", "balanced"), ("--val", "0.5"), ("--folds", "3"), ("--no-refit",), ("-k", "0"), ("-k", "1,x")):
            refused = self.vit("fit", "--method", "knn", *options, "photos", status=USAGE)
            self.assertIn(options[0], refused.stderr.decode())
        self.refuse("-k", "3", "photos", saying="-k is of --method knn")
        rows[7][1] = math.nan
        self.write_vectors(rows)
        refused = self.vit("fit", "--method", "knn", "--vectors", "v.npy", "--labels", "t.csv", status=USAGE)
        self.assertIn(b"7.jpg", refused.stderr)

    def test_neighbours_of_pictures(self):
        shutil.copy(self.path("photos", "animal", "cat.jpg"), self.path("photos", "animal", "copy.jpg"))
        first = self.vit("fit", "--method", "knn", "--features", "kept", "photos").stdout
        self.assertIn(b"2 classes, 5 pictures compared, 0 failed, 2 duplicates", first)
        self.assertIn(b"By the 10 nearest of all others: 3 pictures", first)  # the copies vote, and are not judged
        self.assertNotIn(b"20 nearest", first)
        self.assertEqual(self.vit("fit", "--method", "knn", "-t", "1", "--features", "kept", "photos").stdout, first)

    def test_many_classes(self):
        n = 2000 if os.environ.get("VIT_TEST_FULL") != "1" else 10000
        self.write_vectors([[i % n / n, (i % n) % 7] for i in range(n)])
        with open(self.path("t.csv"), "w", encoding="utf-8") as file:
            file.write("path,label\n" + "".join("%d.jpg,%05d\n" % (i, i) for i in range(n)))
        self.fit("--vectors", "v.npy", "--labels", "t.csv", "-C", "1e-4")
        self.assertEqual(len(read_head(self.path("out.safetensors"))[2]), n)


class Page(Case):
    def test_commands_of_the_page(self):
        with open(os.path.join(PICTURES, "..", "..", "docs", "fit.md"), encoding="utf-8") as file:
            blocks = re.findall(r"(?ms)^```\n(.*?)^```$", file.read())
        self.assertGreater(len(blocks), 3)
        os.symlink(os.path.join(PICTURES, ".."), self.path("examples"))
        environment = dict(os.environ, PATH=os.path.dirname(VIT) + ":" + os.environ["PATH"])
        for block in blocks:
            done = subprocess.run(["sh", "-ec", block], cwd=self.folder, env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, block + done.stderr)


if __name__ == "__main__":
    main()
