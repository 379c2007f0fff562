# SPDX-License-Identifier: BSD-2-Clause
"""The environment in which tests run the command."""
import os

STEERS = ("VIT_", "HF_", "LISTEN_", "NOTIFY_")  # variables that the command obeys begin with one of these
KEPT = ("VIT_CPU",)  # the instructions that the whole run of tests is for: tests/run.sh repeats tests with VIT_CPU=c


def environment(**changes):
    """This process' environment without what steers the command, and with changes."""
    clean = {name: value for name, value in os.environ.items() if name in KEPT or not name.startswith(STEERS)}
    clean.update(changes)
    return clean
