# SPDX-License-Identifier: BSD-2-Clause
"""The files that tests in Python make and read: pictures, arrays, tensors, lines of JSON. Python's standard library only."""
import array
import ast
import io
import json
import os
import struct
import sys
import tarfile
import zlib


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_rows(width, height, rows):
    """The bytes of an RGB picture; each of its rows starts with a byte 0, no filter."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) +
            png_chunk(b"IEND", b""))


def read_png(content):
    """(width, height, rows of RGB bytes) of an 8-bit RGB picture without interlacing, whatever its filters."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(content):
        size, kind = struct.unpack(">I4s", content[at:at + 8])
        body = content[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", content[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert (depth, colour, interlace) == (8, 2, 0)
        data += body if kind == b"IDAT" else b""
        at += 12 + size
    raw, stride, rows, above = zlib.decompress(data), width * 3, [], bytes(width * 3)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a, b, c = row[i - 3] if i > 2 else 0, above[i], above[i - 3] if i > 2 else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, nearest)[kind]) & 255
        rows.append(bytes(row))
        above = row
    return width, height, rows


def png(width, height, colour=(0, 0, 0)):
    """The bytes of an RGB picture of one colour."""
    return png_of_rows(width, height, (b"\0" + bytes(colour) * width) * height)


def tar(members, form=tarfile.PAX_FORMAT):
    """The bytes of a tar file: members are (name, bytes) or TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                file.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


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
    return parse_npy(read(path))


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


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    """In folders that are made where they are missing. The path."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    return path


def json_lines(text):
    """One object a line; bytes that are not UTF-8 come as Python's surrogateescape has them."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def read_json_lines(path):
    return json_lines(read(path))


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
