# SPDX-License-Identifier: BSD-2-Clause
import asyncio

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from facts import *

HOST = URL.split("//")[1]


def tensor(name, array, datatype="BYTES", binary=True):
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def words(*texts):
    return np.array([text.encode() for text in texts], dtype=object)


class Test(Case):
    def setUp(self):
        self.client = triton.InferenceServerClient(HOST)
        self.addCleanup(self.client.close)

    def test_what_there_is(self):
        self.assertTrue(self.client.is_server_live() and self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready(CLIP) and self.client.is_model_ready(CLIP, "1"))
        self.assertFalse(self.client.is_model_ready("none"))
        self.assertEqual(self.client.get_server_metadata()["name"], "libvit")
        self.assertEqual(self.client.get_model_metadata(CLIP)["name"], CLIP)
        self.assertEqual(self.client.get_model_config(CLIP)["name"], CLIP)
        self.assertEqual(self.client.get_inference_statistics(CLIP)["model_stats"][0]["name"], CLIP)
        self.assertEqual([m["name"] for m in self.client.get_model_repository_index()], ["classifier", CLIP])

    def test_words(self):
        for binary in (True, False):
            for outputs in (None, [triton.InferRequestedOutput("embedding", binary_data=binary)]):
                result = self.client.infer(CLIP, [tensor("text", words(DOG, CAR), binary=binary)], outputs=outputs, request_id="r1")
                self.assert_vectors(result.as_numpy("embedding"), ["dog raw", "car raw"])
                self.assertEqual(result.get_response()["id"], "r1")

    def test_pictures(self):
        want = vector("probs 0") + vector("probs 1")
        files = np.array(PICTURES, dtype=object)
        self.assertEqual(self.client.infer("classifier", [tensor("image", files)]).as_numpy("probs").tobytes(), want)
        texts = np.array(BASE64, dtype=object)
        result = self.client.infer("classifier", [tensor("image", texts, binary=False)])
        self.assertEqual(result.as_numpy("probs").tobytes(), want)
        pixels = np.frombuffer(vector("pixels 0"), "<f4").reshape(1, 3, 48, 48)
        for binary in (True, False):
            result = self.client.infer("classifier", [tensor("pixel_values", pixels, "FP32", binary)])
            self.assertEqual(result.as_numpy("probs").tobytes(), vector("probs 0"))

    def test_class_count(self):
        outputs = [triton.InferRequestedOutput("probs", class_count=3)]
        result = self.client.infer("classifier", [tensor("image", np.array(PICTURES, dtype=object))], outputs=outputs)
        rows = result.as_numpy("probs")
        self.assertEqual(rows.shape, (2, 3))
        value, index, label = rows[0][0].decode().split(":")
        self.assertEqual(label, FACTS["classes"][0])

    def test_errors(self):
        with self.assertRaises(InferenceServerException) as caught:
            self.client.infer(CLIP, [tensor("text", words(DOG)), tensor("image", np.array(PICTURES, dtype=object))])
        self.assertIn("exactly one input", caught.exception.message())
        with self.assertRaises(InferenceServerException) as caught:
            self.client.infer("none", [tensor("text", words(DOG))])
        self.assertIn("classifier, org/clip", caught.exception.message())
        with self.assertRaises(InferenceServerException) as caught:
            self.client.infer(CLIP, [tensor("text", words(DOG))], request_compression_algorithm="gzip")
        self.assertIn("never compressed", caught.exception.message())
        with self.assertRaises(InferenceServerException):
            self.client.load_model(CLIP)
        busy = triton.InferenceServerClient(BUSY_URL.split("//")[1])
        with Busy():
            error = until_refused(lambda: busy.infer(CLIP, [tensor("text", words(DOG))]), InferenceServerException)
            self.assertIn("come again", error.message())
        busy.close()

    def test_aio(self):
        async def ask():
            client = triton_aio.InferenceServerClient(HOST)
            self.assertTrue(await client.is_server_ready())
            result = await client.infer(CLIP, [tensor("text", words(DOG))], request_id="r2")
            self.assert_vectors(result.as_numpy("embedding"), ["dog raw"])
            try:
                await client.infer("none", [tensor("text", words(DOG))])
            except InferenceServerException as error:
                self.assertIn("none", error.message())
            else:
                self.fail("not refused")
            await client.close()
        asyncio.run(ask())


unittest.main()
