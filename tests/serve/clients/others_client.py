# SPDX-License-Identifier: BSD-2-Clause
"""cohere, voyageai, ollama, langchain-openai, llama-index and litellm."""
import cohere
import litellm
import ollama
import openai
import PIL.Image
import tiktoken
import voyageai
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

from facts import *


class Cohere(Case):
    def embed(self, url=URL, retries=0, **members):
        client = cohere.ClientV2(api_key="none", base_url=url, max_retries=retries)
        return client.embed(model=CLIP, input_type="search_document", embedding_types=["float"], **members).embeddings.float_

    def test_embed(self):
        self.assert_vectors(self.embed(texts=[DOG, CAR]), ["dog", "car"])
        self.assert_vectors(self.embed(images=[URIS[0]]), ["picture 0"])
        inputs = [{"content": [{"type": "image_url", "image_url": {"url": URIS[1]}}]}, {"content": [{"type": "text", "text": DOG}]}]
        self.assert_vectors(self.embed(inputs=inputs), ["picture 1", "dog"])

    def test_thousand(self):
        self.assert_vectors(self.embed(texts=[DOG, CAR] * 500), ["dog", "car"] * 500)

    def test_overload(self):
        with Busy():
            error = until_refused(lambda: self.embed(BUSY_URL, texts=[DOG]), cohere.errors.TooManyRequestsError)
        self.assertIn("come again", str(error.body))

    def test_errors(self):
        with self.assertRaises(cohere.errors.UnprocessableEntityError) as caught:
            self.embed(images=["https://example.org/a.png"])
        self.assertIn("fetches nothing", str(caught.exception.body))


class Voyage(Case):
    def embed(self, inputs, url=URL):
        return voyageai.Client(api_key="none", base_url=url + "/v1").multimodal_embed(inputs, model=CLIP)

    def test_embed(self):
        picture = PIL.Image.open(FILES[0]).convert("RGB")
        answer = self.embed([[DOG], [picture]])
        self.assert_vectors(answer.embeddings, ["dog", "picture 0"])
        self.assertEqual(answer.image_pixels, picture.width * picture.height)
        self.assert_vectors(self.embed([[DOG], [CAR]] * 500).embeddings, ["dog", "car"] * 500)

    def test_errors(self):
        with self.assertRaises(voyageai.error.VoyageError) as caught:
            self.embed([[DOG, PIL.Image.open(FILES[0])]])
        self.assertIn("a vector each", str(caught.exception))
        with Busy():
            error = until_refused(lambda: self.embed([[DOG]], BUSY_URL), voyageai.error.RateLimitError)
        self.assertIn("come again", str(error))


class Ollama(Case):
    def test_embed(self):
        client = ollama.Client(host=URL)
        self.assert_vectors(client.embed(CLIP, DOG).embeddings, ["dog"])
        self.assert_vectors(client.embed(CLIP, [DOG, CAR] * 500).embeddings, ["dog", "car"] * 500)
        self.assert_vectors([client.embeddings(CLIP, DOG).embedding], ["dog"])
        self.assertEqual([m.model for m in client.list().models], ["classifier", CLIP])

    def test_errors(self):
        with self.assertRaises(ollama.ResponseError) as caught:
            ollama.Client(host=URL).embed("none", DOG)
        self.assertEqual(caught.exception.status_code, 404)
        self.assertIn("org/clip", caught.exception.error)
        with Busy():
            error = until_refused(lambda: ollama.Client(host=BUSY_URL).embed(CLIP, DOG), ollama.ResponseError)
        self.assertIn("come again", error.error)


class LangChain(Case):
    def embedder(self, url=URL, **more):
        return OpenAIEmbeddings(model=CLIP, base_url=url + "/v1", api_key="none", max_retries=0, **more)

    def test_embed(self):
        embedder = self.embedder(check_embedding_ctx_length=False)
        self.assert_vectors([embedder.embed_query(DOG)], ["dog"])
        self.assert_vectors(embedder.embed_documents([DOG, CAR] * 500), ["dog", "car"] * 500)
        self.assert_vectors(embedder.embed_documents(URIS), ["picture 0", "picture 1"])

    def test_overload(self):
        embedder = self.embedder(BUSY_URL, check_embedding_ctx_length=False)
        with Busy():
            error = until_refused(lambda: embedder.embed_query(DOG), openai.RateLimitError)
        self.assertIn("come again", str(error))

    def test_token_ids(self):
        """What it sends unless it is told otherwise; its vocabulary here has a token a byte, so that nothing is downloaded."""
        encoding = tiktoken.Encoding("bytes", pat_str=".", mergeable_ranks={bytes([i]): i for i in range(256)}, special_tokens={})
        with unittest.mock.patch.object(tiktoken, "encoding_for_model", lambda name: encoding), \
                unittest.mock.patch.object(tiktoken, "get_encoding", lambda name: encoding):
            with self.assertRaises(Exception) as caught:
                self.embedder().embed_documents([DOG])
        self.assertIn("check_embedding_ctx_length=False", str(caught.exception))


class LlamaIndex(Case):
    def embedder(self, url=WORDS_URL):
        return TextEmbeddingsInference(model_name=CLIP, base_url=url, text_instruction="", query_instruction="", embed_batch_size=1000)

    def test_embed(self):
        embedder = self.embedder()
        self.assert_vectors(embedder.get_text_embedding_batch([DOG, CAR] * 500), ["dog", "car"] * 500)
        self.assert_vectors([embedder.get_text_embedding(CAR)], ["car"])
        self.assert_vectors([embedder.get_text_embedding(URIS[0])], ["picture 0"])

    def test_overload(self):
        """This client looks at no status; what it says of the answer is not ours."""
        with Busy():
            until_refused(lambda: self.embedder(BUSY_URL).get_text_embedding(DOG), Exception)


class LiteLlm(Case):
    def test_openai(self):
        answer = litellm.embedding(model="openai/" + CLIP, api_base=URL + "/v1", api_key="none", input=[DOG, CAR])
        self.assert_vectors([row["embedding"] for row in answer.data], ["dog", "car"])

    def test_jina(self):
        answer = litellm.embedding(model="jina_ai/" + CLIP, api_base=URL + "/v1/embeddings", api_key="none",
                                   input=[DOG, URIS[0]])
        self.assert_vectors([row["embedding"] for row in answer.data], ["dog", "picture 0"])

    def test_errors(self):
        with self.assertRaises(litellm.exceptions.NotFoundError) as caught:
            litellm.embedding(model="openai/none", api_base=URL + "/v1", api_key="none", input=[DOG], max_retries=0)
        self.assertIn("org/clip", str(caught.exception))
        with Busy():
            error = until_refused(lambda: litellm.embedding(model="openai/" + CLIP, api_base=BUSY_URL + "/v1", api_key="none", input=[DOG],
                                                            max_retries=0), litellm.exceptions.RateLimitError)
        self.assertIn("come again", str(error))

    def test_thousand(self):
        answer = litellm.embedding(model="openai/" + CLIP, api_base=URL + "/v1", api_key="none", input=[DOG, CAR] * 500)
        self.assert_vectors([row["embedding"] for row in answer.data], ["dog", "car"] * 500)


unittest.main()
