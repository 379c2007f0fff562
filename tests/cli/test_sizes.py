# SPDX-License-Identifier: BSD-2-Clause
"""Other picture sizes than a model's own, families that take whatever size preprocessing gives, and latents."""
import math
import shutil

from harness import *

RESIZED = [folder for folder in case_folders("*interpolated*")]
LATENTS = [folder for folder in case_folders("own_*") if "z_mean" in expected_of(folder)]


class Sizes(Case):
    def embed_tokens(self, folder, *arguments, status=0):
        self.vit("embed", "-m", folder, "-o", "x.npy", "--output", "tokens", *arguments, status=status)
        return None if status else [x for row in read_rows(self.path("x.npy")) for x in row]

    def test_goldens(self):
        self.assertGreater(len(RESIZED), 5)
        for folder in RESIZED:
            with self.subTest(case=folder):
                case, expected = case_of(folder), expected_of(folder)
                shape, pixels = expected["pixel_values"]
                write(self.path("pixels.npy"), npy_bytes("<f4", shape, pixels))
                want, tolerance = floats(expected["last_hidden_state"][1]), case["tolerance"]["f32"]
                self.assertLessEqual(relative_error(self.embed_tokens(folder, "--pixels", "pixels.npy"), want), tolerance)
                size = "%dx%d" % tuple(shape[2:])
                picture = os.path.join(folder, case["images"][0]["image"])
                arguments = ["--image-size", size, "--resampler", "pillow13"]
                self.assertEqual(list(self.embed_tokens(folder, *arguments, "--pixels", "pixels.npy")),
                                 list(self.embed_tokens(folder, "--pixels", "pixels.npy")))
                self.vit("preprocess", "-m", folder, *arguments, "-o", "p.npy", picture)
                self.assertEqual(list(read_npy(self.path("p.npy"))[1]), shape)
                self.embed_tokens(folder, *arguments, picture)
                with open(self.path("x.meta.json")) as file:
                    self.assertEqual(json.load(file)["shape"][1:], expected["last_hidden_state"][0][1:])

    def test_own_size_is_the_same(self):
        want = self.embed_tokens(MODEL, PICTURE)
        self.assertEqual(self.embed_tokens(MODEL, "--image-size", "%d" % SIDE, PICTURE), want)

    def test_every_command_knows(self):
        info = json.loads(self.vit("info", "--json", "-m", MODEL, "--image-size", "64x80").stdout)
        self.assertEqual((info["image_size"], info["tokens"]), ([64, 80], 81))
        self.vit("classify", "-m", MODEL, "--image-size", "64x80", PICTURE)
        self.vit("bench", "-m", MODEL, "--image-size", "64x80", "--seconds", "0.01")

    def test_preprocessing_digest_follows(self):
        digests = set()
        for size in (SIDE, SIDE + 8):
            self.vit("embed", "-m", MODEL, "-o", "x.npy", "--image-size", str(size), PICTURE)
            with open(self.path("x.meta.json")) as file:
                digests.add(json.load(file)["preprocessing_digest"])
        self.assertEqual(len(digests), 2)

    def test_refused(self):
        own = case_folders("own_defaults")[0]  # learned positions, and nothing that says how to interpolate them
        self.embed_tokens(own, "--image-size", "80", os.path.join(own, "image.png"), status=MODEL_FAILS)
        self.embed_tokens(MODEL, "--image-size", "7", PICTURE, status=MODEL_FAILS)
        self.embed_tokens(MODEL, "--image-size", "999999", PICTURE, status=MODEL_FAILS)

    def test_pixels_of_two_sizes(self):
        for name, side in (("a.npy", 48), ("b.npy", 56)):
            write(self.path(name), npy_bytes("<f4", (1, 3, side, side), b"\0" * 4 * 3 * side * side))
        self.vit("embed", "-m", MODEL, "-o", "x.npy", "--pixels", "a.npy", "--pixels", "b.npy", status=1)
        self.assertEqual([line["path"] for line in read_json_lines(self.path("x.jsonl"))], ["a.npy"])
        self.vit("embed", "-m", MODEL, "-o", "x.npy", "--pixels", "b.npy", PICTURE, status=1)  # pictures say the size
        self.assertEqual([line["path"] for line in read_json_lines(self.path("x.jsonl"))], [PICTURE])


class AnySize(Case):
    """Families that their library runs at whatever size the preprocessing gives."""

    def model(self, name, **changes):
        shutil.copytree(golden(name, ""), self.path("model"), dirs_exist_ok=True)
        path = self.path("model", "preprocessor_config.json")
        with open(golden(name, "preprocessor_config.json")) as file:
            config = json.load(file)
        config.update(changes)
        os.chmod(path, 0o644)
        with open(path, "w") as file:
            json.dump(config, file)
        return json.loads(self.vit("info", "--json", "-m", "model").stdout)

    def test_dinov2(self):
        crop = {"crop_size": {"height": 28, "width": 56}, "size": {"shortest_edge": 60}, "do_center_crop": True}
        self.assertEqual(self.model("hf_dinov2_model", **crop)["image_size"], [28, 56])
        picture = golden("hf_dinov2_model", "image.png")
        self.vit("embed", "-m", "model", "--output", "tokens", "-o", "a.npy", picture)
        shutil.copytree(golden("hf_dinov2_model", ""), self.path("plain"))
        self.vit("preprocess", "-m", "model", "-o", "p.npy", picture)
        self.vit("embed", "-m", "plain", "--output", "tokens", "-o", "b.npy", "--pixels", "p.npy")
        self.assertEqual(read_npy(self.path("a.npy")), read_npy(self.path("b.npy")))

    def test_a_size_that_follows_the_picture(self):
        own = self.model("hf_dinov2_model")["image_size"]
        info = self.model("hf_dinov2_model", do_center_crop=False, size={"shortest_edge": 60})
        self.assertEqual(info["image_size"], own)
        square, wide = self.picture("a.png", own[1], own[0]), self.picture("b.png", 100, 60)
        self.vit("embed", "-m", "model", "-o", "x.npy", square, wide, status=1)
        self.vit("embed", "-m", "model", "-o", "x.npy", "--image-size", "60x98", wide, status=1)

    def test_others_keep_their_own(self):
        info = self.model("hf_vit_classifier", size={"height": 64, "width": 64})
        self.assertEqual(info["image_size"], [SIDE, SIDE])
        self.vit("embed", "-m", "model", "-o", "x.npy", PICTURE, status=1)
        self.vit("embed", "-m", "model", "-o", "x.npy", "--image-size", "64", PICTURE)


class Latents(Case):
    def rows(self, folder, output, *arguments):
        self.vit("embed", "-m", folder, "-o", "x.npy", "--output", output, *arguments)
        return read_rows(self.path("x.npy"))

    def test_goldens(self):
        self.assertGreaterEqual(len(LATENTS), 2)
        for folder in LATENTS:
            expected, tolerance = expected_of(folder), case_of(folder)["tolerance"]["f32"]
            write(self.path("pixels.npy"), npy_bytes("<f4", *expected["pixel_values"]))
            given = ["--pixels", "pixels.npy"]
            for name, output, more in (("z_mean", "latent", []), ("z_log_var", "latent-log-variance", []),
                                       ("z_sample.7", "latent", ["--sample", "7"])):
                with self.subTest(case=folder, name=name):
                    got = self.rows(folder, output, *more, *given)[0]
                    self.assertLessEqual(relative_error(got, floats(expected[name][1])), tolerance)

    @staticmethod
    def normal(seed, k):
        """As docs/own-format.md has it."""
        mask, gold = (1 << 64) - 1, 0x9E3779B97F4A7C15

        def mix(z):
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
            z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
            return z ^ z >> 31

        key = mix(seed + gold & mask)
        u1 = ((mix(key + (k + 1) * gold & mask) >> 11) + 1) * 2.0 ** -53
        u2 = (mix(key + (k + 2) * gold & mask) >> 11) * 2.0 ** -53
        return math.sqrt(-2 * math.log(u1)) * math.cos(2 * math.pi * u2)

    def test_draws_depend_on_the_position_alone(self):
        folder = LATENTS[0]
        pictures = [os.path.join(folder, "image.png"), PICTURE, "nowhere.png", golden("hf_clip", "image.png"), PICTURE]
        good = [0, 1, 3, 4]
        seed = (1 << 64) - 3

        def all_rows(output, *arguments):
            self.vit("embed", "-m", folder, "-o", "x.npy", "--output", output, *arguments, *pictures, status=1)
            return read_rows(self.path("x.npy"))

        means, logs = all_rows("latent"), all_rows("latent-log-variance")
        draws = all_rows("latent", "--sample", str(seed))
        width = len(means[0])
        for row, n in enumerate(good):
            for i in range(width):
                want = means[row][i] + math.exp(logs[row][i] / 2) * self.normal(seed, 2 * (n * width + i))
                self.assertAlmostEqual(draws[row][i], want, delta=1e-6 * max(1, abs(want)))
        self.assertEqual(all_rows("latent", "--sample", str(seed), "--batch", "1", "-t", "1"), draws)
        self.assertNotEqual(draws[1], draws[3])  # the same picture elsewhere
        self.assertNotEqual(all_rows("latent", "--sample", "0"), draws)
        self.vit("embed", "-m", folder, "-o", "s.npy", "--output", "latent", "--sample", str(seed), "--shard", "1/2", *pictures)
        self.assertEqual(read_rows(self.path("s.npy")), [draws[1], draws[2]])
        self.vit("embed", "-m", folder, "-o", "parts", "--shard-size", "2", "--output", "latent", "--sample", str(seed), *pictures,
                 status=1)
        self.assertEqual(read_rows(self.path("parts", "part-00001.npy")), draws[2:])
        with open(self.path("s.meta.json")) as file:
            self.assertEqual(json.load(file)["sample"], seed)

    def test_refused(self):
        for arguments in (["--sample", "7"], ["--output", "latent", "--sample", "x"], ["--output", "latent", "--sample", "-1"],
                          ["--output", "latent", "--sample", "18446744073709551616"], ["--output", "latent", "--sample", ""]):
            self.vit("embed", "-m", LATENTS[0], "-o", "x.npy", *arguments, PICTURE, status=USAGE)
        self.vit("embed", "-m", MODEL, "-o", "x.npy", "--output", "latent", PICTURE, status=USAGE)


if __name__ == "__main__":
    main()
