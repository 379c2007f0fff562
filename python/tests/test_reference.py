# SPDX-License-Identifier: BSD-2-Clause
"""The package beside transformers, where torch and transformers are: the same pixel_values and the same numbers. By hand:
the environment of the tests has neither, and what they give is in tests/data/golden."""

import os
import unittest

import numpy as np

import libvit
from support import DATA, PICTURES, Case

try:
    import torch
    import transformers
    from PIL import Image
except ImportError:
    torch = None


# A small checkpoint, the output of libvit, and what transformers calls it.
CASES = (
    ("hf_vit_classifier", "logits", lambda model, pixels: model(pixel_values=pixels).logits),
    ("hf_dinov2_model", "tokens", lambda model, pixels: model(pixel_values=pixels).last_hidden_state),
    ("hf_clip", "embedding", lambda model, pixels: _features(model, pixels)),
    ("hf_siglip", "embedding", lambda model, pixels: _features(model, pixels)),
)


def _features(model, pixels):
    found = model.get_image_features(pixel_values=pixels)
    return found if torch.is_tensor(found) else found.pooler_output  # from transformers 5 on


@unittest.skipUnless(torch, "torch and transformers are not in this environment")
class Reference(Case):
    def test_pixels_and_numbers(self):
        resampler = "torchvision" if transformers.utils.is_torchvision_available() else "pillow"
        for name, output, call in CASES:
            with self.subTest(name):
                folder = os.path.join(DATA, "golden", name)
                ours = libvit.Model(folder, resampler=resampler)
                processor = transformers.AutoImageProcessor.from_pretrained(folder)
                config = transformers.AutoConfig.from_pretrained(folder)
                theirs = getattr(transformers, config.architectures[0]).from_pretrained(folder).eval()
                pictures = [Image.open(path).convert("RGB") for path in PICTURES]
                pixels = processor(images=pictures, return_tensors="pt").pixel_values
                np.testing.assert_allclose(ours.preprocess(PICTURES), pixels.numpy(), atol=1e-6)
                with torch.inference_mode():
                    want = call(theirs, pixels).numpy()
                for got in (ours.embed(PICTURES, output=output), ours.encode(pixels, output=output)):
                    self.assertEqual(got.shape, want.shape)
                    np.testing.assert_allclose(got, want, atol=1e-5 * max(1, float(np.abs(want).max())))


if __name__ == "__main__":
    unittest.main()
