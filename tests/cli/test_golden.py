# SPDX-License-Identifier: BSD-2-Clause
"""The golden checkpoints through the command: its pixel_values equal the Python library's, its outputs are within the
case's tolerance."""
import os

from harness import *

# Golden names and the --output that gives them, where the case has them. The images' hidden states are added below.
OUTPUTS = {"last_hidden_state": ["tokens"], "pooler_output": ["pooler"], "pooled": ["embedding"],
           "image_features": ["embedding"], "logits": ["logits"]}


def cases():
    for name in sorted(os.listdir(GOLDEN)):
        with open(golden(name, "case.json")) as file:
            yield name, json.load(file)


def outputs_of(expected):
    """{golden name: arguments}"""
    found = {name: arguments for name, arguments in OUTPUTS.items() if name in expected}
    if "image_embeds" in expected:
        found["image_embeds"] = ["embedding"] + ["--normalize"] * ("image_features" in expected)
    for name in expected:
        if name.startswith("hidden_states."):
            found[name] = ["hidden:" + name.split(".")[1]]
    return found


class Golden(Case):
    def each_image(self, check):
        """Calls check(name, case, image, expected) for every picture of every case."""
        for name, case in cases():
            for image in case["images"]:
                with self.subTest(case=name, image=image["image"]):
                    expected = read_safetensors(golden(name, image["expected"]))
                    shape, pixels = expected["pixel_values"]
                    write(self.path("pixels.npy"), npy_bytes("<f4", shape, pixels))
                    check(name, case, golden(name, image["image"]), expected)

    def check_pixel_values(self, name, case, image, expected):
        self.vit("preprocess", "-m", golden(name, ""), "--resampler", "pillow13", "-o", "x.npy", image)
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

    def test_pixel_values(self):
        self.each_image(self.check_pixel_values)

    def test_outputs(self):
        self.each_image(self.check_outputs)

    def test_best_class(self):
        self.each_image(self.check_best_class)


if __name__ == "__main__":
    main()
