# SPDX-License-Identifier: BSD-2-Clause
"""The calls of docs/python.md, and what they give."""

import asyncio
import io
import itertools
import os
import shutil
import sys
import unittest

import numpy as np

import libvit
from small_clip import add_tokenizer
from support import CAT, CLASSIFIER, CLIP, COFFEE, PICTURES, Case, command, run_python


class Pictures(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = libvit.Model(batch=2)

    def test_facts(self):
        m = self.model
        self.assertEqual(
            (m.family, m.classes, len(m.labels), m.labels[3], m.width, m.image_size, m.precision),
            ("vit", 10, 10, "cat", 192, (32, 32), "f32"),
        )
        self.assertRegex(m.digest + m.preprocessing_digest, "^[0-9a-f]{128}$")
        self.assertIn("/", m.multiplier)
        self.assertGreaterEqual(m.threads, 1)
        self.assertEqual(libvit.__version__, m.info["vit_version"])
        with self.assertRaises(AttributeError):
            m.family = "other"
        self.assertEqual(libvit.Model(CLASSIFIER, image_size=64).image_size, (64, 64))

    def test_outputs_of_one_pass(self):
        got = self.model.embed(PICTURES, output=["cls", "tokens", "hidden:2"], normalize=True)
        self.assertEqual(
            {name: array.shape for name, array in got.items()},
            {"cls": (4, 192), "tokens": (4, 65, 192), "hidden:2": (4, 65, 192)},
        )
        for name, array in got.items():
            self.assert_same(array, self.model.embed(PICTURES, output=name, normalize=True))
        np.testing.assert_allclose(np.linalg.norm(got["tokens"], axis=-1), 1, rtol=1e-5)
        self.assertEqual(self.model.embed(CAT, output=["cls"])["cls"].shape, (192,))
        each = list(self.model.embed_iter([CAT], output=["cls", "mean"]))
        self.assertEqual(
            [{name: array.shape for name, array in one.items()} for one in each], [{"cls": (192,), "mean": (192,)}]
        )

    def test_dtype(self):
        half = self.model.embed(PICTURES, normalize=True, dtype="float16")
        self.assert_same(half, self.model.embed(PICTURES, normalize=True).astype(np.float16))
        self.assert_same(self.model.embed(CAT, normalize=True, dtype=np.float16), half[0])

    def test_probabilities_and_labels(self):
        probabilities = self.model.embed(PICTURES, output="probs")
        for row, best in zip(probabilities, self.model.classify(PICTURES, top=20)):
            self.assertEqual(len(best), 10)
            self.assertEqual([p.label for p in best], [self.model.labels[i] for i in np.argsort(-row, kind="stable")])
            self.assertEqual([p.score for p in best], [float(row[p.index]) for p in best])
        one = self.model.classify(CAT)
        self.assertEqual((len(one), one[0].label, one[0].index, one[0]._asdict()["label"]), (5, "cat", 3, "cat"))

    def test_iterators_are_lazy(self):
        taken = []

        def endless():
            for i in itertools.count():
                taken.append(i)
                yield PICTURES[i % 4]

        want = self.model.embed(PICTURES)
        for model, ahead in ((self.model, 4), (libvit.Model(batch=2, threads=1), 2)):
            taken.clear()
            iterator = model.embed_iter(endless())
            self.assertEqual(taken, [])
            for i in range(9):
                self.assert_same(next(iterator), want[i % 4])
                self.assertLessEqual(len(taken), i + 1 + ahead)
            iterator.close()

    def test_progress(self):
        seen = []
        self.model.embed(PICTURES, progress=lambda done, total: seen.append((done, total)))
        self.assertEqual(seen, [(2, 4), (4, 4)])
        kept, sys.stderr = sys.stderr, io.StringIO()
        try:
            self.model.embed(iter(PICTURES), progress=True)
            self.assertIn("\r4, ", sys.stderr.getvalue())
        finally:
            sys.stderr = kept

    def test_share(self):
        other = self.model.share(threads=1)
        self.assertEqual((other.threads, other.family), (1, "vit"))
        model = libvit.Model()
        shared = model.share(2)
        model.close()
        self.assert_same(shared.embed(CAT), self.model.embed(CAT))

    def test_asyncio(self):
        async def main():
            return await asyncio.gather(*(asyncio.to_thread(self.model.embed, picture) for picture in PICTURES))

        self.assert_same(np.stack(asyncio.run(main())), self.model.embed(PICTURES))

    def test_threads(self):
        code = "import libvit; print(libvit.Model().threads, libvit.Model(threads=3).threads)"
        usable = len(os.sched_getaffinity(0))
        self.assertEqual(run_python(code, OMP_NUM_THREADS="1"), "1 3\n")
        self.assertLessEqual(int(run_python(code, OMP_NUM_THREADS="1000").split()[0]), usable)
        for value in ("", "many", "0", "-1"):
            self.assertEqual(int(run_python(code, OMP_NUM_THREADS=value).split()[0]), libvit.Model().threads)
        self.assertEqual(run_python(code, OMP_NUM_THREADS="1,4").split()[0], "1")

    def test_packed_file(self):
        packed = os.path.join(self.folder(), "m.safetensors")
        command("quantize", "-o", packed, "-q")
        model = libvit.Model(packed)
        self.assertEqual(model.precision, "int8")
        self.assert_same(model.embed(CAT), libvit.Model(precision="int8").embed(CAT))


class Words(Case):
    def setUp(self):
        self.clip = os.path.join(self.folder(), "clip")
        shutil.copytree(CLIP, self.clip)
        add_tokenizer(self.clip)

    def test_zero_shot(self):
        model = libvit.Model(self.clip)
        got = model.zero_shot([CAT, COFFEE], ["cat", "dog", "car"], template="a photo of a {}", top=2)
        lines = (
            command(
                "classify",
                "-m",
                self.clip,
                "--labels",
                "cat,dog,car",
                "--template",
                "a photo of a {}",
                "-k",
                "2",
                "--json",
                "-q",
                CAT,
                COFFEE,
            )
            .decode()
            .splitlines()
        )
        import json

        for line, best in zip(lines, got):
            self.assertEqual(
                [(p["label"], p["index"], np.float32(p["score"])) for p in json.loads(line)["predictions"]],
                [(p.label, p.index, np.float32(p.score)) for p in best],
            )
        self.assertEqual(model.zero_shot(CAT, ["cat", "dog", "car"], template=["a photo of a {}"], top=2), got[0])
        self.assertEqual(
            model.zero_shot(CAT, ["cat", "dog", "car"], "a photo of a {}", 2, text_model=libvit.TextModel(self.clip)),
            got[0],
        )
        self.assertEqual(len(model.zero_shot(CAT, ["cat", "dog"], template=["a {}", "the {}"])), 2)
        for labels, template in (([], "{}"), ([""], "{}"), (["cat"], "no place"), (["cat"], [])):
            with self.assertRaises(libvit.InvalidArgument):
                model.zero_shot(CAT, labels, template=template)

    def test_texts(self):
        model = libvit.TextModel(self.clip, batch=2)
        texts = ["a dog on a beach", "a cat", "", "a photo of a dog"]
        vectors = model.embed(texts, normalize=True)
        path = os.path.join(self.folder(), "x.npy")
        command(
            "embed",
            "-m",
            self.clip,
            "--normalize",
            "-o",
            path,
            "-q",
            *(word for text in texts for word in ("--text", text))
        )
        self.assert_same(vectors, np.load(path))
        self.assert_same(model.embed(texts[1], normalize=True), vectors[1])
        self.assert_same(np.stack(list(model.embed_iter(iter(texts), normalize=True))), vectors)
        self.assert_same(model.embed(texts, normalize=True), np.concatenate([vectors[:1], vectors[1:]]))
        for wrong in (b"bytes", 3, [3], [None], {"a": 1}):
            with self.assertRaises(TypeError):
                model.embed(wrong)
        with self.assertRaises(libvit.InvalidArgument) as caught:
            model.embed(["fine", "\udcff"])
        self.assertEqual(caught.exception.row, 1)
        self.assertEqual(list(model.embed(["fine", "\udcff"], errors="skip").errors), [1])

    def test_tokenizer(self):
        tokenizer = libvit.Tokenizer(self.clip)
        texts = ["a dog", "a photo of a cat", "two\nlines"]
        lines = command(
            "tokenize",
            "-m",
            self.clip,
            "--json",
            input=b"\n".join(b'"%s"' % t.replace("\n", "\\n").encode() for t in texts),
        )
        self.assertEqual(tokenizer(texts), [eval(line) for line in lines.decode().splitlines()])
        self.assertEqual(tokenizer(texts[0]), tokenizer(texts)[0])
        self.assertEqual(tokenizer.name, "clip")
        self.assertLessEqual(max(map(len, libvit.Tokenizer(self.clip, context=4)(texts))), 4)
        ids = libvit.TextModel(self.clip).embed(texts[0])
        self.assertEqual(ids.shape, (libvit.TextModel(self.clip).width,))

    def test_closed_loop(self):
        """A model and its text tower agree on what a vector is."""
        model = libvit.Model(self.clip)
        self.assertEqual(model.text_model.embed("a dog").shape, model.embed(CAT).shape)
        self.assertEqual(model.info["text"]["tokenizer"], "clip")


class Command(Case):
    def test_module_runs_the_command(self):
        import subprocess

        done = subprocess.run(
            [sys.executable, "-m", "libvit", "classify", "-k", "1", CAT], capture_output=True, timeout=60
        )
        self.assertEqual((done.returncode, done.stdout), (0, command("classify", "-k", "1", CAT)))
        self.assertEqual(
            subprocess.run([sys.executable, "-m", "libvit", "nonsense"], capture_output=True).returncode, 2
        )

    def test_import_is_quick(self):
        """What is loaded, not how long it takes: modules beside NumPy's, which is there already."""
        code = "import numpy, sys; before = set(sys.modules); import libvit; print(len(set(sys.modules) - before))"
        self.assertLess(int(run_python(code)), 30)


if __name__ == "__main__":
    unittest.main()
