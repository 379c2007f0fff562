# SPDX-License-Identifier: BSD-2-Clause
"""An open model with what it takes to feed it: what Model and TextModel stand on."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from ._errors import Error
from ._native import OK, check, failure, ffi, freed_by, lib, new_error, refused, string, text_bytes
from ._pictures import Held, Reading
from ._stream import Array, Output, Rows

_alive: weakref.WeakSet[Encoder] = weakref.WeakSet()
# Pipelines of the process that this one was forked from. They are never freed, since their threads are not here.
_lost: list[Any] = []


class Encoder:
    """Weights, and a pipeline on them. The weights may be shared by several encoders; each has a session of its own,
    and a lock that is held while one batch is encoded."""

    def __init__(self, model: Any, name: bytes, options: Any, threads: int, reading: Reading | None) -> None:
        self.is_text = reading is None
        self._model, self._name, self._options, self._reading = model, name, options, reading
        self._pipeline: Any = None
        self._lock = threading.Lock()
        self._open = True
        self.threads = threads
        self.batch = int(lib.vit_pipeline_settings(self.pipeline).batch)
        self.row_size = int(lib.vit_pipeline_row_size(self.pipeline))
        self.image_size = (int(lib.vit_model_image_height(model)), int(lib.vit_model_image_width(model)))
        _alive.add(self)

    def share(self, threads: int) -> Encoder:
        """Another encoder on the same weights."""
        options = ffi.new("vit_pipeline_options *", self._options[0])
        options.threads = threads
        _kept[options] = _kept.get(self._options)
        return Encoder(self.model, self._name, options, threads, self._reading)

    # -------------------------------------------------------------- life ----

    @property
    def model(self) -> Any:
        if not self._open:
            raise refused("", "the model is closed")
        return self._model

    @property
    def pipeline(self) -> Any:
        """Made when it is first wanted, and once more in a child of fork()."""
        if self._pipeline is None:
            made, err = ffi.new("vit_pipeline **"), new_error()
            check(lib.vit_pipeline_create(self.model, self._name, self._options, made, err), err, about_model=True)
            self._pipeline = freed_by(lib.vit_pipeline_free, made[0], self._model)
        return self._pipeline

    def start_words(self) -> int:
        """Opens the tokenizer. How many ids each text becomes."""
        err = new_error()
        with self._lock:
            check(lib.vit_pipeline_start_words(self.pipeline, err), err, about_model=True)
            return int(lib.vit_pipeline_text_length(self.pipeline))

    def close(self) -> None:
        """What nobody is using is freed now; what an iterator uses, with the iterator."""
        with self._lock:
            self._open = False
            self._pipeline = self._model = None

    def forget_threads(self) -> None:
        """In a child of fork(): the session's threads, and whoever held the lock, are in the parent alone."""
        self._lock = threading.Lock()
        if self._pipeline is not None:
            _lost.append(ffi.gc(self._pipeline, None))
            self._pipeline = None

    def session(self) -> Any:
        """Under the lock."""
        pipeline, err = self.pipeline, new_error()
        check(lib.vit_pipeline_start(pipeline, err), err)
        return lib.vit_pipeline_session(pipeline)

    def take_recipe(self, output: Any, layer: int, recipe: Any, err: Any) -> int:
        """What makes vectors of this output, into a vit_recipe."""
        chosen = ffi.new("vit_pipeline_options *", {"output": output, "layer": layer})
        with self._lock:
            status = lib.vit_pipeline_choose(self.pipeline, chosen, err)
            return int(status or lib.vit_recipe_take(self.pipeline, recipe, err))

    def multiplier(self) -> tuple[str | None, str | None]:
        """What multiplies, and by which instructions."""
        with self._lock:
            session = self.session()
            return string(lib.vit_session_multiplier(session)), string(lib.vit_session_kernels(session))

    # -------------------------------------------------------------- work ----

    def hold(self, thing: Any, row: int | None) -> Held:
        if isinstance(thing, Held):
            return thing
        if self._reading is not None:
            return self._reading.hold(thing, row)
        text = text_bytes(thing, row)
        return Held(lib.VIT_ITEM_TEXT, ffi.from_buffer(text), len(text), keep=text)

    def load(self, held: Held, row: int | None, into: Any) -> Error | None:
        """Reads one input, on any thread."""
        loaded, err = ffi.new("vit_loaded *"), new_error()
        if lib.vit_pipeline_load(self.pipeline, held.item, into, loaded, err) != OK:
            return failure(err, row)
        held.size = (int(loaded.width), int(loaded.height))
        held.pixels = (int(loaded.pixels_width), int(loaded.pixels_height))
        return None

    def encode(self, rows: Rows, outputs: Sequence[Output], values: Sequence[Array], row: int) -> Error | None:
        """As many rows as the values have; `row` is what an error says of where they are."""
        n, err = len(values[0]), new_error()
        results = [ffi.from_buffer("float[]", array) for array in values]
        requests = ffi.new(
            "vit_request[]", [(output.number, output.layer, result) for output, result in zip(outputs, results)]
        )
        pictures = ffi.new(
            "vit_pixels[]",
            [
                (ffi.cast("float *", rows.start + i * rows.stride), width, height)
                for i, (width, height) in enumerate(rows.sizes)
            ],
        )
        with self._lock:
            session = self.session()
            if self.is_text:
                status = lib.vit_encode_text_requests(
                    session, ffi.cast("int32_t *", rows.start), n, rows.length, requests, len(outputs), err
                )
            else:
                status = lib.vit_encode_pictures(session, pictures, n, requests, len(outputs), err)
        return None if status == OK else failure(err, row)


def _after_fork() -> None:
    for encoder in list(_alive):
        encoder.forget_threads()


os.register_at_fork(after_in_child=_after_fork)

# What the strings in a struct of options point at.
_kept: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def new_options(**fields: Any) -> Any:
    """A vit_pipeline_options with these fields; a name of a file lives as long as it does."""
    options = ffi.new("vit_pipeline_options *")
    preprocessor = fields.pop("preprocessor", None)
    for name, value in fields.items():
        target, _, field = name.rpartition("__")
        setattr(getattr(options, target) if target else options, field, value)
    if preprocessor is not None:
        text = ffi.new("char[]", os.fsencode(preprocessor))
        options.model.preprocessor = text
        _kept[options] = text
    return options


def open_model(name: bytes, options: Any) -> Any:
    made, err = ffi.new("vit_model **"), new_error()
    check(lib.vit_model_open(name, ffi.addressof(options, "model"), made, err), err, about_model=True)
    return ffi.gc(made[0], lib.vit_model_free)
