# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of `vit serve` share: servers, requests, and the vectors that `vit embed` gives. Python's standard library only.

Two models are served: "classifier", the default, has 7 labels and no words; "org/clip" compares pictures with words.
"""
import atexit
import base64
import http.client
import re
import signal
import struct
import threading
import time
import urllib.request

import harness
from harness import *
from server import Server as AnyServer
from small_clip import add_tokenizer

CLASSIFIER = MODEL

FOLDER = tempfile.mkdtemp(prefix="vit-serve-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
CLIP = os.path.join(FOLDER, "clip")
shutil.copytree(os.path.join(GOLDEN, "hf_clip"), CLIP)
add_tokenizer(CLIP)
MODELS = ("-m", "classifier=" + CLASSIFIER, "-m", "org/clip=" + CLIP)
PATHS = {"classifier": CLASSIFIER, "org/clip": CLIP}

# Two pictures, as files, bytes, base64 and data URIs.
FILES = [os.path.join(CLASSIFIER, "image.png"), os.path.join(harness.PICTURES, "cat.jpg")]
PICTURES = [read(path) for path in FILES]
BASE64 = [base64.b64encode(picture).decode() for picture in PICTURES]
URIS = ["data:image/png;base64," + BASE64[0], "data:image/jpeg;base64," + BASE64[1]]


def packed(values):
    """Numbers as the bytes of little-endian f32, which is what two vectors are compared by."""
    return struct.pack("<%df" % len(values), *values)


class Server(AnyServer):
    """Of the two models, where no others are given."""

    def __init__(self, *arguments, models=MODELS, **more):
        super().__init__(*models, *arguments, **more)


def await_in_flight(server, wanted):
    """Waits until so many requests are read or answered, besides the one that asks for the number."""
    found, deadline = None, time.monotonic() + TIMEOUT
    while found != wanted + 1:
        assert time.monotonic() < deadline, found
        with urllib.request.urlopen(server.url + "/metrics") as answer:
            found = int(re.search(r"(?m)^vit_http_requests_in_flight (\d+)$", answer.read().decode())[1])


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


def multipart(parts, boundary="----formdata-undici-012345678901"):
    """The body and the type of a form; parts are (name, bytes) or (name, bytes, file name), as undici writes them."""
    body = b""
    for name, content, *file in parts:
        head = 'Content-Disposition: form-data; name="%s"' % name
        if file:
            head += '; filename="%s"\r\nContent-Type: application/octet-stream' % file[0]
        body += b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), content)
    return body + b"--%s--\r\n" % boundary.encode(), "multipart/form-data; boundary=" + boundary


_vectors = {}


def embed(model, picture=None, text=None, output=None, normalize=True):
    """The vector that `vit embed` gives, as bytes."""
    key = (model, picture, text, output, normalize)
    if key not in _vectors:
        name = os.path.join(FOLDER, "vector.npy")
        what = ["--text", text] if picture is None else [picture]
        more = ["--normalize"] * normalize + (["--output", output] if output else [])
        run("embed", "-q", "-m", PATHS[model], "-o", name, *more, *what).check_returncode()
        _vectors[key] = bytes(read_npy(name)[2])
        for file in os.listdir(FOLDER):
            if file.startswith("vector."):
                os.remove(os.path.join(FOLDER, file))
    return _vectors[key]


def at_once(n, ask):
    """ask(0) to ask(n - 1), each on a thread of its own, until all have returned."""
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Case(harness.Case):
    """The tests of a class share a server, which gets the class' arguments."""

    arguments = ()
    models = MODELS
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.arguments, models=cls.models)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0, "".join(cls.server.lines[-20:])

    def ask(self, method, path, body=None, headers=None, status=200, port=None):
        """A request, whose body is bytes or becomes JSON. Its answer must have this status and the headers of all answers. port: of
        another server than the class's."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.server.port, timeout=TIMEOUT)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        self.assertEqual(answer.status, status, (method, path, answer.body[:400]))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Cross-Origin-Resource-Policy"], "same-origin")
        self.assertRegex(answer.headers["X-Request-Id"], r"^[A-Za-z0-9._-]{1,64}$")
        return answer

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body, **more)

    def assert_vectors(self, rows, want):
        self.assertEqual(len(rows), len(want))
        for i, (row, vector) in enumerate(zip(rows, want)):
            self.assertEqual(packed(row), vector, "vector %d" % i)
