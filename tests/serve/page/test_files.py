# SPDX-License-Identifier: BSD-2-Clause
"""The files of the page, as the server sends them: small, closed to everything from elsewhere, and there without a key."""
import html.parser
import http.client
import unittest
import urllib.parse

from page import *

MOST = 60000  # bytes of the three files together
POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' blob: data:",
          "connect-src": "'self'", "form-action": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'"}


class Page(html.parser.HTMLParser):
    """Fails on what the policy forbids, and on tags that are not closed in order."""

    EMPTY = {"meta", "link", "img", "input", "path"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids = [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert not any(name.startswith("on") or name == "style" for name in names), (tag, names)
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        assert tag != "script" or "src" in names, "a script inside the page"
        for name, value in attributes:
            if name in ("src", "href"):
                assert value.startswith("data:") or not urllib.parse.urlsplit(value).netloc, value
                assert not value.startswith("/"), "%s: behind a proxy the page may stand in a folder" % value
            if name == "id":
                self.ids.append(value)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag, tag


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--log", "off", "-m", CLASSIFIER, env=environment(VIT_API_KEY="secret"))
        cls.address = urllib.parse.urlsplit(cls.server.url)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def get(self, path, status=200, **headers):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=TIMEOUT)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.assertEqual(answer.status, status, body[:300])
        return answer, body

    def test_files(self):
        size = 0
        for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
            answer, body = self.get(path, Accept="text/html,*/*")
            size += len(body)
            self.assertEqual(answer.getheader("Content-Type"), kind + "; charset=utf-8")
            rules = dict(rule.strip().split(" ", 1) for rule in answer.getheader("Content-Security-Policy").split(";"))
            self.assertEqual(rules, POLICY)
            self.assertEqual(answer.getheader("Referrer-Policy"), "no-referrer")
            for name in ("Opener", "Resource"):
                self.assertEqual(answer.getheader("Cross-Origin-%s-Policy" % name), "same-origin")
            for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage",
                         "sessionStorage", "document.cookie"):
                self.assertNotIn(word, body.decode())
        self.assertLess(size, MOST)

    def test_html(self):
        page = Page(self.get("/", Accept="text/html")[1].decode())
        self.assertEqual(len(page.ids), len(set(page.ids)))
        script = self.get("/page.js")[1].decode()
        for name in re.findall(r'\$\("([^"]+)"\)', script):
            if not name.startswith(("slot-", "words-1")):  # made by the script
                self.assertIn(name, page.ids)

    def test_samples(self):
        summary = json.loads(self.get("/", Accept="application/json")[1])
        self.assertEqual(tuple(summary["samples"]), SAMPLES)
        for name in SAMPLES:
            answer, body = self.get("/v1/samples/" + name)
            with open(os.path.join(PICTURES, name), "rb") as file:
                self.assertEqual(body, file.read())
            self.assertEqual(answer.getheader("Content-Type"), "image/" + {"jpg": "jpeg", "png": "png"}[name[-3:]])
        for name in ("x.jpg", "..", "cat.jpg%20", "1"):
            self.get("/v1/samples/" + name, status=404)

    def test_others_are_kept_out(self):
        self.get("/v1/models", status=401)
        self.get("/page.js", status=403, Origin="http://evil.example")
        self.get("/page.js", status=403, Origin="null")


if __name__ == "__main__":
    main()
