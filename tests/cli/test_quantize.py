# SPDX-License-Identifier: BSD-2-Clause
"""vit quantize: files that give what the model gives, and what is refused."""
import json

from harness import *

CLIP = os.path.join(GOLDEN, "hf_clip")


class Quantize(Case):
    def quantize(self, *arguments, name="packed.safetensors", **more):
        return self.vit("quantize", *arguments, "-o", self.path(name), **more)

    def info(self, model, *arguments):
        return json.loads(self.vit("info", "--json", "-m", model, *arguments).stdout)

    def test_same_results(self):
        for precision in ("int8", "bf16", "f32"):
            self.quantize("-m", MODEL, "--precision", precision)
            results = [self.vit("classify", "--format", "json", "-m", model, *more, PICTURE).stdout
                       for model, more in ((MODEL, ["--precision", precision]),
                                           (self.path("packed.safetensors"), []),
                                           (self.path("packed.safetensors"), ["--precision", precision]))]
            self.assertEqual(results[0], results[1])
            self.assertEqual(results[0], results[2])
        self.assert_files("packed.safetensors")

    def test_default_is_int8(self):
        done = self.quantize("-m", MODEL)
        self.assertIn("packed in int8", done.stderr.decode())
        info, source = self.info(self.path("packed.safetensors")), self.info(MODEL)
        self.assertEqual(info["packed"], {"version": 1, "precision": "int8", "source_digest": source["digest"]})
        self.assertEqual(info["precision"], "int8")
        self.assertNotIn("packed", source)
        for key in ("family", "parameters", "labels", "outputs", "preprocessing", "preprocessing_digest", "towers"):
            self.assertEqual(info[key], source[key], key)

    def test_readable(self):
        self.quantize("-m", MODEL, "-q")
        with open(self.path("packed.safetensors"), "rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(size))
        self.assertEqual(size % 64, 56)
        metadata = header.pop("__metadata__")
        self.assertEqual(metadata["format"], "vit-packed")
        self.assertEqual(json.loads(metadata["config"])["precision"], "int8")
        self.assertEqual({tensor["dtype"] for tensor in header.values()}, {"U8", "F32"})
        spans = sorted(tensor["data_offsets"] for tensor in header.values())
        self.assertEqual([a[1] for a in spans[:-1]], [b[0] for b in spans[1:]])
        self.assertEqual(8 + size + spans[-1][1], os.path.getsize(self.path("packed.safetensors")))

    def test_standard_output(self):
        self.quantize("-m", MODEL)
        with open(self.path("packed.safetensors"), "rb") as file:
            self.assertEqual(self.vit("quantize", "-m", MODEL, "-o", "-").stdout, file.read())

    def test_towers(self):
        self.quantize("-m", CLIP, name="all.safetensors")
        self.quantize("-m", CLIP, "--tower", "image", name="image.safetensors")
        self.quantize("-m", CLIP, "--tower", "text", name="text.safetensors")
        self.assertEqual([self.info(self.path(name))["towers"] for name in ("all.safetensors", "image.safetensors")], [2, 1])
        picture = os.path.join(CLIP, "image.png")
        vectors = []
        for model in (CLIP, self.path("all.safetensors"), self.path("image.safetensors")):
            self.vit("embed", "-q", "-m", model, "--precision", "int8", "--format", "raw", "-o", self.path("v"), picture)
            with open(self.path("v"), "rb") as file:
                vectors.append(file.read())
        self.assertEqual(vectors[0], vectors[1])
        self.assertEqual(vectors[0], vectors[2])
        self.assertEqual(self.info(self.path("text.safetensors"))["input"], "text")
        done = self.vit("embed", "-m", self.path("text.safetensors"), "-o", "x.npy", picture, status=MODEL_FAILS)
        self.assertIn("no image tower", done.stderr.decode())
        self.assertIn("no text tower", self.quantize("-m", MODEL, "--tower", "text", name="no.safetensors",
                                                     status=MODEL_FAILS).stderr.decode())

    def test_refusals(self):
        self.assertIn("-o FILE", self.vit("quantize", "-m", MODEL, status=USAGE).stderr.decode())
        self.vit("quantize", "-m", MODEL, "--precision", "int4", "-o", self.path("x"), status=USAGE)
        self.vit("quantize", "-m", MODEL, "-o", self.path("x"), "y", status=USAGE)
        self.vit("quantize", "-m", self.path("absent"), "-o", self.path("x"), status=MODEL_FAILS)
        self.vit("quantize", "-m", MODEL, "-o", self.path("no", "such", "folder"), status=OUTPUT_FAILS)
        self.assert_files()
        self.quantize("-m", MODEL)
        for precision in ("f32", "bf16"):
            done = self.vit("classify", "-m", self.path("packed.safetensors"), "--precision", precision, PICTURE,
                            status=MODEL_FAILS)
            self.assertIn("packed in int8", done.stderr.decode())


if __name__ == "__main__":
    main()
