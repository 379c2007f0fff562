# SPDX-License-Identifier: BSD-2-Clause
"""vit embed --tar: samples as webdataset lays them out, every kind of tar file that is written today, and those that no
program should write."""
import bz2
import gzip
import io
import random
import re
import tarfile

from jobs import *


def link(name, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


class TarCase(JobCase):
    def embed(self, *arguments, status=0, **options):
        """(rows, errors) of one run over tar files, with no older result: it would stay where nothing comes out."""
        for name in os.listdir("."):
            if re.match(r"x\.(npy|jsonl|errors\.jsonl|meta\.json)$", name):
                os.remove(name)
        self.vit("embed", "--tar", "-o", "x.npy", *arguments, status=status, **options)
        errors = json_lines(read("x.errors.jsonl")) if os.path.exists("x.errors.jsonl") else []
        return json_lines(read("x.jsonl")), errors


class Samples(TarCase):
    def test_what_belongs_together(self):
        one, two = picture(1), picture(2)
        write("a.tar", tar([
            ("d/000.json", b'{ "n": [1, 2.50, "x y"] }'), ("d/000.ppm", one), ("d/000.txt", "a dög\n".encode()),
            ("d/001.cls", b"3"), ("d/001.ppm", two),
            ("d/002.left.ppm", one), ("d/002.right.PPM", two), ("d/002.txt", b"both"), ("d/002.left.json", b"7"),
            ("e/002.ppm", one),
            ("e/._003.ppm", b"by macOS"), ("e/003.ppm", two), ("e/003.json", b"{]"), ("e/003.txt", b"x\0y"),
            ("e/0030.ppm", two), ("e/004.txt", b"nobody's"), ("noextension", b"x"), ("e/005.ppm", one)]))
        rows, errors = self.embed("a.tar")
        self.assertEqual(errors, [])
        self.assertEqual(rows, [
            {"row": 0, "path": "d/000.ppm", "tar": "a.tar", "json": {"n": [1, 2.50, "x y"]}, "text": "a dög\n"},
            {"row": 1, "path": "d/001.ppm", "tar": "a.tar"},
            {"row": 2, "path": "d/002.left.ppm", "tar": "a.tar", "json": 7, "text": "both"},
            {"row": 3, "path": "d/002.right.PPM", "tar": "a.tar", "text": "both"},
            {"row": 4, "path": "e/002.ppm", "tar": "a.tar"},
            {"row": 5, "path": "e/003.ppm", "tar": "a.tar"},
            {"row": 6, "path": "e/0030.ppm", "tar": "a.tar"},
            {"row": 7, "path": "e/005.ppm", "tar": "a.tar"}])
        for left_out in ("e/003.json", "e/003.txt"):
            self.assertIn(left_out, self.said)

    def test_numbers_are_not_changed(self):
        write("a.tar", tar([("a.ppm", picture(1)), ("a.json", b'{"id": 123456789012345678901234567890, "x": 1.10}')]))
        self.embed("a.tar")
        self.assertIn(b'"json":{"id":123456789012345678901234567890,"x":1.10}}\n', read("x.jsonl"))

    def test_same_vectors_as_from_files(self):
        paths = make_pictures("in", 9, {4})
        write("a.tar", tar([(path, read(path)) for path in paths[:5]]))
        write("b.tar", tar([(path, read(path)) for path in paths[5:]]))
        self.vit("embed", "-o", "files.npy", "in", status=1)
        rows, errors = self.embed("a.tar", "b.tar", status=1)
        self.assertTrue(read("x.npy") == read("files.npy"))
        self.assertEqual([row["path"] for row in rows], [path for path in paths if path != paths[4]])
        self.assertEqual([error["path"] for error in errors], [paths[4]])
        self.assertEqual(errors[0]["tar"], "a.tar")
        for threads in (1, 3):
            self.embed("a.tar", "b.tar", "-t", threads, status=1)
            self.assertTrue(read("x.npy") == read("files.npy"))

    def test_jsonl_carries_them_too(self):
        given = tar([("a.ppm", picture(1)), ("a.txt", b"t"), ("b.ppm", b"bad")])
        process = self.vit("embed", "--tar", "--format", "jsonl", "-", stdin=given, status=1)
        rows = json_lines(process.stdout)
        self.assertEqual([(row["path"], row.get("text"), row.get("tar")) for row in rows],
                         [("a.ppm", "t", None), ("b.ppm", None, None)])
        self.assertIn("error", rows[1])

    def test_a_list_of_tar_files(self):
        write("a.tar", tar([("a.ppm", picture(1))]))
        write("b.tar", tar([("b.ppm", picture(1))]))
        rows, _ = self.embed("--from", "-", stdin=b"b.tar\na.tar\nb.tar\n")
        self.assertEqual([row["path"] for row in rows], ["b.ppm", "a.ppm", "b.ppm"])

    def test_shares(self):
        paths = make_pictures("in", 7)
        write("a.tar", tar([(path, read(path)) for path in paths]))
        rows, _ = self.embed("--shard", "1/3", "a.tar")
        self.assertEqual([row["path"] for row in rows], [paths[1], paths[4]])


class NoInputs(TarCase):
    """As of folders and lists (test_shards.py): without an image there is no job."""

    def setUp(self):
        super().setUp()
        make_pictures("in", 4)
        self.empty = tar([])
        write("empty.tar", self.empty)
        write("other.tar", tar([("a.txt", b"a"), ("b.json", b"{}"), ("c/", b"")]))
        write("image.tar", tar([("a.ppm", picture(1))]))

    def test_no_job(self):
        write("list", b"empty.tar\nnowhere.tar\n")
        for inputs in (["empty.tar"], ["other.tar"], ["empty.tar", "other.tar"], ["nowhere.tar"],
                       ["in/00000.ppm"], ["--from", "list"], ["--from", "/dev/null"],
                       ["--shard", "1/2", "empty.tar"]):
            self.check_no_job("--tar", *inputs)
        for given in (self.empty, gzip.compress(self.empty), b""):
            self.check_no_job("--tar", "-", stdin=given)

    def test_job(self):
        """The right inputs may be tar files too. A share may have none of their images, or only one
        that fails."""
        write("bad.tar", tar([("a.ppm", b"no picture")]))
        self.check_no_job("--tar", "empty.tar", right=("--tar", "image.tar"))
        for name, share, status in (("image.tar", "1/2", 0), ("bad.tar", "0/1", 1),
                                    ("bad.tar", "1/2", 0)):
            folder = name + share.replace("/", "of")
            job = ("embed", "--tar", "--shard-size", 3, "--shard", share, "-o", folder)
            self.vit(*job, name, status=status)
            manifest = json.loads(read(folder + "/manifest.json"))
            self.assertIs(manifest["complete"], True)
            self.assertEqual((manifest["rows"], manifest["failed"]), (0, status))


class Kinds(TarCase):
    def test_names(self):
        names = ["a.ppm", "é/ü.ppm", "bad\udcff.ppm", "l" * 120 + "/" + "x" * 90 + ".ppm", "日本.ppm",
                 "/absolute.ppm", "../up.ppm", "a\nb.ppm"]
        long = ["y" * 300 + ".ppm", "é" * 200 + ".ppm", "d/" * 500 + "z.ppm"]
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            given = names + (long if form != tarfile.USTAR_FORMAT else [])
            write("a.tar", tar([(name, picture(1)) for name in given], form))
            rows, _ = self.embed("a.tar")
            self.assertEqual([row["path"] for row in rows], given)
        self.assertFalse(os.path.exists("../up.ppm"))

    def test_compressed(self):
        given = tar([("a.ppm", picture(1)), ("a.txt", b"t")])
        write("a.tar.gz", gzip.compress(given))
        write("a.tar.bz2", bz2.compress(given))
        names = ["a.tar.gz", "a.tar.bz2"]
        if shutil.which("zstd"):
            write("a.tar.zst", subprocess.run(["zstd", "-q"], input=given, capture_output=True, check=True).stdout)
            names.append("a.tar.zst")
        for name in names:
            rows, _ = self.embed(name)
            self.assertEqual([(row["path"], row["text"]) for row in rows], [("a.ppm", "t")])
            rows, _ = self.embed("-", stdin=read(name))
            self.assertEqual([row["path"] for row in rows], ["a.ppm"])

    def test_without_libarchive(self):
        """Only tar files miss it, and say so."""
        os.mkdir("broken")
        write("broken/libarchive.so.13", b"")
        paths = make_pictures("in", 1, ())
        write("a.tar", tar([("a.ppm", picture(1))]))
        without = environment(LD_LIBRARY_PATH=os.path.abspath("broken"))
        self.vit("embed", "-o", "y.npy", *paths, env=without)
        rows, errors = self.embed("a.tar", status=1, env=without)
        self.assertEqual([(error["path"], error["error"]["code"]) for error in errors], [("a.tar", "unsupported_format")])
        self.assertIn("apt-get install libarchive13", self.said)

    def test_links_and_devices(self):
        folder = tarfile.TarInfo("f.ppm")
        folder.type = tarfile.DIRTYPE
        write("a.tar", tar([("a.ppm", picture(1)), link("b.ppm"), link("c.ppm", tarfile.LNKTYPE),
                            link("d.ppm", tarfile.CHRTYPE), link("e.ppm", tarfile.FIFOTYPE), folder]))
        rows, errors = self.embed("a.tar", status=1)
        self.assertEqual([row["path"] for row in rows], ["a.ppm"])
        self.assertEqual([(error["path"], error["error"]["code"]) for error in errors],
                         [(name + ".ppm", "unreadable") for name in "bcde"])


class Hostile(TarCase):
    def failure(self, data):
        """What the tar file itself failed with, besides its members."""
        write("a.tar", data)
        rows, errors = self.embed("a.tar", "-t", 1, status=1)
        return rows, [(error["path"], error["error"]["code"]) for error in errors]

    def test_no_tar_file(self):
        for data in (b"", b"x" * 5000, random.Random(1).randbytes(20000), picture(1), gzip.compress(b"x" * 5000)):
            self.assertEqual(self.failure(data), ([], [("a.tar", "unsupported_format")]))
        os.remove("a.tar")
        self.assertEqual([error["error"]["code"] for error in self.embed("a.tar", status=1)[1]], ["not_found"])
        self.assertEqual([error["error"]["code"] for error in self.embed(".", status=1)[1]], ["unreadable"])

    def test_cut_anywhere(self):
        whole = tar([("a.ppm", picture(1)), ("a.txt", b"t"), ("b.ppm", picture(2))], tarfile.USTAR_FORMAT)
        data = 512 + 4096  # a.ppm's header and blocks
        for size in (700, 512, 1024, data - 500, data, data + 100, data + 512, data + 1024, data + 1024 + 3000):
            rows, errors = self.failure(whole[:size])
            self.assertIn(errors[-1], [("a.tar", "truncated"), ("a.ppm", "truncated"), ("b.ppm", "truncated")], size)
            self.assertEqual([row["path"] for row in rows], ["a.ppm"] if size >= data else [], size)
        self.assertEqual(self.failure(gzip.compress(whole)[:-3000])[1][-1][1], "truncated")

    def test_sizes_that_lie(self):
        for size in (1 << 30, (1 << 33) - 1, 1 << 62, (1 << 63) - 1):
            info = tarfile.TarInfo("a.ppm")
            info.size = size
            for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
                data = info.tobuf(form) + picture(1)
                rows, errors = self.failure(data)
                self.assertEqual(rows, [])
                self.assertIn(errors[0][1], ("too_large", "truncated", "corrupt"))
        # Octal digits that are none, and a negative size in base 256.
        good = bytearray(tar([("a.ppm", picture(1))], tarfile.USTAR_FORMAT))
        for field in (b"7777777777x\0", b"-0000000001\0", b"\xff" * 12, b"\x80" + b"\xff" * 11):
            bad = bytearray(good)
            bad[124:136] = field
            checksum = sum(bad[:148]) + 32 * 8 + sum(bad[156:512])
            bad[148:156] = b"%06o\0 " % checksum
            self.assertEqual(self.failure(bytes(bad))[0], [])

    def test_a_sparse_file_without_end(self):
        """GNU sparse format 1.0 with a real size of 8 EiB and no data."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as file:
            info = tarfile.TarInfo("a.ppm")
            chunk = b"1\n9223372036854775000\n100\n".ljust(512, b"\0") + b"x" * 512
            info.size = len(chunk)
            info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a.ppm",
                                "GNU.sparse.realsize": "9223372036854775807"}
            file.addfile(info, io.BytesIO(chunk))
        rows, errors = self.failure(out.getvalue())
        self.assertEqual((rows, errors[0]), ([], ("a.ppm", "too_large")))

    def test_a_name_without_end(self):
        info = tarfile.TarInfo("n" * (3 << 20) + ".ppm")
        info.size = 0
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            write("a.tar", info.tobuf(form) + bytes(1024))
            self.embed("a.tar", status=1)

    def test_a_sample_without_end(self):
        """All members share their key: memory must not grow with them. 4 MB each, 600 MB in all."""
        image = picture(1, 1200, 1200)
        member = tar([("a.%03d.ppm", image)], tarfile.USTAR_FORMAT)[:512 + (len(image) + 511) // 512 * 512]
        count = 140
        process = self.start("embed", "--tar", "-t", 1, "-o", "x.npy", "-", stdin=subprocess.PIPE, stdout=None, stderr=None)
        peak = 0
        for i in range(count):
            info = tarfile.TarInfo("a.%03d.ppm" % i)
            info.size = len(image)
            process.stdin.write(info.tobuf(tarfile.USTAR_FORMAT) + member[512:])
            with open(f"/proc/{process.pid}/status") as status:
                found = [line for line in status if line.startswith("VmRSS")]
            peak = max(peak, int(found[0].split()[1]) if found else 0)
        process.stdin.write(bytes(1024))
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(read_npy("x.npy")[1][0], count)
        # 64 MiB of a sample that goes on, model, buffers; a sanitizer's shadow doubles it and more.
        self.assertLess(peak, 400 * 1024)

    def test_text_that_is_too_long(self):
        write("a.tar", tar([("a.ppm", picture(1)), ("a.txt", b"x" * (2 << 20)), ("a.json", b"[" * (2 << 20))]))
        rows, _ = self.embed("a.tar")
        self.assertEqual(rows, [{"row": 0, "path": "a.ppm", "tar": "a.tar"}])

    def test_random_damage(self):
        """Whatever the bytes, vit ends by itself with status 0 or 1, and every row it wrote is whole."""
        whole = tar([("a.ppm", picture(1)), ("a.txt", b"t"), ("a.json", b"{}"), ("é" * 120 + ".ppm", picture(2)),
                     link("l.ppm"), ("b.ppm", picture(3))], tarfile.PAX_FORMAT)
        for seed in range(60):
            chance = random.Random(seed)
            data = bytearray(whole)
            headers = [at for at in range(0, len(data), 512) if data[at + 257:at + 262] == b"ustar"]
            for _ in range(chance.choice((1, 2, 8))):
                at = chance.choice(headers) + chance.randrange(512) if chance.random() < 0.8 \
                    else chance.randrange(len(data))
                data[at] = chance.randrange(256)
            process = run("embed", "--tar", "-t", "2", "--format", "jsonl", "-", stdin=bytes(data), timeout=60)
            self.assertIn(process.returncode, (0, 1), f"seed {seed}: {process.stderr}")
            for line in json_lines(process.stdout):
                self.assertIn("path", line)


class GoingOn(TarCase):
    def test_resume(self):
        paths = make_pictures("in", 30, {3, 14})
        write("a.tar", tar([(path, read(path)) for path in paths[:13]]))
        write("b.tar", tar([(path, read(path)) for path in paths[13:]]))
        job = ("embed", "--tar", "--shard-size", "4", "--resume", "-o")
        self.vit(*job, "want", "a.tar", "b.tar", status=1)
        want = snapshot("want")
        self.assertEqual(join(want)[1][0]["tar"], "a.tar")
        for at in (30, 60, 90):
            out = f"out{at}"
            killed = run(*job, out, "a.tar", "b.tar", env=watched(VIT_KILL_WHEN="before", VIT_KILL_AT=str(at)))
            self.assertEqual(killed.returncode, -9)
            self.assertIs(json.loads(read(out + "/manifest.json"))["complete"], False)
            self.vit(*job, out, "b.tar", "a.tar", status=2, saying="inputs")
            self.vit(*job, out, "a.tar", "b.tar", status=1)
            self.check_same(snapshot(out), want)

    def test_standard_input(self):
        """Its members are known only as they come: those that were done are read again and compared."""
        paths = make_pictures("in", 12)
        given = tar([(path, read(path)) for path in paths])
        job = ("embed", "--tar", "--shard-size", "3", "--resume", "-o")
        self.vit(*job, "want", "-", stdin=given)
        killed = run(*job, "out", "-", stdin=given, env=watched(VIT_KILL_WHEN="after", VIT_KILL_AT="40"))
        self.assertEqual(killed.returncode, -9)
        self.assertGreater(json.loads(read("out/manifest.json"))["rows"], 0)
        other = tar([(path + ".ppm", read(path)) for path in paths])
        self.vit(*job, "out", "-", stdin=other, status=2, saying="inputs")
        self.vit(*job, "out", "-", stdin=given)
        self.check_same(snapshot("out"), snapshot("want"))


if __name__ == "__main__":
    main()
