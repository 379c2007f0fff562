# SPDX-License-Identifier: BSD-2-Clause
"""What is taken for a picture, and how the C libraries are told of it. Pillow, PyArrow, pandas and torch are known by
their objects, and are never imported."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set, Sized
from typing import Any

import numpy as np

from ._errors import error_of
from ._native import ffi, lib, refused

BUFFERS = (bytes, bytearray, memoryview, mmap.mmap)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_WANTED = "HWC uint8, or encode() for pixel_values"


class Held:
    """A vit_item, and what must live as long as it does."""

    __slots__ = ("item", "size", "pixels", "_keep")

    def __init__(self, kind: int, data: Any = ffi.NULL, size: int = 0, name: Any = ffi.NULL, keep: Any = None) -> None:
        self.item = ffi.new("vit_item *", {"kind": kind, "name": name, "data": data, "size": size})
        self.size = self.pixels = (
            0,
            0,
        )  # width and height of the picture, and of what the model sees of it, once it was read
        self._keep = (name, data, keep)


# ------------------------------------------------------------------ kinds ----


def _module(thing: Any) -> str:
    return type(thing).__module__.partition(".")[0]


def _is_buffer(thing: Any) -> bool:
    return isinstance(thing, BUFFERS) or (_module(thing) == "pyarrow" and type(thing).__name__ == "Buffer")


def _is_pil(thing: Any) -> bool:
    return any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in type(thing).__mro__)


def _is_arrow_scalar(thing: Any) -> bool:
    return _module(thing) == "pyarrow" and hasattr(thing, "as_py")


def _is_arrayish(thing: Any) -> bool:
    return isinstance(thing, np.ndarray) or hasattr(thing, "__array_interface__") or hasattr(thing, "__dlpack__")


def as_array(thing: Any) -> np.ndarray[Any, Any]:
    """As NumPy sees it, without a copy where that is possible."""
    if isinstance(thing, np.ndarray):
        return thing
    if hasattr(thing, "__array_interface__"):
        return np.asarray(thing)
    try:
        return np.from_dlpack(thing.detach() if hasattr(thing, "detach") else thing)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError("an array that NumPy cannot see (%s): it must be in the memory of the CPU" % error) from None


def split(pictures: Any) -> tuple[Iterator[Any], bool, int | None]:
    """The pictures one by one; whether a single one was given; how many there are, if that is known."""
    if _is_one(pictures):
        return iter([pictures]), True, 1
    if _is_arrayish(pictures) and not _holds_objects(pictures):
        return _split_array(as_array(pictures))
    if isinstance(pictures, (Mapping, Set)) or not isinstance(pictures, Iterable):
        raise TypeError("%s is no picture and no sequence of pictures" % type(pictures).__name__)
    return iter(pictures), False, len(pictures) if isinstance(pictures, Sized) else None


def _is_one(thing: Any) -> bool:
    return (
        isinstance(thing, (str, os.PathLike))
        or _is_buffer(thing)
        or _is_pil(thing)
        or _is_arrow_scalar(thing)
        or callable(getattr(thing, "read", None))
    )


def _holds_objects(thing: Any) -> bool:
    """A column of a table: each element is a picture."""
    return _module(thing) in ("pandas", "pyarrow") or (isinstance(thing, np.ndarray) and thing.dtype.kind in "OU")


def _split_array(array: np.ndarray[Any, Any]) -> tuple[Iterator[Any], bool, int | None]:
    if array.ndim == 4 and array.dtype == np.uint8:
        return iter(array), False, len(array)
    return iter([array]), True, 1


# ------------------------------------------------------------------ one picture ----


class Reading:
    """How pictures are read: `exif`, `background` and `max_pixels` of a Model."""

    def __init__(self, exif: str, background: str | None) -> None:
        self.turn = exif == "apply"
        self.background = None if background is None else parse_colour(background)

    def hold(self, picture: Any, row: int | None) -> Held:
        """The picture as an item. TypeError: it is nothing that is taken; an Error: this one picture failed."""
        if isinstance(picture, (str, os.PathLike)):
            return _hold_path(picture, row)
        if _is_arrow_scalar(picture):
            return self.hold(_of_arrow(picture, row), row)
        if _is_buffer(picture):
            return _hold_bytes(picture)
        if _is_pil(picture):
            return _hold_array(self._of_pil(picture, row))
        if callable(getattr(picture, "read", None)):
            return _hold_bytes(_read(picture, row))
        if _is_arrayish(picture):
            return _hold_array(as_array(picture))
        raise TypeError(
            "a picture is a path, bytes, a file object, a PIL image or an array (%s); this is %s"
            % (_WANTED, type(picture).__name__)
        )

    def _of_pil(self, image: Any, row: int | None) -> np.ndarray[Any, Any]:
        from PIL import ImageOps  # its image is here, so Pillow is loaded

        try:
            if self.turn:
                image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16"):  # the high byte, as of a file; Pillow makes white of nearly all
                return (np.asarray(image) >> 8).astype(np.uint8)
            if self.background is None:
                return np.asarray(image.convert("RGB"))
            rgba = np.asarray(image.convert("RGBA")).astype(np.uint32)
        except (OSError, SyntaxError, ValueError) as error:  # Pillow decodes when it must
            raise error_of("corrupt", lib.VIT_ERR_CORRUPT, "", "Pillow: %s" % error, row) from error
        alpha = rgba[:, :, 3:]
        over = np.array(self.background, np.uint32)
        return ((rgba[:, :, :3] * alpha + over * (255 - alpha) + 127) // 255).astype(np.uint8)


def parse_colour(text: str) -> tuple[int, int, int]:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9A-Fa-f]{6}", text):
        raise refused("background", "%r is no colour: six hex digits, such as 'ffffff'" % (text,))
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _hold_path(path: str | os.PathLike[Any], row: int | None) -> Held:
    name = os.fsencode(path)
    if b"\0" in name:
        raise refused(os.fsdecode(name).replace("\0", "\\0"), "a path cannot hold a zero byte", row)
    if _URL.match(os.fsdecode(name)):
        raise refused(os.fsdecode(name), "libvit opens no URL: fetch it first, and give its bytes", row)
    return Held(lib.VIT_ITEM_PATH, name=ffi.new("char[]", name))


def _hold_bytes(data: Any) -> Held:
    if isinstance(data, memoryview) and not data.c_contiguous:
        data = data.tobytes()
    view = ffi.from_buffer(data)
    return Held(lib.VIT_ITEM_BYTES, view, len(view), keep=data)


def _read(file: Any, row: int | None) -> Any:
    try:
        data = file.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise error_of("unreadable", lib.VIT_ERR_UNREADABLE, str(getattr(file, "name", "")), str(error), row) from error
    if not isinstance(data, BUFFERS):
        raise TypeError("read() gives %s: open the file in binary mode" % type(data).__name__)
    return data


def _of_arrow(scalar: Any, row: int | None) -> Any:
    if not scalar.is_valid:
        raise refused("", "the column has no picture in this row (null)", row)
    kind = str(scalar.type)
    return scalar.as_buffer() if "binary" in kind and hasattr(scalar, "as_buffer") else scalar.as_py()


def _hold_array(array: np.ndarray[Any, Any]) -> Held:
    gray = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    if array.dtype != np.uint8 or not (gray or (array.ndim == 3 and array.shape[2] == 3)) or array.size == 0:
        raise TypeError("an array of %s with shape %s is no picture: %s" % (array.dtype, list(array.shape), _WANTED))
    if gray:
        array = np.repeat(array.reshape(array.shape[0], array.shape[1], 1), 3, axis=2)
    array = np.ascontiguousarray(array)
    pixels = ffi.from_buffer("uint8_t[]", array)
    image = ffi.new("vit_image *", {"width": array.shape[1], "height": array.shape[0], "pixels": pixels})
    return Held(lib.VIT_ITEM_IMAGE, image, keep=(array, pixels))
