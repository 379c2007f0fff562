# SPDX-License-Identifier: BSD-2-Clause
"""Environments from PyPI and npm, which tests make once and keep below the folder $VIT_VENVS. Python's standard library only."""
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys

VENVS = os.environ["VIT_VENVS"]


@contextlib.contextmanager
def _alone(name):
    """Several tests may want one environment at once: the first makes it, the others wait."""
    os.makedirs(VENVS, exist_ok=True)
    with open(os.path.join(VENVS, name + ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _made(name, packages, *commands):
    """The folder that these commands fill, made once for these packages; None, after saying why, if they cannot be had."""
    with _alone(name):
        return _made_alone(name, packages, *commands)


def _made_alone(name, packages, *commands):
    folder = os.path.join(VENVS, name)
    stamp = os.path.join(folder, "packages.txt")
    wanted = "\n".join(packages)
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted:
                return folder
    shutil.rmtree(folder, ignore_errors=True)
    try:
        os.makedirs(folder)
        for command in commands:
            subprocess.run([word.replace("FOLDER", folder) for word in command], check=True, capture_output=True, text=True,
                           timeout=900, cwd=folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error))
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        print("SKIPPED: no environment with %s: %s" % (" ".join(packages), said.strip().splitlines()[-1]), file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return folder


def venv(name, *packages):
    """The Python of an environment that has these packages from PyPI; None if they cannot be had."""
    folder = _made(name, packages, [sys.executable, "-m", "venv", "FOLDER"],
                   ["FOLDER/bin/python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:",
                    *packages])
    return folder and os.path.join(folder, "bin", "python3")


def npm(name, *packages):
    """A folder with these packages from npm below it, where node finds them; None if they cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("SKIPPED: no node and npm (apt-get install nodejs npm)", file=sys.stderr)
        return None
    return _made(name, packages, ["npm", "install", "--prefix", "FOLDER", "--no-audit", "--no-fund", "--ignore-scripts",
                                  "--save-exact", *packages])
