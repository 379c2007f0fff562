# SPDX-License-Identifier: BSD-2-Clause
"""Little memory, few descriptors, small stacks, clocks that jump, any name, two processes at once: the right answer or an error.

VIT_FAULT_LIBRARY is fault_at, for its clock. Everything is tried more often with VIT_TEST_FULL=1.
"""
import os
import resource
import shutil
import sqlite3
import subprocess
import unittest

from harness import *

LIBRARY = os.environ["VIT_FAULT_LIBRARY"]
FULL = os.environ.get("VIT_TEST_FULL")
SANITIZED = is_sanitized()
NAMES = (b"new\nline.png", b"\xff\xfe.png", b"caf\xe9.png", b"\x1b[31m.png", b" .png", b"-o.png", b"\xe2\x80\xae.png")


class Scarcity(Case):
    def setUp(self):
        super().setUp()
        for i in range(4):
            self.picture("in/%d.png" % i, colour=(60 * i, 9, 200 - 40 * i))
        write(self.path("labels.csv"), b"path,label\n" + b"".join(b"in/%d.png,%d\n" % (i, i % 2) for i in range(4)))

    def jobs(self):
        """(arguments, the files they write)"""
        yield ("classify", "-m", MODEL, "--format", "csv", "in"), ()
        yield ("embed", "-m", MODEL, "-o", "x.npy", "in"), ("x.npy", "x.jsonl", "x.meta.json")
        yield ("quantize", "-m", MODEL, "--precision", "int8", "-o", "x.safetensors"), ("x.safetensors",)
        yield ("fit", "-m", MODEL, "--labels", "labels.csv", "--val", "0.4", "-o", "fit.safetensors"), ("fit.safetensors",)
        if KEEPS_INDEXES:
            yield ("index", "-m", MODEL, "--db", "x.db", "in"), ()
            yield ("search", "--db", "x.db", "--json", "in/1.png"), ()

    def outcome(self, job, files, **more):
        done = subprocess.run([VIT, *job], cwd=self.folder, capture_output=True, timeout=TIMEOUT,
                              env=environment(**more.pop("env", {})), **more)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(b"vit: "), (job, line))
        return done.returncode, done.stdout, [read(self.path(name)) if os.path.exists(self.path(name)) else None for name in files]

    def under(self, limits, must_work=False):
        """Every job with limits: as without, or an error that leaves nothing."""
        for job, files in self.jobs():
            want = self.outcome(job, files)
            self.assertEqual(want[0], 0, job)
            for name in files:
                os.remove(self.path(name))
            for what, amount in limits:
                got = self.outcome(job, files, preexec_fn=lambda: resource.setrlimit(what, (amount, amount)))
                with self.subTest(job=job, limit=(what, amount), status=got[0]):
                    self.assertIn(got[0], (0,) if must_work else (0, 1, 2, 3, 4))
                    if got[0] == 0:
                        self.assertEqual(got, want)
                    else:
                        self.assertEqual(set(os.listdir(self.folder)) - {"in", "labels.csv"} - {
                            name for name in os.listdir(self.folder) if name.startswith("x.db")}, set())
                for name in files:
                    if os.path.exists(self.path(name)):
                        os.remove(self.path(name))

    @unittest.skipIf(SANITIZED, "a sanitizer has its own idea of memory")
    def test_little_memory(self):
        """ulimit -v, from nearly nothing to plenty."""
        self.under([(resource.RLIMIT_AS, size << 20) for size in ((24, 40, 64, 96, 160, 400) if FULL else (40, 160))])

    def test_few_descriptors(self):
        """ulimit -n 32 is enough; 8 is not for all, and then it says so."""
        self.under([(resource.RLIMIT_NOFILE, 32)], must_work=True)
        self.under([(resource.RLIMIT_NOFILE, 8)])

    @unittest.skipIf(SANITIZED, "a sanitizer fills stacks")
    def test_small_stack(self):
        """ulimit -s 256."""
        self.under([(resource.RLIMIT_STACK, 256 << 10)], must_work=True)

    @unittest.skipIf(SANITIZED, "the library would come before the sanitizer's")
    def test_clock_that_jumps(self):
        """An hour forth and back with each look at the clock."""
        for job, files in self.jobs():
            want = self.outcome(job, files)
            got = self.outcome(job, files, env={"LD_PRELOAD": LIBRARY, "VIT_CLOCK": "-3600"})
            if job[0] == "fit":  # says when it was made
                self.assertEqual(got[0], 0)
            else:
                self.assertEqual(got, want, job)

    def test_any_name(self):
        """Each name that a file system takes: the same results as under a plain one."""
        plain = self.outcome(("embed", "-m", MODEL, "-o", "x.npy", "in/1.png"), ("x.npy",))[2]
        for name in NAMES if FULL else NAMES[:2]:
            os.makedirs(self.path("odd"), exist_ok=True)
            path = os.path.join(os.fsencode(self.path("odd")), name)
            shutil.copy(self.path("in/1.png"), path)
            for given in (b"odd", b"odd/" + name):
                self.assertEqual(self.outcome(("embed", "-m", MODEL, "-o", "x.npy", given), ("x.npy",))[2], plain)
            done = self.vit("classify", "-m", MODEL, "--format", "json", "odd")
            self.assertEqual(len(json_lines(done.stdout)), 1)
            if KEEPS_INDEXES:
                self.vit("index", "-m", MODEL, "--db", "odd.db", "odd")
                hits = json_lines(self.vit("search", "--db", "odd.db", "--json", b"odd/" + name).stdout)
                self.assertEqual(len(hits[0]["results"]), 1)
                os.remove(self.path("odd.db"))
            # As an output's folder and name too.
            os.makedirs(os.path.join(os.fsencode(self.path("out")), name), exist_ok=True)
            self.assertEqual(self.vit("embed", "-m", MODEL, "-o", b"out/" + name + b"/" + name + b".npy", "in/1.png").returncode, 0)
            shutil.rmtree(self.path("odd"))

    def test_two_at_once(self):
        """Two processes that write the same: one whole result, and nothing beside it."""
        for job, files in self.jobs():
            if not files:
                continue
            want = self.outcome(job, files)
            for _ in range(20 if FULL else 2):
                several = [subprocess.Popen([VIT, *job], cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE) for _ in range(2)]
                statuses = []
                for process in several:
                    process.communicate(timeout=TIMEOUT)
                    statuses.append(process.returncode)
                self.assertIn(0, statuses)
                self.assertTrue(set(statuses) <= {0, USAGE, OUTPUT_FAILS}, statuses)
                if job[0] != "fit":
                    self.assertEqual([read(self.path(name)) for name in files], want[2], job)
                self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [])

    def test_model_replaced_at_any_moment(self):
        """By renaming another one over it: the results are wholly of the one or of the other."""
        models = []
        for precision in ("f32", "int8"):
            self.vit("quantize", "-m", MODEL, "--precision", precision, "-o", precision + ".safetensors")
            models.append(read(self.path(precision + ".safetensors")))
        job = ("embed", "-m", "m.safetensors", "--batch", "1", "-o", "x.npy", "in", "in", "in")
        wants = []
        for model in models:
            write(self.path("m.safetensors"), model)
            wants.append(self.outcome(job, ("x.npy",))[2])
        self.assertNotEqual(*wants)
        for i in range(40 if FULL else 4):
            process = subprocess.Popen([VIT, *job], cwd=self.folder, env=environment(), stderr=subprocess.PIPE)
            while process.poll() is None:
                write(self.path("new"), models[i % 2])
                os.rename(self.path("new"), self.path("m.safetensors"))
                i += 1
            self.assertEqual(process.returncode, 0, process.stderr.read())
            process.stderr.close()
            self.assertIn([read(self.path("x.npy"))], wants)


if __name__ == "__main__":
    main()
