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

from ._columns import embed_column, opened, opening
from ._model import Model


def Embedder(model: str | os.PathLike[str] | None = None, *, output: str = "embedding", normalize: bool = False,
             batch_size: int = 64, verify: bool = True, **options: Any) -> Any:
    """An instance of a class of daft.cls with two methods on columns of encoded pictures (binary) or of paths (string):

    embed(column): a vector each, fixed_size_list of float32; null for a picture that cannot be read.
    result(column): a struct of `embedding`, as above, and `error`, the code of what was wrong with the picture, or null.

    The model is opened here, for the width of its vectors. verify: workers compare theirs with that one. `options` are those of
    libvit.Model."""
    import daft
    import pyarrow as pa
    from daft import DataType

    how = opening(model, options, verify)
    with Model(model, **options) as here:
        width = embed_column(here, [], output=output)[0].type.list_size
    vector = DataType.fixed_size_list(DataType.float32(), width)
    wanted = {"output": output, "normalize": normalize}

    @daft.cls
    class Pictures:
        @daft.method.batch(return_dtype=vector, batch_size=batch_size)
        def embed(self, column: Any) -> Any:
            return embed_column(opened(how), column.to_arrow(), **wanted)[0]

        @daft.method.batch(return_dtype=DataType.struct({"embedding": vector, "error": DataType.string()}), batch_size=batch_size)
        def result(self, column: Any) -> Any:
            return pa.StructArray.from_arrays(embed_column(opened(how), column.to_arrow(), **wanted), ["embedding", "error"])

    return Pictures()
