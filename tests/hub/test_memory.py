# SPDX-License-Identifier: BSD-2-Clause
"""A pull whose requests of memory are refused, one after the other: it ends with an error, and the next pull is whole. Of
some 5,000 requests a few are tried; with VIT_TEST_FULL more."""
import random

from pulling import *

PROGRAM = os.environ["VIT_PULL_WITHOUT_MEMORY"]
TRIES = 150 if os.environ.get("VIT_TEST_FULL") else 20


class Memory(PullCase):
    def attempt(self, first, refused):
        done = subprocess.run([PROGRAM, ID, self.cache, str(first), str(refused)], env=self.environment(HF_TOKEN=TOKEN),
                              capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, (first, refused, done.stderr))
        self.assertNotIn(TOKEN, done.stderr)
        status, requests = done.stdout.split()
        return status, int(requests)

    def test_refused(self):
        status, requests = self.attempt(0, 0)
        self.assertEqual(status, "ok")
        self.assert_whole()
        chosen = sorted(random.Random(5).sample(range(requests), min(TRIES, requests)))
        ends = set()
        for first in chosen:
            for refused in (1, 10**9):
                shutil.rmtree(self.cache, ignore_errors=True)
                status, _ = self.attempt(first, refused)
                # curl may say no more than that the connection came to nothing
                self.assertIn(status, ("ok", "out_of_memory", "unavailable"), (first, refused))
                ends.add(status)
                if status == "ok":
                    self.assert_whole()
                elif first % 5 == 0:
                    self.assertEqual(self.attempt(0, 0)[0], "ok")
                    self.assert_whole()
        self.assertIn("out_of_memory", ends)
        self.assert_token_stays()


if __name__ == "__main__":
    main_at_once()
