# SPDX-License-Identifier: BSD-2-Clause
"""How a server starts, sleeps, ends and is killed."""
import socket
import stat
import threading
import time
import urllib.request

from serving import *

DOG = "a dog"


class Life(unittest.TestCase):
    def run_command(self, *arguments, **more):
        return subprocess.run([VIT, "serve", *arguments], capture_output=True, timeout=TIMEOUT, env=environment(**more))

    def test_statuses(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = "127.0.0.1:%d" % taken.getsockname()[1]
        for status, arguments in ((2, ["--listen", "0.0.0.0:0"]), (2, ["--listen", "nowhere"]), (2, ["--alias", "x"]),
                                  (2, ["--alias", "x=none"]), (3, ["-m", "/nowhere"]), (4, ["--listen", port]),
                                  (2, ["-m", "a=" + CLIP, "-m", "a=" + CLASSIFIER]), (2, ["--api-key-file", "/nowhere"]),
                                  (3, ["-m", CLASSIFIER, "--labels", "cat,dog"])):
            if not any("-m" == argument for argument in arguments):
                arguments = ["-m", CLASSIFIER, *arguments]
            done = self.run_command(*arguments)
            self.assertEqual(done.returncode, status, (arguments, done.stderr))
            self.assertTrue(done.stderr.startswith(b"vit: "), done.stderr)

    def test_other_addresses(self):
        """Without a key other machines may not ask; --no-auth says that this is meant."""
        done = self.run_command("-m", CLASSIFIER, "--listen", "0.0.0.0:0")
        self.assertIn(b"--no-auth", done.stderr)
        Server("--listen", "0.0.0.0:0", "--no-auth").stop()
        Server("--listen", "0.0.0.0:0", env=environment(VIT_API_KEY="secret")).stop()

    def test_unix_socket(self):
        path = os.path.join(FOLDER, "vit.sock")
        server = Server("--listen", "unix:" + path)
        try:
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: client.recv(4096), b""))
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            done = self.run_command("-m", CLASSIFIER, "--listen", "unix:" + path)
            self.assertEqual(done.returncode, 4, done.stderr)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_idle_unload(self):
        """The weights go, and come back with the same bits."""
        server = Server("--idle-unload", "0.3", "--text-cache", "0", models=("-m", "org/clip=" + CLIP))
        try:
            Case.server = server
            case = Case()
            first = case.post("/v1/embeddings", {"input": [DOG, URIS[0]]}).json["data"]
            deadline = time.monotonic() + TIMEOUT
            while time.monotonic() < deadline and case.get("/v1/models").json["data"][0]["loaded"]:
                time.sleep(0.1)
            self.assertFalse(case.get("/v1/models").json["data"][0]["loaded"])
            self.assertEqual(case.post("/v1/embeddings", {"input": [DOG, URIS[0]]}).json["data"], first)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_lazy(self):
        server = Server("--lazy")
        try:
            Case.server = server
            case = Case()
            self.assertIn('vit_model_loaded{model="org/clip"} 0', case.get("/metrics").body.decode())
            case.get("/api/tags")
            case.get("/v1/models")
            case.post("/embed", {"inputs": DOG, "model": "org/clip"})
        finally:
            self.assertEqual(server.stop(), 0)


class Ends(unittest.TestCase):
    """A server that ends, or is killed, while clients wait for answers."""
    MANY = json.dumps({"input": [BASE64[1]] * 40, "modality": "image"}).encode()

    def start(self, *arguments):
        server = Server("--log", "off", *arguments, models=("-m", "org/clip=" + CLIP))
        self.addCleanup(lambda: server.process.poll() is None and server.stop())
        return server

    def ask(self, server, seen):
        """The status and body of a request of many pictures, or the error of its connection, into `seen`."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
        try:
            connection.request("POST", "/v1/embeddings", self.MANY)
            answer = connection.getresponse()
            seen.append((answer.status, answer.read()))
        except (OSError, http.client.HTTPException) as error:
            seen.append((type(error).__name__, b""))
        finally:
            connection.close()

    def ask_at_once(self, server, clients):
        """Threads that wait for their answers, and where the answers come: all requests have been taken."""
        seen = []
        threads = [threading.Thread(target=self.ask, args=(server, seen)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        self.await_requests(server, clients)
        return threads, seen

    def await_requests(self, server, wanted):
        """Waits until so many are in flight."""
        found, deadline = 0, time.monotonic() + TIMEOUT
        while found <= wanted:  # the one for /metrics is one more
            self.assertLess(time.monotonic(), deadline)
            with urllib.request.urlopen(server.url + "/metrics") as answer:
                found = int(re.search(r"(?m)^vit_http_requests_in_flight (\d+)$", answer.read().decode())[1])

    def test_no_request_is_lost(self):
        """SIGTERM while requests wait: each is answered as if nothing were, and nobody new is let in."""
        server = self.start()
        want = []
        self.ask(server, want)
        self.assertEqual(want[0][0], 200)
        threads, seen = self.ask_at_once(server, 16)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(TIMEOUT), 0)
        for thread in threads:
            thread.join()
        self.assertEqual([row[0] for row in seen], [200] * 16)
        self.assertEqual({row[1] for row in seen}, {want[0][1]})
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", server.port), TIMEOUT)

    def test_what_is_half_here_or_half_written(self):
        """Bodies that still come when the server is told to end are waited for, and so are clients that read their answers late."""
        server = self.start()
        picture = b"P6 2 2 255\n" + bytes(12)
        infer = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [400],
                                        "data": [base64.b64encode(picture).decode()] * 400}], "outputs": [{"name": "tokens"}]}).encode()
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        with socket.socket() as late, socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as half:
            late.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            late.settimeout(TIMEOUT)
            late.connect(("127.0.0.1", server.port))
            late.sendall(head % (b"/v2/models/org/clip/infer", len(infer)) + infer)
            half.sendall(head % (b"/v1/embeddings", len(self.MANY)) + self.MANY[:100])
            start = late.recv(4096)
            self.assertTrue(start.startswith(b"HTTP/1.1 200 "), start)
            self.await_requests(server, 2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            self.assertIsNone(server.process.poll())
            half.sendall(self.MANY[100:])
            answers = [start + b"".join(iter(lambda: late.recv(65536), b"")), b"".join(iter(lambda: half.recv(65536), b""))]
        self.assertEqual(server.process.wait(TIMEOUT), 0)
        for answer in answers:
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            self.assertEqual(len(body), int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
            json.loads(body)

    def test_no_time_to_drain(self):
        """What is not answered in --drain seconds gets 503, and so it is after a second signal."""
        for arguments, signals in ((("--drain", "0"), 1), ((), 2)):
            server = self.start(*arguments)
            threads, seen = self.ask_at_once(server, 8)
            for _ in range(signals):
                server.process.send_signal(signal.SIGTERM)
                time.sleep(0.05)  # two that come together are one
            self.assertEqual(server.process.wait(TIMEOUT), 0)
            for thread in threads:
                thread.join()
            self.assertLessEqual({row[0] for row in seen}, {200, 503}, arguments)
            self.assertIn(503, {row[0] for row in seen}, arguments)

    def test_killed(self):
        """After kill -9 a server starts at the same place, where the socket of the dead one still is, and gives the same vectors."""
        path = os.path.join(FOLDER, "killed.sock")
        server = self.start("--listen", "unix:" + path)
        want = []
        self.ask(server, want)
        threads, seen = self.ask_at_once(server, 4)
        server.process.kill()
        server.process.wait(TIMEOUT)
        for thread in threads:
            thread.join()
        self.assertTrue(all(row[0] != 503 for row in seen), seen)
        self.assertTrue(os.path.exists(path))
        server = self.start("--listen", "unix:" + path)
        again = []
        self.ask(server, again)
        self.assertEqual(again, want)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    main()
