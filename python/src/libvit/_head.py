# SPDX-License-Identifier: BSD-2-Clause
"""A classifier that scikit-learn fitted to vectors, as a model that the command and the library open."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._model import Model
from ._native import check, ffi, lib, new_error, refused


def _layer(classifier: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Weights [K,D] and biases [K] whose softmax is the classifier's predict_proba. Of two classes scikit-learn has one
    vector: half of it for one class, and half of its opposite for the other, have the same probabilities."""
    try:
        weight = np.atleast_2d(np.asarray(classifier.coef_, np.float64))
        bias = np.atleast_1d(np.asarray(classifier.intercept_, np.float64))
    except AttributeError:
        raise TypeError(
            "%s has no coef_ and intercept_: a fitted linear classifier is wanted" % type(classifier).__name__
        )
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    if weight.ndim != 2 or bias.shape != (len(weight),):
        raise refused("classifier", "coef_ is %s and intercept_ is %s" % (weight.shape, bias.shape))
    return weight, bias


def save_head(
    classifier: Any,
    model: Model,
    path: str | os.PathLike[str],
    *,
    output: str = "embedding",
    normalize: bool = False,
    labels: Sequence[str] | None = None,
) -> None:
    """Writes the model with the classifier in the place of its own, as one file that `Model(path)` and
    `vit classify -m PATH` open. The classifier was fitted to `model.embed(pictures, output=output, normalize=normalize)`;
    it is scikit-learn's LogisticRegression, or whatever has its `coef_`, `intercept_` and `classes_`. labels: names of
    the classes, where `classes_` are not those. A file that stands there is replaced at the end, and not before."""
    weight, bias = _layer(classifier)
    names = [str(name) for name in (getattr(classifier, "classes_", ()) if labels is None else labels)]
    write_head(model, path, weight, bias, names, output, normalize)


def write_head(
    model: Model,
    path: str | os.PathLike[str],
    weight: np.ndarray[Any, Any],
    bias: np.ndarray[Any, Any],
    names: Sequence[str],
    output: str,
    normalize: bool,
    fit: str | None = None,
) -> None:
    """weight [K,D] and bias [K] of K classes. fit: JSON that says how they were made."""
    if len(names) != len(weight):
        raise refused("labels", "%d names for %d classes" % (len(names), len(weight)))
    kind, layer = ffi.new("vit_output *"), ffi.new("size_t *")
    if not lib.vit_output_parse(output.encode(), kind, layer):
        raise refused("output", "%r is no output" % output)
    if weight.shape[1] != lib.vit_output_size(model._encoder.model, kind[0], layer[0]):
        raise refused(
            "classifier", "it reads %d numbers, but the output %s of the model has others" % (weight.shape[1], output)
        )
    weight, bias = np.ascontiguousarray(weight, np.float32), np.ascontiguousarray(bias, np.float32)
    texts = [ffi.new("char[]", name.encode("utf-8", "surrogateescape")) for name in names]
    strings, about = ffi.new("char *[]", texts), ffi.NULL if fit is None else ffi.new("char[]", fit.encode())
    head = ffi.new("vit_head *")
    head.weight, head.bias = ffi.from_buffer("float[]", weight), ffi.from_buffer("float[]", bias)
    head.labels, head.classes = ffi.cast("const char *const *", strings), len(weight)
    head.output, head.normalize, head.fit = kind[0], int(normalize), about
    _write(model, head, os.fsdecode(path))


def _write(model: Model, head: Any, path: str) -> None:
    """Into a file beside it, which gets its name when all of it is there."""
    import tempfile  # not with the package: it brings a dozen modules

    folder = os.path.dirname(os.path.abspath(path))
    raised: list[OSError] = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp", delete=False) as file:
        try:

            @ffi.callback("int(void *, const void *, size_t)")  # type: ignore[untyped-decorator]
            def write(_context: Any, content: Any, size: int) -> int:
                try:
                    file.write(ffi.buffer(content, size))
                except OSError as error:
                    raised.append(error)
                    return -1
                return 0

            sink, err = ffi.new("vit_sink *", {"write": write}), new_error()
            status = lib.vit_model_pack_head(model._encoder.model, head, sink, err)
            if raised:
                raise raised[0]
            check(status, err)
            file.flush()
            os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.fchmod(file.fileno(), 0o666 & ~mask)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
