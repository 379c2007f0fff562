# SPDX-License-Identifier: BSD-2-Clause
"""Model: pictures in, vectors and labels out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import numpy as np

from ._encoder import Encoder, new_options, open_model
from ._errors import Error, error_of
from ._native import (
    BOX,
    check,
    choice,
    failure,
    ffi,
    hub,
    lib,
    names_of,
    new_error,
    owned_string,
    refused,
    string,
    usable_threads,
)
from ._pictures import Reading, as_array, parse_colour, split
from ._stream import Array, Batch, Output, Rows, Stream

if TYPE_CHECKING:
    from ._text import TextModel

Same = TypeVar("Same", bound="_Opened")
Progress = bool | Callable[[int, int | None], object]


class Prediction(NamedTuple):
    """One class of a picture. `label` is None where the checkpoint has no name for it."""

    label: str | None
    index: int  # type: ignore[assignment]  # a tuple has a method of this name
    score: float


class Result(NamedTuple):
    """What errors="skip" gives: a vector for each input that was encoded, which inputs these are, and why the others
    failed."""

    vectors: Any
    rows: Array
    errors: dict[int, Error]


# ------------------------------------------------------------------ names of models ----


def name_of(source: str | os.PathLike[str] | None, download: bool) -> str:
    """What the C library is asked to open."""
    if source is None:
        return BOX
    name = os.fsdecode(source)
    if not name or "\0" in name:
        raise refused("source", "%r is no name of a model" % name)
    if os.path.exists(name):
        return name
    if download:
        _pull(name)
    return name


def _pull(name: str) -> None:
    snapshot, err = ffi.new("vit_hub_snapshot **"), new_error()
    if hub.vit_hub_find(os.fsencode(name), ffi.NULL, snapshot, err) != 0:
        err = new_error()
        status = hub.vit_hub_pull(os.fsencode(name), ffi.NULL, snapshot, err)
        check(status, err, about_model=True)
    hub.vit_hub_snapshot_free(snapshot[0])


def lasting_name(name: str | None) -> str | None:
    """A name that means the same in another process: an absolute path, or a hub id with its commit."""
    if name is None:
        return None
    if os.path.exists(name):
        return os.path.abspath(name)
    snapshot = ffi.new("vit_hub_snapshot **")
    if hub.vit_hub_find(os.fsencode(name), ffi.NULL, snapshot, ffi.NULL) != 0:
        return name
    try:
        return "%s@%s" % (string(snapshot[0].id), string(snapshot[0].commit))
    finally:
        hub.vit_hub_snapshot_free(snapshot[0])


def _size_of(image_size: int | tuple[int, int] | None) -> tuple[int, int]:
    """Height and width; 0, 0: the model's own."""
    if image_size is None:
        return 0, 0
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2 or not all(isinstance(edge, int) and 0 < edge < 2**32 for edge in size):
        raise refused("image_size", "%r is no size: a number, or (height, width)" % (image_size,))
    return size


def _count(option: str, value: int | None, most: int) -> int:
    """0: it was not given."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise refused(option, "%r is no number from 1 to %d" % (value, most))
    return value


THREADS_MAX = 1024
PRECISIONS = 4
RESAMPLERS = 3


# ------------------------------------------------------------------ what both kinds of model have ----


class _Opened:
    """A model of either tower. Threads may share it: they take turns, batch by batch."""

    _encoder: Encoder
    _source: str | None
    _options: dict[str, Any]
    _digest: str | None = None
    _preprocessing_digest: str | None = None

    def close(self) -> None:
        """Frees the weights and threads now, but for what an iterator is still using."""
        self._encoder.close()

    def __enter__(self: Same) -> Same:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def share(self: Same, threads: int = 1) -> Same:
        """A second handle on the same weights, with threads of its own."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._encoder = self._encoder.share(_count("threads", threads, THREADS_MAX))
        other._options = {**self._options, "threads": threads}
        return other

    # -------------------------------------------------------------- pickles ----

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (
            type(self),
            lasting_name(self._source),
            self._options,
            self._digest,
            self._preprocessing_digest,
        )

    # -------------------------------------------------------------- facts ----

    @property
    def family(self) -> str:
        """Such as "dinov2"."""
        return string(lib.vit_model_family(self._encoder.model)) or ""

    @property
    def width(self) -> int:
        """Numbers of an embedding: E."""
        return int(lib.vit_output_size(self._encoder.model, lib.VIT_OUTPUT_EMBEDDING, 0))

    @property
    def precision(self) -> str:
        """f32, bf16 or int8."""
        return string(lib.vit_precision_name(lib.vit_model_precision(self._encoder.model))) or ""

    @property
    def threads(self) -> int:
        return self._encoder.threads

    @property
    def multiplier(self) -> str:
        """What multiplies matrices, such as "tiles/avx2"."""
        return self._encoder.multiplier()[0] or ""

    @property
    def digest(self) -> str:
        """SHA-256 of the weights. Reads all of them, once."""
        if self._digest is None:
            self._digest = self._ask_digest(lib.vit_model_digest, self._encoder.model)
        return self._digest

    @staticmethod
    def _ask_digest(function: Any, thing: Any) -> str:
        text, err = ffi.new("char[65]"), new_error()
        check(function(thing, text, err), err, about_model=True)
        return string(text) or ""

    # -------------------------------------------------------------- work ----

    def _embed(
        self,
        inputs: Iterable[Any],
        total: int | None,
        outputs: Sequence[Output],
        normalize: bool,
        half: bool,
        progress: Progress,
    ) -> Iterator[Batch]:
        stream = Stream(self._encoder, outputs, normalize, half, self._length())
        return _watched(stream.batches(inputs), total, progress)

    def _length(self) -> int:
        """Token ids of a text; 0: a model of pictures."""
        return self._encoder.start_words() if self._encoder.is_text else 0

    def _outputs(self, output: str | Sequence[str], length: int | None = None) -> list[Output]:
        names = [output] if isinstance(output, str) else list(output)
        length = self._length() if length is None else length
        if not names:
            raise refused("output", "no output is named")
        return [Output(self._encoder, name, length) for name in names]


def _reopen(cls: Any, source: str | None, options: dict[str, Any], digest: str | None, rules: str | None) -> Any:
    model = cls(source, **options)
    for what, then, now in (
        ("weights", digest, digest and model.digest),
        ("preprocessing", rules, rules and model.preprocessing_digest),
    ):
        if then != now:
            raise error_of(
                "model_mismatch",
                lib.VIT_ERR_MODEL_MISMATCH,
                source or "",
                "the %s on this machine are not those of the "
                "model that was pickled (digest %.12s then, %.12s here)" % (what, then, now),
            )
    return model


# ------------------------------------------------------------------ results ----


def _watched(batches: Iterator[Batch], total: int | None, progress: Progress) -> Iterator[Batch]:
    """Tells how far it is, after each batch."""
    if not progress:
        yield from batches
        return
    show = progress if callable(progress) else _Line()
    for batch in batches:
        yield batch
        show(batch.first + len(batch.errors), total)
    if isinstance(show, _Line):
        show.end()


class _Line:
    """progress=True: a line on stderr that is written anew."""

    def __init__(self) -> None:
        self.start, self.written = time.monotonic(), False

    def __call__(self, done: int, total: int | None) -> None:
        rate = done / max(time.monotonic() - self.start, 1e-9)
        of = "" if total is None else " of %d" % total
        sys.stderr.write("\r%d%s, %.1f a second " % (done, of, rate))
        sys.stderr.flush()
        self.written = True

    def end(self) -> None:
        if self.written:
            sys.stderr.write("\n")


def _raise_first(batch: Batch) -> None:
    for error in batch.errors:
        if error is not None:
            raise error


def _check_errors(errors: str, *allowed: str) -> None:
    if errors not in allowed:
        raise refused("errors", "%r is not one of %s" % (errors, ", ".join(allowed)))


def _is_half(dtype: Any) -> bool:
    try:
        known = {np.dtype(np.float32): False, np.dtype(np.float16): True}
        return known[np.dtype(dtype)]
    except (KeyError, TypeError):
        raise refused("dtype", "%r is not one of float32, float16" % (dtype,)) from None


class _Gathering:
    """Batches side by side."""

    def __init__(self, outputs: Sequence[Output], half: bool) -> None:
        self.outputs, self.dtype = outputs, np.float16 if half else np.float32
        self.parts: list[list[Array]] = [[] for _ in outputs]
        self.rows: list[int] = []
        self.errors: dict[int, Error] = {}

    def add(self, batch: Batch) -> None:
        for parts, values in zip(self.parts, batch.values):
            parts.append(values)
        for position, error, _ in batch.each():
            if error is None:
                self.rows.append(position)
            else:
                self.errors[position] = error

    def arrays(self) -> list[Array]:
        made = []
        for output, parts in zip(self.outputs, self.parts):
            empty = np.empty((0, *output.shape), self.dtype)
            made.append(parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else empty)
            parts.clear()
        return made

    def result(self, errors: str, single: bool, one: bool) -> Any:
        arrays = self.arrays()
        if errors == "skip":
            return Result(_named(self.outputs, arrays, single), np.array(self.rows, np.int64), self.errors)
        return _named(self.outputs, [array[0] for array in arrays] if one else arrays, single)


def _named(outputs: Sequence[Output], values: list[Any], single: bool) -> Any:
    return values[0] if single else {output.name: value for output, value in zip(outputs, values)}


class _Embeds(_Opened):
    """embed and embed_iter, for pictures and for texts."""

    def _split(self, inputs: Any) -> tuple[Iterator[Any], bool, int | None]:
        raise NotImplementedError

    def embed(
        self,
        inputs: Any,
        *,
        output: str | Sequence[str] = "embedding",
        normalize: bool = False,
        dtype: Any = "float32",
        errors: Literal["raise", "skip"] = "raise",
        progress: Progress = False,
    ) -> Any:
        """The vector of one input, [E]; or of many, [N,E], in their order. With several outputs, a dict of such
        arrays."""
        _check_errors(errors, "raise", "skip")
        outputs, half = self._outputs(output), _is_half(dtype)
        inputs, one, total = self._split(inputs)
        gathered = _Gathering(outputs, half)
        for batch in self._embed(inputs, total, outputs, normalize, half, progress):
            if errors == "raise":
                _raise_first(batch)
            gathered.add(batch)
        return gathered.result(errors, isinstance(output, str), one)

    def embed_iter(
        self,
        inputs: Any,
        *,
        output: str | Sequence[str] = "embedding",
        normalize: bool = False,
        dtype: Any = "float32",
        errors: Literal["raise", "yield"] = "raise",
        progress: Progress = False,
    ) -> Iterator[Any]:
        """Vectors one by one, in the order of the inputs, of which at most two batches are read ahead. With
        errors="yield" the Error stands where the vector of an input that failed would be."""
        _check_errors(errors, "raise", "yield")
        outputs, half, single = self._outputs(output), _is_half(dtype), isinstance(output, str)
        inputs, _, total = self._split(inputs)
        return self._each(
            self._embed(inputs, total, outputs, normalize, half, progress), outputs, single, errors == "yield"
        )

    @staticmethod
    def _each(batches: Iterator[Batch], outputs: list[Output], single: bool, yields: bool) -> Iterator[Any]:
        for batch in batches:
            for _, error, row in batch.each():
                if error is None:
                    yield _named(outputs, [values[row].copy() for values in batch.values], single)
                elif yields:
                    yield error
                else:
                    raise error

    def _encode_rows(
        self,
        rows: Array,
        outputs: list[Output],
        length: int,
        normalize: bool,
        half: bool,
        errors: str,
        single: bool,
        one: bool,
    ) -> Any:
        """Of ready pixels, or token ids, side by side in memory."""
        stream, gathered = Stream(self._encoder, outputs, normalize, half, length), _Gathering(outputs, half)
        step = self._encoder.batch
        sizes = [] if self._encoder.is_text else [(rows.shape[3], rows.shape[2])] * step
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            start = ffi.cast("char *", ffi.from_buffer(part))
            batch = stream.encode(Rows(start, part.strides[0], length, sizes[: len(part)]), first, [None] * len(part))
            if errors == "raise":
                _raise_first(batch)
            gathered.add(batch)
        return gathered.result(errors, single, one)


# ------------------------------------------------------------------ models of pictures ----


class Model(_Embeds):
    """A model of pictures. `source`: a checkpoint's folder, a .safetensors file, or a hub id in the cache of this
    machine, also as "org/name@revision"; None: the small model in the box."""

    def __init__(
        self,
        source: str | os.PathLike[str] | None = None,
        *,
        precision: str | None = None,
        threads: int | None = None,
        batch: int | None = None,
        image_size: int | tuple[int, int] | None = None,
        preprocessor: str | os.PathLike[str] | None = None,
        resampler: str = "pillow",
        exif: str = "apply",
        background: str | None = None,
        max_pixels: int | None = None,
        fast_decode: bool = False,
        download: bool = False,
    ) -> None:
        height, width = _size_of(image_size)
        count = _count("threads", threads, THREADS_MAX) or usable_threads()
        options = new_options(
            model__precision=choice(
                "precision", precision or "auto", {"auto": 0, **names_of("vit_precision_name", PRECISIONS)}
            ),
            model__image_height=height,
            model__image_width=width,
            preprocessor=preprocessor,
            resampler=choice("resampler", resampler, names_of("vit_resampler_name", RESAMPLERS)),
            load__exif=choice("exif", exif, names_of("vit_exif_name", 2)),
            load__composite=background is not None,
            load__max_pixels=_count("max_pixels", max_pixels, 2**63 - 1),
            fast_decode=bool(fast_decode),
            threads=count,
            batch=_count("batch", batch, 2**20),
        )
        if background is not None:
            options.load.background = parse_colour(background)
        name = os.fsencode(name_of(source, download))
        self._encoder = Encoder(open_model(name, options), name, options, count, Reading(exif, background))
        self._source = None if source is None else os.fsdecode(source)
        self._options = {
            "precision": precision,
            "threads": threads,
            "batch": batch,
            "image_size": image_size,
            "preprocessor": preprocessor and os.path.abspath(os.fsdecode(preprocessor)),
            "resampler": resampler,
            "exif": exif,
            "background": background,
            "max_pixels": max_pixels,
            "fast_decode": fast_decode,
            "download": download,
        }
        self._classes: dict[Any, Any] = {}  # label matrices of zero_shot
        self._texts: TextModel | None = None

    def __repr__(self) -> str:
        return "<libvit.Model %s>" % (self._source or "in the box")

    def _split(self, inputs: Any) -> tuple[Iterator[Any], bool, int | None]:
        return split(inputs)

    # -------------------------------------------------------------- facts ----

    @property
    def classes(self) -> int:
        """0: it has no classifier."""
        return int(lib.vit_model_classes(self._encoder.model))

    @property
    def labels(self) -> list[str | None]:
        """Names of the classes."""
        return [string(lib.vit_model_label(self._encoder.model, i)) for i in range(self.classes)]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the pictures that it sees; 0, 0: each picture has a size of its own (SigLIP 2 NaFlex)."""
        return self._encoder.image_size

    @property
    def preprocessing_digest(self) -> str | None:
        """SHA-256 of the rules of its preprocessing; None: it has none."""
        rules = lib.vit_model_preprocessor(self._encoder.model)
        if self._preprocessing_digest is None and rules != ffi.NULL:
            self._preprocessing_digest = self._ask_digest(lib.vit_preprocessor_digest, rules)
        return self._preprocessing_digest

    @property
    def info(self) -> dict[str, Any]:
        """What `vit info --json` prints."""
        from ._text import text_info

        multiplier, kernels = self._encoder.multiplier()
        facts = _describe(self._encoder.model)
        facts.update(
            digest=self.digest,
            preprocessing_digest=self.preprocessing_digest,
            precision=self.precision,
            multiplier=multiplier,
            kernels=kernels,
            threads=self.threads,
            vit_version=string(lib.vit_version()),
        )
        text = text_info(name_of(self._source, False))
        return facts if text is None else {**facts, "text": text}

    @property
    def text_model(self) -> TextModel:
        """Its text tower, which is opened when it is first wanted."""
        if self._texts is None:
            from ._text import TextModel

            self._texts = TextModel(self._source, precision=self._options["precision"], threads=self.threads)
        return self._texts

    # -------------------------------------------------------------- classes ----

    def classify(
        self, pictures: Any, top: int = 5, *, errors: Literal["raise", "skip"] = "raise", progress: Progress = False
    ) -> Any:
        """The most probable classes of a picture, best first; of many pictures, a list of such lists."""
        outputs = self._outputs("probs")
        return self._rank(pictures, outputs, lambda probabilities: probabilities, self.labels, top, errors, progress)

    def zero_shot(
        self,
        pictures: Any,
        labels: Sequence[str],
        template: str | Sequence[str] = "{}",
        top: int = 5,
        *,
        text_model: TextModel | None = None,
        errors: Literal["raise", "skip"] = "raise",
        progress: Progress = False,
    ) -> Any:
        """As classify, by labels in words, each in the place of {} in the template (or in the mean of several
        templates). `text_model`: another model that encodes the labels."""
        names = [labels] if isinstance(labels, str) else list(labels)
        classes = self._label_matrix(names, [template] if isinstance(template, str) else list(template), text_model)

        def score(vector: Array) -> Array:
            scores = np.empty(len(names), np.float32)
            lib.vit_labels_score(classes, ffi.from_buffer("float[]", vector), 0, ffi.from_buffer("float[]", scores))
            return scores

        return self._rank(pictures, self._outputs("embedding"), score, names, top, errors, progress)

    def _label_matrix(self, names: list[str], templates: list[str], text_model: TextModel | None) -> Any:
        key = (tuple(names), tuple(templates), id(text_model) if text_model else None)
        known = self._classes.get(key)
        if known is None:
            from ._text import label_matrix

            texts = text_model or self.text_model
            known = label_matrix(self._encoder.model, self.width, names, templates, texts), texts
            self._classes = {key: known}  # the last ones alone: matrices of many labels are large
        return known[0]

    def _rank(
        self,
        pictures: Any,
        outputs: list[Output],
        score: Callable[[Array], Array],
        labels: Sequence[str | None],
        top: int,
        errors: str,
        progress: Progress,
    ) -> Any:
        _check_errors(errors, "raise", "skip")
        count = min(_count("top", top, 2**31), len(labels))
        inputs, one, total = split(pictures)
        ranked: list[list[Prediction] | None] = []
        for batch in self._embed(inputs, total, outputs, False, False, progress):
            if errors == "raise":
                _raise_first(batch)
            for _, error, row in batch.each():
                ranked.append(None if error else _best(score(batch.values[0][row]), labels, count))
        return ranked[0] if one else ranked

    # -------------------------------------------------------------- pixels ----

    def preprocess(self, pictures: Any, *, progress: Progress = False) -> Array:
        """What the model sees of them, the pixel_values of the reference: float32 [N,3,H,W]; of one picture [1,3,H,W].
        Where each picture has a size of its own, those that are given together must come out alike."""
        inputs, _, total = split(pictures)
        parts = []
        for batch in self._embed(inputs, total, [], False, False, progress):
            _raise_first(batch)
            parts += batch.values
        if len({part.shape for part in parts}) > 1:
            raise refused(
                "image_size", "each picture has a size of its own: one at a time, or open the model with image_size="
            )
        return np.stack(parts) if parts else np.empty((0, 3, *self.image_size), np.float32)

    def encode(
        self,
        pixels: Any,
        *,
        output: str | Sequence[str] = "embedding",
        normalize: bool = False,
        dtype: Any = "float32",
        errors: Literal["raise", "skip"] = "raise",
    ) -> Any:
        """As embed, of ready pixels: float32 [N,3,H,W], from NumPy or torch, which are not copied; [3,H,W] is one
        picture."""
        _check_errors(errors, "raise", "skip")
        outputs, half, single = self._outputs(output), _is_half(dtype), isinstance(output, str)
        array = self._pixels(pixels)
        one = array.ndim == 3
        array = np.ascontiguousarray(array.reshape(-1, *array.shape[-3:]))
        return self._encode_rows(array, outputs, 0, normalize, half, errors, single, one)

    def _pixels(self, pixels: Any) -> Array:
        array = as_array(pixels)
        if array.dtype != np.float32 or array.ndim not in (3, 4) or array.shape[-3] != 3:
            raise TypeError(
                "pixel_values of %s with shape %s: encode() takes float32 [N,3,H,W]; embed() takes pictures"
                % (array.dtype, list(array.shape))
            )
        if self.image_size != (0, 0) and array.shape[-2:] != self.image_size:
            raise refused(
                "pixels",
                "they are %dx%d, and the model runs at %dx%d: open it with image_size=(%d, %d)"
                % (*array.shape[-2:], *self.image_size, *array.shape[-2:]),
            )
        return array


def _best(scores: Array, labels: Sequence[str | None], count: int) -> list[Prediction]:
    indices = ffi.new("size_t[]", max(count, 1))
    scores = np.ascontiguousarray(scores)
    lib.vit_top_k(ffi.from_buffer("float[]", scores), len(scores), count, indices)
    return [Prediction(labels[i], i, float(scores[i])) for i in indices[0:count]]


def _describe(model: Any) -> dict[str, Any]:
    import json

    facts: dict[str, Any] = json.loads(owned_string(lib.vit_model_describe(model)))
    return facts


# ------------------------------------------------------------------ pictures alone ----


def decode(picture: Any, *, exif: str = "apply", background: str | None = None, max_pixels: int | None = None) -> Array:
    """The pixels of one picture, as Pillow gives them, upright: uint8 [H,W,3]."""
    load, err, image = ffi.new("vit_load_options *"), new_error(), ffi.new("vit_image *")
    load.exif = choice("exif", exif, names_of("vit_exif_name", 2))
    load.max_pixels = _count("max_pixels", max_pixels, 2**63 - 1)
    if background is not None:
        load.composite, load.background = 1, parse_colour(background)
    held = Reading(exif, background).hold(picture, None)
    item = held.item
    if item.kind == lib.VIT_ITEM_IMAGE:
        given = ffi.cast("vit_image *", item.data)
        return _copy_of(given)
    if item.kind == lib.VIT_ITEM_PATH:
        status = lib.vit_image_load(item.name, load, image, err)
    else:
        status = lib.vit_image_decode(item.data, item.size, item.name, load, image, err)
    if status != 0:
        raise failure(err)
    try:
        return _copy_of(image)
    finally:
        lib.vit_image_free(image)


def _copy_of(image: Any) -> Array:
    size = image.height * image.width * 3
    return np.frombuffer(ffi.buffer(image.pixels, size), np.uint8).reshape(image.height, image.width, 3).copy()
