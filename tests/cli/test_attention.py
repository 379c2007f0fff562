# SPDX-License-Identifier: BSD-2-Clause
"""vit attention: weights as the Python library has them, and pictures of them."""
import math
import os

from harness import *

CLASSLESS = golden("hf_siglip", "")


class Weights(Case):
    def test_golden(self):
        for name in ("expected.safetensors", "expected2.safetensors"):
            expected = expected_of(MODEL, name)
            write(self.path("pixels.npy"), npy_bytes("<f4", *expected["pixel_values"]))
            self.vit("attention", "-m", MODEL, "--layer", "0", "--pixels", "pixels.npy", "--raw", "raw.npy")
            shape, want = expected["attentions.0"]
            self.assertEqual(list(read_npy(self.path("raw.npy"))[1]), shape[1:])
            got = [x for row in read_rows(self.path("raw.npy")) for x in row]
            self.assertLessEqual(relative_error(got, floats(want)), case_of(MODEL)["tolerance"]["f32"])

    def test_from_a_picture(self):
        expected = expected_of(MODEL)
        self.vit("attention", "-m", MODEL, "--layer", "0", "--resampler", "pillow13", "--raw", "raw.npy", PICTURE)
        got = [x for row in read_rows(self.path("raw.npy")) for x in row]
        self.assertLessEqual(relative_error(got, floats(expected["attentions.0"][1])), 1e-5)
        with open(PICTURE, "rb") as file:
            self.vit("attention", "-m", MODEL, "--layer", "0", "--resampler", "pillow13", "--raw", "b.npy", "-",
                     stdin=file.read())
        self.assertEqual(read_npy(self.path("b.npy")), read_npy(self.path("raw.npy")))

    def test_the_last_block_is_the_default(self):
        self.vit("attention", "-m", MODEL, "--layer", "1", "--raw", "a.npy", PICTURE)
        self.vit("attention", "-m", MODEL, "--raw", "b.npy", PICTURE)
        self.assertEqual(read_npy(self.path("a.npy")), read_npy(self.path("b.npy")))

    def test_rows_are_shares(self):
        without = []
        for folder in case_folders():
            if not case_of(folder)["images"][0]["image"]:
                continue
            with self.subTest(case=folder):
                picture = os.path.join(folder, case_of(folder)["images"][0]["image"])
                size = case_of(folder)["images"][0]["pixel_values"][2:]
                model = ["-m", folder, "--image-size", "%dx%d" % tuple(size)]
                arguments = ["attention", "-q", *model, "--raw", "raw.npy", picture]
                if "attention:K" not in json.loads(self.vit("info", "--json", *model).stdout)["outputs"]:
                    without.append(os.path.basename(folder))
                    self.vit(*arguments, status=USAGE)
                    continue
                self.vit(*arguments)
                heads, tokens, keys = read_npy(self.path("raw.npy"))[1]
                self.assertEqual(tokens, keys)
                for head in read_rows(self.path("raw.npy")):
                    for query in range(tokens):
                        self.assertAlmostEqual(sum(head[query * tokens:(query + 1) * tokens]), 1, delta=1e-5)
        # Differences of two attentions, blocks with several side by side, and windows have no such weights.
        plain = [name for name in without if "swin" not in name]
        self.assertTrue(all(name.startswith("timm_") for name in plain) and len(plain) < 6, without)


class Pictures(Case):
    def draw(self, *arguments, model=MODEL, picture=PICTURE):
        self.vit("attention", "-q", "-m", model, "-o", "map.png", *arguments, picture)
        return read_png(read(self.path("map.png")))

    def test_sizes(self):
        edge = SIDE * 6  # to at least 256
        self.assertEqual(self.draw()[:2], (edge, edge))
        self.assertEqual(self.draw("--head", "0")[:2], (edge, edge))
        self.assertEqual(self.draw("--head", "all")[:2], (3 * edge + 8, 2 * edge + 4))  # mean and 4 heads, gaps of 4
        width, height, _ = self.draw("--image-size", "56x400")
        self.assertEqual((width, height), (400 * 5, 56 * 5))

    def test_the_brightest_patch(self):
        """On a black picture, the patch with the largest weight is the brightest, and the least one the darkest."""
        black = self.picture("black.png", SIDE, SIDE)
        self.vit("attention", "-m", MODEL, "--layer", "1", "--raw", "raw.npy", black)
        head = read_rows(self.path("raw.npy"))[2]
        shares = list(head[1:TOKENS])  # of the class token, for 6 x 6 patches
        width, _, rows = self.draw("--layer", "1", "--head", "2", picture=black)
        patch = width // 6

        def brightness(index):
            y, x = index // 6 * patch + patch // 2, index % 6 * patch + patch // 2
            return sum(rows[y][3 * x:3 * x + 3])

        light = [brightness(i) for i in range(36)]
        self.assertEqual(light.index(max(light)), shares.index(max(shares)))
        self.assertLess(light[shares.index(min(shares))], sum(light) / 36)

    def test_without_class_token(self):
        done = self.vit("attention", "-m", CLASSLESS, "-o", "map.png", os.path.join(CLASSLESS, "image.png"))
        self.assertIn("no class token", done.stderr.decode())
        self.assertEqual(self.vit("attention", "-m", MODEL, "-o", "map.png", PICTURE).stderr, b"")

    def test_to_standard_output(self):
        done = self.vit("attention", "-m", MODEL, "-o", "-", PICTURE)
        self.assertTrue(done.stdout.startswith(b"\x89PNG"))


class Components(Case):
    """--pca: pictures, and their patches in colours."""

    def draw(self, *pictures, status=0, model=MODEL):
        done = self.vit("attention", "--pca", "-m", model, "-o", "pca.png", *pictures, status=status)
        self.said = done.stderr.decode()
        return self.path("pca.png")

    def tiles(self, sheet, n, edge=SIDE * 6):
        """The colours of the 6 x 6 patches of n pictures, which stand in pairs, each picture and its patches."""
        across = 2 * math.ceil(math.sqrt(n / 2))
        tiles = []
        for i in range(n):
            x, y = (2 * i + 1) % across * (edge + 4), (2 * i + 1) // across * (edge + 4)
            middles = [edge // 12 + k * edge // 6 for k in range(6)]
            tiles.append([tuple(sheet[2][y + m][3 * (x + k):3 * (x + k) + 3]) for m in middles for k in middles])
        return tiles

    def test_one_and_several(self):
        edge = SIDE * 6
        others = [os.path.join(PICTURES, name) for name in ("cat.jpg", "coffee.jpg")]
        self.assertEqual(struct.unpack(">II", read(self.draw(PICTURE))[16:24]), (2 * edge + 4, edge))
        sheet = read_png(read(self.draw(PICTURE, *others, PICTURE)))
        self.assertEqual(sheet[:2], (4 * edge + 12, 2 * edge + 4))
        tiles = self.tiles(sheet, 4)
        self.assertEqual(tiles[0], tiles[3])  # the same thing has the same colours
        self.assertNotEqual(tiles[0], tiles[1])
        for channel in range(3):  # from the least to the largest, over all pictures
            values = [colour[channel] for tile in tiles for colour in tile if any(colour)]
            self.assertEqual((min(values), max(values)), (0, 255))
        self.assertGreater(sum(not any(colour) for tile in tiles for colour in tile), 10)  # background
        first = read(self.path("pca.png"))
        self.draw(PICTURE, *others, PICTURE)
        self.assertEqual(read(self.path("pca.png")), first)

    def test_a_folder(self):
        self.draw(PICTURES)
        done = self.vit("attention", "--pca", "-m", MODEL, "-o", "-", "-", stdin=read(PICTURE)).stdout
        self.draw(PICTURE)
        self.assertEqual(read(self.path("pca.png")), done)

    def test_bad_pictures_are_left_out(self):
        self.draw(PICTURE)
        alone = read(self.path("pca.png"))
        self.draw("nowhere.png", PICTURE, status=1)
        self.assertIn("nowhere.png: not_found", self.said)
        self.assertEqual(read(self.path("pca.png")), alone)
        self.draw("nowhere.png", status=1)
        self.assertEqual(read(self.path("pca.png")), alone)  # an older drawing stays

    def test_refused(self):
        for arguments in (["-o", "x.png"], [PICTURE], ["-o", "x.png", "--layer", "0", PICTURE],
                          ["-o", "x.png", "--head", "all", PICTURE], ["-o", "x.png", "--raw", "x.npy", PICTURE],
                          ["-o", "x.png", "--pixels", "x.npy"], ["-o", "x.png", ""], ["-o", "x.png", "-", "-"]):
            self.vit("attention", "--pca", "-m", MODEL, *arguments, status=USAGE)
        self.vit("attention", "--pca", "-m", golden("st_minilm", ""), "-o", "x.png", PICTURE, status=3)
        self.assert_files()


class Refused(Case):
    def refuse(self, *arguments, status=USAGE):
        self.assertEqual(self.vit("attention", "-m", MODEL, *arguments, status=status).stdout, b"")

    def test_usage(self):
        self.refuse(PICTURE)
        self.refuse("-o", "x.png")
        self.refuse("-o", "x.png", PICTURE, PICTURE)
        self.refuse("-o", "x.png", "")
        self.refuse("-o", "x.png", "--pixels", "x.npy")
        self.refuse("-o", "x", "--raw", "x", PICTURE)
        for layer in ("2", "-1", "x", "", "99999999999"):
            self.refuse("-o", "x.png", "--layer", layer, PICTURE)
        for head in ("4", "-1", "some", ""):
            self.refuse("-o", "x.png", "--head", head, PICTURE)
        self.assert_files()

    def test_inputs(self):
        write(self.path("bad.png"), b"no picture")
        self.refuse("-o", "x.png", "bad.png", status=1)
        self.refuse("-o", "x.png", "nowhere.png", status=1)
        self.refuse("--raw", "x.npy", "--pixels", "nowhere.npy", status=1)
        write(self.path("two.npy"), npy_bytes("<f4", (2, 3, 8, 8), b"\0" * 4 * 2 * 3 * 64))
        self.refuse("--raw", "x.npy", "--pixels", "two.npy", status=1)
        self.refuse("-o", "/nowhere/x.png", PICTURE, status=OUTPUT_FAILS)
        self.assert_files("bad.png", "two.npy")


if __name__ == "__main__":
    main()
