# SPDX-License-Identifier: BSD-2-Clause
"""Zero-shot classification: logits_per_image of the goldens, labels in words through a small tokenizer, and refusals."""
import math
import shutil
import subprocess

from small_clip import WORDS, add_tokenizer
from harness import *

WITH_TEXT = [folder for folder in case_folders() if "logits_per_image" in expected_of(folder)]
CLIP, SIGLIP = golden("hf_clip", ""), golden("hf_siglip", "")
IMAGE = os.path.join(CLIP, "image.png")


def has_bias(folder):
    """A logit of open_clip's that is a probability by itself."""
    path = os.path.join(folder, "open_clip_config.json")
    return os.path.exists(path) and "init_logit_bias" in json.loads(read(path))["model_cfg"]


class Goldens(Case):
    def scores(self, folder, *arguments):
        done = self.vit("classify", "-m", folder, "--format", "json", "-k", "99", *arguments)
        found = [{p["index"]: p["score"] for p in line["predictions"]} for line in json_lines(done.stdout)]
        return [[line[i] for i in sorted(line)] for line in found]

    def test_logits_per_image(self):
        self.assertGreaterEqual(len(WITH_TEXT), 5)
        for folder in WITH_TEXT:
            with self.subTest(case=folder):
                expected, case = expected_of(folder), case_of(folder)
                write(self.path("ids.npy"), ids_bytes(int_rows(*expected["input_ids"])))
                write(self.path("pixels.npy"), npy_bytes("<f4", *expected["pixel_values"]))
                want = float_rows(*expected["logits_per_image"])[0]
                given = ["--tokens", "ids.npy", "--pixels", "pixels.npy"]
                logits = self.scores(folder, "--output", "logits", *given)[0]
                self.assertLessEqual(relative_error(logits, want), case["tolerance"]["f32"])
                if "siglip" in folder or has_bias(folder):
                    probabilities = [1 / (1 + math.exp(-x)) for x in want]
                else:
                    total = sum(math.exp(x) for x in want)
                    probabilities = [math.exp(x) / total for x in want]
                got = self.scores(folder, *given)[0]
                for a, b in zip(got, probabilities):
                    self.assertAlmostEqual(a, b, delta=2e-5 * max(1, max(map(abs, want))))

    def test_names_for_token_ids(self):
        rows = int_rows(*expected_of(CLIP)["input_ids"])
        write(self.path("ids.npy"), ids_bytes(rows))
        names = ["label %d" % i for i in range(len(rows))]
        done = self.vit("classify", "-m", CLIP, "--format", "json", "--tokens", "ids.npy", "--labels", ",".join(names), IMAGE)
        for prediction in json_lines(done.stdout)[0]["predictions"]:
            self.assertEqual(prediction["label"], names[prediction["index"]])
        done = self.vit("classify", "-m", CLIP, "--format", "json", "--tokens", "ids.npy", IMAGE)
        self.assertIsNone(json_lines(done.stdout)[0]["predictions"][0]["label"])
        self.vit("classify", "-m", CLIP, "--tokens", "ids.npy", "--labels", "one,two,three,four,five", IMAGE, status=USAGE)


class Classifier(Case):
    def test_logits_of_a_classifier(self):
        self.vit("embed", "-m", MODEL, "-o", "x.npy", "--output", "logits", PICTURE)
        want = read_rows(self.path("x.npy"))[0]
        done = self.vit("classify", "-m", MODEL, "--format", "json", "--output", "logits", PICTURE)
        for prediction in json_lines(done.stdout)[0]["predictions"]:
            self.assertEqual(floats(struct.pack("<f", prediction["score"]))[0], want[prediction["index"]])


class Words(Case):
    """hf_clip with a tokenizer of its own."""

    def setUp(self):
        super().setUp()
        shutil.copytree(CLIP, self.path("clip"))
        with open(os.path.join(CLIP, "config.json")) as file:
            text = json.load(file)["text_config"]
        add_tokenizer(self.path("clip"))
        self.context = text["max_position_embeddings"]

    def ids(self, texts):
        done = self.vit("tokenize", "-m", "clip", stdin="\n".join(texts).encode())
        rows = json_lines(done.stdout)
        pad = rows[0][-1]
        return [row + [pad] * (self.context - len(row)) for row in rows]

    def vectors(self, *arguments):
        self.vit("embed", "-m", "clip", "-o", "x.npy", *arguments)
        return read_rows(self.path("x.npy"))

    def test_text_is_its_token_ids(self):
        texts = ["a dog", "the big red car", "", "  A  PHOTO of a cat "]
        write(self.path("ids.npy"), ids_bytes(self.ids(texts)))
        got = self.vectors(*[part for text in texts for part in ("--text", text)])
        self.assertEqual(read_json_lines(self.path("x.jsonl")), [{"row": i, "text": t} for i, t in enumerate(texts)])
        self.assertEqual(got, self.vectors("--tokens", "ids.npy"))
        with open(self.path("x.meta.json")) as file:
            meta = json.load(file)
        self.assertEqual((meta["input"], meta["preprocessing_digest"]), ("text", None))

    def test_formats_that_name_the_text(self):
        done = self.vit("embed", "-m", "clip", "--format", "jsonl", "--text", "a dog")
        self.assertEqual(sorted(json_lines(done.stdout)[0]), ["embedding", "text"])
        done = self.vit("embed", "-m", "clip", "--format", "csv", "--text", "a, dog")
        self.assertTrue(done.stdout.splitlines()[1].startswith(b'"a, dog",'))

    def test_search(self):
        """A text finds pictures in an index: the score is the cosine of the two embeddings."""
        made = subprocess.run([VIT, "index", "--db", "x.db", "-m", "clip", IMAGE, PICTURE], cwd=self.folder,
                              env=environment(), capture_output=True)
        if b"SQLite" in made.stderr:
            self.skipTest("built without SQLite")
        self.assertEqual(made.returncode, 0, made.stderr)
        done = self.vit("search", "--db", "x.db", "--json", "--text", "a dog")
        found = json_lines(done.stdout)[0]
        self.assertEqual(found["query"], "a dog")
        text = self.vectors("--normalize", "--text", "a dog")[0]
        self.assertEqual(len(found["results"]), 2)
        for result in found["results"]:
            image = self.vectors("--normalize", result["path"])[0]
            self.assertAlmostEqual(result["score"], sum(a * b for a, b in zip(text, image)), delta=1e-5)

    def test_bulk(self):
        texts = [part for word in WORDS for part in ("--text", word)]
        want = self.vectors(*texts)
        self.vit("embed", "-m", "clip", "--shard-size", "4", "-o", "parts", *texts)
        got = [row for i in range(3) for row in read_rows(self.path("parts", "part-%05d.npy" % i))]
        self.assertEqual(got, want)
        self.vit("embed", "-m", "clip", "-o", "x.npy", "--shard", "1/3", *texts)
        self.assertEqual(read_rows(self.path("x.npy")), want[1::3])

    def classify_words(self, *arguments, **more):
        done = self.vit("classify", "-m", "clip", "--format", "json", "-k", "99", *arguments, IMAGE, **more)
        return {p["label"]: p["score"] for p in json_lines(done.stdout)[0]["predictions"]}

    def test_labels(self):
        image = self.vectors("--normalize", IMAGE)[0]
        labels = ["cat", "dog", "car"]
        texts = self.vectors("--normalize", *[p for label in labels for p in ("--text", "a photo of a " + label)])
        got = self.classify_words("--labels", " cat,dog , car", "--template", "a photo of a {}", "--output", "logits")
        self.assertEqual(sorted(got), sorted(labels))
        scale = got["cat"] / sum(a * b for a, b in zip(image, texts[0]))
        for label, text in zip(labels, texts):
            self.assertAlmostEqual(got[label], scale * sum(a * b for a, b in zip(image, text)), delta=1e-4)
        self.assertAlmostEqual(sum(self.classify_words("--labels", "cat,dog,car").values()), 1, delta=1e-6)
        as_text = self.classify_words("--text", "cat", "--text", "dog", "--text", "car")
        self.assertEqual(self.classify_words("--labels", "cat,dog", "--labels", "car"), as_text)
        write(self.path("labels.txt"), b"cat\r\n\n dog\ncar")
        self.assertEqual(self.classify_words("--labels-file", "labels.txt"), as_text)

    def test_templates_are_averaged(self):
        templates = ["a photo of a {}", "the {} {}", "sketch"]
        texts = ["a photo of a dog", "the dog dog"]
        vectors = self.vectors("--normalize", *[p for text in texts for p in ("--text", text)])
        mean = [sum(column) / 2 for column in zip(*vectors)]
        length = math.sqrt(sum(x * x for x in mean))
        image = self.vectors("--normalize", IMAGE)[0]
        want = sum(a * b for a, b in zip(image, mean)) / length
        one = sum(a * b for a, b in zip(image, vectors[0]))
        arguments = ["--labels", "dog", "--output", "logits", "--template"]
        scale = self.classify_words(*arguments, templates[0])["dog"] / one
        got = self.classify_words(*arguments, templates[0], "--template", templates[1])["dog"]
        self.assertAlmostEqual(got / scale, want, delta=1e-6)
        self.classify_refused("--labels", "dog", "--template", templates[2])

    def classify_refused(self, *arguments, model="clip", status=USAGE):
        self.assertEqual(self.vit("classify", "-m", model, *arguments, IMAGE, status=status).stdout, b"")

    def test_refused(self):
        self.classify_refused()
        for labels in ("", ",", "cat,", "cat,,dog", " "):
            self.classify_refused("--labels", labels)
        self.classify_refused("--template", "a {}")
        self.classify_refused("--labels-file", "nowhere.txt")
        write(self.path("empty.txt"), b"\n \n")
        self.classify_refused("--labels-file", "empty.txt")
        self.classify_refused("--labels", b"c\xff\xfet")
        self.classify_refused("--labels", "cat,dog", model=MODEL)
        self.classify_refused("--labels", "cat,dog", model=golden("hf_clip_vision_gelu", ""))
        self.classify_refused("--labels", "cat,dog", model=CLIP, status=MODEL_FAILS)  # without tokenizer
        self.vit("classify", "-m", "clip", "--labels", "cat,dog", status=USAGE)  # without a picture

    def test_a_bad_picture_is_alone(self):
        write(self.path("bad.jpg"), b"no picture")
        done = self.vit("classify", "-m", "clip", "--format", "json", "--labels", "cat,dog", "bad.jpg", IMAGE, status=1)
        lines = json_lines(done.stdout)
        self.assertIn("error", lines[0])
        self.assertEqual(len(lines[1]["predictions"]), 2)


if __name__ == "__main__":
    main()
