# SPDX-License-Identifier: BSD-2-Clause
"""Classifier and fit: the numbers of `vit fit`, as scikit-learn's users know them. Where scikit-learn is there, it is
asked too."""

import copy
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import unittest
import warnings

import numpy as np

import libvit
from support import CAT, CLASSIFIER, COFFEE, HORSE, PICTURES, ROCKET, Case, command, run_python

try:
    import sklearn
except ImportError:
    sklearn = None

LABELS = {CAT: "animal", HORSE: "animal", COFFEE: "thing", ROCKET: "thing"}


def clouds(classes=3, each=30, width=8, seed=0):
    """Vectors around one middle a class, and their classes."""
    random = np.random.default_rng(seed)
    middles, y = random.normal(size=(classes, width)), np.repeat(np.arange(classes), each)
    return (middles[y] + random.normal(size=(len(y), width))).astype(np.float32), y


class Numbers(Case):
    def test_the_file_of_the_command(self):
        """Pictures, labels and options of `vit fit`: the same file, byte for byte."""
        folder = self.folder()
        for name, label in LABELS.items():
            os.makedirs(os.path.join(folder, label), exist_ok=True)
            shutil.copy(name, os.path.join(folder, label))
        paths = sorted(str(path) for path in pathlib.Path(folder).glob("*/*"))
        labels = [path.split("/")[-2] for path in paths]
        for options, arguments in (
            ({}, ["-C", "1"]),
            ({"C": 0.3, "class_weight": "balanced"}, ["-C", "0.3", "--class-weight", "balanced"]),
            (
                {"output": "cls+mean", "normalize": True, "threads": 1},
                ["-C", "1", "--output", "cls+mean", "--normalize"],
            ),
        ):
            theirs, ours = os.path.join(folder, "theirs.safetensors"), os.path.join(folder, "ours.safetensors")
            command("fit", "-m", CLASSIFIER, "--val", "0", "-o", theirs, *arguments, folder)
            fitted = libvit.fit(paths, labels, model=libvit.Model(CLASSIFIER), **options)
            fitted.save(ours)
            self.assertEqual(pathlib.Path(ours).read_bytes(), pathlib.Path(theirs).read_bytes(), options)
            os.remove(theirs)
            said = command("classify", "-m", ours, "-k", "1", "--format", "json", paths[0]).decode()
            self.assertIn('"label":"%s"' % fitted.predict(paths[:1])[0], said)
            with libvit.Model(ours) as opened:
                np.testing.assert_allclose(opened.embed(paths, output="probs"), fitted.predict_proba(paths), atol=1e-6)

    def test_vectors_and_pictures_are_one(self):
        model = libvit.Model()
        labels = [LABELS[path] for path in PICTURES]
        of_pictures = libvit.fit(PICTURES, labels, model=model)
        vectors = model.embed(PICTURES)
        for other in (
            libvit.fit(vectors, labels),
            libvit.fit(vectors, labels, model=model, threads=1),
            libvit.fit(vectors.tolist(), np.array(labels)),
            libvit.fit(iter([pathlib.Path(path).read_bytes() for path in PICTURES]), labels, model=model),
        ):
            self.assert_same(other.coef_, of_pictures.coef_)
            self.assert_same(other.intercept_, of_pictures.intercept_)
        self.assert_same(of_pictures.predict_proba(PICTURES), of_pictures.predict_proba(vectors))
        path = os.path.join(self.folder(), "head.safetensors")
        libvit.fit(vectors, labels).save(path, model)
        self.assertEqual(libvit.Model(path).classify(CAT)[0].label, "animal")
        self.assertEqual(libvit.Model(path).labels, ["animal", "thing"])

    def test_what_it_minimises(self):
        """The gradient of the objective of vit/fit.h vanishes. Of two classes C counts half there."""
        for classes, weight in ((2, None), (3, None), (4, "balanced")):
            X, y = clouds(classes)
            X, y = X[:-17], y[:-17]
            fitted = libvit.fit(X, y, C=0.5, class_weight=weight)
            counts = np.bincount(y)
            of_row = (len(y) / (classes * counts) if weight else np.ones(classes))[y][:, np.newaxis]
            wrong = of_row * (fitted.predict_proba(X) - np.eye(classes)[y])
            layer = fitted._layer.weight
            np.testing.assert_allclose(wrong.T @ X + layer / (0.25 if classes == 2 else 0.5), 0, atol=1e-5)
            np.testing.assert_allclose(wrong.sum(0), 0, atol=1e-5)
            shape = (1, 8) if classes == 2 else (classes, 8)
            self.assertEqual((fitted.coef_.shape, fitted.intercept_.shape), (shape, shape[:1]))
            logits = X @ fitted.coef_.T + fitted.intercept_
            np.testing.assert_allclose(fitted.decision_function(X), logits[:, 0] if classes == 2 else logits, atol=1e-9)

    def test_classes(self):
        X, y = clouds()
        for names in (y, y * 10 - 7, np.array(["c", "a", "b"])[y], [["z", "yy", "é"][i] for i in y], y.astype(float)):
            fitted = libvit.Classifier().fit(X, names)
            self.assert_same(fitted.classes_, np.unique(names))
            self.assertEqual(fitted.predict(X).dtype, fitted.classes_.dtype)
            self.assertGreater(fitted.score(X, names), 0.7)
            self.assertEqual(fitted.predict_proba(X).shape, (90, 3))
            np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)).sum(1), 1)
        self.assertEqual((fitted.n_features_in_, len(fitted.n_iter_)), (8, 1))
        self.assertEqual(fitted.score(X[:2], fitted.predict(X[:2])), 1)

    def test_pickle(self):
        X, y = clouds()
        for model in (None, libvit.Model(CLASSIFIER)):
            fitted = libvit.fit(X, y, C=2, model=model)
            for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
                self.assert_same(again.predict_proba(X), fitted.predict_proba(X))
                self.assertEqual((again.C, again.model is None), (2, model is None))


class Refusals(Case):
    def test_what_is_wrong(self):
        X, y = clouds()
        model = libvit.Model()
        bad = X.copy()
        bad[7, 3] = np.nan
        for error, call in (
            (libvit.InvalidArgument, lambda: libvit.fit(X, y[:-1])),
            (libvit.InvalidArgument, lambda: libvit.fit(X[:0], y[:0])),
            (libvit.InvalidArgument, lambda: libvit.fit(X, np.zeros(90, int))),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y + 0.5)),
            (libvit.InvalidArgument, lambda: libvit.fit(X, np.stack([y, y], 1))),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y, C=0)),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y, C="1")),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y, class_weight={0: 1})),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y, threads=0)),
            (libvit.InvalidArgument, lambda: libvit.Classifier().set_params(penalty="l1")),
            (libvit.InvalidArgument, lambda: libvit.Classifier().predict(X)),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y).save("none.safetensors")),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y).save("none.safetensors", model)),
            (libvit.InvalidArgument, lambda: libvit.fit(X, y).predict(X[:, :5])),
            (libvit.Error, lambda: libvit.fit(PICTURES, [0, 0, 1, 1], model=model, output="tokens")),
            (libvit.NonFinite, lambda: libvit.fit(bad, y)),
            (libvit.NotFound, lambda: libvit.fit([CAT, "no such.jpg"], [0, 1], model=model)),
            (TypeError, lambda: libvit.fit(PICTURES, [0, 0, 1, 1])),
            (TypeError, lambda: libvit.fit(X[0], y)),
            (TypeError, lambda: libvit.Classifier(penalty="l1")),
        ):
            with self.assertRaises(error):
                call()
        self.assertFalse(os.path.exists("none.safetensors"))

    def test_interrupt(self):
        """Ctrl-C ends a fit after its next iteration."""
        code = """
import signal, sys, threading, numpy as np, libvit
X = np.random.default_rng(0).normal(size=(20000, 256)).astype(np.float32)
y = np.random.default_rng(1).integers(0, 100, 20000)
threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()
try:
    libvit.fit(X, y, C=1e6, threads=1)
    sys.exit("it went on to its end")
except KeyboardInterrupt:
    print("stopped")
"""
        self.assertEqual(run_python(code), "stopped\n")


class Neighbours(Case):
    """What scikit-learn needs of a classifier, whether it is there or not."""

    def test_parameters(self):
        model = libvit.Model()
        made = libvit.Classifier(C=3.0, class_weight="balanced", model=model)
        self.assertEqual(libvit.Classifier(**made.get_params()).get_params(), made.get_params())
        self.assertIs(made.set_params(C=4.0), made)
        self.assertEqual((made.C, made.get_params(deep=False)["model"]), (4.0, model))
        self.assertEqual(repr(libvit.Classifier(C=2.0)), "Classifier(C=2.0)")
        self.assertFalse(hasattr(made.__sklearn_clone__(), "coef_"))
        self.assertNotIn(
            "sklearn",
            subprocess.run(
                [sys.executable, "-c", "import sys, libvit; libvit.Classifier(); print(*sys.modules)"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split(),
        )

    @unittest.skipUnless(sklearn, "scikit-learn is not in this environment")
    def test_beside_logistic_regression(self):
        from sklearn.linear_model import LogisticRegression

        for classes in (2, 3):
            for weight in (None, "balanced"):
                X, y = clouds(classes)
                X, y = X[:-11].astype(np.float64), y[:-11]
                ours = libvit.fit(X, y, C=0.7, class_weight=weight)
                theirs = LogisticRegression(C=0.7, class_weight=weight, tol=1e-10, max_iter=5000).fit(X, y)
                np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
                np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)
                np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
                np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-5)
                self.assert_same(ours.predict(X), theirs.predict(X))
                self.assertEqual(ours.score(X, y), theirs.score(X, y))

    @unittest.skipUnless(sklearn, "scikit-learn is not in this environment")
    def test_in_its_tools(self):
        from sklearn.base import clone, is_classifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.utils.validation import check_is_fitted

        X, y = clouds()
        model = libvit.Model()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made = libvit.Classifier(C=0.7, model=model)
            self.assertTrue(is_classifier(made))
            self.assertIs(clone(made).model, model)
            theirs = LogisticRegression(C=0.7, tol=1e-10, max_iter=5000)
            np.testing.assert_allclose(cross_val_score(made, X, y), cross_val_score(theirs, X, y))
            self.assert_same(cross_val_predict(made, X, y), cross_val_predict(theirs, X, y))
            search = GridSearchCV(
                make_pipeline(StandardScaler(), libvit.Classifier()), {"classifier__C": [0.01, 1.0]}
            ).fit(X, y)
            self.assertIn(search.best_params_["classifier__C"], (0.01, 1.0))
            check_is_fitted(search.best_estimator_[-1])
            with self.assertRaises(Exception):
                check_is_fitted(libvit.Classifier())
            OneVsRestClassifier(libvit.Classifier()).fit(X, y).predict(X)
            scores = cross_val_score(made, PICTURES * 2, [LABELS[path] for path in PICTURES] * 2, cv=2)
            self.assertEqual(scores.shape, (2,))


if __name__ == "__main__":
    unittest.main()
