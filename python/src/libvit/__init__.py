# SPDX-License-Identifier: BSD-2-Clause
"""Vision Transformers on a plain CPU: pictures and texts in, NumPy arrays out.

import libvit

model = libvit.Model("facebook/dinov2-small")
vectors = model.embed(["a.jpg", "b.png"])
"""

from ._errors import (
    Error,
    ImageError,
    InternalError,
    InvalidArgument,
    ModelError,
    NonFinite,
    NotFound,
    OutOfMemory,
    Unreadable,
)
from ._fit import Classifier, fit
from ._head import save_head
from ._index import Added, Hit, Index
from ._model import Model, Prediction, Result, decode
from ._native import lib as _lib
from ._native import string as _string
from ._text import TextModel, Tokenizer

__version__ = _string(_lib.vit_version()) or ""

__all__ = [
    "Added",
    "Classifier",
    "Error",
    "Hit",
    "ImageError",
    "Index",
    "InternalError",
    "InvalidArgument",
    "Model",
    "ModelError",
    "NonFinite",
    "NotFound",
    "OutOfMemory",
    "Prediction",
    "Result",
    "TextModel",
    "Tokenizer",
    "Unreadable",
    "decode",
    "fit",
    "save_head",
]
