# SPDX-License-Identifier: BSD-2-Clause
"""What a client's script is told by test_clients.py: where servers are, and what vectors must come back."""
import base64
import json
import os
import struct
import threading
import time
import unittest
import unittest.mock
import urllib.request

with open(os.environ["VIT_FACTS"], encoding="utf-8") as _file:
    FACTS = json.load(_file)
URL, WORDS_URL, KEYED_URL, BUSY_URL, KEY = (FACTS[name] for name in ("url", "words_url", "keyed_url", "busy_url", "key"))
CLIP, DOG, CAR = "org/clip", "a dog", "a car"
FILES, URIS, BASE64 = FACTS["files"], FACTS["uris"], FACTS["base64"]
PICTURES = [base64.b64decode(text) for text in BASE64]


def vector(key):
    """The bytes of what `vit embed` gives: "dog", "car", "picture 0", "picture 1", with " raw" behind it not normalised."""
    return base64.b64decode(FACTS["vectors"][key])


def packed(values):
    return struct.pack("<%df" % len(values), *[float(value) for value in values])


class Case(unittest.TestCase):
    maxDiff = 2000

    def assert_vectors(self, rows, keys):
        self.assertEqual(len(rows), len(keys))
        for row, key in zip(rows, keys):
            self.assertEqual(packed(row), vector(key), key)


def metric(url, line):
    with urllib.request.urlopen(url + "/metrics") as answer:
        for text in answer.read().decode().splitlines():
            if text.rsplit(" ", 1)[0] == line:
                return float(text.rsplit(" ", 1)[1])
    return 0.0


class Busy:
    """While it is entered, more waits at BUSY_URL than it takes, but for a moment now and then."""

    def __enter__(self):
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(2)]
        for thread in self.threads:
            thread.start()
        while metric(BUSY_URL, 'vit_queue_inputs{model="org/clip"}') < 2:
            time.sleep(0.01)
        return self

    def _ask(self):
        body = json.dumps({"input": [BASE64[1]] * 400, "modality": "image"}).encode()
        while not self.over.is_set():
            try:
                urllib.request.urlopen(urllib.request.Request(BUSY_URL + "/v1/embeddings", data=body)).read()
            except OSError:  # 429 for this one too
                time.sleep(0.01)

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def until_refused(ask, kind):
    """Asks until the error of this kind comes: the queue is full most of the time. The error."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            ask()
        except kind as error:
            return error
    raise AssertionError("never refused")
