# SPDX-License-Identifier: BSD-2-Clause
"""Files that are cut short, or written into, while the command uses them: an error, whenever it happens."""
import http.client
import os
import shutil
import subprocess
import threading
import time

from harness import *
from server import Server


class Shrinking(Case):
    def model(self):
        """A packed file, whose weights are used where they lie."""
        packed = self.path("model.safetensors")
        self.vit("quantize", "-m", MODEL, "--precision", "f32", "-o", packed)
        return packed

    def cut(self, path, size=4096):
        os.truncate(path, size)

    def test_between_two_pictures(self):
        """Exit status 3, whatever there is to do, and nothing under the output's name."""
        model = self.model()
        job = subprocess.Popen([VIT, "embed", "-m", model, "--batch", "1", "-o", "x.npy", "--from", "-"], cwd=self.folder,
                               env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(job.stderr.close)
        job.stdin.write(os.fsencode(PICTURE) + b"\n")
        job.stdin.flush()
        end = time.monotonic() + TIMEOUT
        while len(os.listdir(self.folder)) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        self.cut(model)
        job.stdin.write((os.fsencode(PICTURE) + b"\n") * 3)
        job.stdin.close()
        self.assertEqual(job.wait(TIMEOUT), MODEL_FAILS)
        said = job.stderr.read()
        self.assertIn(b"cut short", said)
        self.assertIn(b"model.safetensors", said)
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assert_files("model.safetensors")

    def test_at_any_moment(self):
        """It has done its work, or it says what is wrong; it is never killed."""
        whole = self.model()
        for delay in range(0, 40, 4):
            model = self.path("cut.safetensors")
            shutil.copy(whole, model)
            output = "%d.npy" % delay  # a job that fails leaves what an earlier one has written
            job = subprocess.Popen([VIT, "embed", "-m", model, "-o", output] + [PICTURE] * 30, cwd=self.folder,
                                   env=environment(), stderr=subprocess.PIPE)
            time.sleep(delay / 1000)
            self.cut(model)
            said = job.communicate(timeout=TIMEOUT)[1]
            self.assertIn(job.returncode, (0, MODEL_FAILS), said)
            self.assertEqual(os.path.exists(self.path(output)), job.returncode == 0, delay)
            self.assertEqual(bool(said), job.returncode != 0)

    def test_replaced_by_renaming(self):
        """The one that was opened goes on."""
        model = self.model()
        server = Server("-m", "m=" + model)
        self.addCleanup(server.stop)
        shutil.copy(PICTURE, self.path("new"))
        os.rename(self.path("new"), model)
        self.assertEqual(self.ask(server), 200)

    def test_server(self):
        """It is the server's fault, not the picture's, and the server goes on."""
        for harm in (self.cut, lambda path: os.utime(path, (1, 1))):
            model = self.model()
            server = Server("-m", "m=" + model)
            try:
                self.assertEqual(self.ask(server), 200)
                harm(model)
                for _ in range(2):
                    self.assertEqual(self.ask(server), 500)
            finally:
                self.assertEqual(server.stop(), 0)

    def ask(self, server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
        with open(PICTURE, "rb") as file:
            connection.request("POST", "/v1/embeddings", file.read(), {"Content-Type": "image/png"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def test_vectors_of_an_index(self):
        """The index has them too: the same answer."""
        for i in range(6):
            self.picture("photos/%d.png" % i, colour=(40 * i, 0, 0))
        self.vit("index", "-m", MODEL, "--db", "x.db", "photos")
        self.assertTrue(os.path.exists(self.path("x.db-vectors")))
        search = "search", "--db", "x.db", "--json", "photos/3.png"
        whole = self.vit(*search).stdout
        for size in (4096 + 100, 4096, 100, 0):
            self.cut(self.path("x.db-vectors"), size)
            self.assertEqual(self.vit(*search).stdout, whole)


if __name__ == "__main__":
    main()
