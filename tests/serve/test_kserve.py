# SPDX-License-Identifier: BSD-2-Clause
"""KServe's v2 protocol: what there is, tensors in JSON and in binary, and refusals. Requests are as tritonclient writes them."""
import math

from serving import *

CLIP_INFER, INFER = "/v2/models/org/clip/infer", "/v2/models/classifier/infer"
LENGTH = "Inference-Header-Content-Length"


def strings(*values):
    """BYTES: a length of four bytes before each element."""
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def binary(document, *tensors):
    """A request of tritonclient: JSON, and tensors behind it. It sends no Content-Type."""
    head = json.dumps(document).encode()
    return head + b"".join(tensors), {LENGTH: str(len(head))}


def binary_input(name, datatype, shape, data, **members):
    return dict({"inputs": [{"name": name, "datatype": datatype, "shape": shape,
                             "parameters": {"binary_data_size": len(data)}}]}, **members)


def split(answer):
    """The JSON of an answer, and its tensors by name, as bytes where they are binary."""
    size = answer.headers[LENGTH]
    head = json.loads(answer.body if size is None else answer.body[:int(size)])
    at, tensors = 0 if size is None else int(size), {}
    for output in head["outputs"]:
        count = output.get("parameters", {}).get("binary_data_size")
        tensors[output["name"]] = answer.body[at:at + count] if count is not None else output["data"]
        at += count or 0
    assert at == len(answer.body) or size is None
    return head, tensors


def read_strings(data):
    found = []
    while data:
        size, = struct.unpack("<I", data[:4])
        found.append(data[4:4 + size].decode())
        data = data[4 + size:]
    return found


def pixels(model, picture):
    name = os.path.join(FOLDER, "pixels.npy")
    subprocess.run([VIT, "preprocess", "-q", "-m", PATHS[model], "-o", name, picture], check=True, env=environment())
    shape, data = read_npy(name)[1:]
    os.remove(name)
    return list(shape)[-3:], bytes(data)


class What(Case):
    def test_server(self):
        for path in ("/v2", "/v2/"):
            self.assertEqual(self.get(path).json["extensions"],
                             ["binary_tensor_data", "classification", "statistics", "model_repository"])
        self.assertEqual(self.get("/v2").json["name"], "libvit")
        self.assertIs(self.get("/v2/health/live").json["live"], True)
        ready = self.get("/v2/health/ready").json
        self.assertEqual((ready["live"], ready["ready"]), (True, True))

    def test_models(self):
        for base in ("/v2/models/org/clip", "/v2/models/org%2Fclip", "/v2/models/org/clip/versions/1"):
            model = self.get(base).json
            self.assertEqual((model["name"], model["versions"], model["platform"]), ("org/clip", ["1"], "libvit"))
            self.assertEqual({t["name"]: (t["datatype"], t["shape"]) for t in model["inputs"]},
                             {"image": ("BYTES", [-1]), "pixel_values": ("FP32", [-1, 3, 40, 40]), "text": ("BYTES", [-1]),
                              "input_ids": ("INT64", [-1, -1])})
            self.assertEqual({t["name"]: (t["datatype"], t["shape"]) for t in model["outputs"]},
                             {"embedding": ("FP32", [-1, 24]), "tokens": ("FP32", [-1, 26, 36])})
            self.assertIs(self.get(base + "/ready").json["ready"], True)
            config = self.get(base + "/config").json
            self.assertEqual((config["name"], config["max_batch_size"]), ("org/clip", 0))
            stats = self.get(base + "/stats").json["model_stats"][0]
            self.assertEqual((stats["name"], stats["version"]), ("org/clip", "1"))
            self.assertIn("success", stats["inference_stats"])
        outputs = {t["name"]: t["shape"] for t in self.get("/v2/models/classifier").json["outputs"]}
        self.assertEqual(outputs, {"embedding": [-1, 48], "logits": [-1, 7], "probs": [-1, 7], "tokens": [-1, 37, 48]})

    def test_statistics_are_of_the_model(self):
        def count(model):
            return self.get("/v2/models/%s/stats" % model).json["model_stats"][0]["inference_count"]
        before = count("classifier"), count("org/clip")
        self.post(INFER, {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [2], "data": BASE64}]})
        self.assertEqual((count("classifier"), count("org/clip")), (before[0] + 2, before[1]))

    def test_repository(self):
        models = self.post("/v2/repository/index", {}).json
        self.assertEqual([(m["name"], m["version"], m["state"]) for m in models],
                         [("classifier", "1", "READY"), ("org/clip", "1", "READY")])
        self.post("/v2/repository/index", b"")
        for verb in ("load", "unload"):
            self.post("/v2/repository/models/org/clip/" + verb, {}, status=501)
        for kind in ("systemsharedmemory", "cudasharedmemory"):
            self.get("/v2/%s/status" % kind, status=501)
            self.post("/v2/%s/region/r/register" % kind, {}, status=501)
            self.post("/v2/%s/unregister" % kind, {}, status=501)

    def test_unknown(self):
        for path in ("/v2/models/none", "/v2/models/none/ready", "/v2/models/org/clip/versions/2"):
            answer = self.get(path, status=404).json
            self.assertIsInstance(answer["error"], str)
        self.post("/v2/models/none/infer", {}, status=404)


class Json(Case):
    def infer(self, name, datatype, shape, data, path=CLIP_INFER, status=200, outputs=None, **members):
        document = dict({"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]}, **members)
        if outputs:
            document["outputs"] = outputs
        answer = self.post(path, document, status=status)
        if status != 200:
            self.assertEqual(sorted(answer.json), ["error", "error_type"])
            self.assertIsInstance(answer.json["error"], str)
            return answer.json
        self.assertIsNone(answer.headers[LENGTH])
        return answer.json

    def test_words(self):
        want = embed("org/clip", text="a dog", normalize=False) + embed("org/clip", text="a car", normalize=False)
        for data, shape in ((["a dog", "a car"], [2]), ([["a dog"], ["a car"]], [2, 1])):
            answer = self.infer("text", "BYTES", shape, data, id="abc")
            self.assertEqual((answer["model_name"], answer["model_version"], answer["id"]), ("org/clip", "1", "abc"))
            output = answer["outputs"][0]
            self.assertEqual((output["name"], output["datatype"], output["shape"]), ("embedding", "FP32", [2, 24]))
            self.assertEqual(packed(output["data"]), want)

    def test_pictures(self):
        output = self.infer("image", "BYTES", [2], BASE64, path=INFER)["outputs"][0]
        self.assertEqual((output["name"], output["shape"]), ("probs", [2, 7]))
        want = b"".join(embed("classifier", file, output="probs", normalize=False) for file in FILES)
        self.assertEqual(packed(output["data"]), want)
        names = ["tokens", "embedding", "logits"]
        outputs = self.infer("image", "BYTES", [1], BASE64[:1], path=INFER, outputs=[{"name": n} for n in names])["outputs"]
        self.assertEqual([o["name"] for o in outputs], names)
        self.assertEqual([o["shape"] for o in outputs], [[1, 37, 48], [1, 48], [1, 7]])
        for output in outputs:
            self.assertEqual(packed(output["data"]),
                             embed("classifier", FILES[0], output=output["name"], normalize=False), output["name"])

    def test_pixels(self):
        """Equal to the picture's own result, nested and flat."""
        shape, data = pixels("classifier", FILES[0])
        flat = list(floats(data))
        side = shape[1] * shape[2]
        nested = [[[flat[c * side + y * shape[2]:c * side + (y + 1) * shape[2]] for y in range(shape[1])] for c in range(3)]]
        want = embed("classifier", FILES[0], output="probs", normalize=False)
        for values in (flat, nested):
            output = self.infer("pixel_values", "FP32", [1] + shape, values, path=INFER)["outputs"][0]
            self.assertEqual(packed(output["data"]), want)

    def test_token_ids(self):
        done = subprocess.run([VIT, "tokenize", "-q", "-m", CLIP], input=b"a dog", capture_output=True, check=True,
                              env=environment())
        ids = json_lines(done.stdout)[0]
        want = embed("org/clip", text="a dog", normalize=False)
        ids = ids + [98] * (13 - len(ids))
        output = self.infer("input_ids", "INT64", [1, 13], ids)["outputs"][0]
        self.assertEqual(packed(output["data"]), want)

    def test_classification(self):
        outputs = [{"name": "probs", "parameters": {"classification": 3}}]
        output = self.infer("image", "BYTES", [2], BASE64, path=INFER, outputs=outputs)["outputs"][0]
        self.assertEqual((output["datatype"], output["shape"]), ("BYTES", [2, 3]))
        self.assertEqual(len(output["data"]), 6)
        values = floats(embed("classifier", FILES[0], output="probs", normalize=False))
        best = max(range(7), key=lambda i: values[i])
        value, index, label = output["data"][0].split(":")
        self.assertEqual(int(index), best)
        self.assertAlmostEqual(float(value), values[best], delta=1e-6)
        self.assertTrue(label)

    def test_refused(self):
        def refuse(status, code, *arguments, **members):
            self.assertEqual(self.infer(*arguments, status=status, **members)["error_type"], code, arguments)
        refuse(400, "bad_request", "text", "BYTES", [2], ["a dog"])
        refuse(400, "bad_request", "text", "BYTES", [1], ["a dog", "a car"])
        refuse(400, "bad_request", "text", "BYTES", [-1], ["a dog"])
        refuse(400, "bad_request", "text", "BYTES", [0], [])
        refuse(400, "bad_request", "text", "BYTES", [], ["a dog"])
        refuse(400, "bad_request", "text", "BYTES", [1 << 40, 1 << 40], ["a dog"])
        refuse(400, "bad_request", "text", "BYTES", [1], [5])
        refuse(400, "bad_request", "text", "BYTES", [1], None)
        refuse(400, "bad_request", "text", "FP32", [1], [1.0])
        refuse(400, "bad_request", "words", "BYTES", [1], ["a dog"])
        refuse(400, "bad_request", "pixel_values", "FP32", [1, 3, 8, 8], [0.0] * 192)
        refuse(400, "bad_request", "input_ids", "INT64", [1, 2], [1, -1])
        refuse(400, "bad_request", "input_ids", "INT64", [1, 99], [1] * 99)
        refuse(400, "bad_request", "text", "BYTES", [1], ["a dog"], outputs=[{"name": "nothing"}])
        refuse(400, "bad_request", "text", "BYTES", [1], ["a dog"], outputs=[{}])
        refuse(400, "bad_request", "text", "BYTES", [1], ["a dog"], outputs=[{"name": "embedding"}] * 5)
        refuse(422, "no_text_tower", "text", "BYTES", [1], ["a dog"], path=INFER)
        refuse(422, "truncated", "image", "BYTES", [2], [BASE64[0], BASE64[0][:400]])
        refuse(422, "url_not_allowed", "image", "BYTES", [1], ["https://example.org/x.png"])
        refuse(422, "unprocessable", "text", "BYTES", [1], ["a dog"], outputs=[{"name": "logits"}])
        refuse(400, "bad_request", "text", "BYTES", [1], ["a dog"], id=5)
        for body in ({}, {"inputs": []}, {"inputs": 5}, {"inputs": [5]}, {"inputs": [{}]}, [], b"", b"{", b"x"):
            self.post(CLIP_INFER, body, status=400)
        one = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a dog"]}
        self.post(CLIP_INFER, {"inputs": [one], "outputs": 5}, status=400)
        two = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a dog"]}
        self.post(CLIP_INFER, {"inputs": [two, two]}, status=400)
        answer = self.post(CLIP_INFER, b"{}", headers={"Content-Encoding": "gzip"}, status=415)
        self.assertEqual((answer.json["error_type"], answer.headers["Accept-Encoding"]), ("unsupported_encoding", "identity"))
        shared = {"name": "text", "datatype": "BYTES", "shape": [1], "parameters": {"shared_memory_region": "x"}}
        self.post(CLIP_INFER, {"inputs": [shared]}, status=501)

    def test_numbers_that_are_none(self):
        """NaN comes out as no result."""
        shape, data = pixels("classifier", FILES[0])
        values = [float("nan")] + list(floats(data))[1:]
        body, headers = binary(binary_input("pixel_values", "FP32", [1] + shape, data), packed(values))
        self.assertEqual(self.post(INFER, body, headers=headers, status=422).json["error_type"], "non_finite")


class Binary(Case):
    def test_words(self):
        data = strings(b"a dog", b"a car")
        want = embed("org/clip", text="a dog", normalize=False) + embed("org/clip", text="a car", normalize=False)
        document = binary_input("text", "BYTES", [2], data, parameters={"binary_data_output": True}, id="r.1")
        body, headers = binary(document, data)
        head, tensors = split(self.post(CLIP_INFER, body, headers=headers))
        self.assertEqual((head["id"], tensors["embedding"]), ("r.1", want))
        document = binary_input("text", "BYTES", [2], data, outputs=[{"name": "embedding", "parameters": {"binary_data": True}}])
        body, headers = binary(document, data)
        self.assertEqual(split(self.post(CLIP_INFER, body, headers=headers))[1]["embedding"], want)
        document["outputs"][0]["parameters"]["binary_data"] = False
        body, headers = binary(document, data)
        self.assertEqual(packed(split(self.post(CLIP_INFER, body, headers=headers))[1]["embedding"]), want)

    def test_pictures_and_pixels(self):
        want = b"".join(embed("classifier", file, output="probs", normalize=False) for file in FILES)
        data = strings(*PICTURES)
        body, headers = binary(binary_input("image", "BYTES", [2, 1], data, parameters={"binary_data_output": True}), data)
        self.assertEqual(split(self.post(INFER, body, headers=headers))[1]["probs"], want)
        shape, first = pixels("classifier", FILES[0])
        data = first + pixels("classifier", FILES[1])[1]
        body, headers = binary(binary_input("pixel_values", "FP32", [2] + shape, data,
                                            parameters={"binary_data_output": True}), data)
        self.assertEqual(split(self.post(INFER, body, headers=headers))[1]["probs"], want)

    def test_several_outputs(self):
        """Some binary, some not, in their order."""
        data = strings(PICTURES[0])
        outputs = [{"name": "logits", "parameters": {"binary_data": True}}, {"name": "embedding"},
                   {"name": "probs", "parameters": {"binary_data": True, "classification": 2}}]
        body, headers = binary(binary_input("image", "BYTES", [1], data, outputs=outputs), data)
        head, tensors = split(self.post(INFER, body, headers=headers))
        self.assertEqual(tensors["logits"], embed("classifier", FILES[0], output="logits", normalize=False))
        self.assertEqual(packed(tensors["embedding"]), embed("classifier", FILES[0], normalize=False))
        classes = read_strings(tensors["probs"])
        self.assertEqual(len(classes), 2)
        self.assertEqual(head["outputs"][2]["shape"], [1, 2])
        self.assertTrue(all(len(text.split(":")) == 3 for text in classes))

    def test_one_picture(self):
        """J = 0, or nothing but a picture."""
        want = embed("classifier", FILES[1], output="probs", normalize=False)
        for headers in ({LENGTH: "0"}, {}):
            answer = self.post(INFER, PICTURES[1], headers=headers)
            self.assertEqual(packed(split(answer)[1]["probs"]), want)

    def test_sums(self):
        """The lengths of tensors sum to the body, exactly."""
        data = strings(b"a dog")
        document = binary_input("text", "BYTES", [1], data)
        body, headers = binary(document, data)
        self.post(CLIP_INFER, body, headers=headers)
        size = int(headers[LENGTH])
        wrong = [(body + b"x", size), (body[:-1], size), (body, size + 1), (body, size - 1), (body, len(body) + 1), (body, len(body)),
                 (body, "x"), (body, "-1"), (body, "+%d" % size), (body, "99999999999999999999999"), (body, " "), (body, "")]
        for content, length in wrong:
            with self.subTest(length=length):
                self.post(CLIP_INFER, content, headers={LENGTH: str(length)}, status=400)
        for data in (struct.pack("<I", 6) + b"a dog", struct.pack("<I", 4) + b"a dog", struct.pack("<I", 0xFFFFFFFF) + b"a dog",
                     b"\x01\x00", b""):
            body, headers = binary(binary_input("text", "BYTES", [1], data), data)
            self.post(CLIP_INFER, body, headers=headers, status=400)
        shape, data = pixels("classifier", FILES[0])
        body, headers = binary(binary_input("pixel_values", "FP32", [2] + shape, data), data)
        self.post(INFER, body, headers=headers, status=400)


class Wait(Case):
    arguments = ("--batch-delay", "100", "--batch", "8")

    def test_timeout(self):
        """parameters.timeout, in microseconds, shortens the wait."""
        data = strings(b"a dog")
        for timeout, status in ((1, 429), (50_000_000, 200), (0, 200)):
            body, headers = binary(binary_input("text", "BYTES", [1], data, parameters={"timeout": timeout}), data)
            answer = self.post(CLIP_INFER, body, headers=headers, status=status)
            if status == 429:
                self.assertEqual(answer.json["error_type"], "overloaded")


if __name__ == "__main__":
    main()
