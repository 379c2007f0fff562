# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of calls that fail share: which calls are struck, with which errors, and the environment in which that happens.

VIT_FAULT_LIBRARY is fault_at, which is preloaded. VIT_FAULT_KINDS names kinds of calls, for a run of these alone,
and VIT_FAULT_NUMBERS how many of each kind are struck. VIT_FAULT_EVERY=K with VIT_TEST_FULL=1 strikes every K-th call, from a random one
on, where all would take too long.
"""
import os
import random

from environment import environment
from harness import is_sanitized, read

FULL = os.environ.get("VIT_TEST_FULL")
NUMBERS = int(os.environ.get("VIT_FAULT_NUMBERS", 2 if is_sanitized() else 6))  # of each kind of call, where not all are struck
EVERY = int(os.environ.get("VIT_FAULT_EVERY", 1))
LIBRARY = os.environ["VIT_FAULT_LIBRARY"]
FAULTS = {  # what may happen to each kind of call
    "read": ("short", "EINTR", "EIO"),
    "write": ("short", "EINTR", "ENOSPC", "EDQUOT", "EIO"),
    "sync": ("EIO", "ENOSPC"),
    "rename": ("EIO", "ENOSPC"),
    "open": ("EIO", "EMFILE"),
    "map": ("ENOMEM",),
    "make": ("ENOSPC", "EACCES"),
    "size": ("EIO", "ENOSPC"),
    "memory": ("ENOMEM",),  # of every library but those in SPARED
}
KINDS = os.environ.get("VIT_FAULT_KINDS", " ".join(FAULTS)).split()  # for a run of some alone
LOADER_GAVE_UP = 127  # glibc's own end, where a library that it has loaded finds no memory for its threads
HARMLESS = ("short", "EINTR")  # the call is simply made again: nothing may come of it
# Libraries that end the process themselves, crash or hang where memory is refused to them: their own faults, so they are spared.
SPARED = {
    "libarchive": "it ends the process; archive_read_new() crashes",
    "libavif": "avifAlloc() aborts the process",
    "libdav1d": "libavif takes its failure for a damaged picture",
    "libde265": "it throws through C",
    "libgfortran": "its start, with OpenBLAS, calls itself for ever",
    "libhwy": "libjxl takes vectors' memory from it, and does not look whether there is any",
    "libjxl": "it crashes",
    "libstdc++": "what throws there, in libde265",
    "libtiff": "TIFFReadDirectory() crashes",
}


def watched(**more):
    """The command's environment with the library in it. With sanitizers it comes before theirs."""
    return environment(LD_PRELOAD=LIBRARY, VIT_FAULT_SPARED=",".join(SPARED),
                       ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0:exitcode=99", **more)


def numbers(calls):
    """Which of so many calls are struck: all, or some at even distances, the last among them."""
    if FULL:
        return range(calls - random.randrange(EVERY), 0, -EVERY)
    return range(calls, 0, -(1 + calls // NUMBERS))


def faults(calls, seed):
    """Which there are to try: each kind of call, each error, each number, once or from then on."""
    for kind in KINDS:
        errors = FAULTS[kind]
        for error in errors if FULL else random.Random(seed + kind).sample(errors, 1):
            ways = [""] if error in HARMLESS else ["", "+"]
            for i, n in enumerate(numbers(calls[kind])):
                for way in ways if FULL else ways[i % len(ways):][:1]:
                    yield kind, error, n, way


def calls_of(count):
    """{kind: how many} of a run that counted them."""
    return {kind: int(n) for kind, n in (line.split() for line in read(count).decode().splitlines())}
