# SPDX-License-Identifier: BSD-2-Clause
"""Interruptions, readers that leave, and progress on terminals."""
import fcntl
import os
import pty
import select
import signal
import termios
import time

from harness import *


class Interruption(Case):
    def start(self, *arguments):
        """A job that has worked on one picture and waits for the next, its list being a pipe that stays open."""
        job = subprocess.Popen([VIT, *arguments, "--from", "-"], cwd=self.folder, env=environment(),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(job.stdin.close)
        self.addCleanup(job.stdout.close)
        self.addCleanup(job.stderr.close)
        job.stdin.write(os.fsencode(PICTURE) + b"\n")
        job.stdin.flush()
        return job

    def wait_for_a_file(self):
        end = time.monotonic() + TIMEOUT
        while not os.listdir(self.folder):
            self.assertLess(time.monotonic(), end, "no output was begun")
            time.sleep(0.01)

    def test_leaves_no_file(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for threads in ("1", "3"):
                job = self.start("embed", "-m", MODEL, "--batch", "1", "-t", threads, "-o", "x.npy")
                self.wait_for_a_file()
                time.sleep(0.05)
                job.send_signal(number)
                self.assertEqual(job.wait(TIMEOUT), INTERRUPTED)
                self.assertRegex(job.stderr.read(), b"^vit: interrupted")
                self.assert_files()

    def test_old_file_stays(self):
        old = npy_bytes("<f4", (1, 1), bytes(4))
        write(self.path("x.npy"), old)
        job = self.start("embed", "-m", MODEL, "-o", "x.npy")
        end = time.monotonic() + TIMEOUT
        while len(os.listdir(self.folder)) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        job.send_signal(signal.SIGINT)
        self.assertEqual(job.wait(TIMEOUT), INTERRUPTED)
        self.assert_files("x.npy")
        with open(self.path("x.npy"), "rb") as file:
            self.assertEqual(file.read(), old)

    def test_results_come_as_they_are_ready(self):
        job = self.start("classify", "-m", MODEL, "--format", "json", "--batch", "1")
        readable = select.select([job.stdout], [], [], TIMEOUT)[0]
        self.assertTrue(readable, "the first result waits for the second picture")
        self.assertEqual(json.loads(job.stdout.readline())["path"], PICTURE)
        job.stdin.close()
        self.assertEqual(job.wait(TIMEOUT), 0)

    def test_whenever_it_comes(self):
        """At any moment of a short job: it is done, or nothing is there."""
        for delay in range(0, 40, 2):
            job = subprocess.Popen([VIT, "embed", "-m", MODEL, "-o", "x.npy"] + [PICTURE] * 20, cwd=self.folder,
                                   env=environment(), stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            job.send_signal(signal.SIGTERM)
            status = job.wait(TIMEOUT)
            found = sorted(os.listdir(self.folder))
            if found:
                self.assertEqual(found, ["x.jsonl", "x.meta.json", "x.npy"])
                self.assertEqual(read_npy(self.path("x.npy"))[1], (20, WIDTH))
            else:
                self.assertIn(status, (INTERRUPTED, -signal.SIGTERM))  # the latter before main
            for name in found:
                os.remove(self.path(name))


class Readers(Case):
    def test_that_leave(self):
        """As `| head -1`: an end without a message, not a crash."""
        for arguments in (["classify", "-m", MODEL, "--format", "json"],
                          ["embed", "-m", MODEL, "--format", "jsonl", "-o", "-"]):
            job = subprocess.Popen([VIT, *arguments] + [PICTURE] * 3000, env=environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
            self.assertTrue(job.stdout.readline())
            job.stdout.close()
            self.assertEqual(job.wait(TIMEOUT), OUTPUT_FAILS)
            self.assertEqual(job.stderr.read(), b"")
            job.stderr.close()


class Progress(Case):
    def on_terminal(self, *arguments, stdout=subprocess.DEVNULL):
        """What is written to stderr when it is a terminal."""
        try:
            leader, follower = pty.openpty()
        except OSError as error:  # as in a chroot without /dev/pts
            self.skipTest("there is no terminal to be had here (pty): %s" % error)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        job = subprocess.Popen([VIT, *arguments], stderr=follower, stdout=stdout, env=environment(), cwd=self.folder)
        os.close(follower)
        seen = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break  # the other end is closed
            if not part:
                break
            seen += part
        os.close(leader)
        self.assertEqual(job.wait(TIMEOUT), 0)
        return seen

    def embed_five(self, *more):
        return ("embed", "-m", MODEL, "--batch", "1", "-o", "x.npy", *more) + (PICTURE,) * 5

    def test_on_a_terminal(self):
        seen = self.on_terminal(*self.embed_five())
        self.assertIn(b"5 of 5", seen)
        self.assertIn(b"images/s", seen)
        for part in seen.replace(b"\r", b"\n").split(b"\n"):
            self.assertTrue(not part.strip() or part.startswith(b"vit: "), part)
        self.assertEqual(self.on_terminal(*self.embed_five("--progress", "never")), b"")
        self.assertEqual(self.on_terminal(*self.embed_five("-q")), b"")

    def test_elsewhere(self):
        self.assertEqual(self.vit(*self.embed_five()).stderr, b"")
        done = subprocess.run([VIT, *self.embed_five("--progress", "always")], capture_output=True, env=environment(),
                              cwd=self.folder, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"5 of 5", done.stderr)
        self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    main()
