# SPDX-License-Identifier: BSD-2-Clause
"""An endpoint of your own: uvicorn fastapi_server:app, then curl -F picture=@cat.jpg localhost:8000/classify. Needs
fastapi, uvicorn and python-multipart. `vit serve` is a whole server without Python."""

import os
from typing import Any

import libvit
from fastapi import FastAPI, HTTPException, UploadFile

app = FastAPI()
model = libvit.Model(os.environ.get("VIT_MODEL"))


# A function without `async` runs on a thread of FastAPI's pool, and the model lets one batch in at a time.
@app.post("/classify")
def classify(picture: UploadFile, top: int = 3) -> list[dict[str, Any]]:
    return [prediction._asdict() for prediction in answer(model.classify, picture, top=top)]


@app.post("/embed")
def embed(picture: UploadFile) -> list[float]:
    vector: list[float] = answer(model.embed, picture, normalize=True).tolist()
    return vector


def answer(work: Any, picture: UploadFile, **options: Any) -> Any:
    try:
        return work(picture.file, **options)
    except libvit.ImageError as error:
        raise HTTPException(415, {"code": error.code, "message": error.message}) from error
