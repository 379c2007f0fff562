# SPDX-License-Identifier: BSD-2-Clause
import openai
from openai import OpenAI

from facts import *


class Test(Case):
    def setUp(self):
        self.client = OpenAI(base_url=URL + "/v1", api_key="none", max_retries=0)

    def embed(self, **members):
        rows = self.client.embeddings.create(**dict({"model": CLIP}, **members)).data
        self.assertEqual([row.index for row in rows], list(range(len(rows))))
        return [row.embedding for row in rows]

    def test_inputs(self):
        self.assert_vectors(self.embed(input=DOG), ["dog"])
        self.assert_vectors(self.embed(input=[DOG, CAR]), ["dog", "car"])
        self.assert_vectors(self.embed(input=[DOG, CAR], encoding_format="float"), ["dog", "car"])
        self.assert_vectors(self.embed(input=[{"image": BASE64[0]}, {"text": DOG}, URIS[1]]), ["picture 0", "dog", "picture 1"])
        self.assert_vectors(self.embed(input=URIS[0]), ["picture 0"])
        messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": URIS[0]}}]}]
        self.assert_vectors(self.embed(input=[], extra_body={"messages": messages}), ["picture 0"])
        self.assert_vectors(self.embed(input=BASE64[0], extra_body={"modality": "image"}), ["picture 0"])

    def test_thousand(self):
        rows = self.embed(input=[DOG, CAR] * 500)
        self.assert_vectors(rows, ["dog", "car"] * 500)

    def test_models(self):
        self.assertEqual([m.id for m in self.client.models.list()], ["classifier", CLIP])
        self.assertEqual(self.client.models.retrieve(CLIP).id, CLIP)

    def test_errors(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.embed(model="none", input=DOG)
        self.assertEqual((caught.exception.code, caught.exception.param), ("model_not_found", "model"))
        with self.assertRaises(openai.UnprocessableEntityError) as caught:
            self.embed(input=[DOG, {"image": "https://example.org/a.png"}])
        self.assertEqual((caught.exception.code, caught.exception.param), ("url_not_allowed", "input[1]"))
        with self.assertRaises(openai.BadRequestError):
            self.embed(input=DOG, dimensions=7)
        with self.assertRaises(openai.UnprocessableEntityError) as caught:
            self.embed(input=[[1, 2, 3]])
        self.assertEqual(caught.exception.code, "token_ids")

    def test_keys(self):
        with self.assertRaises(openai.AuthenticationError) as caught:
            OpenAI(base_url=KEYED_URL + "/v1", api_key="wrong").models.list()
        self.assertEqual(caught.exception.code, "unauthorized")
        OpenAI(base_url=KEYED_URL + "/v1", api_key=KEY).models.list()

    def test_overload(self):
        client = OpenAI(base_url=BUSY_URL + "/v1", api_key="none", max_retries=0)
        with Busy():
            error = until_refused(lambda: client.embeddings.create(model=CLIP, input=DOG), openai.RateLimitError)
            self.assertEqual(error.code, "overloaded")
            self.assertIn("come again", str(error))
        patient = OpenAI(base_url=BUSY_URL + "/v1", api_key="none", max_retries=10).embeddings.with_raw_response
        retries = 0
        while retries == 0:
            with Busy() as busy:
                threading.Timer(0.5, busy.over.set).start()  # by then it was refused, and waits before it comes again
                answer = patient.create(model=CLIP, input=DOG)
                retries = answer.retries_taken
        self.assert_vectors([answer.parse().data[0].embedding], ["dog"])


unittest.main()
