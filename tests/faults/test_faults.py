# SPDX-License-Identifier: BSD-2-Clause
"""Calls to the system that fail, one at a time: the right answer, or an error with its exit status and nothing half done.

VIT_FAULT_LIBRARY is fault_at, which is preloaded. Some numbers of calls in each run, all with VIT_TEST_FULL=1.
"""
import http.client
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import time

from harness import *
from server import Server
from hub_server import Hub, Repository

FULL = os.environ.get("VIT_TEST_FULL")
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
    "memory": ("ENOMEM",),  # of every library; not where a sanitizer has an allocator of its own
}
KINDS = os.environ.get("VIT_FAULT_KINDS", " ".join(FAULTS)).split()  # for a run of some alone
INPUTS_FAILED = 1  # some pictures could not be read; the others have their results
LOADER_GAVE_UP = 127  # glibc's own end, where a library that it has loaded finds no memory for its threads
# GnuTLS says so while it is loaded, and the loader when it gives up; all else is ours.
SPEAKERS = b"vit: ", b"Error in GnuTLS", b"cannot allocate memory for thread-local data"
HARMLESS = ("short", "EINTR")  # the call is simply made again: nothing may come of it
PREFIX = b"vit: "


def watched(**more):
    """The command's environment with the library in it. With sanitizers it comes before theirs."""
    return environment(LD_PRELOAD=LIBRARY, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0", **more)


class Job:
    """A command in a folder of its own, and what is there when it is done."""
    resumes = False  # what is there after a failure is of use: the same command goes on

    def __init__(self, *command):
        self.command = command

    def prepare(self, folder):
        """What is there before."""

    def settings(self, folder):
        """Variables of the command."""
        return {}

    def meaning(self, path):
        """What a file says. None: it is no result."""
        return read(path)


class FitJob(Job):
    def prepare(self, folder):
        lines = "".join("in/%d.png,%s\n" % (i, "ab"[i % 2]) for i in range(5))
        write(os.path.join(folder, "labels.csv"), b"path,label\n" + lines.encode())


class IndexJob(Job):
    resumes = True

    def meaning(self, path):
        if not path.endswith(".db"):
            return None
        with sqlite3.connect(path) as place:
            assert place.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return place.execute("SELECT path, size, hash, vector FROM images JOIN vectors USING (id) ORDER BY path").fetchall()


class PullJob(Job):
    resumes = True

    def __init__(self, hub):
        super().__init__("pull", "acme/vit", "-q")
        self.hub = hub

    def settings(self, folder):
        return {"HF_ENDPOINT": self.hub.endpoint, "HF_HOME": os.path.join(folder, "home"), "no_proxy": "*",
                "HF_HUB_CACHE": os.path.join(folder, "cache"), "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"}

    def meaning(self, path):
        return None if ".locks" in path or "CACHEDIR.TAG" in path else read(path)


class BulkJob(Job):
    resumes = True


class Faults(Case):
    def setUp(self):
        super().setUp()
        for i in range(5):
            self.picture("in/%d.png" % i, colour=(50 * i, 9, 200 - 40 * i))
        self.runs = 0

    def folder_for(self, job):
        """A fresh one. Its inputs are behind a link, so that what else comes is the job's own."""
        self.runs += 1
        folder = self.path("run-%d" % self.runs)
        os.mkdir(folder)
        os.symlink(self.path("in"), os.path.join(folder, "in"))
        job.prepare(folder)
        return folder

    def run_in(self, folder, job, **more):
        done = subprocess.run([VIT, *job.command], cwd=folder, env=watched(**job.settings(folder), **more),
                              capture_output=True, timeout=TIMEOUT)
        done.stdout = done.stdout.replace(os.fsencode(folder), b"")
        return done

    def found(self, folder, job):
        """{path: what it says} of all files but the links to the inputs."""
        paths = (os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
        found = {os.path.relpath(path, folder): job.meaning(path) for path in paths}
        return {name: content for name, content in found.items() if content is not None}

    def numbers(self, calls):
        """Which of so many calls are struck: the last, and some before."""
        if FULL or calls <= 1:
            return range(1, calls + 1)
        return sorted({calls, *random.Random(calls).sample(range(1, calls), min(calls - 1, 1 + calls // 200))})

    def faults(self, calls, seed):
        """Which there are to try: each kind of call, each error, each number, once or from then on."""
        for kind in KINDS:
            errors = FAULTS[kind]
            for error in errors if FULL else random.Random(seed + kind).sample(errors, 1):
                for n in self.numbers(calls[kind]):
                    ways = [""] if error in HARMLESS else ["", "+"]
                    for way in ways if FULL else ways[n % len(ways):][:1]:
                        yield kind, error, n, way

    def check(self, job):
        """Strikes the calls of a job one by one."""
        count, folder = self.path("count"), self.folder_for(job)
        done = self.run_in(folder, job, VIT_FAULT_COUNT=count)
        self.assertEqual(done.returncode, 0, done.stderr)
        want = self.found(folder, job)
        calls = {kind: int(n) for kind, n in (line.split() for line in read(count).decode().splitlines())}
        for kind, error, n, lasts in self.faults(calls, job.command[0]):
            fault, folder = "%s:%d%s:%s" % (kind, n, lasts, error), self.folder_for(job)
            got = self.run_in(folder, job, VIT_FAULT=fault)
            with self.subTest(fault=fault, status=got.returncode, said=got.stderr[-500:]):
                self.judge(job, folder, kind, error, got, done, want)
            shutil.rmtree(folder)

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
        for name, content in self.found(folder, job).items():  # nothing half done, nothing left over
            if got.returncode != INPUTS_FAILED:
                self.assertEqual(content, want.get(name))
            elif not name.endswith(".errors.jsonl"):
                self.assertIn(name, want)

    def test_embed(self):
        self.check(Job("embed", "-m", MODEL, "-q", "-o", "x.npy", "in"))

    def test_embed_in_parts(self):
        self.check(BulkJob("embed", "-m", MODEL, "-q", "--shard-size", "2", "--resume", "-t", "1", "-o", "parts", "in"))

    def test_classify(self):
        self.check(Job("classify", "-m", MODEL, "--format", "csv", "-q", "in"))

    def test_quantize(self):
        self.check(Job("quantize", "-m", MODEL, "--precision", "int8", "-o", "x.safetensors"))

    def test_fit(self):
        self.check(FitJob("fit", "-m", MODEL, "--labels", "labels.csv", "--val", "0.4", "-q", "-o", "x.safetensors"))

    @unittest.skipUnless(KEEPS_INDEXES, "built without SQLite")
    def test_index(self):
        self.check(IndexJob("index", "-m", MODEL, "-q", "-t", "1", "--db", "x.db", "in"))

    @unittest.skipUnless(KEEPS_INDEXES, "built without SQLite")
    def test_search(self):
        self.vit("index", "-m", MODEL, "--db", "x.db", "in")
        self.check(Job("search", "--db", self.path("x.db"), "--json", "in/3.png"))

    @unittest.skipUnless(PULLS, "built without libcurl")
    def test_pull(self):
        names = "config.json", "preprocessor_config.json", "model.safetensors"
        hub = Hub({"acme/vit": Repository({name: read(golden("hf_vit_classifier", name)) for name in names})})
        self.addCleanup(hub.close)
        self.check(PullJob(hub))

    def ask(self, server):
        """The status of one request, or None: it was not answered."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
            connection.request("POST", "/v1/embeddings", read(PICTURE), {"Content-Type": "image/png"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def test_serve(self):
        """It does not start, with a word and a status; or it serves, or refuses with 500, and ends as it should."""
        count = self.path("count")
        server = Server("-m", "m=" + MODEL, env=watched(VIT_FAULT_COUNT=count))
        self.assertEqual((self.ask(server), server.stop()), (200, 0))
        calls = {kind: int(n) for kind, n in (line.split() for line in read(count).decode().splitlines())}
        answers = set()
        for kind, error, n, lasts in self.faults(calls, "serve"):
            fault = "%s:%d%s:%s" % (kind, n, lasts, error)
            place = self.path("s")
            with self.subTest(fault=fault), open(self.path("said"), "w+b") as said:
                process = subprocess.Popen([VIT, "serve", "--listen", "unix:" + place, "--log", "off", "-m", "m=" + MODEL], cwd=self.folder,
                                           env=watched(VIT_FAULT=fault), stderr=said)
                end = time.monotonic() + TIMEOUT
                while not os.path.exists(place) and process.poll() is None and time.monotonic() < end:
                    time.sleep(0.005)
                status = self.ask_socket(place)
                process.terminate()
                ended = process.wait(TIMEOUT)
                if os.path.exists(place):
                    os.remove(place)
                lines = read(self.path("said")).splitlines()
                for line in lines:
                    self.assertTrue(line.startswith(SPEAKERS), line)
                answers.add(status)
                self.assertIn(status, (200, 429, 500, 503, None), lines)
                self.assertIn(ended, (0, 2, 3, 4, INTERRUPTED, LOADER_GAVE_UP), lines)
                self.assertTrue(lines or status == 200)
                self.assertTrue(error not in HARMLESS or (status, ended) == (200, 0), (status, ended, lines))

        self.assertIn(200, answers)  # it was asked

    def ask_socket(self, path):
        """As ask, once it has loaded."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(TIMEOUT)
                    client.connect(path)
                    body = read(PICTURE)
                    client.sendall(b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                                   b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    status = int(client.recv(65536).split(b" ")[1])
            except (OSError, IndexError):
                return None
            if status != 503:
                return status
            time.sleep(0.02)
        return 503


if __name__ == "__main__":
    main()
