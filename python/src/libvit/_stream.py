# SPDX-License-Identifier: BSD-2-Clause
"""Many inputs through one encoder: two batches of room, of which one is read into while the other is encoded."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import Error, error_of
from ._native import OK, failure, ffi, lib, new_error, refused

if TYPE_CHECKING:
    from ._encoder import Encoder
    from ._pictures import Held

READERS_MAX = 8  # each may hold a decoded picture

Array = np.ndarray[Any, Any]
Numbered = Iterator[tuple[int, Any]]


class Output:
    """One result that is wanted of a pass: "embedding", "tokens", "hidden:6". length: of a text, in token ids."""

    def __init__(self, encoder: Encoder, name: str, length: int) -> None:
        if not isinstance(name, str):
            raise TypeError(
                "output is a name, or a list of names, such as 'embedding'; this is %s" % type(name).__name__
            )
        number, layer, shape, err = ffi.new("vit_output *"), ffi.new("size_t *"), ffi.new("size_t[2]"), new_error()
        if not lib.vit_output_parse(os.fsencode(name), number, layer):
            names = [ffi.string(text).decode() for text in map(lib.vit_output_name, range(64)) if text != ffi.NULL]
            raise refused("output", "%r is not one of %s" % (name, ", ".join(names)))
        if lib.vit_output_shape(encoder.model, number[0], layer[0], shape, err) != OK:
            raise failure(err, about_model=True)
        self.name, self.number, self.layer = name, number[0], layer[0]
        self.rows, self.columns = int(shape[0]), int(shape[1])
        if encoder.is_text and self.rows > 1:  # one row a token
            self.rows = length

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.columns,) if self.rows == 1 else (self.rows, self.columns)


class Batch:
    """`errors`: one for each input, None where all went well. `values`: of each output, a row for each of the others;
    where no output is wanted, the pixels of each."""

    def __init__(self, first: int, errors: list[Error | None], values: list[Array]) -> None:
        self.first, self.errors, self.values = first, errors, values

    def each(self) -> Iterator[tuple[int, Error | None, int]]:
        """Every input: its position, its error, and its row in the values."""
        row = 0
        for i, error in enumerate(self.errors):
            yield self.first + i, error, row
            row += error is None


class Rows:
    """Rows side by side in memory, `stride` bytes from one to the next: of texts, all of `length` ids; of pictures'
    pixels, each with its width and height in `sizes`."""

    def __init__(self, start: Any, stride: int, length: int, sizes: Sequence[tuple[int, int]] = ()) -> None:
        self.start, self.stride, self.length, self.sizes = start, stride, length, sizes

    def only(self, i: int) -> Rows:
        return Rows(self.start + i * self.stride, self.stride, self.length, self.sizes[i : i + 1])


class _Room:
    """Rows of a batch, and what is being read into them."""

    def __init__(self, encoder: Encoder, stride: int) -> None:
        self.stride = stride
        self.memory = np.empty(encoder.batch * self.stride + encoder.row_size, np.uint8)
        self.start = ffi.cast("char *", ffi.from_buffer(self.memory))
        self.first = 0
        self.pending: list[tuple[Callable[[], Error | None], Held | None]] = []
        self.sizes: list[tuple[int, int]] = []  # of the pixels in the rows

    def row(self, i: int) -> Any:
        return self.start + i * self.stride

    def settle(self) -> list[Error | None]:
        """Waits until all is read, and closes the gaps that failures left."""
        errors = [done() for done, _ in self.pending]
        self.sizes = [
            held.pixels for error, (_, held) in zip(errors, self.pending) if error is None and held is not None
        ]
        if any(errors):
            rows = self.memory[: len(errors) * self.stride].reshape(len(errors), self.stride)
            good = [i for i, error in enumerate(errors) if error is None]
            rows[: len(good)] = rows[good]
        return errors


class Stream:
    """Reads inputs and encodes them. `outputs` empty: the rows themselves are the result, which are read and not
    encoded."""

    def __init__(
        self, encoder: Encoder, outputs: Sequence[Output], normalize: bool = False, half: bool = False, length: int = 0
    ) -> None:
        self.encoder, self.outputs, self.normalize, self.half, self.length = encoder, outputs, normalize, half, length
        self.stride = length * ffi.sizeof("int32_t") if encoder.is_text else encoder.row_size

    # -------------------------------------------------------------- reading ----

    def batches(self, inputs: Iterable[Any]) -> Iterator[Batch]:
        readers = min(READERS_MAX, self.encoder.threads)
        numbered = enumerate(inputs)
        return self._in_line(numbered) if readers == 1 else self._ahead(numbered, readers)

    def _in_line(self, inputs: Numbered) -> Iterator[Batch]:
        def start(work: Any, *arguments: Any) -> Any:
            return _answering(work(*arguments))

        room = _Room(self.encoder, self.stride)
        while self._fill(inputs, room, start):
            yield self._finish(room)

    def _ahead(self, inputs: Numbered, readers: int) -> Iterator[Batch]:
        from concurrent.futures import ThreadPoolExecutor

        process = os.getpid()
        pool = ThreadPoolExecutor(readers, "libvit-read")
        try:

            def start(work: Any, *arguments: Any) -> Any:
                return pool.submit(work, *arguments).result

            now, later = _Room(self.encoder, self.stride), _Room(self.encoder, self.stride)
            more = self._fill(inputs, now, start)
            while more:
                more = self._fill(inputs, later, start)
                yield self._finish(now)
                if os.getpid() != process:
                    raise refused("", "this iterator was begun before the process was forked: begin another one")
                now, later = later, now
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self, inputs: Numbered, room: _Room, start: Any) -> bool:
        """Begins to read the next inputs. False: there are no more."""
        room.pending = []
        for i, (position, thing) in enumerate(itertools.islice(inputs, self.encoder.batch)):
            if i == 0:
                room.first = position
            try:
                held = self.encoder.hold(thing, position)
            except Error as error:
                room.pending.append((_answering(error), None))
            else:
                room.pending.append((start(self.encoder.load, held, position, room.row(i)), held))
        return bool(room.pending)

    def _finish(self, room: _Room) -> Batch:
        errors = room.settle()
        if self.outputs:
            return self.encode(Rows(room.start, room.stride, self.length, room.sizes), room.first, errors)
        rows = room.memory[: len(room.sizes) * room.stride].view(np.float32).reshape(len(room.sizes), -1)
        return Batch(
            room.first,
            errors,
            [
                row[: 3 * height * width].reshape(3, height, width).copy()
                for row, (width, height) in zip(rows, room.sizes)
            ],
        )

    # -------------------------------------------------------------- encoding ----

    def encode(self, rows: Rows, first: int, errors: list[Error | None]) -> Batch:
        """Of the inputs first, first + 1, ... `rows` has those that have no error."""
        at = [i for i, error in enumerate(errors) if error is None]
        values = [np.empty((len(at), *output.shape), np.float32) for output in self.outputs]
        if at and self.encoder.encode(rows, self.outputs, values, first + at[0]) is not None:
            for row, i in enumerate(at):  # a batch fails as a whole: which of its inputs is it?
                one = [array[row : row + 1] for array in values]
                errors[i] = self.encoder.encode(rows.only(row), self.outputs, one, first + i)
        if self.normalize:
            for array in values:
                _normalize(array)
        if self.half:
            values = [_to_half(array, first, at, errors) for array in values]
        good = [row for row, i in enumerate(at) if errors[i] is None]
        return Batch(first, errors, values if len(good) == len(at) else [array[good] for array in values])


def _answering(error: Error | None) -> Callable[[], Error | None]:
    return lambda: error


def _normalize(array: Array) -> None:
    """Each vector divided by its length, by the C library, whose bits are those of the command."""
    vectors = array.reshape(-1, array.shape[-1])
    start: Any = ffi.cast("float *", ffi.from_buffer(vectors))
    for i in range(len(vectors)):
        lib.vit_to_unit_length(start + i * vectors.shape[1], vectors.shape[1])


def _to_half(array: Array, first: int, at: list[int], errors: list[Error | None]) -> Array:
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    for row, i in enumerate(at):
        if errors[i] is None and not np.isfinite(half[row]).all():
            errors[i] = error_of(
                "non_finite",
                lib.VIT_ERR_NON_FINITE,
                "",
                "a value is past the range of float16 (65504): " "use dtype='float32' or normalize=True",
                first + i,
            )
    return half
