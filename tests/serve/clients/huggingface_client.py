# SPDX-License-Identifier: BSD-2-Clause
import asyncio

from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from facts import *

LABELS = ["cat", "dog", "car"]


class Test(Case):
    """What is asked, and asked again by the asynchronous client."""

    def ask(self, url, method, *arguments, **members):
        answer = getattr(InferenceClient(model=url), method)(*arguments, **members)

        async def again():
            return await getattr(AsyncInferenceClient(model=url), method)(*arguments, **members)
        self.assertEqual(str(asyncio.run(again())), str(answer))
        return answer

    def test_classification(self):
        whole = self.ask(URL, "image_classification", FILES[0], top_k=7)
        self.assertEqual([row.label for row in whole], FACTS["classes"])
        self.assertEqual(self.ask(URL, "image_classification", FILES[0]), whole[:5])
        self.assertEqual(self.ask(URL, "image_classification", PICTURES[0], top_k=2), whole[:2])
        self.ask(URL, "image_classification", PICTURES[0], function_to_apply="sigmoid")

    def test_zero_shot(self):
        url = URL + "/models/" + CLIP
        usual = self.ask(url, "zero_shot_image_classification", FILES[0], LABELS)
        self.assertEqual(sorted(row.label for row in usual), sorted(LABELS))
        self.assertAlmostEqual(sum(row.score for row in usual), 1, places=5)
        own = self.ask(url, "zero_shot_image_classification", PICTURES[0], LABELS, hypothesis_template="a photo of a {}")
        self.assertNotEqual(own, usual)

    def test_features(self):
        url = URL + "/models/" + CLIP
        self.assert_vectors(self.ask(url, "feature_extraction", DOG), ["dog"])
        self.assert_vectors(self.ask(url, "feature_extraction", [DOG, CAR]), ["dog", "car"])
        self.assert_vectors(self.ask(url, "feature_extraction", DOG, normalize=False, truncate=True), ["dog raw"])

    def test_endpoint(self):
        client = InferenceClient(model=URL, provider="hf-inference")
        self.assertEqual(client.get_endpoint_info()["model_id"], "classifier")
        self.assertTrue(client.health_check())

        async def again():
            client = AsyncInferenceClient(model=URL, provider="hf-inference")
            return await client.get_endpoint_info(), await client.health_check()
        self.assertEqual(asyncio.run(again()), (client.get_endpoint_info(), True))

    def test_errors(self):
        with self.assertRaises(HfHubHTTPError) as caught:
            InferenceClient(model=URL).image_classification(PICTURES[0][:200])
        self.assertEqual(caught.exception.response.status_code, 422)
        self.assertIn("input[0]", str(caught.exception))
        with Busy():
            error = until_refused(lambda: InferenceClient(model=BUSY_URL).feature_extraction(DOG), HfHubHTTPError)
            self.assertEqual(error.response.status_code, 429)
            self.assertIn("come again", str(error))

        async def damaged():
            await AsyncInferenceClient(model=URL).image_classification(PICTURES[0][:200])
        with self.assertRaises(HfHubHTTPError) as caught:
            asyncio.run(damaged())
        self.assertIn("input[0]", str(caught.exception))


unittest.main()
