# SPDX-License-Identifier: BSD-2-Clause
"""Ray Data: pictures of a dataset to vectors or labels, by actors that each open the model once.

    import ray
    import libvit.ray

    ds = ray.data.read_binary_files("s3://bucket/photos/", include_paths=True)
    ds = libvit.ray.embed(ds, "/models/dinov2-small-int8.safetensors", actors=8)
    ds.write_parquet("s3://bucket/vectors/")

`import libvit.ray` imports Ray only when embed() or classify() is called, so that Embedder works on any pyarrow.Table.
"""

from __future__ import annotations

import math
import os
from typing import Any

from ._columns import Opening, classify_column, embed_column, engine, opened, opening, pictures_of, replaced
from ._native import refused

Actors = int | tuple[int, int] | None


class _Worker:
    """What an actor is made of. `digests`: of the weights and of the preprocessing, which the model must have."""

    def __init__(
        self,
        model: str | os.PathLike[str] | None,
        column: str,
        keep_input: bool,
        digests: tuple[str | None, str | None],
        options: dict[str, Any],
    ) -> None:
        how = opening(model, options, verify=False)
        self.model = opened(Opening(how.source, how.options, *digests))
        self.column, self.keep_input = column, keep_input

    def results(self, pictures: Any) -> dict[str, Any]:
        raise NotImplementedError

    def __call__(self, table: Any) -> Any:
        pictures = pictures_of(table, self.column)
        return replaced(table, None if self.keep_input else self.column, self.results(pictures))


class Embedder(_Worker):
    """For Dataset.map_batches with batch_format="pyarrow". The column of encoded pictures (or of paths) goes;
    `embedding`, a fixed_size_list of float, and `error`, the code of what was wrong with the picture, come. One of the
    two is null. `options` are those of libvit.Model."""

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        column: str = "bytes",
        output: str = "embedding",
        normalize: bool = False,
        dtype: Any = "float32",
        keep_input: bool = False,
        digests: tuple[str | None, str | None] = (None, None),
        **options: Any,
    ) -> None:
        super().__init__(model, column, keep_input, digests, options)
        self.wanted = {"output": output, "normalize": normalize, "dtype": dtype}

    def results(self, pictures: Any) -> dict[str, Any]:
        vectors, errors = embed_column(self.model, pictures, **self.wanted)
        return {"embedding": vectors, "error": errors}


class Classifier(_Worker):
    """As Embedder, with `labels`, the `top` most probable classes, best first, as a list of structs of label, index and
    score."""

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        column: str = "bytes",
        top: int = 5,
        keep_input: bool = False,
        digests: tuple[str | None, str | None] = (None, None),
        **options: Any,
    ) -> None:
        super().__init__(model, column, keep_input, digests, options)
        self.top = top

    def results(self, pictures: Any) -> dict[str, Any]:
        labels, errors = classify_column(self.model, pictures, self.top)
        return {"labels": labels, "error": errors}


# ------------------------------------------------------------------ datasets ----


def embed(
    ds: Any,
    model: str | os.PathLike[str] | None = None,
    *,
    column: str = "bytes",
    output: str = "embedding",
    normalize: bool = False,
    dtype: Any = "float32",
    actors: Actors = None,
    cpus: float = 1,
    batch_size: int = 64,
    keep_input: bool = False,
    verify: bool = True,
    **options: Any,
) -> Any:
    """A dataset with the columns of Embedder. actors: how many, or (fewest, most); None: as many as leave an eighth of
    the cluster's CPUs, at least one, for reading and writing. cpus: of each actor, and its threads. verify: the model
    is opened on the driver too, and every actor compares its own with that one."""
    work = {"column": column, "output": output, "normalize": normalize, "dtype": dtype, "keep_input": keep_input}
    return _map(ds, Embedder, model, work, actors, cpus, batch_size, verify, options)


def classify(
    ds: Any,
    model: str | os.PathLike[str] | None = None,
    *,
    column: str = "bytes",
    top: int = 5,
    actors: Actors = None,
    cpus: float = 1,
    batch_size: int = 64,
    keep_input: bool = False,
    verify: bool = True,
    **options: Any,
) -> Any:
    """A dataset with the columns of Classifier; what else is given is as for embed()."""
    work = {"column": column, "top": top, "keep_input": keep_input}
    return _map(ds, Classifier, model, work, actors, cpus, batch_size, verify, options)


def _map(
    ds: Any,
    worker: type[_Worker],
    model: str | os.PathLike[str] | None,
    work: dict[str, Any],
    actors: Actors,
    cpus: float,
    batch_size: int,
    verify: bool,
    options: dict[str, Any],
) -> Any:
    ray = engine("ray")
    if not ray.is_initialized():
        ray.init()
    pool = pool_size(actors, cpus, float(ray.cluster_resources().get("CPU", 0)))
    how = opening(model, options, verify)
    return ds.map_batches(
        worker,
        fn_constructor_kwargs={"model": how.source, "digests": (how.digest, how.rules), **work, **dict(how.options)},
        batch_format="pyarrow",
        batch_size=batch_size,
        num_cpus=cpus,
        compute=ray.data.ActorPoolStrategy(**pool),
        **_same_rows(ds),
    )


def pool_size(actors: Actors, cpus: float, total: float) -> dict[str, int]:
    """What ActorPoolStrategy is told. Actors that reserve every CPU leave none for reading and writing: Ray then waits
    for ever, and says nothing."""
    if isinstance(actors, tuple):
        least, most = actors
    else:
        least = most = int((total - max(1, math.ceil(total / 8))) // cpus) if actors is None else actors
    if least * cpus >= total or least < 1 or most < least:
        raise refused(
            "actors",
            "%s of %g CPUs each, on a cluster of %g CPUs, leave none for reading and writing, and the job would "
            "hang: use fewer actors, or fewer cpus" % ("1 actor" if least <= 1 else "%d actors" % least, cpus, total),
        )
    return {"size": least} if least == most else {"min_size": least, "max_size": most}


def _same_rows(ds: Any) -> dict[str, bool]:
    """As many rows come out as go in: Ray may then count without running. Older versions cannot be told."""
    import inspect

    name = "udf_modifying_row_count"
    return {name: False} if name in inspect.signature(ds.map_batches).parameters else {}
