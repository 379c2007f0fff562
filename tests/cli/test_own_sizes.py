#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A model whose pictures have sizes of their own (SigLIP 2 NaFlex) through the commands: pictures of any aspect in one
batch, ready pixels of several sizes, a packed file, labels, an index, measuring, and one size for all."""
import struct

from harness import *

NAFLEX = os.path.join(GOLDEN, "hf_siglip2_naflex")
PATCH, MOST, WIDTH = 8, 48, 36
SIZES = ((97, 61), (1, 1), (1, 500), (500, 1), (48, 64), (300, 7), (9, 9))


def size_of(width, height):
    """What a picture becomes, by the rule of transformers."""
    low, high = 1e-6, 100.0

    def whole(edge, scale):
        return max(1, -(-edge * scale // PATCH))
    while high - low >= 1e-5:
        scale = (low + high) / 2
        if whole(height, scale) * whole(width, scale) <= MOST:
            low = scale
        else:
            high = scale
    return int(whole(width, low)) * PATCH, int(whole(height, low)) * PATCH


class OwnSizes(Case):
    def pictures(self):
        return [self.picture(f"{i}.png", width, height, (37 * i % 256, 255 - 20 * i, 90))
                for i, (width, height) in enumerate(SIZES)]

    def rows(self, *arguments):
        self.vit("embed", "-q", "-o", "v.npy", *arguments)
        _, shape, data = read_npy(self.path("v.npy"))
        return [data[i:i + len(data) // shape[0]] for i in range(0, len(data), len(data) // shape[0])]

    def test_batches(self):
        """The same bits alone and among others, from the checkpoint and from a packed file of it."""
        pictures = self.pictures()
        for precision in ("f32", "bf16", "int8"):
            chosen = ["-m", NAFLEX, "--precision", precision]
            want = self.rows(*chosen, *pictures)
            self.assertEqual(len(want), len(SIZES))
            for batch in ("1", "3", "7"):
                self.assertEqual(self.rows(*chosen, "--batch", batch, "-t", "3", *pictures), want)
            for picture, row in zip(pictures, want):
                self.assertEqual(self.rows(*chosen, picture), [row])
            self.vit("quantize", *chosen, "-o", "packed.safetensors")
            self.assertEqual(self.rows("-m", "packed.safetensors", *pictures), want)

    def test_ready_pixels(self):
        """Pixels of several sizes in one call give the vectors of their pictures; of tokens the rest is zero."""
        pictures, files = self.pictures(), []
        for i, picture in enumerate(pictures):
            self.vit("preprocess", "-m", NAFLEX, "-o", f"{i}.npy", picture)
            width, height = size_of(*SIZES[i])
            self.assertEqual(list(read_npy(self.path(f"{i}.npy"))[1]), [1, 3, height, width])
            files += ["--pixels", f"{i}.npy"]
        self.assertEqual(self.rows("-m", NAFLEX, *files), self.rows("-m", NAFLEX, *pictures))
        tokens = self.rows("-m", NAFLEX, "--output", "tokens", *pictures)
        for (width, height), row in zip((size_of(*size) for size in SIZES), tokens):
            self.assertEqual(len(row), 4 * MOST * WIDTH)
            own = 4 * WIDTH * (width // PATCH) * (height // PATCH)
            self.assertNotEqual(row[own - 4 * WIDTH:own], bytes(4 * WIDTH))
            self.assertEqual(row[own:], bytes(len(row) - own))

    def test_pixels_that_do_not_fit(self):
        for height, width in ((8, 8 * (MOST + 1)), (4, 8), (12, 8)):
            write(self.path("x.npy"), npy_bytes("<f4", (1, 3, height, width), struct.pack("<f", 0) * (3 * height * width)))
            write(self.path("y.npy"), npy_bytes("<f4", (1, 3, 8, 8), struct.pack("<f", 0) * 192))
            done = self.vit("embed", "-m", NAFLEX, "--pixels", "x.npy", "--pixels", "y.npy", "-o", "v.npy", status=1)
            self.assertIn(b"1 to 48 whole patches of 8x8", done.stderr)

    def test_one_size(self):
        pictures = self.pictures()
        shape = json.loads(self.vit("info", "--json", "-m", NAFLEX, "--image-size", "24x40").stdout)
        self.assertEqual((shape["image_size"], shape["tokens"]), ([24, 40], 15))
        self.vit("embed", "-m", NAFLEX, "--image-size", "24x40", "--output", "tokens", "-o", "v.npy", *pictures)
        self.assertEqual(list(read_npy(self.path("v.npy"))[1]), [len(SIZES), 15, WIDTH])
        self.vit("attention", "-m", NAFLEX, "--image-size", "24x40", "-o", "a.png", pictures[0])
        done = self.vit("attention", "-m", NAFLEX, "-o", "b.png", pictures[0], status=USAGE)
        self.assertIn(b"--image-size", done.stderr)

    def test_labels(self):
        lines = json_lines(self.vit("classify", "-m", NAFLEX, "--labels", "red,house", "--format", "json",
                                    *self.pictures()).stdout)
        self.assertEqual([len(line["predictions"]) for line in lines], [2] * len(SIZES))

    def test_index(self):
        if not KEEPS_INDEXES:
            self.skipTest("vit was built without SQLite")
        pictures = self.pictures()
        self.vit("index", "-q", "-m", NAFLEX, "--db", "x.db", self.folder)
        best = json_lines(self.vit("search", "--db", "x.db", "-k", "1", "--json", pictures[0]).stdout)[0]
        self.assertIn("0.png", json.dumps(best))

    def test_damaged(self):
        """A config and preprocessing that do not go together."""
        for name, key, value, words in (("preprocessor_config.json", "patch_size", 7, b"patch_size"),
                                        ("preprocessor_config.json", "max_num_patches", 0, b"max_num_patches"),
                                        ("preprocessor_config.json", "max_num_patches", 100000, b"patches"),
                                        ("config.json", "num_patches", 35, b"num_patches"),
                                        ("config.json", "num_patches", 49, b"position_embedding"),
                                        ("config.json", "patch_size", 4, b"patch_size"),
                                        ("config.json", "patch_size", [8, 4], b"patch_size")):
            folder = self.path("damaged")
            shutil.copytree(NAFLEX, folder)
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                config = json.load(file)
            (config.get("vision_config", config))[key] = value
            write(os.path.join(folder, name), json.dumps(config).encode())
            done = self.vit("embed", "-m", "damaged", "-o", "v.npy", os.path.join(NAFLEX, "image.png"), status=MODEL_FAILS)
            self.assertIn(words, done.stderr)
            shutil.rmtree(folder)

    def test_bench(self):
        done = self.vit("bench", "-m", NAFLEX, "--seconds", "0.1", "--json", "--batch", "2")
        self.assertGreater(json.loads(done.stdout)["images_per_s"], 0)


if __name__ == "__main__":
    main()
