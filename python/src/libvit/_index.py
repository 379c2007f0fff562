# SPDX-License-Identifier: BSD-2-Clause
"""Index: pictures that can be searched, in a SQLite file or in PostgreSQL. What `vit index` makes and `vit search`
searches."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._errors import Error, error_of
from ._model import Model, Progress, _count, _watched, name_of
from ._native import check, ffi, freed_by, lib, new_error, refused, string
from ._pictures import Held, Reading, split
from ._stream import Array, Stream

_alive: weakref.WeakSet[Index] = weakref.WeakSet()
_lost: list[Any] = []  # connections of the process that this one was forked from: SQLite's must not be closed here


class Hit(NamedTuple):
    """A picture that was found. score: the cosine, or of a search by words alone how well they fit. Sizes are 0 where
    the index does not know them."""

    path: str
    score: float
    caption: str | None
    id: int
    width: int
    height: int


class Added(NamedTuple):
    """What Index.add did with the files, and the Error of each that failed, by its position."""

    encoded: int
    moved: int
    copied: int
    removed: int
    unchanged: int
    errors: dict[int, Error]


class Index:
    """place: the path of a SQLite file, or postgresql://USER@HOST/DATABASE. An index that is there knows its model, so
    that `model` is needed for a new one alone, or where the model has moved. output: which vector of a picture a new
    index keeps."""

    def __init__(
        self,
        place: str | os.PathLike[str],
        *,
        model: Model | None = None,
        output: str | None = None,
        table: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._place, self._model, self._output, self._table = os.fsdecode(place), model, output, table
        self._threads = threads
        self._lock = threading.RLock()
        self._index: Any = None
        self._closed = False
        if model is None or lib.vit_index_is_there(os.fsencode(self._place)):
            self._open()
        _alive.add(self)

    # -------------------------------------------------------------- life ----

    def _connect(self, mode: int) -> Any:
        if self._closed:
            raise refused("", "the index is closed")
        options, made, err = ffi.new("vit_index_options *"), ffi.new("vit_index **"), new_error()
        table = ffi.NULL if self._table is None else ffi.new("char[]", os.fsencode(self._table))
        options.mode, options.table, options.threads = mode, table, _count("threads", self._threads, 1024)
        check(lib.vit_index_open(os.fsencode(self._place), options, made, err), err)
        return ffi.gc(made[0], lib.vit_index_free)

    def _open(self) -> Any:
        if self._index is None:
            self._index = self._connect(lib.VIT_INDEX_READ)
        return self._index

    def close(self) -> None:
        with self._lock:
            self._index, self._closed = None, True

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        place = self._place if "://" in self._place else os.path.abspath(self._place)
        return _reopen, (
            place,
            {"model": self._model, "output": self._output, "table": self._table, "threads": self._threads},
        )

    def forget_connection(self) -> None:
        """In a child of fork()."""
        self._lock = threading.RLock()
        if self._index is not None:
            _lost.append(ffi.gc(self._index, None))
            self._index = None

    # -------------------------------------------------------------- facts ----

    @property
    def place(self) -> str:
        """Without user and password."""
        with self._lock:
            return string(lib.vit_index_place(self._open())) or ""

    @property
    def width(self) -> int:
        """Numbers of each vector; 0: nothing was indexed yet."""
        with self._lock:
            return int(lib.vit_index_columns(self._open()))

    @property
    def recipe(self) -> dict[str, str]:
        """What made its vectors: "model_digest", "precision", "output", ..."""
        with self._lock:
            return _values(lib.vit_index_get_pin(self._open()).recipe)

    @property
    def model(self) -> Model:
        """The model that its vectors are of. It is opened when it is first wanted."""
        with self._lock:
            if self._model is None:
                self._model = self._model_of_pin(lib.vit_index_get_pin(self._open()))
            return self._model

    def _model_of_pin(self, pin: Any) -> Model:
        recipe = _values(pin.recipe)
        if pin.model == ffi.NULL:
            raise refused("model", "nothing was indexed yet: name a model")
        height, _, width = recipe.get("image_size", "").partition("x")
        return Model(
            string(pin.model),
            preprocessor=string(pin.preprocessor),
            precision=recipe.get("precision"),
            resampler=recipe.get("resampler", "pillow"),
            exif=recipe.get("exif", "apply"),
            background=recipe.get("background"),
            fast_decode=recipe.get("fast_decode") == "yes",
            image_size=(int(height), int(width)) if width else None,
        )

    # -------------------------------------------------------------- adding ----

    def add(
        self,
        paths: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
        *,
        prune: bool = False,
        progress: Progress = False,
    ) -> Added:
        """Makes the index follow these image files: those that are new or changed are encoded, and the others cost next
        to nothing. A file that fails costs no other one. prune: pictures whose files are gone are forgotten."""
        files, _, total = split(paths)
        with self._lock:
            model = self._model if self._model is not None else self.model
            self._index = None
            index = self._connect(lib.VIT_INDEX_WRITE)
            return _Adding(index, model, self._output_of(index), prune).run(files, total, progress)

    def _output_of(self, index: Any) -> str:
        recipe = _values(lib.vit_index_get_pin(index).recipe)
        return self._output or recipe.get("output") or "embedding"

    # -------------------------------------------------------------- searching ----

    def search(
        self,
        pictures: Any = None,
        *,
        text: str | Sequence[str] | None = None,
        vector: Any = None,
        words: str | None = None,
        k: int = 10,
        where: str | None = None,
        like: str | Sequence[str] = (),
        exact: bool = False,
    ) -> Any:
        """The k pictures nearest to a picture, a text (of a model with a text tower) or a vector, best first; for many
        of them, a list of such lists. words: path or caption must fit; alone, they need no model, and with one of the
        others both are ranked together. where: a condition, such as "width > 1000"; like: patterns of paths, such as
        "%/2024/%"."""
        given = [thing for thing in (pictures, text, vector) if thing is not None]
        if len(given) > 1 or (not given and words is None):
            raise refused("search", "name one of: pictures, text, vector; or words")
        with self._lock:
            index = self._open()
            vectors, one = (
                self._queries(index, pictures, text, vector) if given else (np.empty((0, 1), np.float32), True)
            )
            found = _search(index, vectors, words, _count("k", k, 2**31), _Filter(where, like), exact)
        return found[0] if one else found

    def _queries(self, index: Any, pictures: Any, text: Any, vector: Any) -> tuple[Array, bool]:
        columns = int(lib.vit_index_columns(index))
        if columns == 0:
            raise refused(self._place, "nothing was indexed here yet")
        if vector is not None:
            vectors = np.array(vector, np.float32, ndmin=1)
            one = vectors.ndim == 1
        elif text is not None:
            self._check_model(index)
            one = isinstance(text, str)
            vectors = self.model.text_model.embed(text, output=self._output_of(index))
        else:
            things, one, _ = split(pictures)
            vectors = self._of_pictures(index, list(things), columns)
        vectors = np.ascontiguousarray(vectors.reshape(-1, vectors.shape[-1]))
        if vectors.ndim != 2 or vectors.shape[1] != columns:
            raise refused("vector", "%d numbers, and the vectors of the index have %d" % (vectors.shape[-1], columns))
        for row, one_vector in enumerate(vectors):
            if not lib.vit_to_unit_length(ffi.from_buffer("float[]", one_vector), columns):
                raise error_of(
                    "non_finite",
                    lib.VIT_ERR_NON_FINITE,
                    "",
                    "its vector has no direction: it is all zero, or next to it",
                    row,
                )
        return vectors, one

    def _of_pictures(self, index: Any, pictures: list[Any], columns: int) -> Array:
        """Files that the index has need no model."""
        vectors = np.empty((len(pictures), columns), np.float32)
        found, err = ffi.new("int *"), new_error()
        for row, picture in enumerate(pictures):
            known = isinstance(picture, (str, os.PathLike)) and b"\0" not in os.fsencode(picture)
            if known:
                into = ffi.from_buffer("float[]", vectors[row])
                check(lib.vit_index_find_file(index, os.fsencode(picture), into, found, err), err)
            if not known or not found[0]:
                self._check_model(index)
                return np.asarray(self.model.embed(pictures, output=self._output_of(index)))
        return vectors

    def _check_model(self, index: Any) -> None:
        """Would the model make vectors that can be compared with these?"""
        pin, now = lib.vit_index_get_pin(index), _Pin(self.model, self._output_of(index))
        key = lib.vit_index_pin_differs(pin, now.pin)
        if key != lib.VIT_RECIPE_KEYS:
            name = string(lib.vit_recipe_name(key)) or ""
            raise error_of(
                "model_mismatch",
                lib.VIT_ERR_MODEL_MISMATCH,
                self._place,
                "its vectors were made with another %s: %s then, %s now; they cannot be compared"
                % (name, _values(pin.recipe).get(name, "none"), _values(now.pin.recipe).get(name, "none")),
            )


def _reopen(place: str, options: dict[str, Any]) -> Index:
    return Index(place, **options)


def _after_fork() -> None:
    for index in list(_alive):
        index.forget_connection()


os.register_at_fork(after_in_child=_after_fork)


# ------------------------------------------------------------------ what made the vectors ----


def _values(recipe: Any) -> dict[str, str]:
    """The values of a vit_recipe that are set, by name."""
    named = ((string(lib.vit_recipe_name(key)) or "", string(recipe.values[key])) for key in range(lib.VIT_RECIPE_KEYS))
    return {name: value for name, value in named if value is not None}


class _Pin:
    """What vectors that a model makes are made with."""

    def __init__(self, model: Model, output: str) -> None:
        recipe, err = ffi.new("vit_recipe *"), new_error()
        self.pin = ffi.gc(ffi.new("vit_index_pin *"), lib.vit_index_pin_free)
        chosen = model._outputs(output)[0]
        check(model._encoder.take_recipe(chosen.number, chosen.layer, recipe, err), err)
        try:
            preprocessor = model._options["preprocessor"]
            check(
                lib.vit_index_pin_take(
                    recipe,
                    os.fsencode(name_of(model._source, False)),
                    ffi.NULL if preprocessor is None else os.fsencode(preprocessor),
                    self.pin,
                    err,
                ),
                err,
            )
        finally:
            lib.vit_recipe_free(recipe)


class _Adding:
    """One run of Index.add."""

    def __init__(self, index: Any, model: Model, output: str, prune: bool) -> None:
        self.index, self.model, self.prune = index, model, prune
        self.outputs = model._outputs(output)
        if self.outputs[0].rows != 1:
            raise refused("output", "%s is a matrix for each picture; an index holds vectors" % output)
        made, err = ffi.new("vit_follow **"), new_error()
        check(lib.vit_follow_start(index, _Pin(model, output).pin, made, err), err)
        self.follow = freed_by(lib.vit_follow_free, made[0], index)
        self.waiting: list[tuple[int, Any, Any, Held]] = []  # position, path, stamp, item: asked for, and not yet put
        self.errors: dict[int, Error] = {}

    def wanted(self, files: Iterator[Any]) -> Iterator[Held]:
        """Those of the files whose vector the index lacks."""
        reading = Reading("apply", None)
        for position, file in enumerate(files):
            if not isinstance(file, (str, os.PathLike)):
                raise TypeError("an index is of image files, by their paths; this is %s" % type(file).__name__)
            plain, stamp, encode, err = ffi.new("char **"), ffi.new("vit_index_stamp *"), ffi.new("int *"), new_error()
            try:
                reading.hold(file, position)
            except Error as error:
                self.errors[position] = error
                continue
            check(lib.vit_follow_look(self.follow, os.fsencode(file), plain, stamp, encode, err), err)
            path = ffi.gc(plain[0], lib.vit_free)
            if encode[0]:
                held = Held(lib.VIT_ITEM_PATH, name=path)
                self.waiting.append((position, path, stamp, held))
                yield held

    def run(self, files: Iterator[Any], total: int | None, progress: Progress) -> Added:
        stream = Stream(self.model._encoder, self.outputs)
        for batch in _watched(stream.batches(self.wanted(files)), total, progress):
            for _, error, row in batch.each():
                self.put(error, None if error else batch.values[0][row])
            self.do(lib.vit_follow_commit)
        if self.prune:
            self.do(lib.vit_follow_forget, ffi.NULL)
        self.do(lib.vit_follow_commit)
        err, counts = new_error(), ffi.new("vit_follow_counts *")
        check(lib.vit_index_finish(self.index, err), err)
        lib.vit_follow_count(self.follow, counts)
        return Added(counts.encoded, counts.moved, counts.copied, counts.removed, counts.unchanged, self.errors)

    def do(self, function: Any, *arguments: Any) -> None:
        err = new_error()
        check(function(self.follow, *arguments, err), err)

    def put(self, error: Error | None, vector: Array | None) -> None:
        """The next of those that are waiting."""
        position, path, stamp, held = self.waiting.pop(0)
        if vector is not None and not lib.vit_to_unit_length(ffi.from_buffer("float[]", vector), len(vector)):
            error = error_of(
                "non_finite",
                lib.VIT_ERR_NON_FINITE,
                string(path) or "",
                "its vector has no direction: it is all zero, or next to it",
            )
        if error is None:
            width, height = held.size
            self.do(lib.vit_follow_put, path, stamp, width, height, ffi.from_buffer("float[]", vector))
        else:
            error.row = position
            self.errors[position] = error
            self.do(lib.vit_follow_drop, path, error.status)


# ------------------------------------------------------------------ searching ----


class _Filter:
    """Which pictures a search is about."""

    def __init__(self, where: str | None, like: str | Sequence[str]) -> None:
        likes = [like] if isinstance(like, str) else list(like)
        self._texts = [ffi.new("char[]", os.fsencode(text)) for text in likes]
        self._array = ffi.new("const char *[]", self._texts)
        self._where = ffi.NULL if where is None else ffi.new("char[]", os.fsencode(where))
        self.filter = ffi.new("vit_index_filter *", {"where": self._where, "likes": self._array, "n_likes": len(likes)})


def _search(index: Any, vectors: Array, words: str | None, k: int, chosen: _Filter, exact: bool) -> list[list[Hit]]:
    n, err = len(vectors), new_error()
    check(lib.vit_index_check_filter(index, chosen.filter, err), err)
    query = ffi.new(
        "vit_index_query *",
        {"vectors": ffi.from_buffer("float[]", vectors), "n": n, "k": k, "filter": chosen.filter, "exact": exact},
    )
    hits = ffi.new("vit_index_hits[]", max(n, 1))
    try:
        if words is None:
            status = lib.vit_index_search(index, query, hits, err)
        else:
            function = lib.vit_index_fuse if n else lib.vit_index_match
            status = function(index, os.fsencode(words), query, hits, err)
        check(status, err)
        return [[_hit(one.hits[i]) for i in range(one.n)] for one in hits]
    finally:
        for i in range(len(hits)):
            lib.vit_index_hits_free(ffi.addressof(hits, i))


def _hit(hit: Any) -> Hit:
    return Hit(
        string(hit.path) or "", float(hit.score), string(hit.caption), int(hit.id), int(hit.width), int(hit.height)
    )
