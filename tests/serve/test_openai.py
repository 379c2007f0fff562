# SPDX-License-Identifier: BSD-2-Clause
"""OpenAI's endpoints: every shape of an input, encodings, dimensions, models."""
from serving import *

DOG, CAR = "a dog", "the big red car"


class Items(Case):
    """Each row of the table of inputs."""

    def vectors(self, body, **more):
        body.setdefault("model", "org/clip")
        answer = self.post("/v1/embeddings", body, **more).json
        self.assertEqual((answer["object"], answer["model"]), ("list", "org/clip"))
        self.assertEqual([row["index"] for row in answer["data"]], list(range(len(answer["data"]))))
        self.assertEqual({row["object"] for row in answer["data"]}, {"embedding"})
        return [row["embedding"] for row in answer["data"]]

    def check(self, item, want, **more):
        """As the only input, and as one of several."""
        other = embed("org/clip", text=CAR) if more.get("modality") != "image" else embed("org/clip", FILES[1])
        beside = CAR if more.get("modality") != "image" else BASE64[1]
        with self.subTest(item=str(item)[:60]):
            self.assert_vectors(self.vectors(dict(input=item, **more)), [want])
            self.assert_vectors(self.vectors(dict(input=[beside, item, beside], **more)), [other, want, other])

    def test_words(self):
        want = embed("org/clip", text=DOG)
        for item in (DOG, {"text": DOG}, {"type": "text", "text": DOG}, {"type": "input_text", "text": DOG},
                     {"content": DOG}, {"content": [{"type": "text", "text": DOG}]}, {"role": "user", "content": DOG},
                     {"prompt_string": DOG}, {"prompt_string": DOG, "multimodal_data": []},
                     {"text": DOG, "image": None}):
            if "role" in item:  # alone it is a conversation; beside words it is an item
                self.assert_vectors(self.vectors({"input": [CAR, item]}), [embed("org/clip", text=CAR), want])
                continue
            self.check(item, want)

    def test_pictures(self):
        want = embed("org/clip", FILES[0])
        uri, bare = URIS[0], BASE64[0]
        for item in (uri, {"image": uri}, {"image": bare}, {"type": "image_url", "image_url": {"url": uri}},
                     {"type": "image_url", "image_url": uri}, {"type": "image_base64", "image_base64": uri},
                     {"type": "image_base64", "image_base64": bare}, {"type": "input_image", "image_url": uri},
                     {"content": [{"type": "image_url", "image_url": {"url": uri}}]},
                     {"content": [{"type": "text", "text": " "}, {"type": "image_url", "image_url": {"url": uri}}]},
                     {"prompt_string": "", "multimodal_data": [bare]}, {"prompt_string": "x", "multimodal_data": [bare]},
                     {"text": "", "image": uri}):
            self.check(item, want)

    def test_modality(self):
        want = embed("org/clip", FILES[0])
        for item in (BASE64[0], URIS[0], {"image": BASE64[0]}):
            self.check(item, want, modality="image")
        self.check(DOG, embed("org/clip", text=DOG), modality="text")
        self.check(URIS[0], want, modality="text")

    def test_base64_as_it_comes(self):
        """Both alphabets, padding or none, white space, any media type."""
        want = embed("org/clip", FILES[1])
        url = base64.urlsafe_b64encode(PICTURES[1]).decode()
        lines = "\r\n".join(BASE64[1][i:i + 76] for i in range(0, len(BASE64[1]), 76))
        for text in (url, url.rstrip("="), BASE64[1].rstrip("="), lines, "  %s\n" % BASE64[1]):
            self.assert_vectors(self.vectors({"input": {"image": text}}), [want])
        for head in ("data:image/png;base64,", "data:application/octet-stream;base64,", "data:;base64,", "DATA:image/x;BASE64,",
                     "data:image/png;name=a.png;base64,"):
            self.assert_vectors(self.vectors({"input": head + BASE64[1]}), [want])

    def test_order(self):
        """Words and pictures in one request come in their order."""
        rows = self.vectors({"input": [{"text": DOG}, {"image": BASE64[0]}, CAR, URIS[1], {"image": URIS[0]}]})
        self.assert_vectors(rows, [embed("org/clip", text=DOG), embed("org/clip", FILES[0]), embed("org/clip", text=CAR),
                                   embed("org/clip", FILES[1]), embed("org/clip", FILES[0])])

    def test_messages(self):
        """vLLM: a conversation is one item, a list of conversations one each."""
        picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": URIS[0]}}]}
        words = {"role": "user", "content": DOG}
        system = {"role": "system", "content": "Represent the input."}
        want = [embed("org/clip", FILES[0]), embed("org/clip", text=DOG)]
        for name in ("messages", "input"):
            self.assert_vectors(self.vectors({name: [picture]}), want[:1])
            self.assert_vectors(self.vectors({name: [system, picture]}), want[:1])
            self.assert_vectors(self.vectors({name: [[picture], [system, words]]}), want)
        self.assert_vectors(self.vectors({"input": None, "messages": [words]}), want[1:])

    def refuse(self, item, status, code, **more):
        body = dict({"model": "org/clip", "input": item}, **more)
        error = self.post("/v1/embeddings", body, status=status).json["error"]
        self.assertEqual(sorted(error), ["code", "message", "param", "type"])
        self.assertEqual(error["code"], code, error)
        return error

    def test_refused(self):
        self.assertIn("check_embedding_ctx_length=False", self.refuse([1, 2, 3], 422, "token_ids")["message"])
        self.refuse([[1, 2, 3], [4]], 422, "token_ids")
        for address in ("http://127.0.0.1/a.png", "https://example.org/a.png", "file:///etc/passwd", "HTTPS://example.org/"):
            for item in ({"image": address}, {"type": "image_url", "image_url": {"url": address}}):
                self.refuse(item, 422, "url_not_allowed")
        self.refuse("http://example.org/a.png", 422, "url_not_allowed", modality="image")
        both = [{"text": DOG, "image": URIS[0]}, {"content": [{"type": "text", "text": DOG},
                                                              {"type": "image_url", "image_url": URIS[0]}]}]
        for item in both:
            self.assertEqual(self.refuse([DOG, item], 422, "unprocessable")["param"], "input[1]")
        for item in (5, True, {}, {"text": 5}, {"image": 5}, {"content": []}, [], {"image_url": {"url": 7}}):
            self.refuse(item, 400, "bad_request")
        self.refuse(None, 400, "bad_request")
        for path in ("/etc/passwd", "C:\\a.png", "a.png"):
            error = self.refuse({"image": path}, 422, "url_not_allowed")
            self.assertNotIn("root", error["message"])

    def test_one_bad_input(self):
        """It fails the request, by its number."""
        broken = base64.b64encode(PICTURES[0][:200]).decode()
        error = self.refuse([{"image": BASE64[0]}, {"image": BASE64[1]}, DOG, {"image": broken}], 422, "truncated")
        self.assertEqual(error["param"], "input[3]")
        self.assertIn("input[3]", error["message"])
        at = PICTURES[0].index(b"IDAT") + 8
        noise = base64.b64encode(PICTURES[0][:at] + bytes(50) + PICTURES[0][at + 50:]).decode()
        self.assertEqual(self.refuse([DOG, {"image": noise}], 422, "corrupt")["param"], "input[1]")
        psd = base64.b64encode(b"8BPS" + b"\0" * 50).decode()
        self.assertEqual(self.refuse({"image": psd}, 415, "unsupported_format")["param"], "input[0]")

    def test_model_without_words(self):
        body = {"input": BASE64[0], "model": "classifier"}
        rows = self.post("/v1/embeddings", body).json["data"]
        self.assert_vectors([rows[0]["embedding"]], [embed("classifier", FILES[0])])
        error = self.refuse({"text": DOG}, 422, "no_text_tower", model="classifier")
        self.assertEqual(error["param"], "input")

    def test_long_words(self):
        """Cut at the model's context, unless the request says otherwise."""
        words = "a photo of the big red car " * 4
        self.assert_vectors(self.vectors({"input": words}), [embed("org/clip", text=words)])
        self.refuse(words, 422, "too_long", truncate=False)
        self.assert_vectors(self.vectors({"input": DOG, "truncate": False}), [embed("org/clip", text=DOG)])


class Members(Case):
    def embeddings(self, **members):
        return self.post("/v1/embeddings", dict({"model": "org/clip", "input": DOG}, **members))

    def test_base64_answer(self):
        answer = self.embeddings(input=[DOG, URIS[0]], encoding_format="base64").json
        got = [base64.b64decode(row["embedding"]) for row in answer["data"]]
        self.assertEqual(got, [embed("org/clip", text=DOG), embed("org/clip", FILES[0])])
        self.post("/v1/embeddings", {"model": "org/clip", "input": DOG, "encoding_format": "hex"}, status=400)

    def test_usage(self):
        """Tokens that went through the encoder: words with their marks, a picture's patches and class token."""
        usage = self.embeddings(input=URIS[0]).json["usage"]
        self.assertEqual(usage, {"prompt_tokens": 26, "total_tokens": 26})
        for _ in range(2):  # also where the vector was known
            self.assertEqual(self.embeddings(input=[DOG]).json["usage"]["total_tokens"], 4)

    def test_digests(self):
        answer = self.embeddings()
        model = self.get("/v1/models/org%2Fclip").json
        self.assertEqual((answer.json["digest"], answer.json["preprocessing"]), (model["digest"], model["preprocessing"]))
        self.assertEqual(answer.headers["X-Vit-Model"], "org/clip")
        self.assertEqual(answer.headers["X-Vit-Model-Digest"], model["digest"])
        self.assertEqual(answer.headers["X-Vit-Preprocessing-Digest"], model["preprocessing"])
        self.assertEqual(answer.headers["X-Vit-Precision"], "f32")
        self.assertEqual(answer.headers["X-Vit-Output"], "embedding")
        self.assertRegex(answer.headers["Server-Timing"], r"^queue;dur=[\d.]+, decode;dur=[\d.]+, encode;dur=[\d.]+$")

    def test_normalize(self):
        for name in ("normalize", "normalized"):
            row = self.embeddings(**{name: False}).json["data"][0]["embedding"]
            self.assert_vectors([row], [embed("org/clip", text=DOG, normalize=False)])

    def test_outputs(self):
        for output in ("cls", "mean"):
            body = {"input": BASE64[0], "output": output}
            answer = self.post("/v1/embeddings", body)
            self.assert_vectors([answer.json["data"][0]["embedding"]], [embed("classifier", FILES[0], output=output)])
            self.assertEqual(answer.headers["X-Vit-Output"], output)
        self.post("/v1/embeddings", {"input": BASE64[0], "output": "tokens"}, status=400)

    def test_null_and_unknown_members(self):
        """null is absent, whatever is unknown is passed over, and a wrong type is an error that names the member."""
        nothing = dict.fromkeys(("encoding_format", "dimensions", "user", "normalize", "truncate", "modality", "output"))
        rows = self.embeddings(task="retrieval.query", input_type=None, late_chunking=False, **nothing).json["data"]
        self.assert_vectors([rows[0]["embedding"]], [embed("org/clip", text=DOG)])
        wrong = {"model": 5, "encoding_format": 5, "dimensions": "many", "normalize": "yes", "modality": [], "truncate": 1,
                 "output": {}}
        for name, value in [*wrong.items(), ("dimensions", -1), ("dimensions", 1.5)]:
            answer = self.post("/v1/embeddings", dict({"model": "org/clip", "input": DOG}, **{name: value}), status=400)
            self.assertEqual(answer.json["error"]["param"], name)

    def test_dimensions(self):
        self.assertEqual(len(self.embeddings(dimensions=24).json["data"][0]["embedding"]), 24)
        for dimensions in (12, 25):
            answer = self.post("/v1/embeddings", {"model": "org/clip", "input": DOG, "dimensions": dimensions}, status=400)
            self.assertEqual((answer.json["error"]["param"], answer.json["error"]["code"]), ("dimensions", "bad_dimensions"))

    def test_raw_picture(self):
        answer = self.post("/v1/embeddings?model=org%2Fclip&encoding_format=base64", PICTURES[1])
        self.assertEqual(base64.b64decode(answer.json["data"][0]["embedding"]), embed("org/clip", FILES[1]))
        answer = self.post("/v1/embeddings", PICTURES[1])
        self.assertEqual(answer.json["model"], "classifier")

    def test_which_model(self):
        for name in (None, "default", "", "classifier"):
            body = {"input": BASE64[0], "model": name}
            self.assertEqual(self.post("/v1/embeddings", body).json["model"], "classifier")
        error = self.post("/embeddings", {"input": DOG, "model": "gpt"}, status=404).json["error"]
        self.assertEqual((error["code"], error["type"]), ("model_not_found", "invalid_request_error"))
        self.assertIn("classifier, org/clip", error["message"])


class Cut(Case):
    arguments = ("--allow-dimensions",)

    def test_dimensions(self):
        """Cut, then normalised."""
        whole = floats(embed("org/clip", text=DOG, normalize=False))[:12]
        length = sum(x * x for x in whole) ** 0.5
        body = {"model": "org/clip", "input": [DOG], "dimensions": 12}
        row = self.post("/v1/embeddings", body).json["data"][0]["embedding"]
        self.assertEqual(len(row), 12)
        for got, want in zip(row, whole):
            self.assertAlmostEqual(got, want / length, delta=1e-6)
        self.post("/v1/embeddings", dict(body, dimensions=25), status=400)


class Models(Case):
    def test_list(self):
        for path in ("/v1/models", "/models", "/v1/models/"):
            answer = self.get(path).json
            self.assertEqual(answer["object"], "list")
            self.assertEqual([m["id"] for m in answer["data"]], ["classifier", "org/clip"])
        classifier, clip = answer["data"]
        for model in (classifier, clip):
            self.assertEqual((model["object"], model["owned_by"], model["loaded"]), ("model", "local", True))
            self.assertIsInstance(model["created"], int)
            self.assertEqual(model["precision"], "f32")
            self.assertRegex(model["digest"], "^[0-9a-f]{64}$")
            self.assertRegex(model["preprocessing"], "^[0-9a-f]{64}$")
            self.assertNotIn(FOLDER, json.dumps(model))
        self.assertEqual((clip["family"], clip["dimensions"], clip["modalities"], clip["classes"]),
                         ("clip", 24, ["image", "text"], 0))
        self.assertEqual((classifier["family"], classifier["classes"], classifier["modalities"]), ("vit", 7, ["image"]))
        self.assertEqual(clip["tasks"], ["feature-extraction", "zero-shot-image-classification"])
        self.assertEqual(classifier["tasks"], ["feature-extraction", "image-classification"])

    def test_one(self):
        for path in ("/v1/models/org%2Fclip", "/v1/models/org/clip", "/v1/models/clip"):
            self.assertEqual(self.get(path).json["id"], "org/clip")
        self.assertEqual(self.get("/v1/models/none", status=404).json["error"]["code"], "model_not_found")


if __name__ == "__main__":
    main()
