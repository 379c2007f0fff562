#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What serve.py compares `vit serve` with: OpenAI's /v1/embeddings for pictures, as one writes it with FastAPI and transformers.

    MODEL=folder THREADS=2 uvicorn --port 8081 serve_peer:app
"""
import base64
import io
import os
import threading

import torch
from fastapi import FastAPI
from PIL import Image
from pydantic import BaseModel

from peers import import_transformers

transformers = import_transformers()
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
processor = transformers.AutoImageProcessor.from_pretrained(os.environ["MODEL"])
model = transformers.AutoModel.from_pretrained(os.environ["MODEL"], add_pooling_layer=False).eval()
one_at_a_time = threading.Lock()
app = FastAPI()


class Request(BaseModel):
    input: list[dict]


@app.post("/v1/embeddings")
def embeddings(request: Request):
    pictures = [Image.open(io.BytesIO(base64.b64decode(item["image"].split(",", 1)[1]))).convert("RGB")
                for item in request.input]
    pixels = processor(images=pictures, return_tensors="pt")
    with one_at_a_time, torch.inference_mode():
        vectors = torch.nn.functional.normalize(model(**pixels).last_hidden_state[:, 0])
    return {"object": "list", "data": [{"object": "embedding", "index": i, "embedding": vector.tolist()}
                                       for i, vector in enumerate(vectors)]}
