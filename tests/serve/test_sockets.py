# SPDX-License-Identifier: BSD-2-Clause
"""What a client may send that is no well-formed request, or comes in pieces, or too slowly: `vit serve` on raw sockets."""
import copy
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time
import unittest
import zlib

from serving import *

SLOW = "slow" in sys.argv
if SLOW:
    sys.argv.remove("slow")
    if os.environ.get("VIT_TEST_FULL") != "1":
        print("skipped: all splits and 10,000 damaged requests take a quarter of an hour (sh tests/run.sh --full)")
        sys.exit(SKIPPED)
PICTURE = PICTURES[0]


def head(line, *fields, host="localhost"):
    return ("\r\n".join([line, "Host: " + host, *fields]) + "\r\n\r\n").encode("latin-1")


WORDS = b'{"input":"x"}'
END = "Content-Length: %d" % len(WORDS)
CLASSIFY = head("POST /v1/classify HTTP/1.1", "Content-Length: %d" % len(PICTURE), "Connection: close") + PICTURE


class Raw(Case):
    """Requests as bytes."""

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.port), TIMEOUT)

    def send(self, *pieces, pause=0.0, until=None, patience=TIMEOUT):
        """What comes back: all until the server closes the connection, or until `until` says that it is enough. The sending side
        stays open, since a client that closes it is one that has gone."""
        data = b""
        with self.connect() as s:
            try:
                for piece in pieces:
                    s.sendall(piece)
                    if pause:
                        time.sleep(pause)
            except OSError:
                pass # it has closed already
            s.settimeout(patience)
            try:
                while not (until and until(data)) and (chunk := s.recv(65536)):
                    data += chunk
            except OSError:
                pass
        return data

    def status(self, *pieces, **more):
        """Of the first answer; None: there is none."""
        answer = self.send(*pieces, until=lambda data: b"\r\n" in data, **more)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None

    def assert_alive(self):
        self.assertEqual(self.get("/health").json, {"status": "ok"})


class Sockets(Raw):
    arguments = ("--log", "off")

    FRAMES = ( # header fields, status
        ((END, END), 400),
        (("Content-Length: 13", "Content-Length: 5"), 400),
        ((END, "Transfer-Encoding: chunked"), 400),
        (("Transfer-Encoding: gzip, chunked",), 400),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
        (("Transfer-Encoding: identity",), 400),
        (("Content-Length : 13",), 400),
        (("X y: 1", END), 400),
        (("Content-Length: -1",), 400),
        (("Content-Length: 1e3",), 400),
        (("Content-Length: 99999999999999999999999",), 413),
        (("Host: other", END), 400), # beside the one of head()
        (("Content-Length: 99999999999",), 413),
        (("X: " + "a" * 40000, END), 431),
        (("Content-Encoding: gzip", END), 415),
        (("Host: evil.example", "Content-Length: 0"), 400),
    )

    def test_framing(self):
        for fields, want in self.FRAMES:
            with self.subTest(fields=[f[:60] for f in fields]):
                self.assertEqual(self.status(head("POST /v1/embeddings HTTP/1.1", *fields), WORDS), want)
        self.assert_alive()

    def test_framing_in_two_pieces(self):
        """The same status wherever the cut is. Of a header of 40,000 bytes only its ends and the limit of 32 KiB are tried closely."""
        for fields, want in self.FRAMES:
            request = head("POST /v1/embeddings HTTP/1.1", *fields) + WORDS
            cuts = [at for at in range(1, len(request))
                    if at < 300 or at > len(request) - 100 or abs(at - 32768) < 100 or at % 997 == 0]
            for at in cuts[::1 if SLOW else 31]:
                with self.subTest(fields=[f[:60] for f in fields], at=at):
                    self.assertEqual(self.status(request[:at], request[at:], pause=0.002), want)
        self.assert_alive()

    def test_a_refused_request_hides_no_second_one(self):
        """What stands behind a request whose length is in doubt must not be answered as a request."""
        hidden = head("GET /v1/models HTTP/1.1")
        for fields in (("Content-Length: 0", "Content-Length: %d" % len(hidden)),
                       ("Content-Length: %d" % len(hidden), "Transfer-Encoding: chunked")):
            answer = self.send(head("POST /v1/embeddings HTTP/1.1", *fields) + hidden)
            self.assertEqual(answer.count(b"HTTP/1.1"), 1, answer)
            self.assertIn(b"Connection: close", answer)

    def test_targets(self):
        for target, want in (("/health", 200), ("/health/", 200), ("/health?x=%41", 200), ("/he%61lth", 200), ("/%00", 400),
                             ("/health%", 400), ("/health%zz", 400), ("/nothing", 404), ("/v1/models/%2e%2e", 404),
                             ("/v1/models/org%2Fclip", 200), ("/v1/models/org/clip", 200), ("/" + "a" * 20000, 404)):
            with self.subTest(target=target[:40]):
                self.assertEqual(self.status(head("GET %s HTTP/1.1" % target, "Connection: close")), want)

    def test_hosts(self):
        for host, want in (("localhost", 200), ("127.0.0.1:80", 200), ("127.9.9.9", 200), ("[::1]:8080", 200),
                           ("LOCALHOST:1", 200), ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("10.0.0.1", 403),
                           ("[::2]", 403), ("localhost.", 403)):
            with self.subTest(host=host):
                self.assertEqual(self.status(head("GET /health HTTP/1.1", "Connection: close", host=host)), want)

    def test_origins(self):
        own = "127.0.0.1:%d" % self.server.port
        for origin, want in (("http://" + own, 200), ("http://evil.example", 403), ("null", 403), ("http://localhost", 403)):
            with self.subTest(origin=origin):
                line = head("GET /health HTTP/1.1", "Origin: " + origin, "Connection: close", host=own)
                self.assertEqual(self.status(line), want)

    def test_every_split(self):
        """In two pieces, wherever the cut is; a small picture, so that there are few."""
        picture = b"P6 2 2 255\n" + bytes(range(12))
        request = head("POST /v1/classify HTTP/1.1", "Content-Length: %d" % len(picture), "Connection: close") + picture
        want = self.send(request)
        self.assertTrue(want.startswith(b"HTTP/1.1 200"), want)
        wanted = want.split(b"\r\n\r\n", 1)[1]
        for at in range(1, len(request), 1 if SLOW else 7):
            got = self.send(request[:at], request[at:], pause=0.002)
            self.assertEqual(got.split(b"\r\n\r\n", 1)[1], wanted, at)

    def test_byte_by_byte_and_chunked(self):
        picture = b"P6 2 2 255\n" + bytes(range(12))
        request = head("POST /v1/classify HTTP/1.1", "Content-Length: %d" % len(picture), "Connection: close") + picture
        self.assertEqual(self.status(*[request[i:i + 1] for i in range(len(request))]), 200)
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (picture[:1], picture[1:5], picture[5:])) + b"0\r\n\r\n"
        line = head("POST /v1/classify HTTP/1.1", "Transfer-Encoding: chunked", "Connection: close")
        self.assertEqual(self.status(line + chunks), 200)
        for bad in (b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabc"):
            self.assertIn(self.status(line + bad, patience=0.5), (400, 413, None))
        self.assert_alive()

    def test_requests_in_one_piece(self):
        line = head("GET /health HTTP/1.1")
        answer = self.send(line * 5, until=lambda data: data.count(b"\"ok\"") == 5)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 5)

    def test_clients_that_go(self):
        for size in (1, 20, len(CLASSIFY) // 2, len(CLASSIFY)):
            for _ in range(20):
                with self.connect() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)) # a reset
                    s.sendall(CLASSIFY[:size])
        self.assert_alive()

    def test_damaged_requests(self):
        """None crashes the server, or is answered with 500."""
        draw = random.Random(7)
        json_body = json.dumps({"model": "org/clip", "input": ["a", {"image": BASE64[0]}], "encoding_format": "base64"}).encode()
        form, kind = multipart([("entries", b'{"clip":{"visual":{"modelName":"clip"}}}'), ("image", PICTURE, "blob")])
        infer = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1],
                                        "parameters": {"binary_data_size": len(PICTURE) + 4}}]}).encode()
        infer += struct.pack("<I", len(PICTURE)) + PICTURE
        seeds = [CLASSIFY,
                 head("POST /v1/embeddings HTTP/1.1", "Content-Length: %d" % len(json_body)) + json_body,
                 head("POST /predict HTTP/1.1", "Content-Type: " + kind, "Content-Length: %d" % len(form)) + form,
                 head("POST /v2/models/classifier/infer HTTP/1.1", "Content-Length: %d" % len(infer),
                      "Inference-Header-Content-Length: %d" % (len(infer) - len(PICTURE) - 4)) + infer,
                 head("POST /embed HTTP/1.1", "Content-Length: 14") + b'{"inputs":"a"}']
        for i in range(10000 if SLOW else 200):
            request = bytearray(draw.choice(seeds))
            for _ in range(draw.randint(1, 6)):
                at = draw.randrange(min(len(request), 700))
                kind = draw.randrange(3)
                if kind == 0:
                    request[at] = draw.randrange(256)
                elif kind == 1:
                    del request[at:at + draw.randint(1, 9)]
                else:
                    request[at:at] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 9)))
            # A body that is shorter than it was announced is waited for.
            self.assertNotEqual(self.status(bytes(request), patience=0.3), 500, bytes(request[:300]))
        self.assert_alive()


class Bodies(Case):
    """Well-formed requests in each dialect, whose JSON has odd values in any places."""

    arguments = ("--log", "off")
    ODD = (None, True, 0, -1, 7, 1.5, 1e308, 2**63, 10**30, "", "a", "\0", "\ud800", "a" * 3000, [], [[]], ["a"], [1, [2]], {}, {"a": 1},
           BASE64[0], URIS[0], "data:,", "http://a.example/b.png", "org/clip", "base64", "BYTES", "FP32")
    BODIES = (
        ("/v1/embeddings", {"model": "org/clip", "input": ["a dog", {"image": BASE64[0]}, {"text": "a car"}], "encoding_format": "base64"}),
        ("/v1/embeddings", {"model": "org/clip", "dimensions": None, "input": [[{"type": "text", "text": "a dog"}]]}),
        ("/v1/embeddings", {"model": "org/clip", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": URIS[0]}}]}]}),
        ("/v1/classify", {"model": "org/clip", "image": BASE64[0], "labels": ["cat", "dog"], "template": "a {}"}),
        ("/v1/classify", {"image": BASE64[0], "top_k": 3}),
        ("/v1/attention", {"image": BASE64[0], "layer": 0, "head": 1}),
        ("/embed", {"model": "org/clip", "inputs": ["a dog", "a car"], "normalize": False, "truncate": True}),
        ("/models/org/clip", {"inputs": {"image": BASE64[0]}, "parameters": {"candidate_labels": ["cat", "dog"]}}),
        ("/pipeline/image-classification/classifier", {"inputs": BASE64[0], "parameters": {"top_k": 2, "function_to_apply": "none"}}),
        ("/v2/embed", {"model": "org/clip", "input_type": "search_document", "embedding_types": ["float", "ubinary"],
                       "inputs": [{"content": [{"type": "text", "text": "a dog"}]}]}),
        ("/v1/multimodalembeddings", {"model": "org/clip", "inputs": [{"content": [{"type": "text", "text": "a dog"}]}]}),
        ("/api/embed", {"model": "org/clip", "input": ["a dog"], "images": [BASE64[0]], "truncate": False}),
        ("/api/embeddings", {"model": "org/clip", "prompt": "a dog"}),
        ("/vectorize", {"texts": [], "images": [BASE64[0]]}),
        ("/v2/models/org/clip/infer", {"id": "1", "inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]}],
                                       "outputs": [{"name": "embedding", "parameters": {"binary_data": True}}]}),
    )

    def setUp(self):
        super().setUp()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
        self.addCleanup(self.connection.close)

    def status(self, path, body):
        self.connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def change(self, draw, value):
        """Puts something odd in the place of a value, somewhere below this one. A member may also go or be named otherwise."""
        at = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if isinstance(value[at], (dict, list)) and value[at] and draw.random() < 0.7:
            self.change(draw, value[at])
        elif draw.random() < 0.8:
            value[at] = copy.deepcopy(draw.choice(self.ODD))
        else:
            taken = value.pop(at)
            if isinstance(value, dict) and draw.random() < 0.5:
                value[draw.choice(("a", "image", "images", "text", "texts", "input", "inputs", "data"))] = taken

    def test_sound(self):
        for path, body in self.BODIES:
            self.assertEqual(self.status(path, body), 200, path)

    def test_odd_values(self):
        """None crashes the server, or is answered with 500."""
        draw = random.Random(8)
        longest = 0
        for _ in range(10000 if SLOW else 500):
            path, body = copy.deepcopy(draw.choice(self.BODIES))
            for _ in range(draw.randint(1, 3)):
                if body:
                    self.change(draw, body)
            start = time.monotonic()
            self.assertIn(self.status(path, body), (200, 400, 404, 413, 415, 422, 501), (path, str(body)[:600]))
            longest = max(longest, time.monotonic() - start)
        self.assertEqual(self.get("/health").json, {"status": "ok"})
        if SLOW:
            print("the longest of 10,000 took %.2f seconds" % longest)


def png(width, height):
    """A picture of nothing, whose rows are missing."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(2000))) + chunk(b"IEND", b"")


class Bombs(Case):
    arguments = ("--log", "off", "--max-body", "1M", "--max-memory", "8M")

    def memory(self):
        with open("/proc/%d/status" % self.server.process.pid) as f:
            return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) * 1024

    def test_limits(self):
        before = self.memory()
        uri = "data:image/png;base64," + base64.b64encode(png(60000, 60000)).decode()
        self.post("/v1/embeddings", {"input": {"image": uri}}, status=413)
        self.post("/v1/classify", png(60000, 60000), status=413)
        self.post("/v1/embeddings", {"model": "org/clip", "input": ["a"] * 2049}, status=413)
        self.post("/v1/embeddings", {"model": "org/clip", "input": "a" * 70000}, status=413)
        deep = b'{"input":' + b"[" * 100000 + b"]" * 100000 + b"}"
        self.post("/v1/embeddings", deep, status=400)
        self.assertLess(self.memory() - before, 100 << 20)

    def test_bombs_at_once(self):
        """Eight clients send all kinds at the same time. Which of them are refused for load is left to chance."""
        before, answers = self.memory(), []
        bombs = (("/v1/classify", png(60000, 60000), {}, 413),
                 ("/v1/embeddings", json.dumps({"input": ["a"] * 2049, "model": "org/clip"}).encode(), {}, 413),
                 ("/v1/embeddings", b'{"input":' + b"[" * 100000 + b"]" * 100000 + b"}", {}, 400),
                 ("/v1/embeddings", bytes(2 << 20), {}, 413),
                 ("/v1/embeddings", b"\x1f\x8b" + bytes(1000), {"Content-Encoding": "gzip"}, 415))

        def ask(number):
            for i in range(len(bombs)):
                path, body, headers, want = bombs[(number + i) % len(bombs)]
                connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
                try:
                    connection.request("POST", path, body, headers)
                    answers.append((connection.getresponse().status, want))
                finally:
                    connection.close()
        at_once(8, ask)
        self.assertEqual([a for a in answers if a[0] not in (a[1], 429)], [])
        self.assertEqual(len(answers), 40)
        self.assertLess(self.memory() - before, 100 << 20)
        self.assertEqual(self.get("/health").json, {"status": "ok"})

    def used(self):
        return int(re.search(r"(?m)^vit_memory_used_bytes (\S+)$", self.get("/metrics").body.decode())[1])

    def test_what_is_made_of_a_body(self):
        """Parsed JSON and results count as well as the body they come from: a megabyte may become a hundred."""
        before = self.memory()
        for part, times in (("{},", 300000), ("[],", 300000), ("1,", 400000)):
            body = ('{"model":"org/clip","input":"a","more":[' + part * times + "0]}").encode()
            self.post("/v1/embeddings", body, status=413)
        self.assertLess(self.memory() - before, 30 << 20)
        picture = base64.b64encode(b"P6 2 2 255\n" + bytes(12)).decode()
        infer = {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1000], "data": [picture] * 1000}],
                 "outputs": [{"name": "tokens"}]}
        self.post("/v2/models/classifier/infer", infer, status=413)
        self.post("/v1/embeddings", {"model": "org/clip", "input": ["a"] * 1000})
        uri = "data:image/png;base64," + "A" * 900000
        self.post("/v1/embeddings", {"input": {"image": uri}}, status=415)

    def test_memory_is_given_back(self):
        for body in ({"input": URIS[0]}, {"input": "no picture"}, {"input": [URIS[0], URIS[1], "/srv/a.png"]}, b"{"):
            self.ask_any("/v1/embeddings", body)
        deadline = time.monotonic() + TIMEOUT
        while self.used() > 0: # an answer counts until it is written
            self.assertLess(time.monotonic(), deadline)

    def ask_any(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
        connection.request("POST", path, body=body if isinstance(body, bytes) else json.dumps(body).encode())
        connection.getresponse().read()
        connection.close()

    def test_bodies_at_once(self):
        """More than the memory for them: some are refused, and all are answered."""
        seen = []
        body = b'{"input":{"image":"' + b"A" * 900000 + b'"}}'

        def ask(_):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
            try:
                connection.request("POST", "/v1/embeddings", body=body)
                seen.append(connection.getresponse().status)
            except OSError: # refused while the body was under way
                seen.append(429)
            finally:
                connection.close()
        at_once(24, ask)
        self.assertEqual(len(seen), 24)
        self.assertLessEqual(set(seen), {415, 422, 429})
        self.assertEqual(self.get("/health").json, {"status": "ok"})


class Crowded(Raw):
    """A server that serves three clients at a time."""
    arguments = ("--log", "off", "--max-connections", "3", "--max-body", "4M")
    ENDLESS = head("POST /v1/classify HTTP/1.1", "Content-Length: 1000000") + b"x"
    STEADY = ENDLESS + bytes(299999)  # as much as one may send in 18 seconds: nobody takes it for slow

    def hold(self, n, request):
        """Connections on which so much has been sent."""
        held = []
        for _ in range(n):
            held.append(self.connect())
            self.addCleanup(held[-1].close)
            held[-1].sendall(request)
        return held

    def answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            self.assertTrue(more, data)
            data += more
        return data

    def take_all_places(self):
        """Three clients that are served and send nothing more, once those of earlier tests are gone."""
        await_in_flight(self.server, 0)
        served = self.hold(3, self.STEADY)
        await_in_flight(self.server, 3)
        return served


class Crowd(Crowded):
    """More clients than are served at a time: each gets an answer."""

    def test_beyond_those_that_are_served(self):
        served = self.take_all_places()
        for connection in self.hold(20, self.ENDLESS):
            answer = self.answer(connection)
            self.assertTrue(answer.startswith(b"HTTP/1.1 429 "), answer)
            self.assertIn(b"\r\nRetry-After: ", answer)
        self.get("/ping")
        for connection in served:
            connection.close()
        deadline = time.monotonic() + TIMEOUT
        while self.status(CLASSIFY) != 200:
            self.assertLess(time.monotonic(), deadline)

    def test_idle_connections_make_room(self):
        """Further ones than there is room for, which say nothing, or a part of a header."""
        for request in (b"", b"GET /hea"):
            self.hold(200, request)
            self.assert_alive()

    def ask_in_one_go(self, body, seen):
        """As http.client does it: the whole body, then the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
        try:
            connection.request("POST", "/v1/embeddings", body=body)
            answer = connection.getresponse()
            answer.read()
            seen.append(answer.status)
        except OSError as error:
            seen.append(error)
        finally:
            connection.close()

    def test_a_refusal_reaches_who_still_sends(self):
        seen = []
        self.ask_in_one_go(bytes(32 << 20), seen)
        self.assertEqual(seen, [413])
        self.take_all_places()
        at_once(12, lambda _: self.ask_in_one_go(bytes(4 << 20), seen))
        self.assertEqual(seen, [413] + [429] * 12)

    def test_chunks_beyond_the_limit(self):
        line = head("POST /v1/classify HTTP/1.1", "Transfer-Encoding: chunked")
        answer = self.send(line, *[b"100000\r\n" + bytes(1 << 20) + b"\r\n"] * 6)
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertEqual(answer.count(b"HTTP/1.1"), 1)

    def test_leave_to_send(self):
        """A client that waits for it gets the refusal, and no leave."""
        for expect in ("100-continue", "200-ok"):
            answer = self.send(head("POST /v1/classify HTTP/1.1", "Content-Length: 99999999", "Expect: " + expect))
            self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        leave = self.send(head("POST /v1/classify HTTP/1.1", "Content-Length: 5", "Expect: 100-continue"),
                          until=lambda data: data.endswith(b"\r\n\r\n"))
        self.assertTrue(leave.startswith(b"HTTP/1.1 100 "), leave)

    def test_refused_without_a_body(self):
        """Nothing is in doubt: the connection stays."""
        request = head("GET /nothing HTTP/1.1")
        answer = self.send(request * 3, until=lambda data: data.count(b"HTTP/1.1 404") == 3)
        self.assertNotIn(b"Connection: close", answer)


class Slowness(Crowded):
    def test_slow_senders_make_room(self):
        """Once somebody is refused, those who hold a place and send nothing lose it; who has sent a lot does not."""
        slow, steady = self.hold(2, self.ENDLESS), self.hold(1, self.STEADY)[0]
        await_in_flight(self.server, 3)
        deadline = time.monotonic() + TIMEOUT
        while self.status(CLASSIFY) != 200:
            self.assertLess(time.monotonic(), deadline)
        for connection in slow:
            answer = self.answer(connection)
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)
        steady.sendall(bytes(700000))
        answer = self.answer(steady)
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)


class Queue(Raw):
    arguments = ("--log", "off", "--queue", "2")

    def test_refused_before_the_body(self):
        """A request whose body comes has its place already; the next one is refused by its header."""
        with self.connect() as first, self.connect() as second:
            for connection in (first, second):
                connection.sendall(CLASSIFY[:-1])
            self.assert_alive()
            self.assertEqual(self.status(head("POST /v1/classify HTTP/1.1", "Content-Length: 1000")), 429)
            self.assertEqual(self.status(head("POST /v1/classify HTTP/1.1", "Transfer-Encoding: chunked")), 429)
            for connection in (first, second):
                connection.sendall(CLASSIFY[-1:])
                self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(self.status(CLASSIFY), 200)


class Many(Raw):
    models = ("-m", CLIP)
    arguments = ("--log", "off", "--queue", "8", "--text-cache", "0", "--timeout", "600")

    def test_one_beside_a_thousand(self):
        """A request of more inputs than the queue holds shuts nobody out."""
        texts = json.dumps({"input": ["a photo of thing %d" % i for i in range(2000)]}).encode()
        with self.connect() as many:
            many.sendall(head("POST /v1/embeddings HTTP/1.1", "Content-Length: %d" % len(texts)) + texts)
            waiting = 0
            while waiting < 100:
                waiting = int(re.search(r"(?m)^vit_queue_inputs{.*} (\d+)$", self.get("/metrics").body.decode())[1])
            self.post("/v1/embeddings", {"input": "a dog"})
            text = self.get("/metrics").body.decode()
            self.assertGreater(int(re.search(r"(?m)^vit_queue_inputs{.*} (\d+)$", text)[1]), 0)
            self.assertTrue(many.recv(100).startswith(b"HTTP/1.1 200 "))


class FewFiles(Case):
    def test_ulimit(self):
        """Few open files: fewer clients are served at a time, and that is said."""
        server = Server(before=("sh", "-c", 'ulimit -n 100 && exec "$@"', "sh"))
        try:
            self.assertTrue(any("ulimit -n" in line for line in server.lines), server.lines)
            held = [socket.create_connection(("127.0.0.1", server.port), TIMEOUT) for _ in range(150)]
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
            connection.request("POST", "/v1/classify", body=PICTURE)
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
            for s in held:
                s.close()
        finally:
            self.assertEqual(server.stop(), 0)


class Together(Case):
    arguments = ("--log", "off", "--queue", "4096")

    def test_the_same_bytes_whatever_shares_the_batch(self):
        """Mixed requests at once give what each gives alone."""
        requests = [("/v1/classify", PICTURES[0]), ("/v1/classify", PICTURES[1]),
                    ("/v1/embeddings", json.dumps({"model": "org/clip", "input": ["a dog", {"image": BASE64[0]}]}).encode()),
                    ("/v1/embeddings", json.dumps({"model": "org/clip", "input": "two cats"}).encode()),
                    ("/embed", json.dumps({"model": "classifier", "inputs": [URIS[0], URIS[1]]}).encode())]
        want = [self.post(path, body).body for path, body in requests]
        failures = []

        def ask(number):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
            draw = random.Random(number)
            for _ in range(16 if SLOW else 6):
                i = draw.randrange(len(requests))
                connection.request("POST", requests[i][0], body=requests[i][1])
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or body != want[i]:
                    failures.append((i, answer.status, body[:200], want[i][:200]))
            connection.close()
        at_once(64, ask)
        self.assertEqual(failures, [])


if SLOW:
    class Patience(Case):
        arguments = ("--log", "off",)

        def test_slow_clients_are_cut_off_and_others_served(self):
            """A byte now and then for ever: the header has 10 seconds, the body its rate."""
            slow = [socket.create_connection(("127.0.0.1", self.server.port), TIMEOUT) for _ in range(20)]
            body = [socket.create_connection(("127.0.0.1", self.server.port), TIMEOUT) for _ in range(20)]
            for s in body:
                s.sendall(head("POST /v1/classify HTTP/1.1", "Content-Length: 100000"))
            start = time.monotonic()
            gone = {}
            while len(gone) < 40 and time.monotonic() - start < 30:
                for s in slow + body:
                    if s in gone:
                        continue
                    try:
                        s.sendall(b"G" if s in slow else b"x")
                        s.settimeout(0.001)
                        try:
                            if s.recv(100) == b"":
                                gone[s] = time.monotonic() - start
                        except socket.timeout:
                            pass
                    except OSError:
                        gone[s] = time.monotonic() - start
                self.assertEqual(self.get("/health").json, {"status": "ok"})
                time.sleep(0.4)
            self.assertEqual(len(gone), 40)
            self.assertTrue(all(9 < seconds < 16 for seconds in gone.values()), sorted(gone.values()))
            for s in slow + body:
                s.close()


if __name__ == "__main__":
    main()
