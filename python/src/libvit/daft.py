# SPDX-License-Identifier: BSD-2-Clause
"""Daft: a column of pictures to vectors.

import daft
import libvit.daft

embedder = libvit.daft.Embedder("/models/m.safetensors")
df = daft.from_glob_path("s3://bucket/photos/*.jpg")
df = df.with_column("content", df["path"].download(on_error="null"))
df = df.with_column("v", embedder.embed(df["content"]))
"""

from __future__ import annotations

import os
from typing import Any

from ._columns import embed_column, engine, opened, opening


def Embedder(
    model: str | os.PathLike[str] | None = None,
    *,
    output: str = "embedding",
    normalize: bool = False,
    batch_size: int = 64,
    verify: bool = True,
    **options: Any,
) -> Any:
    """An instance of a class of daft.cls with two methods on columns of encoded pictures (binary) or of paths (string):

    embed(column): a vector each, fixed_size_list of float32; null for a picture that cannot be read. result(column): a
    struct of `embedding`, as above, and `error`, the code of what was wrong with the picture, or null.

    The model is opened here, for the width of its vectors. verify: workers compare theirs with that one. `options` are
    those of libvit.Model."""
    daft, pa = engine("daft"), engine("pyarrow")
    how = opening(model, options, verify)
    width = embed_column(opened(how), [], output=output)[0].type.list_size
    vector = daft.DataType.fixed_size_list(daft.DataType.float32(), width)
    wanted: dict[str, Any] = {"output": output, "normalize": normalize}

    def embed(_self: object, column: Any) -> Any:
        return embed_column(opened(how), column.to_arrow(), **wanted)[0]

    def result(_self: object, column: Any) -> Any:
        return pa.StructArray.from_arrays(
            embed_column(opened(how), column.to_arrow(), **wanted), ["embedding", "error"]
        )

    def method(function: Any, kind: Any) -> Any:
        return daft.method.batch(function, return_dtype=kind, batch_size=batch_size)

    both = daft.DataType.struct({"embedding": vector, "error": daft.DataType.string()})
    return daft.cls(type("Pictures", (), {"embed": method(embed, vector), "result": method(result, both)}))()
