#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Decoding in libvitio and in Pillow, on one thread, alternating in one run, as a table of ratios.

    python3 decode.py LIBVITIO [FILE ...] [--rounds 7]

LIBVITIO is the shared library of a build (build/io/libvitio.so). Needs Pillow and NumPy, and for HEIC pillow-heif (a virtual
environment; a format that Pillow cannot write is left out, by name). Without files, pictures of 12 megapixels are drawn and
written in every format. Both sides get the bytes in memory and give RGB of 8 bits; the table holds medians over the rounds, and
the median of each round's ratio of Pillow's time to ours. Above 1, libvitio is the faster.
"""
import argparse
import ctypes
import io
import statistics
import time
from pathlib import Path

import numpy
from PIL import AvifImagePlugin, Image

try:
    import pillow_heif
    pillow_heif.register_heif_opener()
    pillow_heif.options.DECODE_THREADS = 1
except ImportError:
    pillow_heif = None

AvifImagePlugin.DEFAULT_MAX_THREADS = 1
SIZE = (4000, 3000)
KINDS = [("jpeg", "JPEG", {"quality": 90}), ("png", "PNG", {"compress_level": 4}), ("gif", "GIF", {}), ("bmp", "BMP", {}),
         ("tiff", "TIFF", {}), ("tiff lzw", "TIFF", {"compression": "tiff_lzw"}),
         ("tiff deflate", "TIFF", {"compression": "tiff_adobe_deflate"}),
         ("tiff jpeg", "TIFF", {"compression": "jpeg", "quality": 90}),
         ("avif", "AVIF", {"quality": 75, "speed": 9}), ("heic", "HEIF", {"quality": 75})]


class Image8(ctypes.Structure):
    _fields_ = [("width", ctypes.c_uint32), ("height", ctypes.c_uint32), ("pixels", ctypes.c_void_p)]


def picture():
    """Soft colours, edges, and a little noise, as a photo has them."""
    y, x = numpy.mgrid[0:SIZE[1], 0:SIZE[0]].astype(numpy.float32)
    planes = [127 + 90 * numpy.sin(x / (97 + 31 * c) + c) * numpy.cos(y / (71 + 13 * c)) for c in range(3)]
    noise = numpy.random.default_rng(1).normal(0, 3, (SIZE[1], SIZE[0], 1))
    edges = 40 * ((x // 160 + y // 160) % 2)[..., None]
    return Image.fromarray(numpy.clip(numpy.dstack(planes) + noise + edges - 20, 0, 255).astype(numpy.uint8))


def made():
    drawn = picture()
    for name, form, options in KINDS:
        file = io.BytesIO()
        try:
            drawn.save(file, form, **options)
        except (KeyError, OSError, ValueError) as error:
            print(f"{name}: left out ({error})")
            continue
        yield name, file.getvalue()


def ours(library, data):
    image = Image8()
    start = time.perf_counter()
    status = library.vit_image_decode(data, ctypes.c_size_t(len(data)), b"bench", None, ctypes.byref(image), None)
    taken = time.perf_counter() - start
    library.vit_image_free(ctypes.byref(image))
    return taken if status == 0 else None


def theirs(data):
    start = time.perf_counter()
    Image.open(io.BytesIO(data)).convert("RGB")
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    library = ctypes.CDLL(str(Path(args.library).resolve()))
    pictures = [(path.name, path.read_bytes()) for path in args.files] or made()
    print(f"{'':16}{'libvitio ms':>12}{'Pillow ms':>12}{'ratio':>8}")
    for name, data in pictures:
        if ours(library, data) is None:
            print(f"{name:16} not read by this build")
            continue
        theirs(data)
        rounds = [(ours(library, data), theirs(data)) for _ in range(args.rounds)]
        mine, other = (statistics.median(r[i] for r in rounds) * 1000 for i in (0, 1))
        print(f"{name:16}{mine:12.1f}{other:12.1f}{statistics.median(r[1] / r[0] for r in rounds):8.2f}")


if __name__ == "__main__":
    main()
