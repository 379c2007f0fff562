# SPDX-License-Identifier: BSD-2-Clause
"""The endpoints of Cohere, Voyage, Ollama and Weaviate, and those of the page."""
import zlib

from serving import *

DOG, CAR = "a dog", "a car"


def unpack_bits(values, less):
    return [(value + less) >> (7 - i) & 1 for value in values for i in range(8)]


class Cohere(Case):
    PATH = "/v2/embed"

    def embed(self, status=200, **members):
        answer = self.post(self.PATH, dict({"model": "org/clip", "input_type": "search_document"}, **members), status=status)
        if status != 200:
            self.assertEqual(list(answer.json), ["message"])
            self.assertIsInstance(answer.json["message"], str)
        return answer.json

    def test_words(self):
        answer = self.embed(texts=[DOG, CAR], embedding_types=["float"], truncate="END")
        self.assertEqual(sorted(answer), ["embeddings", "id", "meta", "response_type", "texts"])
        self.assertEqual((answer["texts"], answer["response_type"]), ([DOG, CAR], "embeddings_by_type"))
        self.assertEqual(answer["meta"]["api_version"]["version"], "2")
        self.assertEqual(list(answer["embeddings"]), ["float"])
        self.assert_vectors(answer["embeddings"]["float"], [embed("org/clip", text=DOG), embed("org/clip", text=CAR)])

    def test_pictures(self):
        want = [embed("org/clip", file) for file in FILES]
        self.assert_vectors(self.embed(images=URIS)["embeddings"]["float"], want)
        inputs = [{"content": [{"type": "image_url", "image_url": {"url": URIS[0]}}]},
                  {"content": [{"type": "text", "text": DOG}]}]
        rows = self.embed(inputs=inputs, texts=None, images=None)["embeddings"]["float"]
        self.assert_vectors(rows, [want[0], embed("org/clip", text=DOG)])

    def test_types(self):
        vector = floats(embed("org/clip", text=DOG))
        answer = self.embed(texts=[DOG], embedding_types=["ubinary", "base64", "binary", "float"])["embeddings"]
        self.assertEqual(base64.b64decode(answer["base64"][0]), embed("org/clip", text=DOG))
        bits = [int(value > 0) for value in vector]
        self.assertEqual(unpack_bits(answer["ubinary"][0], 0), bits)
        self.assertEqual(unpack_bits(answer["binary"][0], 128), bits)
        for name in ("int8", "uint8", "float16", 5):
            self.embed(texts=[DOG], embedding_types=[name], status=400)
        self.embed(texts=[DOG], embedding_types="float", status=400)

    def test_refused(self):
        self.embed(status=400)
        self.embed(texts=[DOG], images=URIS, status=400)
        self.embed(texts=[], status=400)
        self.embed(texts=5, status=400)
        self.embed(texts=[5], status=400)
        self.embed(images=["http://example.org/a.png"], status=422)
        self.embed(texts=["a photo of the big red car " * 9], truncate="NONE", status=422)
        self.embed(texts=["a photo of the big red car " * 9], truncate="START", status=400)
        self.embed(texts=[DOG], model="none", status=404)


class Voyage(Case):
    def embed(self, inputs, status=200, **members):
        body = dict({"model": "org/clip", "inputs": inputs, "input_type": None, "truncation": True}, **members)
        answer = self.post("/v1/multimodalembeddings", body, status=status)
        if status != 200:
            self.assertEqual(list(answer.json), ["detail"])
        return answer.json

    def test_parts(self):
        inputs = [{"content": [{"type": "text", "text": DOG}]}, {"content": [{"type": "image_base64", "image_base64": URIS[0]}]}]
        answer = self.embed(inputs, encoding_format="base64")
        self.assertEqual((answer["object"], answer["model"]), ("list", "org/clip"))
        self.assertEqual([base64.b64decode(row["embedding"]) for row in answer["data"]],
                         [embed("org/clip", text=DOG), embed("org/clip", FILES[0])])
        self.assertEqual(answer["usage"], {"text_tokens": 4, "image_pixels": 97 * 61, "video_pixels": 0,
                                           "total_tokens": 4 + 97 * 61})
        rows = self.embed(inputs, encoding_format=None)["data"]
        self.assert_vectors([row["embedding"] for row in rows], [embed("org/clip", text=DOG), embed("org/clip", FILES[0])])

    def test_refused(self):
        self.embed([], status=400)
        self.embed(None, status=400)
        self.embed([{"content": [{"type": "image_url", "image_url": "https://example.org/a.png"}]}], status=422)
        self.embed([{"content": [{"type": "text", "text": DOG}, {"type": "image_base64", "image_base64": URIS[0]}]}], status=422)
        self.embed([{"content": [{"type": "text", "text": DOG}]}], model="none", status=404)
        self.embed([{"content": [{"type": "text", "text": DOG}]}], model="classifier", status=422)


class Ollama(Case):
    def test_embed(self):
        body = {"model": "org/clip", "input": [DOG, CAR], "images": BASE64[:1], "options": {}, "keep_alive": None}
        answer = self.post("/api/embed", body).json
        self.assertEqual(answer["model"], "org/clip")
        self.assert_vectors(answer["embeddings"], [embed("org/clip", text=DOG), embed("org/clip", text=CAR),
                                                   embed("org/clip", FILES[0])])
        for name in ("total_duration", "load_duration", "prompt_eval_count"):
            self.assertIsInstance(answer[name], int)
        for members in ({"input": DOG}, {"input": [DOG]}, {"input": DOG, "images": None}, {"input": DOG, "images": []}):
            rows = self.post("/api/embed", dict(members, model="org/clip")).json["embeddings"]
            self.assert_vectors(rows, [embed("org/clip", text=DOG)])
        for words in ("", None, []):
            rows = self.post("/api/embed", {"model": "org/clip", "input": words, "images": BASE64}).json["embeddings"]
            self.assert_vectors(rows, [embed("org/clip", file) for file in FILES])
        answer = self.post("/api/embed", {"model": "org/clip", "input": "a photo of the big red car " * 9, "truncate": False},
                           status=422)
        self.assertEqual(answer.json["error_type"], "too_long")

    def test_older(self):
        answer = self.post("/api/embeddings", {"model": "org/clip", "prompt": DOG}).json
        self.assert_vectors([answer["embedding"]], [embed("org/clip", text=DOG)])

    def test_names(self):
        self.assertEqual([m["name"] for m in self.get("/api/tags").json["models"]], ["classifier", "org/clip"])
        self.assertRegex(self.get("/api/version").json["version"], r"^\d+\.\d+\.\d+$")

    def test_refused(self):
        for body, status in (({"model": "none", "input": DOG}, 404), ({"input": 5}, 400), ({}, 400), ({"images": 5}, 400),
                             ({"images": ["not base64!"]}, 422), ({"images": [5]}, 400)):
            answer = self.post("/api/embed", body, status=status).json
            self.assertIsInstance(answer["error"], str)


class Weaviate(Case):
    models = ("-m", "org/clip=" + CLIP)

    def test_vectorize(self):
        answer = self.post("/vectorize", {"texts": [DOG, CAR], "images": BASE64}).json
        self.assert_vectors(answer["textVectors"], [embed("org/clip", text=DOG), embed("org/clip", text=CAR)])
        self.assert_vectors(answer["imageVectors"], [embed("org/clip", file) for file in FILES])
        for body in ({"texts": [DOG], "images": []}, {"texts": [DOG]}, {"texts": [DOG], "images": None}):
            answer = self.post("/vectorize", body).json
            self.assertEqual((len(answer["textVectors"]), answer["imageVectors"]), (1, []))
        self.assertEqual(self.post("/vectorize", {}).json, {"textVectors": [], "imageVectors": []})
        for wrong in ({"texts": 5}, {"texts": [5]}, {"images": {}}):
            self.post("/vectorize", wrong, status=400)
        self.assertEqual(self.post("/vectorize", {"images": ["!"]}, status=422).json["error_type"], "unprocessable")

    def test_probes(self):
        for path in ("/.well-known/live", "/.well-known/ready"):
            answer = self.get(path, status=204)
            self.assertEqual(answer.body, b"")
        self.assertEqual(self.get("/meta").json["model"], "org/clip")


class Own(Case):
    def command(self, *arguments):
        done = subprocess.run([VIT, *arguments], check=True, capture_output=True, env=environment(), cwd=FOLDER)
        return json_lines(done.stdout)[0]

    def assert_predictions(self, got, want):
        """Equal, with scores as f32: one writes the fewest digits that do, the other nine."""
        def rounded(answer):
            return [dict(p, score=packed([p["score"]])) for p in answer["predictions"]]
        self.assertEqual(list(got), list(want))
        self.assertEqual(rounded(got), rounded(want))

    def test_classify(self):
        """The object of vit classify --format json without its path."""
        want = self.command("classify", "-q", "-m", CLASSIFIER, "--format", "json", "-k", "3", FILES[0])
        want.pop("path")
        for path, body in (("/v1/classify?top_k=3", PICTURES[0]), ("/v1/classify", {"image": BASE64[0], "top_k": 3}),
                           ("/v1/classify?top_k=3", {"input": URIS[0]})):
            self.assert_predictions(self.post(path, body).json, want)
        want = self.command("classify", "-q", "-m", CLIP, "--format", "json", "-k", "9", "--labels", "cat,dog,car",
                            "--template", "a photo of a {}", FILES[0])
        want.pop("path")
        answer = self.post("/v1/classify?model=org%2Fclip&labels=cat,dog,car&template=a+photo+of+a+%7B%7D", PICTURES[0])
        self.assert_predictions(answer.json, want)
        answer = self.post("/v1/classify", {"model": "org/clip", "image": BASE64[0], "labels": ["cat", "dog", "car"],
                                            "template": "a photo of a {}"})
        self.assert_predictions(answer.json, want)
        error = self.post("/v1/classify?model=org%2Fclip", PICTURES[0], status=400).json["error"]
        self.assertEqual(error["param"], "labels")
        for query in ("top_k=0", "top_k=x", "top_k=1.5"):
            self.post("/v1/classify?" + query, PICTURES[0], status=400)

    def test_attention(self):
        answer = self.post("/v1/attention", PICTURES[0]).json
        self.assertEqual(answer["grid"], [6, 6])
        self.assertEqual(len(answer["weights"]), 36)
        first = self.post("/v1/attention?layer=0&head=1", PICTURES[0]).json
        self.assertEqual((first["layer"], first["head"], first["heads"]), (0, 1, answer["heads"]))
        self.assertNotEqual(first["weights"], answer["weights"])
        drawn = self.post("/v1/attention?format=png", PICTURES[0])
        self.assertEqual((drawn.headers["Content-Type"], drawn.body[:8]), ("image/png", b"\x89PNG\r\n\x1a\n"))
        for query in ("layer=99", "head=99", "layer=-1", "layer=x"):
            self.post("/v1/attention?" + query, PICTURES[0], status=400)

    def test_no_index(self):
        self.assertEqual(self.post("/v1/search", {"text": "x"}, status=404).json["error"]["code"], "not_found")
        self.get("/v1/thumbnails/1", status=404)


class Index(Case):
    @classmethod
    def setUpClass(cls):
        cls.place = os.path.join(FOLDER, "index.db")
        made = subprocess.run([VIT, "index", "-q", "--db", cls.place, "-m", CLIP, *FILES], capture_output=True, env=environment())
        if b"SQLite" in made.stderr:
            raise unittest.SkipTest("built without SQLite")
        cls.models, cls.arguments = ("-m", "org/clip=" + CLIP), ("--db", cls.place)
        super().setUpClass()

    def test_search(self):
        done = subprocess.run([VIT, "search", "--db", self.place, "--json", "--text", DOG], check=True, capture_output=True,
                              env=environment())
        want = json_lines(done.stdout)[0]["results"]
        got = self.post("/v1/search", {"text": DOG}).json["results"]
        self.assertEqual([row["path"] for row in got], [row["path"] for row in want])
        for row, other in zip(got, want):
            self.assertAlmostEqual(row["score"], other["score"], delta=1e-6)
            self.assertEqual(row["thumbnail"], "/v1/thumbnails/%d" % row["id"])
        sizes = {row["path"]: (row["width"], row["height"]) for row in got}
        self.assertEqual(sizes[FILES[0]], (97, 61))
        for query in ({"image": BASE64[0]}, {"id": next(row["id"] for row in got if row["path"] == FILES[0])}):
            best = self.post("/v1/search", dict(query, k=1)).json["results"]
            self.assertEqual([row["path"] for row in best], [FILES[0]])
            self.assertAlmostEqual(best[0]["score"], 1, delta=1e-5)

    def test_thumbnails(self):
        for row in self.post("/v1/search", {"text": DOG}).json["results"]:
            answer = self.get(row["thumbnail"])
            self.assertEqual(answer.headers["Content-Type"], "image/png")
            width, height = struct.unpack(">II", answer.body[16:24])
            self.assertLessEqual(max(width, height), 256)
        for path in ("/v1/thumbnails/0", "/v1/thumbnails/99", "/v1/thumbnails/x", "/v1/thumbnails/..%2F..%2Fetc%2Fpasswd"):
            self.get(path, status=404)

    def test_refused(self):
        for body, status in (({}, 400), ({"k": 5}, 400), ({"text": DOG, "k": 0}, 400), ({"text": DOG, "k": "x"}, 400),
                             ({"id": "x"}, 400), ({"id": 99}, 404), ({"text": DOG, "image": BASE64[0]}, 422)):
            self.post("/v1/search", body, status=status)

    def test_damaged(self):
        """A damaged index is the server's fault, not the request's: 500, and what needs no index is answered as before."""
        place = os.path.join(FOLDER, "damaged.db")
        shutil.copy(self.place, place)
        server = Server("--db", place, models=self.models)
        try:
            with open(place, "r+b") as file:
                file.seek(100)
                file.write(b"\xff" * (os.path.getsize(place) - 100))
            for method, path, body in (("POST", "/v1/search", {"text": DOG}), ("POST", "/v1/search", {"id": 1}),
                                       ("GET", "/v1/thumbnails/1", None)):
                answer = self.ask(method, path, body, status=500, port=server.port)
                self.assertEqual(answer.json["error"]["code"], "internal", answer.body)
            self.post("/v1/embeddings", {"input": DOG}, port=server.port)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_another_model(self):
        done = subprocess.run([VIT, "serve", "--listen", "127.0.0.1:0", "--db", self.place, "-m", CLASSIFIER],
                              capture_output=True, env=environment(), timeout=TIMEOUT)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(b"index", done.stderr)


if __name__ == "__main__":
    main()
