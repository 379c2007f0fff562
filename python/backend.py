# SPDX-License-Identifier: BSD-2-Clause
"""Builds the package: scikit-build-core, and what it does not know of this repository.

The sources of the libraries stand beside the folder of the package, in the parent folder. An sdist may hold only what
is below its own folder, so they are copied into `csrc` while an sdist is made. The version is that of the libraries.
"""

import pathlib
import re
import shutil

from scikit_build_core import build as _backend
from scikit_build_core.build import (
    build_editable,
    build_wheel,
    get_requires_for_build_editable,  # noqa: F401
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

HERE = pathlib.Path(__file__).resolve().parent
COPIES = HERE / "csrc"
# What the build of the libraries, of the command and of the model in the box reads, beside the folders of code.
SOURCES = [
    "CMakeLists.txt",
    "LICENSE",
    "LICENSE.WordNet",
    "cmake",
    "examples/images",
    "models/vit-tiny-cifar10",
    "packaging",
]
LEFT_OUT = {"examples", "tests"}


def _folders():
    """The folders of code that CMakeLists.txt names."""
    text = (HERE.parent / "CMakeLists.txt").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^ *add_subdirectory\((\w+)\)", text, re.MULTILINE)) - LEFT_OUT)


def _tree():
    """The folder with the sources of the libraries."""
    return COPIES if COPIES.is_dir() else HERE.parent


def dynamic_metadata(field, settings=None, _project=None):
    """The version, for scikit-build-core."""
    text = (_tree() / "vit/include/vit/version.h").read_text(encoding="utf-8")
    return ".".join(re.findall(r"^#define VIT_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", text, re.MULTILINE))


def _copy_sources():
    for name in [*SOURCES, *_folders()]:
        source, target = HERE.parent / name, COPIES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def build_sdist(sdist_directory, config_settings=None):
    """An sdist from the repository; from an unpacked sdist, the same one again."""
    if COPIES.is_dir():
        return _backend.build_sdist(sdist_directory, config_settings)
    try:
        _copy_sources()
        return _backend.build_sdist(sdist_directory, config_settings)
    finally:
        shutil.rmtree(COPIES, ignore_errors=True)
