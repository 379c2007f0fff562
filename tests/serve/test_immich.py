# SPDX-License-Identifier: BSD-2-Clause
"""Immich's machine learning: forms as its server builds them with fetch and FormData (undici)."""
import threading
import time

from serving import *

NAME = "ViT-B-32__openai"
ENTRIES = {"visual": {"clip": {"visual": {"modelName": NAME}}}, "textual": {"clip": {"textual": {"modelName": NAME}}}}


def exif_turned(picture, orientation=6):
    """A JPEG with an EXIF orientation."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return picture[:2] + b"\xFF\xE1" + struct.pack(">H", len(segment) + 2) + segment + picture[2:]


def size_of(picture):
    """(width, height) of a JPEG."""
    at = 2
    while picture[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", picture[at + 2:at + 4])[0]
    height, width = struct.unpack(">HH", picture[at + 5:at + 9])
    return width, height


class Immich(Case):
    models = ("-m", "classifier=" + CLASSIFIER, "-m", "org/clip=" + CLIP, "--alias", NAME + "=org/clip",
              "-m", "immich-app/ViT-H-14-378-quickgelu:dfn5b.v1=" + CLIP)

    def predict(self, entries, *parts, status=200, path="/predict"):
        """entries: an object, or bytes. Immich's server sends neither accept nor any key."""
        entries = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
        body, kind = multipart([("entries", entries), *parts])
        answer = self.post(path, body, headers={"Content-Type": kind}, status=status)
        return answer.json

    def picture(self, content=PICTURES[0]):
        return ("image", content, "blob")

    def test_ping(self):
        for path in ("/ping", "/ping/"):
            answer = self.get(path)
            self.assertEqual((answer.body, answer.headers["Content-Type"].split(";")[0]), (b"pong", "text/plain"))

    def test_picture(self):
        for options in ({}, {"options": {}}, {"options": None}):
            entries = {"clip": {"visual": dict({"modelName": NAME}, **options)}}
            answer = self.predict(entries, self.picture(PICTURES[1]))
            self.assertEqual(sorted(answer), ["clip", "imageHeight", "imageWidth"])
            self.assertIsInstance(answer["clip"], str)
            self.assert_vectors([json.loads(answer["clip"])], [embed("org/clip", FILES[1])])
            self.assertEqual((answer["imageWidth"], answer["imageHeight"]), size_of(PICTURES[1]))
        parts = [("image", PICTURES[1], "blob"), ("entries", json.dumps(ENTRIES["visual"]).encode())]
        body, kind = multipart(parts)  # in another order
        self.post("/predict", body, headers={"Content-Type": kind})

    def test_size_before_turning(self):
        wide = PICTURES[1] if size_of(PICTURES[1])[0] != size_of(PICTURES[1])[1] else read(
            os.path.join(harness.PICTURES, "coffee.jpg"))
        self.assertNotEqual(*size_of(wide))
        for orientation in range(1, 9):
            answer = self.predict(ENTRIES["visual"], self.picture(exif_turned(wide, orientation)))
            self.assertEqual((answer["imageWidth"], answer["imageHeight"]), size_of(wide), orientation)

    def test_words(self):
        want = embed("org/clip", text="a red dog")
        for text in ("a red dog", "  a \n\t red   dog\r\n", "a\u00a0red\u2003dog", "a\x0bred\x0cdog", "a\u3000red\x85dog\u2028"):
            for options in ({}, {"options": {"language": "de"}}, {"options": {"language": None}}):
                entries = {"clip": {"textual": dict({"modelName": NAME}, **options)}}
                answer = self.predict(entries, ("text", text.encode()))
                self.assertEqual(list(answer), ["clip"])
                self.assert_vectors([json.loads(answer["clip"])], [want])
        empty = self.predict(ENTRIES["textual"], ("text", b""))
        self.assert_vectors([json.loads(empty["clip"])], [embed("org/clip", text="")])

    def test_names(self):
        """What stands behind the last slash, a colon as '_', dots removed; an alias; the name itself."""
        for name in (NAME, "org/clip", "clip", "ViT-H-14-378-quickgelu_dfn5bv1"):
            self.predict({"clip": {"visual": {"modelName": name}}}, self.picture())
        for name in ("ViT-B-16__openai", "ViT-B-32__openai2", "", "default", "ViT-H-14-378-quickgelu", "other/clip"):
            answer = self.predict({"clip": {"visual": {"modelName": name}}}, self.picture(), status=404)
            self.assertEqual(list(answer), ["detail"])

    def test_other_tasks(self):
        face = {"facial-recognition": {"detection": {"modelName": "buffalo_l", "options": {"minScore": 0.7}},
                                       "recognition": {"modelName": "buffalo_l"}}}
        ocr = {"ocr": {"detection": {"modelName": "PP-OCRv5"}, "recognition": {"modelName": "PP-OCRv5"}}}
        for entries in (face, ocr, dict(ENTRIES["visual"], **face)):
            answer = self.predict(entries, self.picture(), status=501)
            self.assertEqual(list(answer), ["detail"])

    def test_bad_entries(self):
        bad = [b"", b"{", b"[]", b"5", b"null", b"{}", {"clip": None}, {"clip": {}}, {"clip": 5}, {"clip": {"visual": 5}},
               {"clip": {"visual": {}}}, {"clip": {"visual": {"modelName": 5}}}, {"clip": {"visual": {"modelName": None}}},
               {"clip": {"other": {"modelName": NAME}}},
               {"clip": {"visual": {"modelName": NAME}, "textual": {"modelName": NAME}}},
               {"clip": {"visual": {"modelName": NAME, "options": 5}}}]
        for entries in bad:
            with self.subTest(entries=entries):
                self.assertEqual(self.predict(entries, self.picture(), status=422), {"detail": "Invalid request format."})
        body, kind = multipart([self.picture()])
        self.post("/predict", body, headers={"Content-Type": kind}, status=422)
        self.post("/predict", ENTRIES["visual"], status=422)
        self.post("/predict", b"", status=422)

    def test_missing_parts(self):
        for kind in ("visual", "textual"):
            self.assertEqual(list(self.predict(ENTRIES[kind], status=400)), ["detail"])
        self.predict(ENTRIES["visual"], ("text", b"a dog"), status=400)
        self.predict(ENTRIES["textual"], self.picture(), status=400)

    def test_bad_pictures(self):
        for content, status in ((PICTURES[0][:200], 422), (b"", 415), (b"8BPS" + bytes(99), 415), (b"words", 415)):
            self.assertEqual(list(self.predict(ENTRIES["visual"], self.picture(content), status=status)), ["detail"])

    def test_parts(self):
        """Eight at most; bytes that look like a boundary are a picture's own."""
        extra = [("x%d" % i, b"") for i in range(6)]
        self.predict(ENTRIES["visual"], self.picture(), *extra)
        self.predict(ENTRIES["visual"], self.picture(), *extra, ("x", b""), status=422)
        tail = PICTURES[0] + b"\r\n----formdata-undici-01234567890\r\n--\r\n"
        answer = self.predict(ENTRIES["visual"], self.picture(tail))
        self.assert_vectors([json.loads(answer["clip"])], [embed("org/clip", FILES[0])])


def letters_tokenizer(folder):
    """A tokenizer of SigLIP's kind, which knows single letters, in a checkpoint whose vocabulary has 90 pieces."""
    with open(os.path.join(DATA, "text", "siglip_unigram", "tokenizer.json"), encoding="utf-8") as file:
        tokenizer = json.load(file)
    pieces = ["<pad>", "</s>", "<unk>", "\u2581"] + [chr(ord("a") + i) for i in range(26)]
    tokenizer["model"]["vocab"] = [[piece, 0.0 if i < 3 else -float(i)] for i, piece in enumerate(pieces)]
    steps = tokenizer["normalizer"]["normalizers"]
    tokenizer["normalizer"]["normalizers"] = [step for step in steps if step["type"] != "Precompiled"]
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(tokenizer, file)


class Canonical(Case):
    """Words of a checkpoint whose configuration says canonicalize: Immich takes out punctuation, and the words stay joined."""

    @classmethod
    def setUpClass(cls):
        folder = os.path.join(FOLDER, "siglip")
        shutil.copytree(os.path.join(DATA, "golden", "openclip_siglip"), folder)
        letters_tokenizer(folder)
        cls.models = ("-m", NAME + "=" + folder)
        PATHS["siglip"] = folder
        super().setUpClass()

    def test_words(self):
        for text, same in (("A dog, a CAT!", "a dog a cat"), ("a-dog_cat", "adogcat"), ("(a)  'dog'\n", "a dog"), ("?", "")):
            body, kind = multipart([("entries", json.dumps(ENTRIES["textual"]).encode()), ("text", text.encode())])
            row = json.loads(self.post("/predict", body, headers={"Content-Type": kind}).json["clip"])
            self.assert_vectors([row], [embed("siglip", text=same)])
        self.assertNotEqual(embed("siglip", text="adogcat"), embed("siglip", text="a dogcat"))


class Busy(Case):
    models = ("-m", NAME + "=" + CLIP)
    arguments = ("--queue", "4096", "--text-cache", "0")

    def test_ping_never_waits(self):
        """The encoder is busy for the whole time."""
        body = {"input": [BASE64[1]] * 300, "modality": "image"}
        pings = 0

        def keep_busy():
            while pings < 20:
                self.post("/v1/embeddings", body)
        threads = [threading.Thread(target=keep_busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for pings in range(1, 20):
                start = time.monotonic()
                self.get("/ping")
                self.assertLess(time.monotonic() - start, 2)  # which is Immich's patience
                time.sleep(0.02)
        finally:
            pings = 20
            for thread in threads:
                thread.join()


if __name__ == "__main__":
    main()
