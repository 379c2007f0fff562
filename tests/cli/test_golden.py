# SPDX-License-Identifier: BSD-2-Clause
"""The golden checkpoints through the command: its pixel_values and ids equal the Python library's, its outputs are
within the case's tolerance."""
import os
import struct

from harness import *

# Golden names and the --output that gives them, where the case has them. The images' hidden states are added below.
OUTPUTS = {"last_hidden_state": ["tokens"], "pooler_output": ["pooler"], "pooled": ["embedding"],
           "image_features": ["embedding"], "logits": ["logits"]}


def cases():
    """Those that say which library made their pixel_values; tests/vit/encoder/test_golden goes through all."""
    for name in sorted(os.listdir(GOLDEN)):
        if os.path.isdir(golden(name, "")):
            with open(golden(name, "case.json")) as file:
                case = json.load(file)
            if "preprocessing" in case:
                yield name, case


def outputs_of(expected):
    """{golden name: arguments}"""
    found = {name: arguments for name, arguments in OUTPUTS.items() if name in expected}
    if "image_embeds" in expected:
        found["image_embeds"] = ["embedding"] + ["--normalize"] * ("image_features" in expected)
    for name in expected:
        if name.startswith("hidden_states."):
            found[name] = ["hidden:" + name.split(".")[1]]
    return found


def integers(data):
    return struct.unpack("<%di" % (len(data) // 4), data)


class Golden(Case):
    def each_image(self, check):
        """Calls check(name, case, image, expected) for every picture of every case."""
        for name, case in cases():
            for image in case["images"]:
                if not image["image"]:
                    continue
                with self.subTest(case=name, image=image["image"]):
                    expected = read_safetensors(golden(name, image["expected"]))
                    shape, pixels = expected["pixel_values"]
                    write(self.path("pixels.npy"), npy_bytes("<f4", shape, pixels))
                    check(name, case, golden(name, image["image"]), expected)

    def check_pixel_values(self, name, case, image, expected):
        with_torch = case["preprocessing"]["pixel_values"].endswith("ImageProcessor")  # the library has no other
        resampler = "torchvision" if with_torch else "pillow13"
        self.vit("preprocess", "-m", golden(name, ""), "--resampler", resampler, "-o", "x.npy", image)
        descr, shape, data = read_npy(self.path("x.npy"))
        want_shape, want = expected["pixel_values"]
        self.assertEqual((descr, list(shape)), ("<f4", want_shape))
        if case["family"].startswith("dinov3"):  # floats are resized: the order of a sum is the library's own
            self.assertLessEqual(relative_error(floats(data), floats(want)), case["tolerance"]["pixel_values"])
        else:
            self.assertTrue(data == want, "pixel_values differ")

    def check_outputs(self, name, case, _, expected):
        compared = outputs_of(expected)
        self.assertTrue(compared)
        for key, arguments in compared.items():
            self.vit("embed", "-m", golden(name, ""), "--pixels", "pixels.npy", "-o", "x.npy", "--output", *arguments)
            want_shape, want = expected[key]
            self.assertEqual(list(read_npy(self.path("x.npy"))[1]), want_shape, key)
            error = relative_error(read_rows(self.path("x.npy"))[0], floats(want))
            self.assertLessEqual(error, case["tolerance"]["f32"], key)

    def check_best_class(self, name, _case, _image, expected):
        if "logits" not in expected:
            return
        done = self.vit("classify", "-m", golden(name, ""), "--format", "json", "-k", "1", "--pixels", "pixels.npy")
        best = json_lines(done.stdout)[0]["predictions"][0]
        logits = floats(expected["logits"][1])
        self.assertEqual(best["index"], max(range(len(logits)), key=lambda i: logits[i]))

    def each_text_case(self, check):
        """Calls check(name, case, expected) for every case with texts."""
        for name, case in cases():
            if not case.get("texts"):
                continue
            with self.subTest(case=name):
                check(name, case, read_safetensors(golden(name, case["images"][0]["expected"])))

    def check_ids(self, name, case, expected):
        shape, ids = expected["input_ids"]
        ids, length = integers(ids), shape[1]
        mask = integers(expected["attention_mask"][1]) if "attention_mask" in expected else [1] * len(ids)
        pairs = []
        for i, text in enumerate(case["texts"]):
            row = range(i * length, (i + 1) * length)
            pairs.append((text, [ids[j] for j in row if mask[j]]))
        if os.path.exists(golden(name, "lines.json")):
            with open(golden(name, "lines.json"), encoding="utf-8") as file:
                pairs += [(line["text"], line["ids"]) for line in json.load(file)]
        lines = "".join(json.dumps(text) + "\n" for text, _ in pairs).encode()
        done = self.vit("tokenize", "--json", "-m", golden(name, ""), stdin=lines)
        got = json_lines(done.stdout)
        self.assertEqual(len(got), len(pairs))
        for ours, (text, theirs) in zip(got, pairs):
            padding = theirs[len(ours):]  # where the library has no mask, its padding counts
            self.assertEqual(ours, theirs[:len(ours)], text)
            self.assertLessEqual(set(padding), {case["pad_id"], 0}, text)

    def check_text_features(self, name, case, expected):
        arguments = [argument for text in case["texts"] for argument in ("--text", text)]
        self.vit("embed", "-q", "-m", golden(name, ""), "-o", "x.npy", *arguments)
        rows = [value for row in read_rows(self.path("x.npy")) for value in row]
        error = relative_error(rows, floats(expected["text_features"][1]))
        self.assertLessEqual(error, case["tolerance"]["f32"])

    def test_ids(self):
        self.each_text_case(self.check_ids)

    def test_text_features(self):
        self.each_text_case(self.check_text_features)

    def test_verify(self):
        """Every output of every text tower."""
        for name, case in cases():
            if case.get("texts"):
                with self.subTest(case=name):
                    done = self.vit("verify", golden(name, ""))
                    self.assertNotIn(b"not compared", done.stdout)

    def test_pixel_values(self):
        self.each_image(self.check_pixel_values)

    def test_outputs(self):
        self.each_image(self.check_outputs)

    def test_best_class(self):
        self.each_image(self.check_best_class)


if __name__ == "__main__":
    main()
