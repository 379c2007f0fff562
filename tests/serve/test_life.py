# SPDX-License-Identifier: BSD-2-Clause
"""How a server starts, sleeps, ends and is killed."""
import socket
import stat
import time

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
    PICTURE = base64.b64encode(b"P6 2 2 255\n" + bytes(12)).decode()
    MANY = json.dumps({"input": [BASE64[1]] * 40, "modality": "image"}).encode()
    LONG = json.dumps({"input": [PICTURE] * 2000, "modality": "image"}).encode()  # half a second of work for eight clients, or more

    def start(self, *arguments):
        server = Server("--log", "off", *arguments, models=("-m", "org/clip=" + CLIP))
        self.addCleanup(lambda: server.process.poll() is None and server.stop())
        return server

    def open(self, server, path, body, client=None):
        """A connection over which all of a request went but its last byte. No server, however fast, has answered it yet."""
        client = client or socket.create_connection(("127.0.0.1", server.port), TIMEOUT)
        self.addCleanup(client.close)
        head = "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
        client.sendall(head.encode() + body[:-1])
        return client

    def open_many(self, server, clients, body=MANY):
        """That many connections, whose requests the server has begun to read."""
        opened = [self.open(server, "/v1/embeddings", body) for _ in range(clients)]
        await_in_flight(server, clients)
        return opened

    def read_answer(self, client, start=b""):
        """The status and the body; the status is None where the connection ended before the end of an answer."""
        answer = start
        try:
            answer += b"".join(iter(lambda: client.recv(65536), b""))
        except ConnectionResetError:
            pass
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not length or len(body) != int(length[1]):
            return None, b""
        return int(head.split()[1]), body

    def ask(self, server):
        """The body of the answer to MANY."""
        client = self.open(server, "/v1/embeddings", self.MANY)
        client.sendall(self.MANY[-1:])
        status, body = self.read_answer(client)
        self.assertEqual(status, 200, body)
        return body

    def test_no_request_is_lost(self):
        """SIGTERM while requests wait: each is answered as if nothing were, and nobody new is let in."""
        server = self.start()
        want = self.ask(server)
        clients = self.open_many(server, 16)
        for client in clients:
            client.sendall(self.MANY[-1:])
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual([self.read_answer(client) for client in clients], [(200, want)] * 16)
        self.assertEqual(server.process.wait(TIMEOUT), 0)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", server.port), TIMEOUT)

    def test_what_is_half_here_or_half_written(self):
        """Bodies that still come when the server is told to end are waited for, and so are clients that read their answers late."""
        server = self.start()
        infer = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [400], "data": [self.PICTURE] * 400}],
                            "outputs": [{"name": "tokens"}]}).encode()
        late = socket.socket()
        late.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        late.settimeout(TIMEOUT)
        late.connect(("127.0.0.1", server.port))
        self.open(server, "/v2/models/org/clip/infer", infer, late).sendall(infer[-1:])
        half = self.open(server, "/v1/embeddings", self.MANY)
        start = late.recv(4096)
        await_in_flight(server, 2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.assertIsNone(server.process.poll())
        half.sendall(self.MANY[-1:])
        for answer in (self.read_answer(late, start), self.read_answer(half)):
            self.assertEqual(answer[0], 200, answer[1])
            json.loads(answer[1])
        self.assertEqual(server.process.wait(TIMEOUT), 0)

    def test_no_time_to_drain(self):
        """What is not answered in --drain seconds gets 503, and so it is after a second signal."""
        for arguments, signals in ((("--drain", "0"), [signal.SIGTERM]), ((), [signal.SIGTERM, signal.SIGINT])):
            server = self.start("--queue", "20000", *arguments)
            clients = self.open_many(server, 8, self.LONG)
            for client in clients:
                client.sendall(self.LONG[-1:])
            for one in signals:
                server.process.send_signal(one)
            statuses = {self.read_answer(client)[0] for client in clients}
            self.assertEqual(server.process.wait(TIMEOUT), 0)
            self.assertLessEqual(statuses, {200, 503}, arguments)
            self.assertIn(503, statuses, arguments)

    def test_killed(self):
        """After kill -9 a server starts at the same place, where the socket of the dead one still is, and gives the same vectors."""
        path = os.path.join(FOLDER, "killed.sock")
        server = self.start("--listen", "unix:" + path)
        want = self.ask(server)
        clients = self.open_many(server, 4)
        for client in clients:
            client.sendall(self.MANY[-1:])
        server.process.kill()
        server.process.wait(TIMEOUT)
        self.assertLessEqual({self.read_answer(client)[0] for client in clients}, {200, None})
        self.assertTrue(os.path.exists(path))
        server = self.start("--listen", "unix:" + path)
        self.assertEqual(self.ask(server), want)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    main()
