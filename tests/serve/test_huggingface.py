# SPDX-License-Identifier: BSD-2-Clause
"""The tasks of Hugging Face's clients and of text-embeddings-inference: each row of the table of bodies."""
import math

from serving import *

LABELS = ["cat", "dog", "car"]


class Tasks(Case):
    """A classifier is the default model."""

    def scores(self, index, output="probs"):
        """[(label, score)] of a picture, best first, from vit embed."""
        with open(os.path.join(CLASSIFIER, "config.json")) as file:
            names = json.load(file)["id2label"]
        values = floats(embed("classifier", FILES[index], output=output, normalize=False))
        return sorted(((names[str(i)], value) for i, value in enumerate(values)), key=lambda pair: -pair[1])

    def assert_classes(self, answer, want):
        self.assertEqual([row["label"] for row in answer], [label for label, _ in want])
        self.assertEqual(packed([row["score"] for row in answer]), packed([score for _, score in want]))
        self.assertEqual({tuple(sorted(row)) for row in answer}, {("label", "score")})

    def test_raw_picture(self):
        """Whatever Content-Type says; at every path that leads to the model."""
        want = self.scores(1)[:5]
        for path in ("/", "/models/classifier", "/models/classifier/", "/pipeline/image-classification/classifier",
                     "/models/classifier/pipeline/image-classification"):
            self.assert_classes(self.post(path, PICTURES[1]).json, want)
        for kind in ("image/jpeg", "application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", "x"):
            self.assert_classes(self.post("/", PICTURES[1], headers={"Content-Type": kind}).json, want)

    def test_classification(self):
        for body in ({"inputs": BASE64[0]}, {"inputs": BASE64[0], "parameters": None}, {"inputs": {"image": BASE64[0]}},
                     {"inputs": URIS[0], "parameters": {}}, {"inputs": BASE64[0], "parameters": {"top_k": None}}):
            self.assert_classes(self.post("/", body).json, self.scores(0)[:5])
        for k in (1, 2, 7, 100):
            self.assert_classes(self.post("/", {"inputs": BASE64[0], "parameters": {"top_k": k}}).json, self.scores(0)[:k])
        body = json.dumps({"inputs": BASE64[0]}).encode()
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            self.assert_classes(self.post("/", body, headers={"Content-Type": kind}).json, self.scores(0)[:5])
        self.assert_classes(self.post("/", b" \n\t" + body).json, self.scores(0)[:5])

    def test_function_to_apply(self):
        logits = self.scores(0, "logits")
        body = {"inputs": BASE64[0], "parameters": {"top_k": 7, "function_to_apply": "none"}}
        self.assert_classes(self.post("/", body).json, logits)
        total = sum(math.exp(x) for _, x in logits)
        functions = {"softmax": lambda x: math.exp(x) / total, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}
        for name, function in functions.items():
            body["parameters"]["function_to_apply"] = name
            for row, (label, x) in zip(self.post("/", body).json, logits):
                self.assertEqual(row["label"], label)
                self.assertAlmostEqual(row["score"], function(x), delta=1e-6)
        body["parameters"]["function_to_apply"] = "relu"
        self.assertEqual(self.post("/", body, status=400).json["error_type"], "bad_request")

    def zero_shot(self, labels, template, index=0):
        """{label: probability} as vit classify has it."""
        done = subprocess.run([VIT, "classify", "-q", "-m", CLIP, "--format", "json", "-k", "99", "--labels", ",".join(labels),
                               "--template", template, FILES[index]], check=True, capture_output=True, env=environment())
        return [(p["label"], p["score"]) for p in json_lines(done.stdout)[0]["predictions"]]

    def test_zero_shot(self):
        usual = self.zero_shot(LABELS, "This is a photo of {}.")
        own = self.zero_shot(LABELS, "a photo of a {}")
        path = "/models/org/clip"
        for inputs in (BASE64[0], {"image": BASE64[0]}, URIS[0]):
            body = {"inputs": inputs, "parameters": {"candidate_labels": LABELS}}
            self.assert_classes(self.post(path, body).json, usual)
            body["parameters"]["hypothesis_template"] = "a photo of a {}"
            self.assert_classes(self.post(path, body).json, own)
        for labels in ("cat,dog,car", " cat , dog,car "):
            body = {"inputs": BASE64[0], "parameters": {"candidate_labels": labels}}
            self.assert_classes(self.post(path, body).json, usual)
            self.assert_classes(self.post("/pipeline/zero-shot-image-classification/org/clip", body).json, usual)
            self.assert_classes(self.post("/models/org%2Fclip/pipeline/zero-shot-image-classification", body).json, usual)

    def test_zero_shot_refused(self):
        def refuse(parameters, status, path="/models/org/clip"):
            return self.post(path, {"inputs": BASE64[0], "parameters": parameters}, status=status).json
        self.assertEqual(refuse({"candidate_labels": []}, 400)["error_type"], "bad_request")
        self.assertEqual(refuse({"candidate_labels": ""}, 400)["error_type"], "bad_request")
        self.assertEqual(refuse({"candidate_labels": [1]}, 400)["error_type"], "bad_request")
        self.assertEqual(refuse({"candidate_labels": 5}, 400)["error_type"], "bad_request")
        self.assertEqual(refuse({"candidate_labels": ["cat"] * 1001}, 413)["error_type"], "too_large")
        self.assertEqual(refuse({"candidate_labels": "cat," * 1001}, 413)["error_type"], "too_large")
        self.assertEqual(refuse({"candidate_labels": LABELS, "hypothesis_template": "no"}, 400)["error_type"], "bad_request")
        self.assertEqual(refuse({"candidate_labels": LABELS}, 422, "/")["error_type"], "no_text_tower")
        self.assertEqual(self.post("/models/org/clip", PICTURES[0], status=400).json["error_type"], "bad_request")

    def test_features(self):
        dog, car = embed("org/clip", text="a dog"), embed("org/clip", text="a car")
        for path in ("/models/org/clip", "/pipeline/feature-extraction/org/clip", "/models/org/clip/pipeline/feature-extraction"):
            self.assert_vectors(self.post(path, {"inputs": "a dog"}).json, [dog])
            self.assert_vectors(self.post(path, {"inputs": ["a dog", "a car"]}).json, [dog, car])
        body = {"inputs": "a dog", "normalize": False, "truncate": None, "prompt_name": None, "truncation_direction": "Right"}
        plain = embed("org/clip", text="a dog", normalize=False)
        self.assert_vectors(self.post("/models/org/clip", body).json, [plain])
        body = {"inputs": ["a dog"], "parameters": {"normalize": False}}
        self.assert_vectors(self.post("/models/org/clip", body).json, [plain])
        body = {"inputs": ["a dog"], "encoding_format": "base64", "dimensions": 24}
        self.assertEqual([base64.b64decode(text) for text in self.post("/models/org/clip", body).json], [dog])
        body = {"inputs": "a photo of the big red car " * 9, "truncate": False}
        self.assertEqual(self.post("/models/org/clip", body, status=422).json["error_type"], "too_long")
        self.post("/models/org/clip", {"inputs": "a dog", "normalize": "yes"}, status=400)

    def test_picture_features(self):
        """A path with a task overrides the model's own."""
        want = [embed("classifier", FILES[0])]
        for task in ("feature-extraction", "image-feature-extraction"):
            self.assert_vectors(self.post("/pipeline/%s/classifier" % task, PICTURES[0]).json, want)
            self.assert_vectors(self.post("/pipeline/%s/classifier" % task, {"inputs": BASE64[0]}).json, want)
        self.assert_vectors(self.post("/pipeline/feature-extraction/org/clip", {"inputs": {"image": BASE64[0]}}).json,
                            [embed("org/clip", FILES[0])])

    def test_embed(self):
        """text-embeddings-inference, with the items of OpenAI's table."""
        body = {"inputs": ["a dog", {"image": BASE64[0]}, URIS[1]], "model": "org/clip"}
        want = [embed("org/clip", text="a dog"), embed("org/clip", FILES[0]), embed("org/clip", FILES[1])]
        self.assert_vectors(self.post("/embed", body).json, want)
        self.assert_vectors(self.post("/embed", {"inputs": BASE64[0]}).json, [embed("classifier", FILES[0])])
        self.post("/embed_all", {"inputs": "x"}, status=404)

    def test_errors(self):
        """`error` is a string, and so is `error_type`."""
        cases = [("/", {}, 400, "bad_request"), ("/", b"", 400, "bad_request"), ("/", b"words", 400, "bad_request"),
                 ("/", b"{", 400, "bad_request"), ("/", [1], 400, "bad_request"), ("/", {"inputs": 5}, 400, "bad_request"),
                 ("/models/none", {"inputs": "x"}, 404, "model_not_found"), ("/", PICTURES[0][:100], 422, "truncated"),
                 ("/", b"8BPS" + bytes(99), 415, "unsupported_format"), ("/", b"%PDF-1.7", 415, "unsupported_format"),
                 ("/", b"\0\0\0\x18ftypisom" + bytes(12), 415, "unsupported_format"),
                 ("/", {"inputs": "https://example.org/a.png"}, 422, "url_not_allowed"),
                 ("/pipeline/text-generation/classifier", {"inputs": "x"}, 501, "not_offered"),
                 ("/pipeline/image-classification/org/clip", {"inputs": BASE64[0]}, 400, "bad_request"),
                 ("/", {"inputs": BASE64[0], "parameters": {"top_k": -1}}, 400, "bad_request"),
                 ("/embed", {"inputs": [[1, 2]], "model": "org/clip"}, 422, "token_ids")]
        for path, body, status, code in cases:
            with self.subTest(path=path, body=str(body)[:60]):
                answer = self.post(path, body, status=status).json
                self.assertEqual(sorted(answer), ["error", "error_type"])
                self.assertIsInstance(answer["error"], str)
                self.assertEqual(answer["error_type"], code)

    def test_info(self):
        info = self.get("/info").json
        names = ("model_id", "model_sha", "model_dtype", "served_model_name", "model_type", "max_concurrent_requests",
                 "max_input_length", "max_batch_tokens", "max_batch_requests", "max_client_batch_size", "auto_truncate",
                 "tokenization_workers", "version", "sha", "docker_label", "digest", "preprocessing", "precision")
        self.assertEqual(sorted(info), sorted(names))
        self.assertEqual((info["model_id"], info["model_dtype"], info["max_client_batch_size"]), ("classifier", "float32", 2048))
        maps = info["model_type"]["classifier"]
        self.assertEqual({str(i): label for label, i in maps["label2id"].items()}, maps["id2label"])
        self.assertEqual(len(maps["id2label"]), 7)
        info = self.get("/info?model=org%2Fclip").json
        self.assertIn("pooling", info["model_type"]["embedding"])
        self.assertEqual(info["max_input_length"], 13)


class Words(Case):
    """A model of pictures and words is the default."""
    models = ("-m", CLIP)

    def test_own_task(self):
        self.assert_vectors(self.post("/", {"inputs": "a dog"}).json, [embed("org/clip", text="a dog")])
        error = self.post("/", PICTURES[0], status=400).json["error"]
        self.assertIn("--labels", error)
        body = {"inputs": {"image": BASE64[0]}, "parameters": {"candidate_labels": LABELS}}
        self.assertEqual({row["label"] for row in self.post("/", body).json}, set(LABELS))


class Given(Case):
    """--labels make it a classifier of these words."""
    models = ("-m", CLIP)
    arguments = ("--labels", ",".join(LABELS), "--template", "a photo of a {}")

    def test_labels(self):
        want = Tasks.zero_shot(self, LABELS, "a photo of a {}")
        for path in ("/", "/pipeline/image-classification/clip", "/pipeline/zero-shot-image-classification/clip"):
            Tasks.assert_classes(self, self.post(path, PICTURES[0]).json, want)
        Tasks.assert_classes(self, self.post("/", {"inputs": BASE64[0], "parameters": {"top_k": 2}}).json, want[:2])


class Plain(Case):
    """A model without classes and words gives the vector."""
    models = ("-m", "plain=" + os.path.join(DATA, "golden", "hf_vit_model"))

    def test_vector(self):
        rows = self.post("/", PICTURES[0]).json
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows, self.post("/", {"inputs": BASE64[0]}).json)


if __name__ == "__main__":
    main()
