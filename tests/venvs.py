# SPDX-License-Identifier: BSD-2-Clause
"""Environments with packages from PyPI, which tests make once and keep in the folder VIT_VENVS."""
import os
import shutil
import subprocess
import sys

VENVS = os.environ["VIT_VENVS"]


def venv(name, *packages):
    """The Python of an environment that has these packages, made once; None, after saying why, if they cannot be had."""
    folder = os.path.join(VENVS, name)
    python = os.path.join(folder, "bin", "python3")
    stamp = os.path.join(folder, "packages.txt")
    wanted = "\n".join(packages)
    if os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, timeout=300)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:",
                        *packages], check=True, capture_output=True, text=True, timeout=900)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error))
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        print("SKIPPED: no environment with %s: %s" % (" ".join(packages), said.strip().splitlines()[-1]), file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return python
