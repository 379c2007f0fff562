# SPDX-License-Identifier: BSD-2-Clause
"""Calls to the system that fail in a server, one at a time, while it starts and while it answers: it does not start, with a word
and a status; or each request has the right answer or an error of the documented table, and the server lives on.

Some numbers of calls in each run, all with VIT_TEST_FULL=1. A row of REQUESTS is all that a new kind of request needs here.
"""
import base64
import http.client
import re
import resource
import socket

from jobs import *
from striking import *

REFUSALS = 413, 429, 500, 503  # what a server answers that lacks something
ENDINGS = 0, USAGE, MODEL_FAILS, OUTPUT_FAILS, INTERRUPTED, LOADER_GAVE_UP
PNG, JSON = "image/png", "application/json"
ENCODED = base64.b64encode(read(PICTURE)).decode()
FORM = (b'--x\r\nContent-Disposition: form-data; name="entries"\r\n\r\n{"clip": {"textual": {"modelName": "clip"}}}\r\n'
        b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na red dog\r\n--x--\r\n')
REQUESTS = (  # path, type of the body, body; a path alone is a GET
    ("/v1/embeddings", PNG, read(PICTURE)),
    ("/v1/embeddings", JSON, {"input": ["a dog", {"image": ENCODED}]}),
    ("/embed", JSON, {"inputs": ["a red car", "cat"]}),
    ("/v1/classify?labels=cat,dog", PNG, read(PICTURE)),
    ("/v1/classify?model=classes", PNG, read(PICTURE)),
    ("/v1/attention?format=png", PNG, read(PICTURE)),
    ("/v1/search", JSON, {"text": "a dog"}),
    ("/v2/models/clip/infer", JSON, {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["cat"]}]}),
    ("/predict", "multipart/form-data; boundary=x", FORM),
    ("/pipeline/image-classification/classes", PNG, read(PICTURE)),
    ("/v1/models",), ("/info",), ("/health",), ("/metrics",), ("/page.js",),
)
DESCRIPTION = [("/openapi.json",)]  # takes twice as many calls as all others together


class Connection(http.client.HTTPConnection):
    """To a socket in a folder."""

    def __init__(self, place):
        super().__init__("localhost", timeout=TIMEOUT)
        self.place = place

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.place)


def without_time(body):
    """Models say when they were loaded."""
    return re.sub(rb'"created":\d+', b"", body)


@unittest.skipUnless(KEEPS_INDEXES, "built without SQLite")
class Serving(Case):
    def setUp(self):
        super().setUp()
        Given(self.folder)
        self.place = self.path("s")

    def is_listening(self):
        """The socket's file is there a moment before connections are taken."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(self.place) == 0

    def ask(self, request):
        """(status, body), or None: it was not answered."""
        path, kind, body = request if len(request) > 1 else (*request, None, None)
        connection = Connection(self.place)
        try:
            connection.request("POST" if body else "GET", path, json.dumps(body).encode() if isinstance(body, dict) else body,
                               {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def ask_loaded(self, request):
        """As ask, once the models are there."""
        end = time.monotonic() + TIMEOUT
        answer = self.ask(request)
        while answer and answer[0] == 503 and time.monotonic() < end:
            time.sleep(0.01)
            answer = self.ask(request)
        return answer

    def serve(self, requests, memory=None, **settings):
        """What a server answers to each request, to the first one again, its exit status and what it said. memory: bytes of addresses
        that it may have."""
        limit = memory and (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)))
        with open(self.path("said"), "w+b") as said:
            process = subprocess.Popen([VIT, "serve", "--listen", "unix:" + self.place, "--log", "off", "-m", "clip=clip", "-m",
                                        "classes=model", "--db", "given.db"], cwd=self.folder, stderr=said, preexec_fn=limit,
                                       env=environment() if memory else watched(**settings))
            end = time.monotonic() + TIMEOUT
            while not self.is_listening() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
            self.ask_loaded(("/v1/models",)) or self.ask_loaded(("/v1/models",))  # the first may be struck
            answers = [self.ask(request) for request in requests]
            again = self.ask_loaded(requests[0])
            if again != answers[0]:  # struck itself
                again = self.ask_loaded(requests[0])
            process.terminate()
            ended = process.wait(TIMEOUT)
        if os.path.exists(self.place):
            os.remove(self.place)
        return answers, again, ended, read(self.path("said")).splitlines()

    def judge(self, answer, want, same):
        if answer is None:  # the connection ended
            return
        status, body = answer
        if status == 200:
            self.assertTrue(without_time(body) == without_time(want[1]) or not same)
        else:  # there may be no memory for words about it
            self.assertIn(status, REFUSALS)

    def check(self, requests):
        count = self.path("count")
        wants, _, ended, _ = self.serve(requests, VIT_FAULT_COUNT=count)
        others = self.serve(requests)[0]
        self.assertEqual(([want[0] for want in wants], ended), ([200] * len(requests), 0), wants)
        for kind, error, n, lasts in faults(calls_of(count), "serve"):
            fault = "%s:%d%s:%s" % (kind, n, lasts, error)
            answers, again, ended, said = self.serve(requests, VIT_FAULT=fault)
            statuses = [answer and answer[0] for answer in answers]
            with self.subTest(fault=fault, status=ended, said=said[-5:], answers=statuses):
                for line in said:
                    self.assertTrue(line.startswith(SPEAKERS))
                # Which towers a model has, and which index, may depend on a file that could not be read: then the first alone.
                for i, answer in enumerate(answers if kind == "memory" else answers[:1]):
                    with self.subTest(request=requests[i][0]):
                        self.judge(answer, wants[i], others[i] == wants[i])
                self.assertIn(ended, ENDINGS)
                self.assertTrue(said or set(statuses) != {None})
                if error in HARMLESS:
                    self.assertEqual((set(statuses), ended), ({200}, 0))
                if ended == 0 and not lasts and kind == "memory" and set(statuses) != {None}:  # it lives on
                    self.assertEqual(again, wants[0])
                    self.assertLessEqual(sum(status != 200 for status in statuses), 1)

    @unittest.skipIf(is_sanitized(), "a sanitizer has its own idea of memory")
    def test_little_memory(self):
        """ulimit -v, from too little for a start to plenty: it says that it cannot start, or it answers, or says what it lacks, and what
        it lacks for one request it has again for the next."""
        wants = self.serve(REQUESTS)[0]
        for size in range(16, 640, 8) if FULL else (24, 80, 160):
            answers, again, ended, said = self.serve(REQUESTS, memory=size << 20)
            statuses = [answer and answer[0] for answer in answers]
            with self.subTest(memory=size, status=ended, said=said[-5:], answers=statuses, again=again and again[0]):
                for line in said:
                    self.assertTrue(line.startswith(SPEAKERS) and not line.startswith(b"vit: :"))
                for i, answer in enumerate(answers):
                    with self.subTest(request=REQUESTS[i][0]):
                        self.judge(answer, wants[i], False)
                self.assertIn(ended, ENDINGS)
                self.assertTrue(said or set(statuses) != {None})

    def test_requests(self):
        self.check(REQUESTS)

    def test_description(self):
        self.check(DESCRIPTION)


if __name__ == "__main__":
    main()
