# SPDX-License-Identifier: BSD-2-Clause
"""The C libraries, as cffi loads them, and the few things that every call needs."""

from __future__ import annotations

import os
from typing import Any

from ._cdef import ABI
from ._cdef import ffi as ffi
from ._errors import Error, error_of

FOLDER = os.path.dirname(os.path.abspath(__file__))
_OWN = os.path.join(FOLDER, "_lib")
# A distribution's package has no libraries, command and model of its own: they are those of the system.
IS_WHOLE = os.path.isdir(_OWN)
# The model in the box, and the command.
BOX = os.path.join(FOLDER if IS_WHOLE else "/usr", "share", "libvit", "models", "vit-tiny-cifar10")
COMMAND = os.path.join(FOLDER, "bin", "vit") if IS_WHOLE else "/usr/bin/libvit"


def _load(name: str) -> Any:
    """Never unloaded: at exit Python drops its libraries while threads of sessions still wait in them."""
    path = "lib%s.so.%s" % (name, ABI)
    if IS_WHOLE:
        files = [file for file in os.listdir(_OWN) if file.startswith("lib%s.so." % name)]
        path = os.path.join(_OWN, min(files, key=len))
    return ffi.dlopen(path, os.RTLD_NOW | os.RTLD_NODELETE)


# In the library that stands above the others, the functions of those below are found, too.
lib: Any = _load("vitindex")
hub: Any = _load("vithub")
fit: Any = _load("vitfit")

OK = 0


def string(pointer: Any) -> str | None:
    """A C string; bytes that are not UTF-8 become what os.fsdecode makes of them."""
    return None if pointer == ffi.NULL else os.fsdecode(ffi.string(pointer))


def owned_string(pointer: Any) -> str:
    """A C string that is the caller's to free."""
    if pointer == ffi.NULL:
        raise MemoryError("out of memory")
    try:
        return os.fsdecode(ffi.string(pointer))
    finally:
        lib.vit_free(pointer)


def freed_by(function: Any, pointer: Any, *stands_on: Any) -> Any:
    """The pointer, freed when nobody has it any more, and before whatever it stands on."""

    def free(thing: Any, _stands_on: Any = stands_on) -> None:
        function(thing)

    return ffi.gc(pointer, free)


def new_error() -> Any:
    return ffi.new("vit_error *")


def failure(err: Any, row: int | None = None, about_model: bool = False) -> Error:
    """The exception for what a vit_error says."""
    code = string(lib.vit_status_name(err.status)) or "internal"
    where, message = os.fsdecode(ffi.string(err.where)), os.fsdecode(ffi.string(err.message))
    return error_of(code, int(err.status), where, message, row, about_model)


def check(status: int, err: Any, about_model: bool = False) -> None:
    if status != OK:
        raise failure(err, about_model=about_model)


def refused(where: str, message: str, row: int | None = None) -> Error:
    """The exception for an argument that no call of the libraries has seen yet."""
    return error_of("invalid_argument", lib.VIT_ERR_INVALID_ARGUMENT, where, message, row)


def text_bytes(text: Any, row: int | None) -> bytes:
    """A text as the libraries take it."""
    if not isinstance(text, str):
        raise TypeError("a text is a str; this is %s" % type(text).__name__)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise refused("", str(error), row) from None


def names_of(function: str, count: int) -> dict[str, int]:
    """The values of an enum by their names."""
    values = (string(getattr(lib, function)(value)) for value in range(count))
    return {name: value for value, name in enumerate(values) if name is not None}


def choice(option: str, name: str, choices: dict[str, int]) -> int:
    if name not in choices:
        raise refused(option, "%r is not one of %s" % (name, ", ".join(choices)))
    return choices[name]


def usable_threads() -> int:
    """As many as the affinity mask and the cgroup quota give, or $OMP_NUM_THREADS if it is less: whoever starts several
    workers on a machine (Ray, Spark, Dask, joblib, Slurm) sets that variable for each of them."""
    count = int(lib.vit_usable_threads())
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(count, int(wanted)) if wanted.isdecimal() and int(wanted) > 0 else count
