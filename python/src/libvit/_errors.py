# SPDX-License-Identifier: BSD-2-Clause
"""What can go wrong. Each class is also the built-in exception that Python programs expect there."""

from __future__ import annotations

import errno
from typing import Any


class Error(Exception):
    """What a library of libvit reports: `code` ("corrupt"), `status` (its number), `where` (the file or option that it
    is about, may be empty), `message`, and `row`, the position among the pictures or texts that were given (None: it is
    about none)."""

    code: str
    status: int
    where: str
    message: str
    row: int | None

    def __init__(self, code: str, status: int, where: str, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.code, self.status, self.where, self.message, self.row = code, status, where, message, row
        if isinstance(self, OSError):
            for name, value in (("filename", where or None), ("errno", _ERRNO.get(code)), ("strerror", message)):
                setattr(self, name, value)

    def __str__(self) -> str:
        place = "" if self.row is None else "input %d: " % self.row
        return "%s%s%s" % (place, self.where + ": " if self.where else "", self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.status, self.where, self.message, self.row)


class NotFound(Error, FileNotFoundError):
    """There is no such file, folder or hub id."""


class Unreadable(Error, OSError):
    """It exists, and cannot be read."""


class ImageError(Error, ValueError):
    """It is no picture that this build reads, or a damaged one, or one past a limit."""


class ModelError(Error, ValueError):
    """The checkpoint is damaged, or asks for what this build lacks; or the model has no such output."""


class InvalidArgument(Error, ValueError):
    """The call itself is wrong."""


class OutOfMemory(Error, MemoryError):
    """There is not enough memory."""


class NonFinite(Error, ArithmeticError):
    """A result holds NaN or infinity."""


class InternalError(Error, RuntimeError):
    """A bug in libvit."""


_ERRNO = {"not_found": errno.ENOENT, "unreadable": errno.EIO}

_CLASSES: dict[str, type[Error]] = {
    "invalid_argument": InvalidArgument,
    "not_found": NotFound,
    "unreadable": Unreadable,
    "unsupported_format": ImageError,
    "corrupt": ImageError,
    "truncated": ImageError,
    "too_large": ImageError,
    "out_of_memory": OutOfMemory,
    "non_finite": NonFinite,
    "internal": InternalError,
    "unsupported_model": ModelError,
    "model_mismatch": ModelError,
    "unsupported_output": ModelError,
}


def error_of(
    code: str, status: int, where: str, message: str, row: int | None = None, about_model: bool = False
) -> Error:
    """The exception of a code. A file of a checkpoint that is damaged is no damaged picture."""
    chosen = _CLASSES.get(code, Error)
    if about_model and chosen is ImageError:
        chosen = ModelError
    return chosen(code, status, where, message, row)
