# SPDX-License-Identifier: BSD-2-Clause
"""Index: what `vit index` and `vit search` do."""

import json
import os
import pathlib
import pickle
import shutil
import unittest

import numpy as np

import libvit
from small_clip import add_tokenizer
from support import CAT, CLIP, COFFEE, HORSE, PICTURES, Case, command, run_python


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
        code = """
import os, sys, libvit
index = libvit.Index(sys.argv[1])
want = index.search(sys.argv[2])
pid = os.fork()
assert index.search(sys.argv[2]) == want
if pid == 0: os._exit(0)
sys.exit(os.waitpid(pid, 0)[1])
"""
        run_python(code, self.place, CAT)


if __name__ == "__main__":
    unittest.main()
