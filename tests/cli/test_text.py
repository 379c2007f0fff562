# SPDX-License-Identifier: BSD-2-Clause
"""Texts through the command: --tokens against the goldens, --text through a tokenizer, and what is refused."""
import shutil

from harness import *

WITH_TEXT = [folder for folder in case_folders() if "text_features" in expected_of(folder)]
CLIP = golden("hf_clip", "")
# Golden names and the arguments that give them.
OUTPUTS = {"text_features": ["embedding"], "text_embeds": ["embedding", "--normalize"]}


class Tokens(Case):
    def test_goldens(self):
        self.assertGreaterEqual(len(WITH_TEXT), 5)
        for folder in WITH_TEXT:
            expected, tolerance = expected_of(folder), case_of(folder)["tolerance"]["f32"]
            for descr in ("<i4", "<i8"):
                write(self.path("ids.npy"), ids_bytes(int_rows(*expected["input_ids"]), descr))
                for name, arguments in OUTPUTS.items():
                    if name not in expected:
                        continue
                    with self.subTest(case=folder, name=name, descr=descr):
                        self.vit("embed", "-m", folder, "--tokens", "ids.npy", "-o", "x.npy", "--output", *arguments)
                        self.assertEqual(list(read_npy(self.path("x.npy"))[1]), expected[name][0])
                        for got, want in zip(read_rows(self.path("x.npy")), float_rows(*expected[name])):
                            self.assertLessEqual(relative_error(got, want), tolerance)
        rows = read_json_lines(self.path("x.jsonl"))
        self.assertEqual(rows[0], {"row": 0, "path": "ids.npy", "index": 0})

    def embed_ids(self, rows, *arguments, descr="<i4", **more):
        write(self.path("ids.npy"), ids_bytes(rows, descr))
        return self.vit("embed", "-m", CLIP, "--tokens", "ids.npy", "-o", "x.npy", *arguments, **more)

    def test_matrices_are_as_long_as_the_texts(self):
        rows = [row[:5] for row in int_rows(*expected_of(CLIP)["input_ids"])]
        width = len(floats(expected_of(CLIP)["text_features"][1])) // len(rows)
        for output in ("tokens", "hidden:0", "hidden:1"):
            self.embed_ids(rows, "--output", output)
            shape = read_npy(self.path("x.npy"))[1]
            self.assertEqual(shape[:2], (len(rows), 5), output)
        self.embed_ids(rows)
        self.assertEqual(read_npy(self.path("x.npy"))[1], (len(rows), width))

    def test_batches_do_not_matter(self):
        rows = int_rows(*expected_of(CLIP)["input_ids"]) * 5
        self.embed_ids(rows, "--batch", "1")
        alone = read_npy(self.path("x.npy"))
        self.embed_ids(rows, "--batch", "4", "--threads", "2")
        self.assertEqual(read_npy(self.path("x.npy")), alone)

    def test_lengths_may_differ_between_files(self):
        rows = int_rows(*expected_of(CLIP)["input_ids"])
        for name, length in (("a", 4), ("b", 6)):
            write(self.path(name + ".npy"), ids_bytes([row[:length] for row in rows]))
            self.vit("embed", "-m", CLIP, "--tokens", name + ".npy", "-o", name + "_alone.npy")
        together = ["-m", CLIP, "--tokens", "a.npy", "--tokens", "b.npy", "-o", "x.npy"]
        self.vit("embed", *together)
        self.assertEqual(read_rows(self.path("x.npy")),
                         read_rows(self.path("a_alone.npy")) + read_rows(self.path("b_alone.npy")))
        self.vit("embed", *together, "--output", "tokens", status=USAGE)

    def test_every_integer_type(self):
        rows = [[1, 2, 3, 7], [1, 4, 5, 7]]
        self.embed_ids(rows)
        want = read_npy(self.path("x.npy"))
        for descr in ("|i1", "|u1", "<i2", "<u2", "<u4", "<i8", "<u8"):
            self.embed_ids(rows, descr=descr)
            self.assertEqual(read_npy(self.path("x.npy")), want, descr)

    def refused(self, content, code):
        write(self.path("bad.npy"), content)
        done = self.vit("embed", "-m", CLIP, "--tokens", "bad.npy", "--format", "jsonl", status=1)
        for line in json_lines(done.stdout):
            self.assertEqual(line["path"], "bad.npy")
            self.assertEqual(line["error"]["code"], code, line)
        return json_lines(done.stdout)

    def test_bad_files(self):
        self.refused(b"", "unsupported_format")
        self.refused(npy_bytes("<f4", (1, 4), b"\0" * 16), "unsupported_format")
        self.refused(npy_bytes(">i4", (1, 4), b"\0" * 16), "unsupported_format")
        self.refused(npy_bytes("<i3", (1, 4), b"\0" * 12), "unsupported_format")
        self.refused(npy_bytes("<i4", (4,), b"\0" * 16), "unsupported_format")
        self.refused(npy_bytes("<i4", (1, 2, 2), b"\0" * 16), "unsupported_format")
        self.refused(npy_bytes("<i4", (1, 0), b""), "unsupported_format")
        self.refused(npy_bytes("<i4", (2, 4), b"\0" * 16), "truncated")
        self.refused(npy_bytes("<i8", (999999999, 999999999), b"\0" * 16), "truncated")
        self.refused(ids_bytes([[1] * 999]), "unsupported_format")
        self.assertEqual(len(self.refused(ids_bytes([[1 << 40, 2], [3, -1 << 40]], "<i8"), "corrupt")), 2)
        self.assertEqual(len(self.refused(ids_bytes([[-1, 2], [3, 99999]]), "unsupported_format")), 2)

    def test_a_bad_row_is_alone(self):
        rows = [[1, 2, 3, 7], [1, 999999, 3, 7], [1, 4, 3, 7]]
        self.embed_ids(rows, status=1)
        self.assertEqual(read_npy(self.path("x.npy"))[1][0], 2)
        self.assertEqual([line["index"] for line in read_json_lines(self.path("x.jsonl"))], [0, 2])
        self.assertEqual([line["index"] for line in read_json_lines(self.path("x.errors.jsonl"))], [1])

    def test_an_empty_file_of_ids(self):
        write(self.path("ids.npy"), npy_bytes("<i4", (0, 4), b""))
        self.vit("embed", "-m", CLIP, "--tokens", "ids.npy", "-o", "x.npy")
        self.assertEqual(read_npy(self.path("x.npy"))[1][0], 0)


class TextFile(Case):
    """--text-file: every line is a text, as --text takes it."""
    MODEL = golden("st_minilm", "")

    def embed(self, *arguments, **more):
        return json_lines(self.vit("embed", "-m", self.MODEL, "--format", "jsonl", *arguments, **more).stdout)

    def test_lines_are_texts(self):
        want = self.embed("--text", "a cat", "--text", "", "--text", "a dog")
        for content in (b"a cat\n\na dog\n", b"a cat\n\na dog", b"\xef\xbb\xbfa cat\r\n\r\na dog\r\n"):
            write(self.path("lines.txt"), content)
            self.assertEqual(self.embed("--text-file", "lines.txt"), want, content)
            self.assertEqual(self.embed("--text-file", "-", stdin=content), want, content)
        self.assertEqual(self.embed("--text-file", "lines.txt", "--shard", "1/3"), want[1:2])
        self.assertEqual(self.embed("--text", "a cat", "--text-file", "lines.txt"), want[:1] + want)

    def test_what_is_no_text(self):
        write(self.path("lines.txt"), b"a cat\nb\0\na dog\n")
        lines = self.embed("--text-file", "lines.txt", status=1)
        self.assertEqual([line["text"] for line in lines], ["a cat", "b", "a dog"])
        self.assertEqual(lines[1]["error"]["code"], "corrupt")
        write(self.path("utf16.txt"), "a cat\n".encode("utf-16"))
        self.assertIn("UTF-16", self.embed("--text-file", "utf16.txt", status=1)[0]["error"]["message"])
        self.assertEqual(self.embed("--text-file", "none.txt", status=1)[0]["error"]["code"], "not_found")
        write(self.path("empty.txt"), b"")
        self.assertEqual(self.embed("--text-file", "empty.txt"), [])
        picture = os.path.join(CLIP, "image.png")
        self.vit("embed", "-m", CLIP, "--text-file", "lines.txt", picture, status=USAGE)
        done = self.vit("classify", "-m", CLIP, "--text-file", "lines.txt", picture, status=USAGE)
        self.assertIn("--labels-file", done.stderr.decode())


class Tower(Case):
    def test_image_weights_are_not_touched(self):
        """A text-only run gives the same numbers where every weight of the image tower is infinite."""
        shutil.copytree(CLIP, self.path("model"))
        overwrite_tensors(self.path("model", "model.safetensors"), lambda name: name.startswith("vision_model."),
                          float("inf"))
        write(self.path("ids.npy"), ids_bytes(int_rows(*expected_of(CLIP)["input_ids"])))
        self.vit("embed", "-m", CLIP, "--tokens", "ids.npy", "-o", "want.npy")
        self.vit("embed", "-m", "model", "--tokens", "ids.npy", "-o", "got.npy")
        self.assertEqual(read_npy(self.path("got.npy")), read_npy(self.path("want.npy")))
        self.vit("embed", "-m", "model", "-o", "x.npy", os.path.join(CLIP, "image.png"), status=1)

    def test_refused(self):
        picture = os.path.join(CLIP, "image.png")
        write(self.path("ids.npy"), ids_bytes([[1, 2]]))
        for model in (MODEL, golden("hf_clip_vision_gelu", "")):
            for arguments in (["--text", "a dog"], ["--tokens", "ids.npy"]):
                done = self.vit("embed", "-m", model, "-o", "x.npy", *arguments, status=USAGE)
                self.assertIn("no text tower", done.stderr.decode())
        self.vit("embed", "-m", CLIP, "-o", "x.npy", "--tokens", "ids.npy", picture, status=USAGE)
        self.vit("embed", "-m", CLIP, "-o", "x.npy", "--tokens", "ids.npy", "--output", "cls", status=USAGE)
        done = self.vit("embed", "-m", CLIP, "-o", "x.npy", "--text", "a dog", status=MODEL_FAILS)
        self.assertIn("tokenizer", done.stderr.decode())
        self.assert_files("ids.npy")

    def test_a_broken_model_is_no_model_without_words(self):
        shutil.copytree(CLIP, self.path("model"))
        os.truncate(self.path("model", "model.safetensors"), 1000)
        write(self.path("ids.npy"), ids_bytes([[1, 2]]))
        self.vit("embed", "-m", "model", "-o", "x.npy", "--tokens", "ids.npy", status=MODEL_FAILS)

    def test_max_seq_length_stands_in_place_of_the_tokenizers_own(self):
        """As sentence-transformers has it; where there is none, the tokenizer's limit holds."""
        line = json.dumps("a small house near the river " * 9).encode()
        for sentence, tokenizer, want in ((16, 8, 16), (8, 16, 8), (None, 9, 9)):
            with self.subTest(sentence=sentence, tokenizer=tokenizer):
                shutil.copytree(golden("st_minilm", ""), self.path("model"))
                for name, key, value in (("sentence_bert_config.json", "max_seq_length", sentence),
                                         ("tokenizer_config.json", "model_max_length", tokenizer)):
                    with open(self.path("model", name), encoding="utf-8") as file:
                        config = json.load(file)
                    config[key] = value
                    write(self.path("model", name), json.dumps(config).encode())
                got = json_lines(self.vit("tokenize", "--json", "-m", "model", stdin=line + b"\n").stdout)
                self.assertEqual([len(ids) for ids in got], [want])
                shutil.rmtree(self.path("model"))


if __name__ == "__main__":
    main()
