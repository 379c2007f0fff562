# SPDX-License-Identifier: BSD-2-Clause
"""Jobs of several threads give what a job of one thread gives, whatever the batches; and they may be interrupted at any
picture. tests/run.sh runs this test under ThreadSanitizer too, whose reports are lines that do not start with "vit: "."""
import signal

from harness import *

PICTURES_OF_A_JOB = 36
DAMAGED = (5, 6, 20, 35)
WAYS = (("-t", "2", "--batch", "1"), ("-t", "3", "--batch", "4"), ("-t", "8", "--batch", "3"))


class Threads(Case):
    def setUp(self):
        super().setUp()
        for i in range(PICTURES_OF_A_JOB):
            if i in DAMAGED:
                write(self.path("in", f"{i:02}.png"), b"no picture")
            else:
                self.picture(f"in/{i:02}.png", 20 + i, 50 - i, (7 * i, 255 - 5 * i, 90))

    def check(self, name, *arguments):
        """The same bytes in all ways, in the file of this name; and the same messages."""
        want = None
        for way in (("-t", "1"), *WAYS):
            done = self.vit(*arguments, *way, "-o", name, "in", status=1)
            got = done.stderr, read(self.path(name))
            want = want or got
            self.assertEqual(got, want, (arguments, way))
        self.assertEqual(len(want[0].splitlines()), len(DAMAGED))

    def test_embed(self):
        self.check("x.npy", "embed", "-m", MODEL)
        self.check("lines.jsonl", "embed", "-m", MODEL, "--format", "jsonl", "--precision", "int8")

    def test_classify(self):
        """A line a picture, in their order."""
        for way in (("-t", "1"), *WAYS):
            lines = self.classify("in", *way, status=1)
            self.assertEqual([(line["path"], "error" in line) for line in lines],
                             [(f"in/{i:02}.png", i in DAMAGED) for i in range(PICTURES_OF_A_JOB)])

    def test_interrupted_after_any_picture(self):
        for way in WAYS:
            for results in (1, 7, 30):
                job = subprocess.Popen([VIT, "classify", "-m", MODEL, "--format", "json", *way, "in", "in"],
                                       cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
                for _ in range(results):
                    self.assertTrue(job.stdout.readline())
                job.send_signal(signal.SIGINT)
                _, messages = job.communicate(timeout=TIMEOUT)
                self.assertIn(job.returncode, (INTERRUPTED, 1))  # 1: it was done before, and four pictures are damaged
                for line in messages.splitlines():
                    self.assertTrue(line.startswith(b"vit: "), line)


if __name__ == "__main__":
    main()
