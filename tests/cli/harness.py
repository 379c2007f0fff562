# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command share: running it, and reading what it writes. Python's standard library only.

VIT_COMMAND is the program, VIT_TEST_DATA is tests/data, VIT_PICTURES is examples/images.
"""
import array
import ast
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

VIT = os.environ["VIT_COMMAND"]
DATA = os.environ["VIT_TEST_DATA"]
PICTURES = os.environ["VIT_PICTURES"]
GOLDEN = os.path.join(DATA, "golden")
DECODE = os.path.join(DATA, "decode")
MODEL = os.path.join(GOLDEN, "hf_vit_classifier")  # a classifier of 48 x 48 pixels and 7 labels
PICTURE = os.path.join(MODEL, "image.png")
CLASSES, WIDTH, SIDE, TOKENS = 7, 48, 48, 37

USAGE, MODEL_FAILS, OUTPUT_FAILS, INTERRUPTED = 2, 3, 4, 130
TIMEOUT = 120  # seconds; only a command that hangs takes that long


def golden(case, name):
    return os.path.join(GOLDEN, case, name)


def environment(**changes):
    """This process' environment, but for what steers the command."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("VIT_", "HF_"))}
    clean.update(changes)
    return clean


# ---------------------------------------------------------------- files


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, colour=(0, 0, 0)):
    """The bytes of an RGB picture of one colour."""
    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) +
            png_chunk(b"IEND", b""))


def floats(data):
    """Little-endian f32 as a list."""
    values = array.array("f", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def npy_bytes(descr, shape, data, version=1):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (descr, tuple(shape))
    prefix = 10 if version == 1 else 12
    text += " " * (-(prefix + len(text) + 1) % 64) + "\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + size + text.encode("latin-1") + data


def parse_npy(content):
    """(descr, shape, data) of NumPy format 1.0, as strictly as its specification has it."""
    assert content[:8] == b"\x93NUMPY\x01\x00", content[:8]
    size = struct.unpack("<H", content[8:10])[0]
    assert (10 + size) % 64 == 0 and content[9 + size:10 + size] == b"\n"
    header = ast.literal_eval(content[10:10 + size].decode("latin-1"))
    assert sorted(header) == ["descr", "fortran_order", "shape"] and header["fortran_order"] is False, header
    item = {"<f4": 4, "<f2": 2, "|u1": 1}[header["descr"]]
    count = 1
    for n in header["shape"]:
        count *= n
    data = content[10 + size:]
    assert len(data) == count * item, (len(data), header)
    return header["descr"], header["shape"], data


def read_npy(path):
    with open(path, "rb") as file:
        return parse_npy(file.read())


def read_rows(path):
    """f32 [N, ...] as a list of N flat arrays."""
    descr, shape, data = read_npy(path)
    assert descr == "<f4", descr
    values = floats(data)
    each = len(values) // shape[0] if shape[0] else 0
    return [values[i * each:(i + 1) * each] for i in range(shape[0])]


def read_safetensors(path):
    """{name: (shape, bytes)} of the F32 and integer tensors."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: (t["shape"], data[slice(*t["data_offsets"])]) for name, t in header.items()}


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def json_lines(text):
    """One object a line; bytes that are not UTF-8 come as Python's surrogateescape has them."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def read_json_lines(path):
    with open(path, "rb") as file:
        return json_lines(file.read())


def relative_error(got, want):
    """max|got - want| / max|want|: the goldens' metric."""
    assert len(got) == len(want), (len(got), len(want))
    return max(abs(a - b) for a, b in zip(got, want)) / max(abs(b) for b in want)


# ---------------------------------------------------------------- running


class Case(unittest.TestCase):
    """Each test in an empty folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vit-cli-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def picture(self, name, width=30, height=20, colour=(0, 0, 0)):
        """A picture in the test's folder, in folders that are made where they are missing."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return write(path, png(width, height, colour))

    def vit(self, *arguments, status=0, stdin=b"", env=None, **more):
        """Runs the command in the test's folder. It must end with this status, and speak as it should."""
        done = subprocess.run([VIT, *arguments], input=stdin, capture_output=True, timeout=TIMEOUT,
                              cwd=more.pop("cwd", self.folder), env=env or environment(), **more)
        self.assertEqual(done.returncode, status, (arguments, done.stderr.decode("utf-8", "replace")))
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(b"vit: "), line)
        if status:
            self.assertTrue(done.stderr, "fails without a word")
        return done

    def classify(self, *arguments, **more):
        """The JSON objects that classify prints."""
        done = self.vit("classify", "-m", MODEL, "--format", "json", *arguments, **more)
        return json_lines(done.stdout)

    def embed(self, *arguments, name="out.npy", **more):
        return self.vit("embed", "-m", MODEL, "-o", self.path(name), *arguments, **more)

    def assert_files(self, *names):
        """Nothing else stands in the test's folder."""
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(names))


def main():
    unittest.main(verbosity=1)
