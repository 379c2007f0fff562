# SPDX-License-Identifier: BSD-2-Clause
"""Words: text towers, tokenizers, labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, Sized
from typing import Any, Literal

import numpy as np

from ._encoder import Encoder, new_options, open_model
from ._errors import Error
from ._model import PRECISIONS, THREADS_MAX, _check_errors, _count, _describe, _Embeds, _is_half, name_of
from ._native import check, choice, failure, ffi, lib, names_of, new_error, refused, string, text_bytes, usable_threads

KINDS = {"auto": 0, "hf": 1, "open_clip": 2, "json": 3}


class TextModel(_Embeds):
    """The text tower of a model of pictures and words, or an encoder of texts. `source` is as for Model."""

    def __init__(
        self,
        source: str | os.PathLike[str] | None = None,
        *,
        precision: str | None = None,
        threads: int | None = None,
        batch: int | None = None,
        download: bool = False,
    ) -> None:
        count = _count("threads", threads, THREADS_MAX) or usable_threads()
        options = new_options(
            model__precision=choice(
                "precision", precision or "auto", {"auto": 0, **names_of("vit_precision_name", PRECISIONS)}
            ),
            model__tower=lib.VIT_TOWER_TEXT,
            threads=count,
            batch=_count("batch", batch, 2**20),
        )
        name = os.fsencode(name_of(source, download))
        self._encoder = Encoder(open_model(name, options), name, options, count, None)
        self._source = None if source is None else os.fsdecode(source)
        self._options = {"precision": precision, "threads": threads, "batch": batch, "download": download}

    def __repr__(self) -> str:
        return "<libvit.TextModel %s>" % (self._source or "in the box")

    def encode(
        self,
        ids: Any,
        *,
        output: str | Sequence[str] = "embedding",
        normalize: bool = False,
        dtype: Any = "float32",
        errors: Literal["raise", "skip"] = "raise",
    ) -> Any:
        """As embed, of ready token ids: integers [N,L], all texts of one length L; [L] is one text. The encoder pads
        them."""
        _check_errors(errors, "raise", "skip")
        array = np.asarray(ids)
        if array.dtype.kind not in "iu" or array.ndim not in (1, 2) or array.shape[-1] == 0:
            raise TypeError(
                "token ids of %s with shape %s: encode() takes integers [N,L]; embed() takes texts"
                % (array.dtype, list(array.shape))
            )
        length = array.shape[-1]
        rows = np.ascontiguousarray(array.reshape(-1, length), np.int32)
        return self._encode_rows(
            rows,
            self._outputs(output, length),
            length,
            normalize,
            _is_half(dtype),
            errors,
            isinstance(output, str),
            array.ndim == 1,
        )

    def _split(self, inputs: Any) -> tuple[Iterator[Any], bool, int | None]:
        if isinstance(inputs, str):
            return iter([inputs]), True, 1
        if isinstance(inputs, (bytes, bytearray, Mapping, Set)) or not isinstance(inputs, Iterable):
            raise TypeError("%s is no text and no sequence of texts" % type(inputs).__name__)
        return iter(inputs), False, len(inputs) if isinstance(inputs, Sized) else None


class Tokenizer:
    """The tokenizer of a checkpoint, of which no weights are read. kind: whose ids, "auto", "hf" (transformers'),
    "open_clip" or "json" (tokenizer.json as it is). context: most ids of a text."""

    def __init__(
        self, source: str | os.PathLike[str], *, kind: str = "auto", context: int | None = None, download: bool = False
    ) -> None:
        options = ffi.new(
            "vit_tokenizer_options *",
            {"kind": choice("kind", kind, KINDS), "context": _count("context", context, 2**20)},
        )
        made, err = ffi.new("vit_tokenizer **"), new_error()
        self._source, self._options = os.fsdecode(source), {"kind": kind, "context": context, "download": download}
        name = os.fsencode(name_of(source, download))
        check(lib.vit_tokenizer_open(name, options, made, err), err, about_model=True)
        self._tokenizer = ffi.gc(made[0], lib.vit_tokenizer_free)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen_tokenizer, (self._source, self._options)

    @property
    def name(self) -> str:
        """Whose it is: "clip", "open_clip siglip2", ..."""
        return string(lib.vit_tokenizer_name(self._tokenizer)) or ""

    @property
    def context(self) -> int:
        """The most ids of a text."""
        return int(lib.vit_tokenizer_context(self._tokenizer))

    def __call__(self, texts: str | Iterable[str]) -> Any:
        """The ids of a text, with the special tokens, truncated and not padded; of many texts, a list of such lists."""
        if isinstance(texts, str):
            return self._encode(texts, None)
        return [self._encode(text, row) for row, text in enumerate(texts)]

    def _encode(self, text: str, row: int | None) -> list[int]:
        data = text_bytes(text, row)
        ids, n, err = ffi.new("int32_t[]", self.context), ffi.new("size_t *"), new_error()
        if lib.vit_tokenizer_encode(self._tokenizer, data, len(data), ids, self.context, n, err) != 0:
            raise failure(err, row)
        return list(ids[0 : n[0]])


def _reopen_tokenizer(source: str, options: dict[str, Any]) -> Tokenizer:
    return Tokenizer(source, **options)


# ------------------------------------------------------------------ labels ----


def label_matrix(model: Any, width: int, names: Sequence[str], templates: Sequence[str], texts: TextModel) -> Any:
    """The labels as pictures are compared with them: the mean of the vectors of each label's prompts."""
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise refused("labels", "labels are texts that are not empty, at least one")
    if not templates or not all(isinstance(text, str) and "{}" in text for text in templates):
        raise refused("template", "a template is a text with {} where the label goes")
    similarity, err = ffi.new("vit_similarity *"), new_error()
    check(lib.vit_model_similarity(model, similarity, err), err, about_model=True)
    if texts.width != width:
        raise refused(
            "text_model", "its vectors have %d numbers, and those of the pictures have %d" % (texts.width, width)
        )
    vectors = texts.embed([text.replace("{}", name) for name in names for text in templates])
    made, err = ffi.new("vit_labels **"), new_error()
    check(
        lib.vit_labels_from_vectors(
            similarity, ffi.from_buffer("float[]", vectors), len(names), len(templates), width, made, err
        ),
        err,
    )
    return ffi.gc(made[0], lib.vit_labels_free)


def text_info(name: str) -> dict[str, Any] | None:
    """What `vit info --json` says of the text tower; None: the model has none."""
    try:
        options = new_options(model__tower=lib.VIT_TOWER_TEXT, model__once=1)
        facts = _describe(open_model(os.fsencode(name), options))
    except Error:
        return None
    keys = ("vocabulary", "context", "width", "depth", "heads", "pooling", "projection", "padding")
    text = {key: facts.get(key) for key in keys}
    try:
        tokenizer = Tokenizer(name)
        text.update(tokenizer=tokenizer.name, limit=tokenizer.context)
    except Error:
        text["tokenizer"] = None
    return text
