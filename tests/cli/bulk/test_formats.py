# SPDX-License-Identifier: BSD-2-Clause
"""Every format of vit embed, read by this program's own few lines, against the numbers in the .npy file."""
import csv
import struct

from jobs import *

SIZE = 192  # of the default model's vectors


def numbers(data, code):
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


class Formats(JobCase):
    def setUp(self):
        super().setUp()
        self.paths = [path for path in make_pictures("in", 6, {2}) if "00002" not in path]
        self.vit("embed", "-o", "f32.npy", "in", status=1)
        self.vit("embed", "--dtype", "f16", "-o", "f16.npy", "in", status=1)
        self.f32 = numbers(read_npy("f32.npy")[2], "f")
        self.f16 = numbers(read_npy("f16.npy")[2], "e")

    def stdout(self, *arguments):
        process = self.vit("embed", *arguments, "in", status=1)
        return process.stdout

    def check_sidecars(self, name):
        self.assertEqual([row["path"] for row in json_lines(read(name + ".jsonl"))], self.paths)
        self.assertEqual(json.loads(read(name + ".meta.json"))["shape"], [5, SIZE])
        self.assertEqual([error["path"] for error in json_lines(read(name + ".errors.jsonl"))], ["in/00002.ppm"])

    def test_npy(self):
        for kind, code in (("f32", "<f4"), ("f16", "<f2")):
            descr, shape, _ = read_npy(kind + ".npy")
            self.assertEqual((shape, descr), ((5, SIZE), code))
            self.check_sidecars(kind)
        for wide, narrow in zip(self.f32, self.f16):
            self.assertEqual(struct.unpack("<e", struct.pack("<e", wide))[0], narrow)

    def test_raw(self):
        self.vit("embed", "-o", "x.raw", "in", status=1)
        self.assertEqual(numbers(read("x.raw"), "f"), self.f32)
        self.check_sidecars("x")
        self.assertEqual(numbers(self.stdout("--format", "raw", "--dtype", "f16"), "e"), self.f16)

    def test_jsonl_and_csv_give_every_float_back(self):
        for kind, want in (("f32", self.f32), ("f16", self.f16)):
            rows = json_lines(self.stdout("--format", "jsonl", "--dtype", kind))
            got = [number for row in rows if "embedding" in row for number in row["embedding"]]
            self.assertEqual(struct.pack(f"<{len(got)}f", *got), struct.pack(f"<{len(want)}f", *want))
            table = list(csv.reader(self.stdout("--format", "csv", "--dtype", kind).decode().splitlines()))
            self.assertEqual(table[0], ["path"] + [f"e{i}" for i in range(SIZE)])
            self.assertEqual([row[0] for row in table[1:]], self.paths)
            got = [float(number) for row in table[1:] for number in row[1:]]
            self.assertEqual(struct.pack(f"<{len(got)}f", *got), struct.pack(f"<{len(want)}f", *want))

    def test_fvecs(self):
        self.vit("embed", "-o", "x.fvecs", "in", status=1)
        self.check_sidecars("x")
        data = read("x.fvecs")
        self.assertEqual(self.stdout("--format", "fvecs"), data)
        stride = 4 + 4 * SIZE
        self.assertEqual(len(data), 5 * stride)
        for i in range(5):
            row = data[i * stride:(i + 1) * stride]
            self.assertEqual(struct.unpack("<i", row[:4])[0], SIZE)
            self.assertEqual(numbers(row[4:], "f"), self.f32[i * SIZE:(i + 1) * SIZE])
        self.vit("embed", "--dtype", "f16", "-o", "y.fvecs", "in", status=2, saying="f32 only")

    def read_copy(self, data, code):
        """The rows of a binary COPY of (text, vector or halfvec), and that nothing else is in it."""
        self.assertEqual(data[:19], b"PGCOPY\n\xff\r\n\0" + bytes(8))
        at, rows = 19, []
        while True:
            fields, = struct.unpack_from(">h", data, at)
            at += 2
            if fields == -1:
                break
            self.assertEqual(fields, 2)
            size, = struct.unpack_from(">i", data, at)
            path = data[at + 4:at + 4 + size].decode()
            at += 4 + size
            size, dimensions, unused = struct.unpack_from(">iHH", data, at)
            width = struct.calcsize(code)
            self.assertEqual((size, unused), (4 + dimensions * width, 0))
            rows.append((path, struct.unpack_from(f">{dimensions}{code}", data, at + 8)))
            at += 4 + size
        self.assertEqual(at, len(data))
        return rows

    def test_pgcopy(self):
        for kind, code, want in (("f32", "f", self.f32), ("f16", "e", self.f16)):
            data = self.stdout("--format", "pgcopy", "--dtype", kind)
            rows = self.read_copy(data, code)
            self.assertEqual([path for path, _ in rows], self.paths)
            self.assertEqual(sum((vector for _, vector in rows), ()), want)
            self.vit("embed", "--dtype", kind, "-o", "x.pgcopy", "in", status=1)
            self.assertEqual(read("x.pgcopy"), data)
        os.rename("in/00000.ppm", b"in/\xff.ppm")
        os.rename("in/00001.ppm", "in/ü.ppm")
        paths = [path for path, _ in self.read_copy(self.stdout("--format", "pgcopy"), "f")]
        self.assertEqual(set(paths[3:]), {"in/\\udcff.ppm", "in/ü.ppm"})

    def test_no_rows(self):
        os.mkdir("none")
        process = self.vit("embed", "--format", "pgcopy", "none")
        self.assertEqual(self.read_copy(process.stdout, "f"), [])
        process = self.vit("embed", "--format", "fvecs", "none")
        self.assertEqual(process.stdout, b"")

    def test_a_killed_copy_has_no_end(self):
        """PostgreSQL takes nothing of a stream without its end mark."""
        process = run("embed", "--format", "pgcopy", "in", env=watched(VIT_KILL_WHEN="after", VIT_KILL_AT="1"))
        self.assertEqual(process.returncode, -9)
        self.assertNotEqual(process.stdout[-2:], b"\xff\xff")

    def test_one_vector_an_image(self):
        for name in ("csv", "fvecs", "pgcopy"):
            self.vit("embed", "--output", "tokens", "--format", name, "in", status=2, saying="matrix")
        self.vit("embed", "--format", "npy", "in", status=2, saying="-o FILE")


if __name__ == "__main__":
    main()
