# SPDX-License-Identifier: BSD-2-Clause
"""save_head: a classifier of scikit-learn's kind in the place of a model's own."""

import os
import types
import unittest

import numpy as np

import libvit
from support import CAT, PICTURES, Case, command


def classifier(width, classes, seed=0):
    """What scikit-learn's LogisticRegression has once it is fitted."""
    random = np.random.default_rng(seed)
    vectors = 1 if len(classes) == 2 else len(classes)
    return types.SimpleNamespace(
        coef_=random.normal(size=(vectors, width)) * 0.3,
        intercept_=random.normal(size=vectors),
        classes_=np.array(classes),
    )


def probabilities(fitted, x):
    logits = x.astype(np.float64) @ fitted.coef_.T + fitted.intercept_
    if logits.shape[1] == 1:
        share = 1 / (1 + np.exp(-logits))
        return np.concatenate([1 - share, share], 1)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


class Head(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = libvit.Model()

    def test_probabilities_are_the_classifiers(self):
        folder = self.folder()
        path = os.path.join(folder, "head.safetensors")
        for output, normalize, classes in (
            ("embedding", False, ["a", "b", "c"]),
            ("cls", True, ["no", "yes"]),
            ("cls+mean", False, [3, 1, 2, 0]),
        ):
            vectors = self.model.embed(PICTURES, output=output, normalize=normalize)
            fitted = classifier(vectors.shape[1], classes)
            libvit.save_head(fitted, self.model, path, output=output, normalize=normalize)
            with libvit.Model(path) as opened:
                self.assertEqual(opened.labels, [str(name) for name in classes])
                np.testing.assert_allclose(
                    opened.embed(PICTURES, output="probs"), probabilities(fitted, vectors), atol=1e-6
                )
        best = command("classify", "-m", path, "-k", "1", "--format", "json", CAT).decode()
        self.assertIn('"label":"%d"' % fitted.classes_[probabilities(fitted, vectors)[0].argmax()], best)

    def test_what_is_wrong(self):
        folder = self.folder()
        path = os.path.join(folder, "head.safetensors")
        with open(path, "wb") as file:
            file.write(b"older")
        for fitted, options, error in (
            (object(), {}, TypeError),
            (classifier(191, ["a", "b", "c"]), {}, libvit.InvalidArgument),
            (classifier(192, ["a", "b", "c"]), {"labels": ["a"]}, libvit.InvalidArgument),
            (classifier(192, ["a", "b", "c"]), {"output": "no such"}, libvit.InvalidArgument),
            (classifier(192, ["a", "b", "c"]), {"output": "tokens"}, libvit.Error),
        ):
            with self.assertRaises(error):
                libvit.save_head(fitted, self.model, path, **options)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"older")
        self.assertEqual(os.listdir(folder), ["head.safetensors"])
        with self.assertRaises(FileNotFoundError):
            libvit.save_head(classifier(192, ["a", "b"]), self.model, os.path.join(folder, "none", "head.safetensors"))


if __name__ == "__main__":
    unittest.main()
