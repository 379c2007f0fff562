# SPDX-License-Identifier: BSD-2-Clause
"""Spark: a column of pictures to vectors, by mapInArrow or as a function for select and SQL. A Python worker opens the
model once, and keeps it from task to task.

    import libvit.spark

    df = spark.read.format("binaryFile").option("pathGlobFilter", "*.jpg").load("hdfs:///photos")
    libvit.spark.embed(df, "/models/m.safetensors").write.parquet("hdfs:///vectors")
    df.withColumn("v", libvit.spark.embed_udf("/models/m.safetensors")("content"))

Set spark.sql.execution.arrow.maxRecordsPerBatch to 64: by default a batch is 10,000 pictures.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from typing import Any

from ._columns import Opening, embed_column, engine, opened, opening, pictures_of, replaced
from ._model import Model
from ._native import refused, usable_threads

# Spark pickles functions of modules by their names, and those of __main__ by their code. What is called on a worker stands
# here by name, so that the cache of opened() is the worker's own.


def embed(
    df: Any,
    model: str | os.PathLike[str] | None = None,
    *,
    column: str = "content",
    output: str = "embedding",
    normalize: bool = False,
    keep_input: bool = False,
    verify: bool = True,
    **options: Any,
) -> Any:
    """A data frame without the column of encoded pictures, and with `embedding`, an array of float, and `error`, the
    code of what was wrong with the picture. One of the two is null. verify: the model is opened on the driver too, and
    workers compare theirs with that one. `options` are those of libvit.Model."""
    types = engine("pyspark.sql.types")
    if column not in df.columns:
        raise refused("column", "there is no column %r: there are %s" % (column, ", ".join(df.columns)))
    kept = [field for field in df.schema.fields if keep_input or field.name != column]
    taken = {"embedding", "error"} & {field.name for field in kept}
    if taken:
        raise refused("column", "there is a column %r already: rename or drop it" % sorted(taken)[0])
    schema = types.StructType(
        [
            *kept,
            types.StructField("embedding", types.ArrayType(types.FloatType())),
            types.StructField("error", types.StringType()),
        ]
    )
    how = opening(model, options, verify)
    wanted = {"output": output, "normalize": normalize}
    return df.mapInArrow(functools.partial(_embed_batches, how, column, keep_input, wanted), schema)


def _embed_batches(
    how: Opening, column: str, keep_input: bool, wanted: dict[str, Any], batches: Iterable[Any]
) -> Iterator[Any]:
    """On a worker: batches are pyarrow.RecordBatch."""
    for batch in batches:
        vectors, errors = embed_column(_model(how), pictures_of(batch, column), fixed=False, **wanted)
        yield replaced(batch, None if keep_input else column, {"embedding": vectors, "error": errors})


def embed_udf(
    model: str | os.PathLike[str] | None = None,
    *,
    output: str = "embedding",
    normalize: bool = False,
    verify: bool = True,
    **options: Any,
) -> Any:
    """A pandas_udf that gives a vector, an array of float, for an encoded picture, and null for one that cannot be
    read. It needs pandas."""
    types, batches = engine("pyspark.sql.types"), _iterator_of(engine("pandas").Series)
    how, wanted = opening(model, options, verify), {"output": output, "normalize": normalize}

    def embed_series(pictures: Any) -> Any:
        return _embed_series(how, wanted, pictures)

    embed_series.__annotations__ = {"pictures": batches, "return": batches}
    return engine("pyspark.sql.functions").pandas_udf(embed_series, types.ArrayType(types.FloatType()))


def _iterator_of(kind: Any) -> Any:
    return Iterator[kind]


def _embed_series(how: Opening, wanted: dict[str, Any], batches: Iterable[Any]) -> Iterator[Any]:
    """On a worker: batches are pandas.Series."""
    pd = engine("pandas")
    for series in batches:
        result = _model(how).embed([b"" if picture is None else picture for picture in series], errors="skip", **wanted)
        vectors: list[Any] = [None] * len(series)
        for row, vector in zip(result.rows, result.vectors):
            vectors[row] = vector
        yield pd.Series(vectors, dtype=object)


def _model(how: Opening) -> Model:
    """With as many threads as the task has CPUs, where the driver named none."""
    options, task = dict(how.options), engine("pyspark").TaskContext.get()
    if options.get("threads") is None and task is not None:
        options["threads"] = min(usable_threads(), task.cpus())
    return opened(how._replace(options=tuple(sorted(options.items()))))
