# SPDX-License-Identifier: BSD-2-Clause
"""Calls to the system that fail, one at a time: the right answer, or an error with its exit status and nothing half done.

Some numbers of calls in each run, all with VIT_TEST_FULL=1.
"""
from jobs import *
from striking import *


class Faults(JobCase):
    def check(self, job):
        """Strikes the calls of a job one by one, two at a time."""
        count, folder = self.path("count"), self.folder_for("whole")
        done = self.run_in(folder, job, env=watched(VIT_FAULT_COUNT=count))
        self.assertEqual(done.returncode, 0, done.stderr)
        want = self.found(folder, job)

        def strike(fault):
            name = "%s:%d%s:%s" % (fault[0], fault[2], fault[3], fault[1])
            folder = self.folder_for(name)
            return name, fault, folder, self.run_in(folder, job, env=watched(VIT_FAULT=name))

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, (kind, error, _, _), folder, got in pool.map(strike, faults(calls_of(count), job.name)):
                with self.subTest(fault=name, status=got.returncode, said=got.stderr[-500:]):
                    self.judge(job, folder, kind, error, got, done, want)
                shutil.rmtree(folder)
        self.assertEqual({name: read(self.given.path(name)) for name in self.before}, self.before)

    def judge(self, job, folder, kind, error, got, done, want):
        for line in got.stderr.splitlines():
            self.assertTrue(line.startswith(SPEAKERS))
        if error in HARMLESS:
            self.assertEqual(got.returncode, 0)
        if got.returncode == 0:
            self.assertEqual(got.stdout, done.stdout)
            self.assertEqual(self.found(folder, job), want)
            return
        self.assertIn(got.returncode, (INPUTS_FAILED, USAGE, MODEL_FAILS, OUTPUT_FAILS) + (LOADER_GAVE_UP,) * (kind == "memory"))
        self.assertTrue(got.stderr)
        if kind in ("write", "rename", "sync"):
            self.assertEqual(got.returncode, OUTPUT_FAILS)
        if job.resumes:
            if got.returncode == INPUTS_FAILED:  # which is what the job says of them from then on
                return
            again = self.run_in(folder, job)
            self.assertEqual((again.returncode, again.stdout), (0, done.stdout), again.stderr)
            self.assertEqual(self.found(folder, job), want)
            return
        found = self.found(folder, job)
        if got.returncode == INPUTS_FAILED:  # the results of the others, and no others
            self.assertTrue(job.part_of(got.stdout, done.stdout) or not got.stdout)
            found = {name: content for name, content in found.items() if not name.endswith((".errors.jsonl", ".meta.json"))}
        for name, content in found.items():  # nothing half done, nothing left over
            self.assertIn(name, want)
            if got.returncode == INPUTS_FAILED:
                self.assertTrue(job.part_of(content, want[name]), name)
            else:
                self.assertEqual(content, want[name])


for row in JOBS:
    test = unittest.skipUnless(row.there, "not in this build")(lambda self, job=row: self.check(job))
    setattr(Faults, "test_" + row.name, test)


if __name__ == "__main__":
    main()
