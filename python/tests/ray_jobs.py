# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of Ray share: a job that is slow enough to be disturbed, and that leaves a note of each batch."""

import os
import tempfile
import threading
import time

import ray

import libvit.ray
from engines import EngineCase

STORE = 100 << 20  # bytes of the object store of a node
CPUS = 4
DEADLINE = 240  # seconds; only what hangs takes that long


def start(**options):
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR", **options)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False


def rows_of(table):
    return zip(*(table[name].to_pylist() for name in ("path", "embedding", "error")))


class Slow(libvit.ray.Embedder):
    """Takes its time, and leaves its process and node in a file for each batch."""

    def __init__(self, *, notes, **options):
        super().__init__(**options)
        self.notes = notes

    def __call__(self, table):
        with open(os.path.join(self.notes, "%d-%d-%s" % (os.getpid(), time.monotonic_ns(), node())), "w"):
            pass
        time.sleep(0.3)
        return super().__call__(table)


def node():
    return ray.get_runtime_context().get_node_id()


class Job(EngineCase):
    """`notes`: a folder in which every batch leaves a file."""

    def setUp(self):
        self.notes = tempfile.mkdtemp(dir=self.room)

    def dataset(self):
        return ray.data.read_binary_files(self.folder, include_paths=True)

    def slow(self, actors):
        """As the docs write embed() out, in batches of two pictures."""
        return self.dataset().map_batches(
            Slow,
            fn_constructor_kwargs={"model": self.model, "notes": self.notes},
            batch_format="pyarrow",
            batch_size=2,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
        )

    def batches(self):
        """(process, node) of every batch so far."""
        return [
            tuple(name.split("-")[::2]) for name in sorted(os.listdir(self.notes), key=lambda name: name.split("-")[1])
        ]

    def when(self, ready, action):
        """Runs the action, once, as soon as ready() is true. The thread."""

        def wait():
            end = time.monotonic() + DEADLINE
            while not ready() and time.monotonic() < end:
                time.sleep(0.05)
            action()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread
