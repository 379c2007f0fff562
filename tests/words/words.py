# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of texts and sizes share: the golden cases, and a small CLIP with a tokenizer."""
import glob
import json
import os
import struct

from harness import *


def case_folders(pattern="*"):
    """The golden cases whose names match, in name order; there must be some."""
    found = sorted(glob.glob(os.path.join(GOLDEN, pattern)))
    found = [folder for folder in found if os.path.exists(os.path.join(folder, "case.json"))]
    assert found, pattern
    return found


def case_of(folder):
    with open(os.path.join(folder, "case.json")) as file:
        return json.load(file)


def expected_of(folder, name="expected.safetensors"):
    return read_safetensors(os.path.join(folder, name))


def ids_bytes(rows, descr="<i4"):
    """An .npy file of token ids."""
    code = {"|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I", "<i8": "q", "<u8": "Q"}[descr]
    data = b"".join(struct.pack("<%d%s" % (len(row), code), *row) for row in rows)
    return npy_bytes(descr, (len(rows), len(rows[0]) if rows else 1), data)


def int_rows(shape, data):
    """I32 [N,L] as lists."""
    values = struct.unpack("<%di" % (len(data) // 4), data)
    return [list(values[i * shape[1]:(i + 1) * shape[1]]) for i in range(shape[0])]


def float_rows(shape, data):
    values = floats(data)
    each = len(values) // shape[0]
    return [list(values[i * each:(i + 1) * each]) for i in range(shape[0])]


def split_safetensors(path):
    """The header of a file, with its metadata, and the bytes behind it."""
    content = read(path)
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:8 + size]), content[8 + size:]


def write_tensors(path, tensors):
    """A .safetensors file of {name: (dtype, shape, bytes)}."""
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        place = [len(data), len(data) + len(values)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": place}
        data += values
    head = json.dumps(header).encode()
    write(path, struct.pack("<Q", len(head)) + head + data)


def tensors_of(path):
    """{name: (dtype, shape, bytes)}"""
    header, data = split_safetensors(path)
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[slice(*t["data_offsets"])])
            for name, t in header.items()}


def keep_tensors(path, wanted):
    """Leaves in a file the tensors for whose names wanted() holds, and answers what it left."""
    kept = {name: tensor for name, tensor in tensors_of(path).items() if wanted(name)}
    assert kept, path
    write_tensors(path, kept)
    return kept


def overwrite_tensors(path, wanted, value):
    """Every float of the F32 tensors for whose names wanted() holds becomes value."""
    with open(path, "r+b") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        changed = 0
        for name, tensor in header.items():
            if not wanted(name) or tensor["dtype"] != "F32":
                continue
            first, last = tensor["data_offsets"]
            file.seek(8 + size + first)
            file.write(struct.pack("<f", value) * ((last - first) // 4))
            changed += 1
    assert changed, path
