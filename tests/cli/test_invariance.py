#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A vector depends on its picture or text alone, bit for bit, however the command is run: one input by itself (which the
command encodes without packing the weights first) or among others, in whatever batches, on however many threads, from a
checkpoint or from a packed file of it; at every precision, on every instruction set that this processor has, and on the emulated
matrix unit."""
import struct

from harness import *

MODELS = ("hf_vit_classifier", "hf_beit_classifier", "hf_dinov2_classifier")
TEXT_MODEL = "hf_clip"
PRECISIONS = ("f32", "bf16", "int8")
# What is unknown or cannot be had on this processor changes nothing, so all of these run everywhere.
LEVELS = ("c", "neon", "dotprod", "i8mm") if os.uname().machine == "aarch64" else ("c", "avx2", "avx512", "avx512_vnni", "amx")
SURROUNDINGS = ({}, *({"VIT_CPU": level} for level in LEVELS))
BATCHES = (("--batch", "1", "-t", "1"), ("--batch", "2", "-t", "3"))


class TestInvariance(Case):
    def vectors(self, model, inputs, *options, env):
        """The bytes of each input's vector."""
        self.vit("embed", "-m", model, "-q", *options, "-o", "v.npy", *inputs, env=environment(**env))
        _, shape, data = read_npy(self.path("v.npy"))
        size = len(data) // shape[0]
        return [data[i * size:(i + 1) * size] for i in range(shape[0])]

    def check_model(self, model, inputs, some, options, env):
        """The vectors of some(inputs): of all of them in several ways, and of the first and the last alone."""
        want = self.vectors(model, some(inputs), *options, env=env)
        self.assertEqual(len(want), len(inputs))
        for batch in BATCHES:
            self.assertEqual(self.vectors(model, some(inputs), *options, *batch, env=env), want, (model, env, batch))
        for i in (0, -1):
            self.assertEqual(self.vectors(model, some([inputs[i]]), *options, env=env), [want[i]], (model, env, i))
        return want

    def check(self, case, inputs, some):
        model = os.path.join(GOLDEN, case)
        for env in SURROUNDINGS:
            for precision in PRECISIONS:
                with self.subTest(case=case, precision=precision, env=env):
                    packed = self.path(f"{precision}.safetensors")
                    self.vit("quantize", "-m", model, "--precision", precision, "-o", packed, env=environment(**env))
                    want = self.check_model(model, inputs, some, ["--precision", precision], env)
                    self.assertEqual(self.check_model(packed, inputs, some, [], env), want)

    def test_pictures(self):
        pictures = [self.picture(f"{i}.png", 40 + 9 * i, 70 - 5 * i, (40 * i, 255 - 30 * i, 90)) for i in range(4)]
        for case in MODELS:
            self.check(case, [PICTURE, *pictures], lambda some: some)

    def test_texts(self):
        """Texts of 8 ids below the vocabulary's 99; the last of them is the highest, which ends a text."""
        texts = [[1 + (7 * text + 3 * i) % 90 for i in range(7)] + [98] for text in range(5)]

        def tokens(some):
            ids = [i for text in some for i in text]
            data = npy_bytes("<i4", (len(some), 8), struct.pack(f"<{len(ids)}i", *ids))
            return ["--tokens", write(self.path("tokens.npy"), data)]

        self.check(TEXT_MODEL, texts, tokens)


if __name__ == "__main__":
    main()
