# SPDX-License-Identifier: BSD-2-Clause
"""What holds for every endpoint: methods, paths, headers, keys, hosts and origins, errors in each dialect, limits, batches."""
import socket
import stat
import threading
import time

from serving import *

DOG = "a dog"


class Paths(Case):
    def test_slash_at_the_end(self):
        for path in ("/v1/models", "/v2", "/health", "/ping", "/info", "/metrics", "/openapi.json", "/api/tags"):
            self.assertEqual(self.get(path + "/").headers["Content-Type"], self.get(path).headers["Content-Type"])
        self.get("/health//", status=404)

    def test_head(self):
        """As GET, without the body."""
        for path in ("/", "/health", "/v1/models", "/v1/models/org%2Fclip", "/v2/models/org/clip", "/metrics", "/ping", "/openapi.json"):
            head = self.ask("HEAD", path)
            self.assertEqual(head.body, b"")
            self.assertEqual(head.headers["Content-Type"], self.get(path).headers["Content-Type"])
            self.assertGreater(int(head.headers["Content-Length"]), 0)

    def test_wrong_method(self):
        for path, method, allowed in (("/v1/embeddings", "GET", "POST"), ("/v1/models", "POST", "GET, HEAD"),
                                      ("/", "DELETE", "GET, HEAD, POST"), ("/predict", "PUT", "POST"),
                                      ("/v2/models/org/clip/infer", "PATCH", "POST"), ("/embed", "HEAD", "POST")):
            answer = self.ask(method, path, status=405)
            self.assertEqual(answer.headers["Allow"], allowed)
        for path in ("/v3", "/v1", "/v1/embedding", "/v2/models", "/v1/models/", "/favicon.ico", "/v1/../etc/passwd"):
            if path != "/v1/models/":
                self.get(path, status=404)

    def test_escapes(self):
        for path in ("/v1/models/%00", "/v1/models/%", "/v1/models/%zz", "/health%00x"):
            self.get(path, status=400)

    def test_for_people_and_programs(self):
        page = self.get("/", headers={"Accept": "text/html,application/xhtml+xml"})
        self.assertTrue(page.headers["Content-Type"].startswith("text/html"))
        self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
            self.assertEqual(self.get("/", headers=accept).json["name"], "vit")


class Headers(Case):
    def test_request_id(self):
        for given in ("abc", "A.b_c-9", "x" * 64):
            self.assertEqual(self.get("/health", headers={"X-Request-Id": given}).headers["X-Request-Id"], given)
        for given in ("", "a b", "x" * 65, "a;b", "\u00e9"):
            answer = self.get("/health", headers={"X-Request-Id": given.encode("latin-1")})
            self.assertNotEqual(answer.headers["X-Request-Id"], given)
        self.assertNotEqual(self.get("/health").headers["X-Request-Id"], self.get("/health").headers["X-Request-Id"])

    def test_of_the_model(self):
        """Where one was used, in whatever dialect."""
        body, kind = multipart([("entries", b'{"clip":{"textual":{"modelName":"org/clip"}}}'), ("text", b"a dog")])
        answers = [self.post("/embed", {"inputs": DOG, "model": "org/clip"}),
                   self.post("/v2/embed", {"texts": [DOG], "model": "org/clip"}),
                   self.post("/api/embed", {"input": DOG, "model": "org/clip"}),
                   self.post("/predict", body, headers={"Content-Type": kind}),
                   self.post("/v2/models/org/clip/infer",
                             {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [DOG]}]})]
        for answer in answers:
            self.assertEqual(answer.headers["X-Vit-Model"], "org/clip")
            self.assertRegex(answer.headers["X-Vit-Model-Digest"], "^[0-9a-f]{64}$")
            self.assertRegex(answer.headers["X-Vit-Preprocessing-Digest"], "^[0-9a-f]{64}$")
            self.assertEqual((answer.headers["X-Vit-Precision"], answer.headers["X-Vit-Output"]), ("f32", "embedding"))
            self.assertIn("queue;dur=", answer.headers["Server-Timing"])
        self.assertEqual(self.post("/", PICTURES[0]).headers["X-Vit-Output"], "probs")
        self.assertIsNone(self.get("/health").headers["X-Vit-Model"])

    def test_no_access_control(self):
        for path in ("/health", "/v1/models"):
            names = [name.lower() for name in self.get(path).headers]
            self.assertEqual([name for name in names if name.startswith("access-control")], [])

    def test_answers_are_json(self):
        for path in ("/v1/models", "/health", "/v2", "/info", "/openapi.json"):
            self.assertEqual(self.get(path).headers["Content-Type"], "application/json")
        self.assertTrue(self.get("/metrics").headers["Content-Type"].startswith("text/plain; version=0.0.4"))

    def test_compressed(self):
        for encoding in ("gzip", "br", "deflate", "gzip, identity"):
            answer = self.post("/v1/embeddings", b"x", headers={"Content-Encoding": encoding}, status=415)
            self.assertEqual(answer.headers["Accept-Encoding"], "identity")
            self.assertEqual(answer.json["error"]["code"], "unsupported_encoding")
        self.post("/embed", {"inputs": DOG, "model": "org/clip"}, headers={"Content-Encoding": "identity"})


class Errors(Case):
    """Each dialect's shape."""

    SHAPES = {"/v1/embeddings": "openai", "/embeddings": "openai", "/v1/classify": "openai", "/v1/attention": "openai",
              "/": "plain", "/models/org/clip": "plain", "/pipeline/feature-extraction/org/clip": "plain", "/embed": "plain",
              "/v2/models/org/clip/infer": "plain", "/api/embed": "plain", "/api/embeddings": "plain", "/vectorize": "plain",
              "/predict": "detail", "/v1/multimodalembeddings": "detail", "/v2/embed": "message"}

    def check(self, shape, body, status):
        if shape == "openai":
            self.assertEqual(list(body), ["error"])
            self.assertEqual(sorted(body["error"]), ["code", "message", "param", "type"])
            self.assertIsInstance(body["error"]["message"], str)
            kinds = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}
            self.assertEqual(body["error"]["type"], kinds.get(status, "invalid_request_error"))
        elif shape == "plain":
            self.assertEqual(sorted(body), ["error", "error_type"])
            self.assertIsInstance(body["error"], str)
        else:
            self.assertEqual(list(body), [shape])
            self.assertIsInstance(body[shape], str)

    def test_not_parseable(self):
        for path, shape in self.SHAPES.items():
            for content in (b"", b"{", b'{"a":1,"a":2}', b"words", b'{"model": NaN}', b"[" * 3000, b'{"a":"\xff"}', b"[1,2]"):
                status = 422 if path == "/predict" else 400
                with self.subTest(path=path, body=content[:20]):
                    self.check(shape, self.post(path, content, status=status).json, status)

    def test_before_the_body(self):
        """What is refused by its header alone has the shape too."""
        for path, shape in self.SHAPES.items():
            answer = self.post(path, b"x", headers={"Content-Encoding": "gzip"}, status=415)
            self.check(shape, answer.json, 415)
            answer = self.post(path, b"x", headers={"Host": "example.org"}, status=403)
            self.check(shape, answer.json, 403)
        self.check("openai", self.get("/v1/none", status=404).json, 404)
        self.check("plain", self.get("/none", status=404).json, 404)
        self.check("openai", self.get("/v1/embeddings", status=405).json, 405)
        self.check("detail", self.get("/predict", status=405).json, 405)
        self.check("message", self.get("/v2/embed", status=405).json, 405)


class Hosts(Case):
    arguments = ("--allow-host", "photos.lan", "--cors-origin", "https://app.example")

    def test_hosts(self):
        port = str(self.server.port)
        for host in ("localhost", "LOCALHOST:" + port, "127.0.0.1", "127.9.9.9:" + port, "[::1]:" + port, "photos.lan", "photos.lan:80"):
            self.get("/v1/models", headers={"Host": host})
        for host in ("example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "[::2]", "photos.lan.evil"):
            answer = self.get("/v1/models", headers={"Host": host}, status=403)
            self.assertEqual(answer.json["error"]["code"], "host_not_allowed")
            self.get("/health", headers={"Host": host}, status=403)

    def test_origins(self):
        own = self.server.url
        self.get("/v1/models", headers={"Origin": own})
        for origin in ("https://example.org", "null", own + ".example.org", "http://127.0.0.1:1", "https://app.example.org"):
            answer = self.get("/v1/models", headers={"Origin": origin}, status=403)
            self.assertEqual(answer.json["error"]["code"], "origin_not_allowed")
            self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])

    def ask_as(self, method, origin, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
        connection.request(method, "/v1/models", headers=dict(headers, Origin=origin))
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def test_shared_origin(self):
        answer = self.ask_as("GET", "https://app.example")
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, "https://app.example"))
        self.assertEqual(answer.headers["Vary"], "Origin")
        answer = self.ask_as("OPTIONS", "https://app.example", **{"Access-Control-Request-Method": "POST"})
        self.assertEqual(answer.status, 204)
        self.assertIn("Authorization", answer.headers["Access-Control-Allow-Headers"])
        self.assertEqual(self.ask_as("OPTIONS", "https://example.org").status, 403)


class Keys(Case):
    OPEN = ("/health", "/v1/health", "/ping", "/v2/health/live", "/v2/health/ready", "/.well-known/live", "/.well-known/ready")

    @classmethod
    def setUpClass(cls):
        cls.file = write(os.path.join(FOLDER, "keys.txt"), b"# keys\n\n  first-key  \nsecond-key\r\n")
        cls.arguments = ("--api-key-file", cls.file)
        super().setUpClass()

    def test_keys(self):
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic first-key"},
                        {"Authorization": "Bearer first"}, {"Authorization": "Bearer # keys"}, {"x-api-key": ""}):
            for path in ("/v1/models", "/metrics", "/v2", "/info", "/openapi.json"):
                answer = self.get(path, headers=headers, status=401)
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        self.assertEqual(self.get("/v1/models", status=401).json["error"]["type"], "authentication_error")
        self.assertEqual(self.post("/embed", {"inputs": DOG}, status=401).json["error_type"], "unauthorized")
        for key in ("first-key", "second-key"):
            self.get("/v1/models", headers={"Authorization": "Bearer " + key})
            self.get("/v1/models", headers={"authorization": "bearer " + key})
            self.get("/v1/models", headers={"x-api-key": key})

    def test_open_paths(self):
        for path in self.OPEN:
            self.ask("GET", path, status=204 if "well-known" in path else 200)
        self.get("/", headers={"Accept": "text/html"})

    def test_other_hosts(self):
        """With a key the name of the machine does not matter."""
        self.get("/v1/models", headers={"Host": "example.org", "Authorization": "Bearer first-key"})

    def test_no_key_in_the_log(self):
        self.get("/v1/models", headers={"Authorization": "Bearer first-key"})
        self.assertNotIn("first-key", "".join(self.server.lines))

    def test_read_again(self):
        write(self.file, b"third-key\n")
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline and not any("read again" in line for line in self.server.lines):
            time.sleep(0.02)
        self.get("/v1/models", headers={"Authorization": "Bearer third-key"})
        self.get("/v1/models", headers={"Authorization": "Bearer first-key"}, status=401)
        write(self.file, b"first-key\nsecond-key\n")
        self.server.process.send_signal(signal.SIGHUP)
        while time.monotonic() < deadline and sum("read again" in line for line in self.server.lines) < 2:
            time.sleep(0.02)


class Limits(Case):
    arguments = ("--max-body", "100K", "--max-pixels", "10000", "--max-inputs", "20", "--queue", "5")

    def code(self, path, body, status, **more):
        return self.post(path, body, status=status, **more).json["error"]

    def test_body(self):
        error = self.code("/v1/embeddings", b" " * (100 << 10) + b"x", 413)
        self.assertEqual(error["code"], "too_large")
        self.assertIn("--max-body", error["message"])
        self.assertIn("102400", error["message"])

    def test_pixels(self):
        error = self.code("/v1/embeddings", {"input": base64.b64encode(png(101, 100)).decode()}, 413)
        self.assertEqual((error["code"], error["param"]), ("too_large", "input[0]"))
        self.assertIn("10000", error["message"])
        self.post("/v1/embeddings", {"input": base64.b64encode(png(100, 100)).decode()})

    def test_inputs(self):
        self.post("/v1/embeddings", {"input": [DOG] * 20, "model": "org/clip"})
        for path, body in (("/v1/embeddings", {"input": [DOG] * 21}), ("/v2/embed", {"texts": [DOG] * 21}),
                           ("/embed", {"inputs": [DOG] * 21}), ("/api/embed", {"input": [DOG] * 21})):
            answer = self.post(path, dict(body, model="org/clip"), status=413)
            self.assertIn("20", answer.body.decode())
        body = {"input": [DOG] * 15, "images": BASE64[:1] * 6, "model": "org/clip"}
        self.post("/api/embed", body, status=413)
        tensor = {"name": "text", "datatype": "BYTES", "shape": [21], "data": [DOG] * 21}
        self.assertEqual(self.post("/v2/models/org/clip/infer", {"inputs": [tensor]}, status=413).json["error_type"], "too_large")

    def test_words(self):
        error = self.code("/v1/embeddings", {"input": "a" * 65537, "model": "org/clip"}, 413)
        self.assertEqual(error["code"], "too_large")
        self.assertIn("65536", error["message"])
        self.post("/v1/embeddings", {"input": "a" * 65536, "model": "org/clip"})

    def test_header(self):
        self.get("/health", headers={"X-Long": "x" * 33000}, status=431)

    def test_bomb(self):
        """60,000 x 60,000 pixels in a few bytes: refused by its header."""
        header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib_of_zeros()) + png_chunk(b"IEND", b"")
        self.assertEqual(self.code("/v1/embeddings", {"input": base64.b64encode(bomb).decode()}, 413)["code"], "too_large")
        self.assertEqual(self.post("/", bomb, status=413).json["error_type"], "too_large")

    def test_deep_json(self):
        for depth in (3000, 30000):
            self.code("/v1/embeddings", b'{"input":' + b"[" * depth + b"]" * depth + b"}", 400)


def zlib_of_zeros():
    import zlib
    return zlib.compress(bytes(100000))


class Memory(Case):
    arguments = ("--max-memory", "50K")

    def test_memory(self):
        """A body that can never fit is too large; one that does not fit now may come again."""
        answer = self.post("/v1/embeddings", b" " * 60000, status=413)
        self.assertIn("--max-memory", answer.json["error"]["message"])

    def test_decoded(self):
        """A picture of a few bytes that takes more memory than there is once it is decoded."""
        error = self.post("/v1/embeddings", png(200, 200), status=413).json["error"]
        self.assertEqual((error["code"], error["param"]), ("too_large", "input[0]"))
        self.assertIn("120000 bytes", error["message"])
        self.assertIn("--max-memory", error["message"])
        self.post("/v1/embeddings", png(100, 100))

    def test_damaged(self):
        """JSON for which there is memory, and which turns out to be wrong, is wrong and not too large."""
        words = b'{"model":"org/clip","input":"' + b"a" * 15000
        self.post("/v1/embeddings", words + b'"}')
        for end in (b'"', b'"]', b'",}', b'" 1}'):
            self.post("/v1/embeddings", words + end, status=400)


class Overload(Case):
    models = ("-m", CLIP)
    arguments = ("--queue", "1", "--batch", "8", "--batch-delay", "100", "--text-cache", "0", "--timeout", "30")

    def once(self, path, members):
        """An answer of any status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
        connection.request("POST", path, body=json.dumps(members).encode())
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def test_retry_after(self):
        """While more waits than --queue allows: 429 in the dialect's shape, with when to come again."""
        shapes = {"/v1/embeddings": {"input": DOG}, "/embed": {"inputs": DOG}, "/v2/embed": {"texts": [DOG]},
                  "/v1/multimodalembeddings": {"inputs": [{"content": [{"type": "text", "text": DOG}]}]},
                  "/api/embed": {"input": DOG}}
        seen, deadline = set(), time.monotonic() + TIMEOUT

        def keep_busy():
            while seen != set(shapes) and time.monotonic() < deadline:
                self.once("/v1/embeddings", {"input": [BASE64[1]] * 200, "modality": "image"})
        threads = [threading.Thread(target=keep_busy) for _ in range(2)]
        for thread in threads:
            thread.start()
        while seen != set(shapes) and time.monotonic() < deadline:
            for path, members in shapes.items():
                answer = self.once(path, members)
                if answer.status != 429:
                    self.assertEqual(answer.status, 200, answer.body)
                    continue
                seen.add(path)
                seconds = int(answer.headers["Retry-After"])
                self.assertTrue(1 <= seconds <= 60)
                self.assertEqual(int(answer.headers["retry-after-ms"]), seconds * 1000)
                if path == "/v1/embeddings":
                    error = answer.json["error"]
                    self.assertEqual((error["code"], error["type"]), ("overloaded", "rate_limit_error"))
        for thread in threads:
            thread.join()
        self.assertEqual(seen, set(shapes))

    def test_fair(self):
        """A single input beside many is answered long before they are."""
        done = []
        body = {"input": [BASE64[1]] * 2000, "modality": "image"}  # of which a fast processor has 400 done before the other comes

        def ask_many():
            self.post("/v1/embeddings", body)
            done.append("many")
        Overload.server, first = Server("--queue", "4000", "--max-body", "100M", models=self.models), self.server
        try:
            busy = threading.Thread(target=ask_many)
            busy.start()
            await_in_flight(Overload.server, 1)
            self.post("/v1/embeddings", {"input": URIS[0]})
            done.append("one")
            busy.join()
        finally:
            Overload.server.stop()
            Overload.server = first
        self.assertEqual(done, ["one", "many"])


class Timing(Case):
    models = ("-m", CLIP)
    arguments = ("--batch", "8", "--text-cache", "0")

    def test_batches_count_once(self):
        """Inputs of one request share batches: encoding them takes no longer than the whole request."""
        start = time.monotonic()
        answer = self.post("/v1/embeddings", {"input": [BASE64[1]] * 80, "modality": "image"})
        took = (time.monotonic() - start) * 1000
        encoded = float(re.search(r"encode;dur=([\d.]+)", answer.headers["Server-Timing"])[1])
        self.assertTrue(0 < encoded <= took, (encoded, took))


class SameBits(Case):
    def test_whatever_shares_the_batch(self):
        """Many at once, alone, and over again give the same bytes."""
        inputs = [URIS[0], URIS[1], DOG, "a cat", "the big red car"] * 3
        alone = [self.post("/v1/embeddings", {"input": x, "model": "org/clip"}).json["data"][0]["embedding"] for x in inputs]
        results = [None] * 12

        def ask(i):
            results[i] = self.post("/v1/embeddings", {"input": inputs[i:] + inputs[:i], "model": "org/clip"}).json["data"]
        at_once(len(results), ask)
        for i, rows in enumerate(results):
            self.assertEqual([row["embedding"] for row in rows], alone[i:] + alone[:i])


class Description(Case):
    """/openapi.json; that it is true is for test_schema.py."""

    def references(self, value):
        """All that is referred to, wherever it stands."""
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for inner in value.values():
                yield from self.references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.references(inner)

    def test_complete(self):
        whole = self.get("/openapi.json").json
        self.assertEqual(whole["openapi"], "3.1.0")
        for reference in self.references(whole):
            at = whole
            for name in reference.split("/")[1:]:
                at = at[name]
        self.assertGreater(len(whole["paths"]), 40)
        for path, methods in whole["paths"].items():
            for method, operation in methods.items():
                self.assertTrue(operation["summary"], (path, method, "is missing in serve/api/openapi.json"))
                named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
                self.assertEqual(named, set(re.findall(r"{(\w+)}", path)))
                self.assertTrue(all(parameter["schema"] for parameter in operation["parameters"]), path)
                for status in ("400", "401", "413", "429", "503"):
                    self.assertIn(status, operation["responses"])
        self.assertEqual(whole["paths"]["/v1/models/{m}"]["get"]["parameters"][0]["schema"]["enum"], ["classifier", "org/clip"])


class Metrics(Case):
    def test_form(self):
        """Each line is a comment or a sample; each metric is described before its samples, which stand together."""
        self.post("/embed", {"inputs": [DOG, URIS[0]], "model": "org/clip"})
        self.post("/v1/embeddings", {"input": {"image": "AAAA"}, "model": "org/clip"}, status=415)
        self.get("/v1/models/%22%0A", status=404)
        text = self.get("/metrics").body.decode()
        kinds, current, seen = {}, None, set()
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, current, kind = line.split()
                self.assertNotIn(current, kinds)
                kinds[current] = kind
            elif not line.startswith("# HELP "):
                found = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)', line)
                self.assertTrue(found, line)
                base = re.sub("_(bucket|sum|count)$", "", found[1]) if kinds[current] in ("histogram", "summary") else found[1]
                self.assertEqual(base, current, line)
                self.assertNotIn(line.rsplit(" ", 1)[0], seen)
                seen.add(line.rsplit(" ", 1)[0])
                float(found[3])
        for name, kind in (("vit_build_info", "gauge"), ("vit_model_info", "gauge"), ("vit_model_loaded", "gauge"),
                           ("vit_model_load_seconds", "gauge"), ("vit_model_unloads_total", "counter"),
                           ("vit_http_requests_total", "counter"), ("vit_http_request_duration_seconds", "histogram"),
                           ("vit_http_requests_in_flight", "gauge"), ("vit_http_connections", "gauge"),
                           ("vit_http_received_bytes_total", "counter"), ("vit_http_sent_bytes_total", "counter"),
                           ("vit_inputs_total", "counter"), ("vit_queue_inputs", "gauge"), ("vit_queue_wait_seconds", "histogram"),
                           ("vit_stage_seconds", "summary"), ("vit_batch_inputs", "histogram"), ("vit_rejected_total", "counter"),
                           ("vit_memory_budget_bytes", "gauge"), ("vit_memory_used_bytes", "gauge"),
                           ("process_resident_memory_bytes", "gauge"), ("process_cpu_seconds_total", "counter"),
                           ("process_open_fds", "gauge"), ("process_max_fds", "gauge"), ("process_start_time_seconds", "gauge")):
            self.assertEqual(kinds.get(name), kind, name)
        self.assertIn('route="/v1/models/{m}"', text)
        self.assertNotIn("%22", text)

    def sample(self, line):
        text = self.get("/metrics").body.decode()
        return float(re.search("(?m)^%s (.*)$" % re.escape(line), text)[1])

    def test_counts(self):
        def counts():
            return [self.sample('vit_inputs_total{model="org/clip",kind="%s",result="%s"}' % (kind, result))
                    for kind in ("image", "text") for result in ("ok", "failed", "dropped")]
        before = counts()
        self.post("/embed", {"inputs": [DOG, URIS[0], URIS[1]], "model": "org/clip"})
        after = counts()
        self.assertEqual([b - a for a, b in zip(before, after)], [2, 0, 0, 1, 0, 0])
        self.post("/embed", {"inputs": [{"image": "AAAA"}], "model": "org/clip"}, status=415)
        self.assertEqual([b - a for a, b in zip(after, counts())], [0, 1, 0, 0, 0, 0])
        for stage in ("parse", "decode", "preprocess", "encode", "write"):
            self.assertGreater(self.sample('vit_stage_seconds_count{model="org/clip",stage="%s"}' % stage), 0)
        self.assertEqual(self.sample('vit_queue_inputs{model="org/clip"}'), 0)
        self.assertEqual(self.sample("vit_memory_used_bytes"), 0)


if __name__ == "__main__":
    main()
