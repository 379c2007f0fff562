# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the package: run.py [NAME], where NAME is of test_NAME.py; without it, the environment and the package are
made. The package is put together of the sources and of what the build tree has, below $VIT_BUILD/python-package. Python's
standard library only."""

import os
import shutil
import subprocess
import sys

import venvs

SOURCE, BUILD = os.environ["VIT_SOURCE"], os.environ["VIT_BUILD"]
PACKAGE = os.path.join(BUILD, "python-package")
HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
NEEDS = ["numpy", "cffi", "pillow", "mypy"]


def make_package(python):
    folder = os.path.join(PACKAGE, "libvit")
    shutil.rmtree(PACKAGE, ignore_errors=True)
    shutil.copytree(
        os.path.join(SOURCE, "python", "src", "libvit"), folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    subprocess.run(
        [os.environ["CMAKE"], "--install", BUILD, "--component", "python", "--prefix", PACKAGE],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(
        [
            python,
            "-B",
            os.path.join(SOURCE, "cmake", "python_cdef.py"),
            os.path.join(folder, "_cdef.py"),
            os.environ["CC"],
            *os.environ["CDEF_FOLDERS"].split(":"),
        ],
        check=True,
    )


def main(names):
    python = venvs.venv("python" + sys.abiflags, *NEEDS)  # free-threaded: "pythont"
    if python is None:
        return SKIPPED
    if not names:
        make_package(python)
        return 0
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "OMP_"))}
    environment.update(
        PYTHONPATH=os.pathsep.join([PACKAGE, HERE, os.environ["PYTHONPATH"]]), PYTHONDONTWRITEBYTECODE="1"
    )
    # Pillow warns of damaged EXIF data, which is what is tested.
    command = [
        python,
        "-W",
        "error",
        "-W",
        "ignore::UserWarning",
        "-m",
        "unittest",
        *("test_" + name for name in names),
    ]
    return subprocess.run(command, env=environment, cwd=HERE).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
