# SPDX-License-Identifier: BSD-2-Clause
"""Formats of pictures: every file of tests/data/decode_more through the command; folders and tar files whose names lie; memory."""
import hashlib
import io
import os
import shutil
import tarfile

from harness import *

MORE = os.path.join(DATA, "decode_more")
NAMES = {"jxl": "JPEG XL", "mpo": "JPEG"}  # of groups, where they are not those of the format
NO_MODEL = environment(VIT_MODEL="/nowhere")
MEGABYTE = 1 << 20

# Libraries that write to stderr themselves when a picture is damaged (README.md).
NOISY = ("avif", "jxl")


def rows():
    with open(os.path.join(MORE, "manifest.json"), encoding="utf-8") as file:
        return json.load(file)["cases"]


def built():
    done = subprocess.run([VIT, "--version"], capture_output=True, check=True, timeout=TIMEOUT)
    return done.stdout.decode().splitlines()[1].removeprefix("pictures: ").split(", ")


BUILT = built()


def is_built(row):
    return NAMES.get(row["group"], row["group"].upper()) in BUILT


def sample(group):
    """A sound file of a format."""
    return next(os.path.join(MORE, row["file"]) for row in rows() if row["group"] == group and row["expect"] == "ok")


class Fixtures(Case):
    def decode(self, row, *arguments):
        path = os.path.join(MORE, row["file"])
        done = subprocess.run([VIT, "preprocess", "--stage", "decoded", *arguments, "-o", "-", path], capture_output=True,
                              timeout=TIMEOUT, env=NO_MODEL)
        if row["group"] not in NOISY:
            for line in done.stderr.splitlines():
                self.assertTrue(line.startswith(b"vit: "), (row["file"], line))
        return done

    def check(self, row, way, *arguments):
        done = self.decode(row, *arguments)
        name = row["file"]
        if not is_built(row):
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(b"build", done.stderr)
        elif done.returncode == 1:
            self.assertIn("error", row["accept"], (name, done.stderr))
            self.assertIn(name.encode(), done.stderr)
        else:
            self.assertEqual(done.returncode, 0, (name, done.stderr))
            self.assertIn("ok", row["accept"], name)
            expected = row.get(way if way != "as_stored" else "scaled") or row.get("scaled") or row["as_stored"]
            _, shape, data = parse_npy(done.stdout)
            if "may_differ" in row or "file" in expected:  # damage; or not exact, which tests/io/test_decode.c looks at
                return
            self.assertEqual(shape, (expected["height"], expected["width"], 3), name)
            self.assertEqual(hashlib.sha256(data).hexdigest(), expected["sha256"], (name, way))

    def test_as_stored(self):
        for row in rows():
            self.check(row, "as_stored", "--exif", "ignore")

    def test_upright(self):
        for row in rows():
            if "exif_applied" in row or row["group"] in ("tiff", "heic"):
                self.check(row, "exif_applied")

    def test_over_white(self):
        for row in rows():
            if "white" in row:
                self.check(row, "white", "--exif", "ignore", "--background", "ffffff")


class Folders(Case):
    def fill(self):
        """One of each format under a name that lies, and four that are never read. All names, and those that fail."""
        fails, names = [], []
        for i, group in enumerate(("gif", "bmp", "ico", "psd", "tiff", "avif", "heic", "jxl", "mpo")):
            names.append(f"f/{i}_{group}.{'jpg' if i % 2 else 'png'}")
            write(self.path(names[-1]), read(sample(group)))
            if NAMES.get(group, group.upper()) not in BUILT:
                fails.append(names[-1])
        for name, file in (("a_bomb.heic", "heic_sps_16384.heic"), ("b_bomb.tif", "tiff_12000_lzw.tif"),
                           ("c_raw.dng", "tiff_camera_raw.dng")):
            write(self.path("f", name), read(os.path.join(MORE, file)))
            names.append("f/" + name)
            fails.append("f/" + name)
        write(self.path("f/d_film.heic"), b"\0\0\0\x18ftypisom\0\0\0\0isomavc1")
        return sorted(names + ["f/d_film.heic"]), sorted(fails + ["f/d_film.heic"])

    def test_a_folder_of_everything(self):
        names, fails = self.fill()
        found = self.classify("f", status=1)
        self.assertEqual([row["path"] for row in found], names)
        self.assertEqual(sorted(row["path"] for row in found if "error" in row), fails)
        done = self.vit("embed", "-m", MODEL, "-o", self.path("out.npy"), "f", status=1)
        for name in fails:
            self.assertIn(name.encode(), done.stderr)

    def test_raw_files_and_films_are_named(self):
        self.fill()
        for name, word in (("c_raw.dng", "raw file" if "TIFF" in BUILT else "TIFF"), ("d_film.heic", "film")):
            row, = self.classify("f/" + name, status=1)
            self.assertIn(word, row["error"]["message"], name)

    @unittest.skipUnless(READS_TAR, "this build reads no tar files")
    def test_a_tar_of_everything(self):
        names, fails = self.fill()
        with tarfile.open(self.path("all.tar"), "w") as archive:
            for name in names:
                archive.add(self.path(name), name)
        shutil.rmtree(self.path("f"))
        done = self.vit("embed", "-m", MODEL, "-o", self.path("out.npy"), "--tar", "all.tar", status=1)
        for name in fails:
            self.assertIn(name.encode(), done.stderr)


class Memory(Case):
    """What a bomb costs, beside what the command takes for a small picture anyway."""

    def peak(self, path):
        """The most memory that decoding took, in bytes."""
        with open(os.devnull, "wb") as nowhere:
            running = subprocess.Popen([VIT, "preprocess", "--stage", "decoded", "-o", self.path("out.npy"), path],
                                       stdout=nowhere, stderr=nowhere, env=NO_MODEL)
            _, _, usage = os.wait4(running.pid, 0)
            running.returncode = 0
        return usage.ru_maxrss * 1024

    def test_bombs(self):
        for row in rows():
            if row["accept"] != ["error"] and "bomb" not in row["file"]:
                continue
            base = self.peak(sample(row["group"]))
            self.assertLess(self.peak(os.path.join(MORE, row["file"])) - base, 24 * MEGABYTE, row["file"])


if __name__ == "__main__":
    main()
