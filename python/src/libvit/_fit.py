# SPDX-License-Identifier: BSD-2-Clause
"""A classifier of one's own, as people know it from scikit-learn: a linear layer on the vectors of a frozen model. The
numbers are those of `vit fit`. scikit-learn is not needed, and takes a Classifier where it takes one of its own."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ._head import write_head
from ._model import THREADS_MAX, Model, _count
from ._native import OK, failure, ffi, lib, new_error, refused, usable_threads
from ._native import fit as _library
from ._stream import Array

_PARAMETERS = ("C", "class_weight", "model", "output", "normalize", "threads")


# What `vit fit` says of a fit in its checkpoint: JSON. Nothing is held out here, so the seed is of no split.
_ABOUT = (
    '"classes":%d,"pictures":%d,"failed":0,"duplicates":0,"contradicting":0,"C":%.17g,"class_weight":"%s",'
    '"converged":%s,"seed":"0"'
)


class _Layer(NamedTuple):
    """What libvitfit made: softmax(weight x + bias) are the probabilities. about: how it was made, as `vit fit`
    writes it into a checkpoint."""

    weight: Array  # [K,D]
    bias: Array  # [K]
    about: str


class Classifier:
    """A linear classifier with the optimum of scikit-learn's LogisticRegression (L2 penalty, multinomial).

    Without a model, X is vectors: an array [N,D]. With one, X may also be pictures, whatever Model.embed takes many of;
    each becomes the vector that `output` and `normalize` name. Vectors are then those that
    `model.embed(pictures, output=output, normalize=normalize)` gives.

    C: small values hold the weights small. class_weight: None, or "balanced", by which all classes count alike.
    threads: None is as many as this process may use; the numbers do not depend on it.

    After fit(): `classes_`, `coef_` [K,D] and `intercept_` [K] (of two classes [1,D] and [1], as in scikit-learn),
    `n_features_in_` and `n_iter_`."""

    _estimator_type = "classifier"  # scikit-learn before 1.6
    classes_: Array
    coef_: Array
    intercept_: Array
    n_features_in_: int
    n_iter_: Array
    _layer: _Layer

    def __init__(
        self,
        *,
        C: float = 1.0,
        class_weight: str | None = None,
        model: Model | None = None,
        output: str = "embedding",
        normalize: bool = False,
        threads: int | None = None,
    ) -> None:
        self.C, self.class_weight, self.threads = C, class_weight, threads
        self.model, self.output, self.normalize = model, output, normalize

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in _PARAMETERS}
        usual = Classifier().get_params()
        return "Classifier(%s)" % ", ".join("%s=%r" % (k, v) for k, v in given.items() if v != usual[k])

    # -------------------------------------------------------------- what scikit-learn asks for ----

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of Classifier()."""
        return {name: getattr(self, name) for name in _PARAMETERS}

    def set_params(self, **parameters: Any) -> Classifier:
        for name, value in parameters.items():
            if name not in _PARAMETERS:
                raise refused(name, "a Classifier has no such parameter: it has %s" % ", ".join(_PARAMETERS))
            setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> Classifier:
        """Not fitted, and with the same model: it is not opened again."""
        return type(self)(**self.get_params())

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_layer")

    def __sklearn_tags__(self) -> Any:
        utils = importlib.import_module("sklearn.utils")  # who asks has it
        return utils.Tags(
            estimator_type="classifier",
            target_tags=utils.TargetTags(required=True),
            classifier_tags=utils.ClassifierTags(),
            input_tags=utils.InputTags(),
        )

    # -------------------------------------------------------------- fitting ----

    def fit(self, X: Any, y: Any) -> Classifier:
        """y: the class of each row of X, as names or whole numbers. The classes are numbered in their order."""
        vectors = self._vectors(X)
        classes, numbers = _classes_of(y)
        if len(numbers) != len(vectors):
            raise refused("y", "%d classes are given for %d rows" % (len(numbers), len(vectors)))
        layer, iterations = self._make(vectors, numbers, classes)
        digests = "".join(',"%s":"%s"' % pair for pair in self._digests(X, y).items())
        self._layer = layer._replace(about="{%s%s}" % (layer.about, digests))
        self.classes_, self.n_features_in_, self.n_iter_ = classes, vectors.shape[1], np.array([iterations], np.int32)
        weight, bias = layer.weight, layer.bias
        two = len(classes) == 2
        self.coef_, self.intercept_ = (
            (weight[1:] - weight[:1], bias[1:] - bias[:1]) if two else (weight.copy(), bias.copy())
        )
        return self

    def _make(self, vectors: Array, numbers: Array, classes: Array) -> tuple[_Layer, int]:
        """The layer, and how many steps it took."""
        rows, layer, err = ffi.new("vit_fit_rows *"), ffi.new("vit_fit_layer *"), new_error()
        rows.vectors, rows.classes = ffi.from_buffer("float[]", vectors), ffi.from_buffer("uint32_t[]", numbers)
        rows.n, rows.width, rows.n_classes = len(vectors), vectors.shape[1], len(classes)
        options, raised = self._options(), []

        def stop(_kind: Any, error: Any, _trace: Any) -> None:
            raised.append(error)

        @ffi.callback("int(void *, const vit_fit_progress *)", error=1, onerror=stop)  # type: ignore[untyped-decorator]
        def go_on(_data: Any, _progress: Any) -> int:
            return 0  # after each iteration: Python looks whether Ctrl-C was pressed

        options.progress = go_on
        status = _library.vit_fit_make(rows, options, ffi.NULL, layer, err)
        if raised:
            raise raised[0]
        if status != OK:
            raise failure(err)
        try:
            weight = np.frombuffer(ffi.buffer(layer.weight, 8 * rows.n_classes * rows.width), np.float64).copy()
            bias = np.frombuffer(ffi.buffer(layer.bias, 8 * rows.n_classes), np.float64).copy()
            if not layer.converged:
                warnings.warn(
                    "the fit did not converge: a smaller C does, or vectors with normalize=True", stacklevel=3
                )
            about = _ABOUT % (
                len(classes),
                len(vectors),
                layer.c,
                self.class_weight or "none",
                "true" if layer.converged else "false",
            )
            return _Layer(weight.reshape(len(classes), -1), bias, about), int(layer.iterations)
        finally:
            _library.vit_fit_layer_free(layer)

    def _options(self) -> Any:
        """As vit_fit_options; what is wrong with the parameters is said here, since scikit-learn sets them at any time."""
        if isinstance(self.C, bool) or not isinstance(self.C, (int, float, np.number)) or not 0 < self.C < float("inf"):
            raise refused("C", "%r is no number above 0" % (self.C,))
        if self.class_weight not in (None, "balanced"):
            raise refused("class_weight", "%r is neither None nor 'balanced'" % (self.class_weight,))
        threads = _count("threads", self.threads, THREADS_MAX) or usable_threads()
        return ffi.new(
            "vit_fit_options *",
            {"c": float(self.C), "balanced": int(self.class_weight == "balanced"), "threads": threads},
        )

    def _digests(self, X: Any, y: Any) -> dict[str, str]:
        """What identifies the model and, where pictures are files, the pictures and their classes."""
        import hashlib  # not with the package: it brings OpenSSL

        found: dict[str, str] = {}
        if self.model is not None:
            found.update(base_digest=self.model.digest, preprocessing_digest=self.model.preprocessing_digest or "")
        if isinstance(X, (list, tuple)) and all(isinstance(thing, (str, os.PathLike)) for thing in X):
            sum_of = hashlib.sha256()
            for path, name in zip(X, np.asarray(y).tolist()):
                sum_of.update(os.fsencode(path) + b"\0" + str(name).encode("utf-8", "surrogateescape") + b"\0\0")
            found["inputs_digest"] = sum_of.hexdigest()
        return found

    # -------------------------------------------------------------- using ----

    def decision_function(self, X: Any) -> Array:
        """The logits, [N,K]; of two classes [N], above 0 where it is the second."""
        layer = self._fitted()
        vectors = self._vectors(X).astype(np.float64)
        if vectors.shape[1] != self.n_features_in_:
            raise refused(
                "X", "vectors of %d numbers, and it was fitted to %d" % (vectors.shape[1], self.n_features_in_)
            )
        logits: Array = vectors @ layer.weight.T + layer.bias
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, [N,K], columns as `classes_`."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            logits = np.stack([np.zeros_like(logits), logits], 1)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        shares: Array = powers / powers.sum(1, keepdims=True)
        return shares

    def predict_log_proba(self, X: Any) -> Array:
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> Array:
        """The most probable class of each row."""
        best: Array = self.predict_proba(X).argmax(1)
        named: Array = self.classes_[best]
        return named

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy: the share of rows whose class is predicted."""
        return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))

    def save(self, path: str | os.PathLike[str], model: Model | None = None) -> None:
        """The model with this classifier, as one file that `vit classify -m PATH` and `Model(path)` open: the file that
        `vit fit` writes. model: where the classifier was made without one, the model whose vectors it was fitted to."""
        layer, chosen = self._fitted(), model or self.model
        if chosen is None:
            raise refused("model", "name the model whose vectors the classifier was fitted to")
        names = [str(name) for name in self.classes_]
        write_head(chosen, path, layer.weight, layer.bias, names, self.output, self.normalize, layer.about)

    def _fitted(self) -> _Layer:
        if not hasattr(self, "_layer"):
            raise refused("", "this Classifier is not fitted yet: call fit(X, y) first")
        return self._layer

    # -------------------------------------------------------------- vectors ----

    def _vectors(self, X: Any) -> Array:
        """float32 [N,D]."""
        if self.model is None or _is_table(X):
            vectors = np.asarray(X)
            if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
                raise TypeError(
                    "X of %s with shape %s: without a model, X is vectors, an array [N,D]"
                    % (vectors.dtype, list(vectors.shape))
                )
        else:
            vectors = np.asarray(self.model.embed(X, output=self.output, normalize=self.normalize))
            if vectors.ndim == 1:
                vectors = vectors[np.newaxis]
            if vectors.ndim != 2:
                raise refused("output", "%r is a matrix: a classifier reads one vector" % self.output)
        if len(vectors) == 0 or vectors.shape[1] == 0:
            raise refused("X", "it has no row" if len(vectors) == 0 else "its vectors have no number")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(vectors, np.float32)


def _is_table(X: Any) -> bool:
    """Vectors, and no pictures: an array of two dimensions whose numbers are floats, or such a table of pandas."""
    return getattr(X, "ndim", 0) == 2 and np.asarray(X).dtype.kind == "f"


def _classes_of(y: Any) -> tuple[Array, Array]:
    """The classes in their order, and the number of each row's class."""
    names = np.asarray(y)
    if names.ndim == 2 and names.shape[1] == 1:
        names = names[:, 0]
    if names.ndim != 1:
        raise refused("y", "it has the shape %s: one class for each row is wanted" % list(names.shape))
    if names.dtype.kind in "fc" and not (np.isfinite(names).all() and (names == np.floor(names.real)).all()):
        raise refused("y", "it holds fractions: classes are names or whole numbers")
    try:
        classes, numbers = np.unique(names, return_inverse=True)
    except TypeError:
        raise TypeError("y mixes names and numbers: classes are of one kind") from None
    if len(classes) < 2:
        raise refused(
            "y", "a classifier needs two classes or more; there is %s" % (list(classes) if len(classes) else "none")
        )
    return classes, numbers.astype(np.uint32)


def fit(
    X: Any,
    y: Sequence[Any] | Array,
    *,
    C: float = 1.0,
    class_weight: str | None = None,
    model: Model | None = None,
    output: str = "embedding",
    normalize: bool = False,
    threads: int | None = None,
) -> Classifier:
    """A fitted Classifier: `libvit.fit(pictures, labels, model=model)`, or `libvit.fit(vectors, labels)`."""
    made = Classifier(C=C, class_weight=class_weight, model=model, output=output, normalize=normalize, threads=threads)
    return made.fit(X, y)
