# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 before and after every single call that changes the disk, in a small job: no order of writes, syncs and renames
leaves a folder that cannot go on. The random kills of test_kill.py rarely meet these moments."""
from jobs import *

JOB = ("embed", "--shard-size", "4", "-t", "1", "-q")


class CrashPoints(JobCase):
    def run_watched(self, folder, inputs="in", **settings):
        return run(*JOB, "--resume", "-o", folder, inputs, env=watched(**settings))

    def run_until(self, when, at, folder):
        return self.run_watched(folder, VIT_KILL_WHEN=when, VIT_KILL_AT=str(at))

    def test_all(self):
        make_pictures("in", 11, {2, 9})
        self.vit(*JOB, "-o", "want", "in", status=1)
        want = snapshot("want")
        self.assertEqual(self.run_watched("counted", VIT_KILL_COUNT="count").returncode, 1)
        calls = int(read("count"))
        self.assertGreater(calls, 20)
        for when in ("before", "after"):
            for at in range(1, calls + 1):
                folder = f"{when}{at}"
                killed = self.run_until(when, at, folder)
                self.assertEqual(killed.returncode, -9, f"{when} call {at}")
                # The run that goes on is killed at the same number too, then a third one ends.
                if at % 3 == 0:
                    self.assertIn(self.run_until(when, at, folder).returncode, (-9, 1))
                self.vit(*JOB, "--resume", "-o", folder, "in", status=1, silent=True)  # what failed was said before
                self.check_same(snapshot(folder), want)

    def test_without_inputs(self):
        """A job that finds none leaves nothing that stops the next, wherever it is cut off."""
        make_pictures("in", 5)
        self.vit(*JOB, "-o", "want", "in")
        want = snapshot("want")
        self.assertEqual(self.run_watched("counted", "nowhere", VIT_KILL_COUNT="count").returncode, 1)
        self.assertFalse(os.path.exists("counted"))
        calls = int(read("count"))
        self.assertGreater(calls, 6)
        for when in ("before", "after"):
            for at in range(1, calls + 1):
                folder = f"{when}{at}"
                killed = self.run_watched(folder, "nowhere", VIT_KILL_WHEN=when,
                                          VIT_KILL_AT=str(at))
                self.assertEqual(killed.returncode, -9, f"{when} call {at}")
                self.vit(*JOB, "--resume", "-o", folder, "in")
                self.check_same(snapshot(folder), want)


if __name__ == "__main__":
    main()
