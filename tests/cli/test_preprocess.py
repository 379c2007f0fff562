# SPDX-License-Identifier: BSD-2-Clause
"""vit preprocess: its stages, and that it needs no model where none is used."""
import hashlib
import os

from harness import *

NO_MODEL = environment(VIT_MODEL="/nowhere")


class Stages(Case):
    def make(self, *arguments, **more):
        done = self.vit("preprocess", *arguments, "-o", "-", **more)
        return parse_npy(done.stdout)

    def test_decoded(self):
        with open(os.path.join(DECODE, "manifest.json"), encoding="utf-8") as file:
            rows = {row["file"]: row for row in json.load(file)["cases"]}
        ways = {"as_stored": ["--exif", "ignore"], "exif_applied": [], "white": ["--exif", "ignore", "--background",
                                                                                 "ffffff"]}
        for name in ("jpeg_420.jpg", "jpeg_ycck_420.jpg", "exif_orientation_6.jpg", "png_rgba8.png", "png_exif.png",
                     "png_graya16.png", "pnm_p5.pgm", "png_palette4_trns_interlaced.png"):
            for way, arguments in ways.items():
                expected = rows[name].get(way, rows[name]["as_stored"])
                descr, shape, data = self.make("--stage", "decoded", *arguments, os.path.join(DECODE, name), env=NO_MODEL)
                self.assertEqual((descr, shape), ("|u1", (expected["height"], expected["width"], 3)))
                self.assertEqual(hashlib.sha256(data).hexdigest(), expected["sha256"], (name, way))

    def test_16_bit_gray_is_scaled(self):
        with open(os.path.join(DECODE, "manifest.json"), encoding="utf-8") as file:
            rows = {row["file"]: row for row in json.load(file)["cases"]}
        _, _, data = self.make("--stage", "decoded", os.path.join(DECODE, "png_gray16.png"), env=NO_MODEL)
        self.assertEqual(hashlib.sha256(data).hexdigest(), rows["png_gray16.png"]["scaled"]["sha256"])

    def test_background(self):
        clear = os.path.join(DECODE, "png_rgba_zero_alpha.png")
        for spelling in ("123456", "#123456"):
            _, _, data = self.make("--stage", "decoded", "--background", spelling, clear, env=NO_MODEL)
            self.assertEqual(set(data[i:i + 3] for i in range(0, len(data), 3)), {b"\x12\x34\x56"})

    def test_standard_input(self):
        with open(PICTURE, "rb") as file:
            content = file.read()
        self.assertEqual(self.make("--stage", "decoded", "-", stdin=content), self.make("--stage", "decoded", PICTURE))

    def test_plain_resize(self):
        same = self.make("--stage", "decoded", PICTURE)
        height, width, _ = same[1]
        for filter_name in ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"):
            size = "%dx%d" % (width, height)
            self.assertEqual(self.make("--resize", size, "--filter", filter_name, PICTURE, env=NO_MODEL), same)
            self.assertEqual(self.make("--resize", "11x7", "--filter", filter_name, PICTURE, env=NO_MODEL)[:2],
                             ("|u1", (7, 11, 3)))
        self.assertEqual(self.make("--resize", "11x7", PICTURE), self.make("--resize", "11x7", "--filter", "bicubic",
                                                                           PICTURE))
        self.assertNotEqual(self.make("--resize", "11x7", PICTURE), self.make("--resize", "11x7", "--filter", "box",
                                                                              PICTURE))

    def test_stages_of_a_model(self):
        _, shape, resized = self.make("-m", MODEL, "--stage", "resized", PICTURE)
        self.assertEqual(shape, (SIDE, SIDE, 3))
        descr, shape, pixels = self.make("-m", MODEL, PICTURE)
        self.assertEqual((descr, shape), ("<f4", (1, 3, SIDE, SIDE)))
        with open(os.path.join(MODEL, "preprocessor_config.json")) as file:
            rules = json.load(file)
        values, plane = floats(pixels), SIDE * SIDE
        for channel in range(3):
            mean, std = rules["image_mean"][channel], rules["image_std"][channel]
            for i in (0, 1, plane // 2, plane - 1):
                expected = (resized[3 * i + channel] / 255 - mean) / std
                # three roundings to f32 of numbers below 8
                self.assertAlmostEqual(values[channel * plane + i], expected, delta=2e-6)

    def test_rules_without_a_model(self):
        rules = os.path.join(MODEL, "preprocessor_config.json")
        expected = self.make("-m", MODEL, PICTURE)
        self.assertEqual(self.make("--preprocessor", rules, PICTURE, env=NO_MODEL), expected)
        self.assertEqual(self.make("--preprocessor", MODEL, PICTURE, env=NO_MODEL), expected)

    def test_rules_of_another_file_with_a_model(self):
        with open(os.path.join(MODEL, "preprocessor_config.json")) as file:
            rules = json.load(file)
        write(self.path("other.json"), json.dumps(dict(rules, image_mean=[0.1, 0.2, 0.3])).encode())
        own = self.classify(PICTURE)
        self.assertNotEqual(self.classify("--preprocessor", "other.json", PICTURE), own)
        self.assertEqual(self.classify("--preprocessor", os.path.join(MODEL, "preprocessor_config.json"), PICTURE), own)
        self.assertNotEqual(self.make("--preprocessor", "other.json", PICTURE), self.make("-m", MODEL, PICTURE))

    def test_rules_that_cannot_be_read(self):
        write(self.path("broken.json"), b"{")
        for name in ("broken.json", "nothing.json", PICTURE):
            self.vit("preprocess", "--preprocessor", name, "-o", "x.npy", PICTURE, status=MODEL_FAILS)
            self.vit("classify", "-m", MODEL, "--preprocessor", name, PICTURE, status=MODEL_FAILS)
        os.mkfifo(self.path("pipe.json"))
        for arguments in (["preprocess", "-o", "x.npy"], ["classify", "-m", MODEL]):
            done = self.vit(*arguments, "--preprocessor", "pipe.json", PICTURE, status=MODEL_FAILS)
            self.assertIn(b"this is a pipe, not a file", done.stderr)
        self.assert_files("broken.json", "pipe.json")

    def test_image_size(self):
        rules = os.path.join(MODEL, "preprocessor_config.json")
        for value, shape in (("64", (1, 3, 64, 64)), ("32x64", (1, 3, 32, 64))):
            self.assertEqual(self.make("--preprocessor", rules, "--image-size", value, PICTURE)[1], shape)

    def test_fast_decode(self):
        rules, picture = os.path.join(MODEL, "preprocessor_config.json"), os.path.join(DECODE, "jpeg_420.jpg")  # 37x29
        def pixels(*more):
            return self.make("--preprocessor", rules, *more, picture)
        for size, same in (("5", False), ("6", True), ("4x6", False), ("6x4", True)):  # 19x15 has three times that, or not
            whole, fast = pixels("--image-size", size), pixels("--image-size", size, "--fast-decode")
            self.assertEqual(whole[:2], fast[:2])
            self.assertEqual(whole == fast, same, size)
        decoded = self.make("--stage", "decoded", "--fast-decode", picture, env=NO_MODEL)
        self.assertEqual(decoded, self.make("--stage", "decoded", picture, env=NO_MODEL))
        plain = self.make("--resize", "3x3", "--fast-decode", picture, env=NO_MODEL)
        self.assertEqual(plain, self.make("--resize", "3x3", picture, env=NO_MODEL))

    def test_target_past_the_limit(self):
        with open(os.path.join(MODEL, "preprocessor_config.json")) as file:
            rules = json.load(file)
        write(self.path("huge.json"), json.dumps(dict(rules, size={"height": 20000, "width": 20000})).encode())
        self.vit("preprocess", "--preprocessor", "huge.json", "-o", "x.npy", PICTURE, status=MODEL_FAILS)

    def test_failures(self):
        for name in ("nothing.png", os.path.join(DECODE, "jpeg_truncated_50.jpg"), self.folder):
            self.vit("preprocess", "--stage", "decoded", "-o", "x.npy", name, status=1)
        self.assert_files()


if __name__ == "__main__":
    main()
