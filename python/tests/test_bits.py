# SPDX-License-Identifier: BSD-2-Clause
"""The bits of the command: every output of every small checkpoint, at every precision, whatever the batch and the
threads."""

import contextlib
import json
import os
import unittest

import numpy as np

import libvit
from support import CAT, CLASSIFIER, FULL, PICTURES, Case, command, golden_cases

VECTORS = ("embedding", "cls", "mean", "pooler", "logits", "probs", "latent", "tokens", "hidden:1")
SETTINGS = ((1, 1), (3, 2), (8, 2))  # batch, threads
QUICK = (
    "hf_vit_classifier",
    "hf_clip",
    "hf_dinov2_registers",
    "timm_vit_gap",
    "openclip_vit",
    "own_variational",
    "hf_siglip",
    "hf_siglip2_naflex",
)


@contextlib.contextmanager
def hub_of(case):
    """Some cases take a config from a hub's cache of their own."""
    hub = os.path.join(case, "hub")
    if os.path.isdir(hub):
        os.environ["HF_HUB_CACHE"] = hub
    try:
        yield
    finally:
        os.environ.pop("HF_HUB_CACHE", None)


def is_encoder_of_texts(case):
    try:
        libvit.Model(case).close()
        return False
    except libvit.ModelError:
        return True


class Bits(Case):
    def test_pictures(self):
        for case in golden_cases():
            name = os.path.basename(case)
            if not FULL and name not in QUICK:
                continue
            with hub_of(case):
                if is_encoder_of_texts(case):
                    continue
                for precision in ("f32", "bf16", "int8"):
                    with self.subTest(case=name, precision=precision):
                        self.compare(case, precision)

    def compare(self, case, precision):
        pictures = (PICTURES * 2)[:5]
        size = () if _runs(case) else _size(case)
        models = [
            libvit.Model(case, precision=precision, batch=batch, threads=threads, image_size=size or None)
            for batch, threads in SETTINGS
        ]
        outputs = [
            output
            for output in VECTORS
            if output.split(":")[0] + (":K" if ":" in output else "") in models[0].info["outputs"]
        ]
        self.assertGreaterEqual(len(outputs), 2)
        got = [model.embed(pictures, output=outputs) for model in models]
        for output in outputs if FULL else outputs[:1] + outputs[-1:]:
            path = os.path.join(self.folder(), "x.npy")
            options = ["--image-size", "%dx%d" % size] if size else []
            command(
                "embed", "-m", case, "--precision", precision, "--output", output, "-o", path, "-q", *options, *pictures
            )
            for arrays in got:
                self.assert_same(arrays[output], np.load(path), output)

    def test_token_ids(self):
        cases = [
            case
            for case in golden_cases()
            if os.path.exists(os.path.join(case, "expected_text.safetensors")) or "clip" in case
        ]
        tested = 0
        for case in cases if FULL else cases[:6]:
            ids = np.array([[1, 2, 3, 4], [4, 3, 2, 2], [2, 2, 2, 3]], np.int32)
            path = os.path.join(self.folder(), "ids.npy")
            np.save(path, ids)
            try:
                model = libvit.TextModel(case, threads=2)
            except libvit.Error:
                continue  # it has no text tower
            command("embed", "-m", case, "--tokens", path, "-o", path + ".out.npy", "-q", "--format", "npy")
            self.assert_same(model.encode(ids), np.load(path + ".out.npy"), case)
            tested += 1
        self.assertGreater(tested, 0)

    def test_options(self):
        path = os.path.join(self.folder(), "x.npy")
        for options, python in (
            (["--normalize"], {}),
            (["--normalize", "--dtype", "f16"], {}),
            (["--resampler", "torchvision"], {"resampler": "torchvision"}),
            (["--resampler", "pillow13"], {"resampler": "pillow13"}),
            (["--image-size", "64x48"], {"image_size": (64, 48)}),
            (["--fast-decode"], {"fast_decode": True}),
            (["--background", "00ff80"], {"background": "00ff80"}),
            (["--exif", "ignore"], {"exif": "ignore"}),
        ):
            command("embed", "-m", CLASSIFIER, "-o", path, "-q", *options, *PICTURES)
            model = libvit.Model(CLASSIFIER, **python)
            got = model.embed(
                PICTURES, normalize="--normalize" in options, dtype="float16" if "f16" in options else "float32"
            )
            self.assert_same(got, np.load(path), str(options))

    def test_labels(self):
        lines = command("classify", "-k", "3", "--json", "-q", *PICTURES).decode().splitlines()
        for line, predictions in zip(lines, libvit.Model().classify(PICTURES, top=3)):
            want = json.loads(line)["predictions"]
            self.assertEqual(
                [(p["label"], p["index"], np.float32(p["score"])) for p in want],
                [(p.label, p.index, np.float32(p.score)) for p in predictions],
            )

    def test_pixels(self):
        path = os.path.join(self.folder(), "x.npy")
        command("preprocess", "-m", CLASSIFIER, "-o", path, CAT)
        model = libvit.Model(CLASSIFIER)
        pixels = model.preprocess(CAT)
        self.assert_same(pixels, np.load(path))
        self.assert_same(model.encode(pixels)[0], model.embed(CAT))
        self.assert_same(model.encode(pixels[0]), model.embed(CAT))

    def test_info(self):
        for case in (CLASSIFIER, os.path.join(os.path.dirname(CLASSIFIER), "hf_clip")):
            want = json.loads(command("info", "--json", case))
            got = libvit.Model(case).info
            self.assertEqual({**want, "text": None}, {**got, "text": None})
            self.assertEqual(want["text"], got["text"]) if "text" in want else self.assertNotIn("text", got)


def _runs(case):
    """Does the preprocessing give the size that the model runs at?"""
    try:
        libvit.Model(case).embed(CAT)
        return True
    except libvit.Error:
        return False


def _size(case):
    return tuple(libvit.Model(case).image_size)


if __name__ == "__main__":
    unittest.main()
