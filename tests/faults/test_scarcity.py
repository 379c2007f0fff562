# SPDX-License-Identifier: BSD-2-Clause
"""Every command with little memory, few descriptors, a small stack, one processor, a clock that jumps, an output that takes nothing,
odd names, two processes at once, models that are replaced or cut: the right answer or an error.

VIT_FAULT_LIBRARY is fault_at, for its clock. Everything is tried more often with VIT_TEST_FULL=1.
"""
import resource
import signal

from jobs import *

LIBRARY = os.environ["VIT_FAULT_LIBRARY"]
FULL = os.environ.get("VIT_TEST_FULL")
SANITIZED = is_sanitized()
THERE = [job for job in JOBS if job.there]
FILES = [job for job in THERE if any(word.startswith(("x.", "parts")) for word in job.words)]
PRINTING = [job for job in THERE if job.name in (
    "classify", "embed_printed", "classify_words", "classify_knn", "tokenize", "search", "dedup", "fit", "info", "bench", "verify")]
OF_MODEL = [job for job in THERE if "model" in job.words and job.name not in ("bench", "bench_pictures", "quantize")]
NAMES = (b"new\nline", b"\xff\xfe", b"caf\xe9", b"\x1b[31m", b" ", b"-o", b"\xe2\x80\xae")
OWN_STATUS = 0, INPUTS_FAILED, USAGE, MODEL_FAILS, OUTPUT_FAILS


class Scarcity(JobCase):
    def setUp(self):
        super().setUp()
        self.folders = 0

    def fresh(self):
        self.folders += 1
        return self.folder_for("run-%d" % self.folders)

    def each(self, jobs=None):
        """(job, its outcome where nothing is scarce)"""
        for job in jobs or THERE:
            whole = self.outcome(self.fresh(), job)
            self.assertEqual(whole[0], 0, job.name)
            yield job, whole

    def check(self, job, want, got):
        """As where nothing is scarce; or an error, and only what is whole."""
        self.assertIn(got[0], OWN_STATUS)
        if got[0] == 0:
            self.assertEqual(got, want)
        elif not job.resumes and got[0] != INPUTS_FAILED:
            self.assertEqual(got[2], {})

    def under(self, limits, must_work=False, jobs=None):
        """Every job with limits."""
        for job, want in self.each(jobs):
            for what, amount in limits:
                got = self.outcome(self.fresh(), job, preexec_fn=lambda: resource.setrlimit(what, (amount, amount)))
                with self.subTest(job=job.name, limit=(what, amount), status=got[0]):
                    self.assertTrue(got[0] == 0 or not must_work)
                    self.check(job, want, got)

    @unittest.skipIf(SANITIZED, "a sanitizer has its own idea of memory")
    def test_little_memory(self):
        """ulimit -v, from nearly nothing to plenty. Without JPEG XL: libjxl ends the process where it gets no memory."""
        sizes = [*range(16, 60), *range(60, 200, 4), 250, 300, 400] if FULL else [40, 160]
        self.under([(resource.RLIMIT_AS, size << 20) for size in sizes], jobs=[job for job in THERE if job.name != "classify_formats"])

    def test_few_descriptors(self):
        """ulimit -n 32 is enough; 8 is not for all, and then it says so."""
        self.under([(resource.RLIMIT_NOFILE, 32)], must_work=True)
        self.under([(resource.RLIMIT_NOFILE, 8)])

    @unittest.skipIf(SANITIZED, "a sanitizer fills stacks")
    def test_small_stack(self):
        """ulimit -s 256."""
        self.under([(resource.RLIMIT_STACK, 256 << 10)], must_work=True)

    def test_one_processor(self):
        """Of which all may be used: the same results."""
        one = {min(os.sched_getaffinity(0))}
        for job, want in self.each():
            self.assertEqual(self.outcome(self.fresh(), job, preexec_fn=lambda: os.sched_setaffinity(0, one)), want, job.name)

    @unittest.skipIf(SANITIZED, "the library would come before the sanitizer's")
    def test_clock_that_jumps(self):
        """An hour forth and back with each look at the clock."""
        for job, want in self.each():
            env = environment(LD_PRELOAD=LIBRARY, VIT_CLOCK="-3600")
            self.assertEqual(self.outcome(self.fresh(), job, env=env), want, job.name)

    def test_output_that_takes_nothing(self):
        """A full disk, no standard output at all, and a pipe that nobody reads."""
        read_end, unread = os.pipe()
        os.close(read_end)
        self.addCleanup(os.close, unread)
        with open("/dev/full", "wb") as full:
            for job in PRINTING:
                for name, more in (("full", {"stdout": full}), ("closed", {"stdout": None, "preexec_fn": lambda: os.close(1)}),
                                   ("unread", {"stdout": unread})):
                    with self.subTest(job=job.name, output=name):
                        folder = self.fresh()
                        done = self.run_in(folder, job, **more)
                        self.assertIn(done.returncode, (OUTPUT_FAILS,) + (-signal.SIGPIPE,) * (name == "unread"))
                        self.assertTrue(done.stderr.startswith(b"vit: ") or name == "unread")
                        self.assertLessEqual(set(self.found(folder, job)), {"x.safetensors"})  # which fit writes before its report

    def test_any_name(self):
        """What is given and what is written has any name that a file system takes: the same results as under plain ones."""
        for job, want in self.each():
            for odd in NAMES if FULL else NAMES[:2]:
                folder = self.fresh()
                renamed = job.with_words(lambda word: self.odd(word, odd, folder))
                with self.subTest(job=job.name, name=odd):
                    got = self.outcome(folder, renamed)
                    self.assertEqual((got[0], len(got[2])), (0, len(want[2])))
                    if b"\n" not in odd:  # which CSV has as it is
                        self.assertEqual(len(got[1].splitlines()), len(want[1].splitlines()))

    def odd(self, word, odd, folder):
        """A word of a job with an odd name in the place of what it names. What is given gets that name, too."""
        first, *rest = word.split("/")
        other = b"./" + odd + b"-" + os.fsencode(first)
        if first in os.listdir(folder):
            os.symlink(os.path.join(folder, first), os.path.join(os.fsencode(folder), other))
        elif not first.startswith(("x.", "parts")):
            return word
        return b"/".join([other, *map(os.fsencode, rest)])

    def test_two_at_once(self):
        """Two processes that write the same: one whole result, and nothing beside it."""
        for job, want in self.each([*FILES, *(job for job in THERE if job.resumes)]):
            for _ in range(20 if FULL else 2):
                folder = self.fresh()
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    statuses = [done.returncode for done in pool.map(lambda _, job=job: self.run_in(folder, job), range(2))]
                with self.subTest(job=job.name, statuses=statuses):
                    self.assertIn(0, statuses)
                    self.assertLessEqual(set(statuses), {0, USAGE, OUTPUT_FAILS})
                    self.assertEqual(self.found(folder, job), want[2])

    def packed(self):
        """The bytes of two models that differ, each in one file."""
        for precision in ("f32", "int8"):
            self.vit("quantize", "-m", MODEL, "--precision", precision, "-o", precision + ".safetensors")
        return [read(self.path(precision + ".safetensors")) for precision in ("f32", "int8")]

    def change_model(self, job, model, change):
        """The outcome of a job whose model is a file, which is changed again and again while it runs."""
        folder = self.fresh()
        os.remove(os.path.join(folder, "model"))
        place = write(os.path.join(folder, "model"), model)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.outcome, folder, job)
            while change and not running.done():
                change(place)
                time.sleep(0.001)
            status, output, files = running.result()
        files.pop("model", None)
        return status, output, files

    def test_model_replaced_at_any_moment(self):
        """By renaming another one over it: the results are wholly of the one or of the other."""
        models = self.packed()
        for job in OF_MODEL:
            wants = [self.change_model(job, model, None) for model in models]
            for i in range(10 if FULL else 1):
                state = {"turn": i}

                def replace(place):
                    state["turn"] += 1
                    os.rename(write(self.path("next"), models[state["turn"] % 2]), place)
                status, output, files = self.change_model(job, models[i % 2], replace)
                with self.subTest(job=job.name):
                    self.assertIn((status, output, files), wants)

    def test_model_cut_at_any_moment(self):
        """It has done its work, or it says what is wrong; it is never killed."""
        model = self.packed()[0]
        for job in OF_MODEL:
            want = self.change_model(job, model, None)
            for delay in range(0, 40, 4 if FULL else 16):
                end = time.monotonic() + delay / 1000
                got = self.change_model(job, model, lambda place: time.monotonic() < end or os.truncate(place, 4096))
                with self.subTest(job=job.name, delay=delay, status=got[0]):
                    self.check(job, want, got)


if __name__ == "__main__":
    main()
