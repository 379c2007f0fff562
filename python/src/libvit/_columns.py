# SPDX-License-Identifier: BSD-2-Clause
"""Arrow columns of pictures in, Arrow columns of vectors or labels out: what the adapters for Ray, Spark and Daft
share. PyArrow comes with each of these engines; `import libvit` imports neither."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ._errors import Error
from ._model import Model, Result, _best, _reopen, lasting_name
from ._native import refused
from ._stream import Array


def engine(module: str) -> Any:
    """A module that only those have who use the engine, and whose types are the engine's own business."""
    return importlib.import_module(module)


class Opening(NamedTuple):
    """What a worker needs to open the model that the driver means: plain values, a few hundred bytes. digest and rules:
    of the driver's weights and preprocessing, which the worker's must equal; None: they are not compared."""

    source: str | None
    options: tuple[tuple[str, Any], ...]
    digest: str | None = None
    rules: str | None = None


def opening(source: str | os.PathLike[str] | None, options: dict[str, Any], verify: bool) -> Opening:
    """On the driver. verify: the model is opened here too, and all its bytes are read once, for its digest."""
    name = None if source is None else os.fsdecode(source)
    known = tuple(sorted((option, _plain(option, value)) for option, value in options.items()))
    if not verify:
        return Opening(lasting_name(name), known)
    with Model(name, **options) as model:
        return Opening(lasting_name(name), known, model.digest, model.preprocessing_digest)


def _plain(option: str, value: Any) -> Any:
    """As it is meant in another process, and may be a key of a cache."""
    if option == "preprocessor" and value is not None:
        return os.path.abspath(os.fsdecode(value))
    return tuple(value) if isinstance(value, list) else value


@functools.lru_cache(maxsize=4)
def opened(how: Opening) -> Model:
    """On the worker: the model, opened once a process. ModelError: this machine has another model than the driver."""
    model: Model = _reopen(Model, how.source, dict(how.options), how.digest, how.rules)
    return model


# ------------------------------------------------------------------ pictures ----


def pictures_of(table: Any, column: str) -> Any:
    """The column of a table or batch that holds encoded pictures or paths. A wrong column is no bad picture: it
    raises."""
    pa = engine("pyarrow")

    names = table.schema.names
    if column not in names:
        raise refused("column", "there is no column %r: there are %s" % (column, ", ".join(names)))
    kind = table.schema.field(column).type
    tests = (
        "is_binary",
        "is_large_binary",
        "is_fixed_size_binary",
        "is_string",
        "is_large_string",
        "is_null",
        "is_binary_view",
        "is_string_view",
    )
    if not any(getattr(pa.types, test, _never)(kind) for test in tests):
        raise refused(
            "column", "%r holds %s, and pictures are binary (encoded files) or string (paths)" % (column, kind)
        )
    return table.column(column)


def _never(_kind: Any) -> bool:
    return False


# ------------------------------------------------------------------ results ----


def embed_column(
    model: Model,
    pictures: Iterable[Any],
    *,
    output: str = "embedding",
    normalize: bool = False,
    dtype: Any = "float32",
    fixed: bool = True,
) -> tuple[Any, Any]:
    """A vector and an error code for each picture, one of which is null. fixed: as fixed_size_list, else as list."""
    result: Result = model.embed(pictures, output=output, normalize=normalize, dtype=dtype, errors="skip")
    if result.vectors.ndim != 2:
        raise refused(
            "output",
            "%r has %s numbers a picture, and a column holds vectors: use 'embedding', 'cls' or 'mean'"
            % (output, " x ".join(map(str, result.vectors.shape[1:]))),
        )
    count = len(result.rows) + len(result.errors)
    return _vectors(result, count, fixed), _codes(result.errors, count)


def classify_column(model: Model, pictures: Iterable[Any], top: int) -> tuple[Any, Any]:
    """The `top` most probable classes and an error code for each picture, one of which is null."""
    pa = engine("pyarrow")

    result: Result = model.embed(pictures, output="probs", errors="skip")
    count, labels = len(result.rows) + len(result.errors), model.labels
    ranked: list[list[dict[str, Any]] | None] = [None] * count
    for row, scores in zip(result.rows, result.vectors):
        ranked[row] = [prediction._asdict() for prediction in _best(scores, labels, min(top, len(labels)))]
    return pa.array(ranked, labels_type()), _codes(result.errors, count)


def labels_type() -> Any:
    pa = engine("pyarrow")

    return pa.list_(pa.struct([("label", pa.string()), ("index", pa.int64()), ("score", pa.float32())]))


def _vectors(result: Result, count: int, fixed: bool) -> Any:
    pa = engine("pyarrow")

    width = result.vectors.shape[1]
    item = pa.from_numpy_dtype(result.vectors.dtype)
    valid = np.zeros(count, bool)
    valid[result.rows] = True
    bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    if not fixed:  # a null takes no room
        ends = np.concatenate([[0], np.cumsum(valid * width)]).astype(np.int32)
        return pa.Array.from_buffers(
            pa.list_(item), count, [bits, pa.py_buffer(ends)], children=[_flat(result.vectors)]
        )
    values = result.vectors
    if bits is not None:
        values = np.zeros((count, width), values.dtype)
        values[result.rows] = result.vectors
    return pa.Array.from_buffers(pa.list_(item, width), count, [bits], children=[_flat(values)])


def _flat(values: Array) -> Any:
    pa = engine("pyarrow")

    return pa.array(values.reshape(-1))


def _codes(errors: dict[int, Error], count: int) -> Any:
    pa = engine("pyarrow")

    return pa.array([errors[row].code if row in errors else None for row in range(count)], pa.string())


def replaced(table: Any, column: str | None, results: dict[str, Any]) -> Any:
    """The table with these columns at its end, and without the column of pictures (None: it stays)."""
    pa = engine("pyarrow")

    names = [name for name in table.schema.names if name != column]
    for name in results:
        if name in names:
            raise refused("column", "there is a column %r already: rename or drop it" % name)
    arrays = [table.column(name) for name in names]
    return type(table).from_arrays(
        arrays + list(results.values()),
        schema=pa.schema(
            [table.schema.field(name) for name in names]
            + [pa.field(name, array.type) for name, array in results.items()]
        ),
    )
