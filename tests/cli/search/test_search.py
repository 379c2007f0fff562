# SPDX-License-Identifier: BSD-2-Clause
"""vit search and vit dedup against the definition: all cosines, sorted."""
from indexes import *


class Search(IndexCase):
    """One index for all tests: it is only read."""

    @classmethod
    def setUpClass(cls):
        case = cls.share_folder()
        cls.names = case.pictures(120)
        for i in (3, 50):  # the same bytes under other names
            shutil.copy(case.path("photos/%03d.png" % i), case.path("photos/%03d-copy.png" % i))
            cls.names.append("photos/%03d-copy.png" % i)
        for i in range(6):
            write(case.path("queries/%d.png" % i), noise(1000 + i))
        write(case.path("photos/010.txt"), b"a dog on a beach")
        write(case.path("photos/011.txt"), b"a dog in the snow; beach party 'quoted' OR NOT (NEAR")
        write(case.path("photos/012.txt"), b"city at night")
        cls.queries = ["queries/%d.png" % i for i in range(6)]
        case.index("photos")
        cls.known = case.vectors(*cls.names, *cls.queries)

    def setUp(self):
        self.folder = self.shared

    def naive(self, query, among=None):
        scores = [(name, cosine(self.known[query], self.known[name])) for name in among or self.names]
        return sorted(scores, key=lambda pair: (-pair[1], pair[0]))

    def check(self, results, want):
        """The same images with the same scores; the same order but where scores are within rounding."""
        self.assertEqual(len(results), len(want))
        exact = dict(want)
        for hit, (name, score) in zip(results, want):
            self.assertAlmostEqual(hit["score"], score, delta=2e-6)
            self.assertAlmostEqual(exact.get(hit["path"], 9), hit["score"], delta=2e-6)
        order = [(-hit["score"], hit["path"]) for hit in results]
        self.assertEqual(order, sorted(order))  # best first, ties by path

    def test_exact(self):
        for k in (1, 10, 122):
            answers = self.search("-k", str(k), *self.queries)
            self.assertEqual([a["query"] for a in answers], self.queries)
            for answer in answers:
                self.check(answer["results"], self.naive(answer["query"])[:k])
        self.assertEqual(len(self.search("-k", "500", self.queries[0])[0]["results"]), 122)
        self.assertEqual(len(self.search(self.queries[0])[0]["results"]), 10)

    def test_without_openblas(self):
        """The command starts, and finds the same."""
        write(self.path("broken/libopenblas.so.0"), b"")
        with unittest.mock.patch.dict(os.environ, LD_LIBRARY_PATH=self.path("broken")):
            self.test_exact()
            self.test_dedup()

    def test_threads_and_batches(self):
        one = self.vit("search", "--json", "--db", self.db, "-t", "1", "--batch", "1", *self.queries).stdout
        two = self.vit("search", "--json", "--db", self.db, "-t", "3", "--batch", "4", *self.queries).stdout
        self.assertEqual(one, two)

    def test_known_picture(self):
        """A picture in the index is found without its model, and by its model's vector just the same."""
        found = self.search("photos/003.png")
        self.assertEqual([h["path"] for h in found[0]["results"][:2]], ["photos/003-copy.png", "photos/003.png"])
        self.assertAlmostEqual(found[0]["results"][1]["score"], 1, places=6)
        self.assertEqual(self.search("-m", DEFAULT_MODEL, "photos/003.png"), found)

    def test_known_picture_and_what_the_inputs_are(self):
        """Whether the index has a picture or not: --shard takes a share of the queries, --tar takes
        nothing but tar files."""
        known = ["photos/003.png", "photos/004.png", "photos/005.png"]
        for queries in (known, self.queries[:3]):
            for i in range(2):
                answers = self.search("--shard", "%d/2" % i, *queries)
                self.assertEqual([answer["query"] for answer in answers], queries[i::2])
        answers = self.search("--tar", known[0], status=1)
        self.assertEqual([answer["error"]["code"] for answer in answers], ["unsupported_format"])

    @unittest.skipUnless(READS_TAR, "this vit was built without libarchive")
    def test_pictures_in_tar_files(self):
        """They are queries like any other, in whatever batches: what is known of a picture lasts until its answer is out."""
        members = [(name, noise(1000 + i)) for i, name in enumerate(self.queries)]
        about = [(name[:-4] + ".txt", b"about " + name.encode()) for name in self.queries[:2]]
        write(self.path("a.tar"), tar(members[:1]))
        write(self.path("b.tar"), tar(members[1:3] + about + members[3:] + [("bad.png", b"no picture")]))
        want = {answer["query"]: answer for answer in self.search(*self.queries)}
        for batch in ("1", "2", "64"):
            one = self.search("--batch", batch, "--tar", "a.tar")
            self.assertEqual(one, [want[self.queries[0]]])
            two = self.search("--batch", batch, "--tar", "a.tar", "b.tar", status=1)
            self.assertEqual(two[:-1], [want[name] for name in self.queries])
            self.assertEqual((two[-1]["query"], two[-1]["error"]["code"]), ("bad.png", "unsupported_format"))
            self.assertEqual(self.search("--batch", batch, "--tar", "-", stdin=read(self.path("a.tar"))), one)

    def test_failures(self):
        write(self.path("bad.jpg"), b"\xff\xd8\xff nothing")
        answers = self.search(self.queries[0], "bad.jpg", "absent.jpg", self.queries[1], status=1)
        self.assertEqual([a["query"] for a in answers], [self.queries[0], "bad.jpg", "absent.jpg", self.queries[1]])
        self.assertEqual(answers[2]["error"]["code"], "not_found")
        self.assertIn("error", answers[1])
        self.check(answers[3]["results"], self.naive(self.queries[1])[:10])

    def test_text(self):
        lines = self.vit("search", "--db", self.db, "-k", "2", self.queries[0]).stdout.decode().splitlines()
        self.assertEqual(lines[0], self.queries[0])
        self.assertEqual(len(lines), 3)
        name, score = self.naive(self.queries[0])[0]
        self.assertEqual(lines[1], "  %.4f  %s" % (score, name))

    def test_output_file(self):
        self.vit("search", "--db", self.db, "--json", "-o", "out.jsonl", self.queries[0])
        with open(self.path("out.jsonl"), encoding="utf-8") as file:
            self.assertEqual(json_lines(file.read()), self.search(self.queries[0]))
        self.vit("search", "--db", self.db, "--json", "-o", "no/such/folder", self.queries[0], status=OUTPUT_FAILS)

    def test_like(self):
        query = self.queries[2]
        some = [n for n in self.names if "/01" in n]
        self.check(self.search("--like", "%/01%", "-k", "50", query)[0]["results"], self.naive(query, some))
        more = [n for n in self.names if "/01" in n or n.endswith("-copy.png")]
        got = self.search("--like", "%/01%", "--like", "%-COPY.png", "-k", "50", query)[0]["results"]
        self.check(got, self.naive(query, more))
        self.assertEqual(self.found("--like", "nothing%", query), [])

    def test_where(self):
        query = self.queries[3]
        stat = os.stat(self.path("photos/020.png"))
        for condition, wanted in (
                ("name = '005.png'", lambda n: n.endswith("/005.png")),
                ("path LIKE '%-copy.png' AND NOT name like '003%'", lambda n: n.endswith("050-copy.png")),
                ("size = %d" % stat.st_size, lambda n: os.path.getsize(self.path(n)) == stat.st_size),
                ("width = 24 and height between 24 and 24", lambda n: True),
                ("caption IS NOT NULL and length(caption) > 15", lambda n: n[7:10] in ("010", "011")),
                ("caption like '%it''s%'", lambda n: False),
                ("time < '2020-01-01'", lambda n: False),
                ("time > '2020-01-01 00:00:00'", lambda n: True),
                ("lower(NAME) in ('001.png', '002.png') or size < -1e3", lambda n: n[7:10] in ("001", "002")),
        ):
            got = self.search("--where", condition, "-k", "200", query)[0]["results"]
            self.check(got, self.naive(query, [n for n in self.names if wanted(n)] or [query])
                       if any(map(wanted, self.names)) else [])

    def test_where_is_only_a_condition(self):
        with open(self.path(self.db), "rb") as file:
            before = file.read()
        for condition in ("1; DROP TABLE images", "1) OR (1", "(1", "id = 1", "1 -- ", "1 /* */", "path = \"x\"", "size = ?1",
                          "(SELECT 1)", "load_extension('x')", "readfile('/etc/passwd')", "1 UNION SELECT 1", "x'00'",
                          "path = 'open", "size >", "", "hash = pin.value", "randomblob(1e9)", "[path]", "`path`", "size = $1",
                          "rowid = 1", "case when", "name glob '*'", "vectors"):
            self.vit("search", "--db", self.db, "--where", condition, self.queries[0], status=USAGE)
            self.assertEqual(self.vit("dedup", "--db", self.db, "--where", condition, status=USAGE).stdout, b"")
        with open(self.path(self.db), "rb") as file:
            self.assertEqual(file.read(), before)

    def test_match(self):
        query = self.queries[4]
        both = ["photos/010.png", "photos/011.png"]
        self.check(self.search("--match", "dog beach", query)[0]["results"], self.naive(query, both))
        self.assertEqual(self.found("--match", "dog beach")[0], both[0])  # the shorter text fits better
        self.assertEqual(self.found("--match", "nig*"), ["photos/012.png"])
        self.assertEqual(self.found("--match", "city dog"), [])
        self.assertEqual(self.found("--match", "quoted NOT", query), [both[1]])  # words, no syntax
        for syntax in ("\"", "(", "NEAR(", "'", "*", "a AND", "caption:dog", "^", "-", "\u00e9\""):
            self.vit("search", "--db", self.db, "--match", syntax, query)
        self.assertEqual(self.found("--match", "007"), ["photos/007.png"])  # names have words too
        self.assertEqual(self.found("--match", "dog", "--where", "name = '011.png'"), [both[1]])

    def test_scores_are_what_docs_search_md_says(self):
        alone = self.search("--match", "dog beach")[0]["results"]
        self.assertGreater(alone[0]["score"], alone[1]["score"])
        self.assertGreater(alone[1]["score"], 1)  # how well the words fit, which is no cosine
        everywhere = self.search("--match", "photos")[0]["results"]
        self.assertTrue(all(0 <= hit["score"] < 5e-5 for hit in everywhere))  # a word that all have
        query = self.queries[4]
        cosines = dict(self.naive(query))
        fused = ["-k", "122", "--match", "dog", "--fuse", query]
        for arguments in ([query], ["--match", "dog", query], fused):
            for hit in self.search(*arguments)[0]["results"]:
                self.assertAlmostEqual(hit["score"], cosines[hit["path"]], delta=2e-6)

    def test_fuse(self):
        query = self.queries[5]
        alone = self.found("-k", "122", query)
        fused = self.found("-k", "122", "--match", "city", "--fuse", query)
        self.assertEqual(sorted(fused), sorted(self.names))  # nothing is left out
        worth = {name: 1 / (60 + 1 + rank) for rank, name in enumerate(alone)}
        worth["photos/012.png"] += 1 / 61
        self.assertEqual(fused, sorted(self.names, key=lambda n: (-worth[n], n)))
        self.vit("search", "--db", self.db, "--fuse", query, status=USAGE)
        self.vit("search", "--db", self.db, "--fuse", "--match", "city", status=USAGE)

    def groups(self, threshold, names):
        """By the definition: hanging together through pairs of at least the threshold."""
        group = {n: {n} for n in names}
        for i, a in enumerate(names):
            for b in names[i + 1:]:
                if group[a] is not group[b] and cosine(self.known[a], self.known[b]) >= threshold:
                    group[a] |= group[b]
                    for member in group[b]:
                        group[member] = group[a]
        different = {id(g): sorted(g) for g in group.values() if len(g) > 1}
        return sorted(different.values())

    def test_dedup(self):
        for threshold in (0.95, 0.9999, 0.8):
            got = json_lines(self.vit("dedup", "--db", self.db, "--json", "--threshold", str(threshold)).stdout)
            self.assertEqual([g["paths"] for g in got], self.groups(threshold, self.names))
            for g in got:
                least = min(cosine(self.known[a], self.known[b]) for a in g["paths"] for b in g["paths"] if a != b)
                self.assertAlmostEqual(g["score"], least, delta=2e-6)
        pairs = json_lines(self.vit("dedup", "--db", self.db, "--json", "--threshold", "0.9999", "--like", "%/050%").stdout)
        self.assertEqual([g["paths"] for g in pairs], [["photos/050-copy.png", "photos/050.png"]])
        for wrong in ("0", "1.5", "x", "", "nan"):
            self.vit("dedup", "--db", self.db, "--threshold", wrong, status=USAGE)


class Texts(IndexCase):
    """With a text tower a text, or its token ids, is a query like any other."""

    CLIP = os.path.join(GOLDEN, "hf_clip")

    def test_tokens(self):
        names = self.pictures(12)
        self.index("-m", self.CLIP, "photos")
        rows = struct.pack("<8i", 97, 5, 6, 98, 97, 40, 41, 98)
        header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 4), }".ljust(117) + "\n"
        write(self.path("ids.npy"), b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + rows)
        pictures = json_lines(self.vit("embed", "-m", self.CLIP, "--format", "jsonl", *names).stdout)
        texts = json_lines(self.vit("embed", "-m", self.CLIP, "--format", "jsonl", "--tokens", "ids.npy").stdout)
        answers = self.search("-k", "12", "--tokens", "ids.npy")  # the index knows its model
        self.assertEqual(len(answers), 2)
        for answer, text in zip(answers, texts):
            want = {p["path"]: cosine(text["embedding"], p["embedding"]) for p in pictures}
            self.assertEqual(len(answer["results"]), 12)
            for hit in answer["results"]:
                self.assertAlmostEqual(hit["score"], want[hit["path"]], delta=2e-6)
        self.vit("search", "--db", self.db, "--text", "no tokenizer here", status=3)

    def test_no_server(self):
        """A user or a password is never in a message."""
        self.pictures(1)
        place = "postgresql://somebody:secret@localhost:1/none"
        self.vit("search", "--db", place, "photos/000.png", status=USAGE)
        self.assertRegex(self.said, "^vit: (--db postgresql: |--db: this vit was built without|an index in PostgreSQL needs)")
        self.assertNotRegex(self.said, "secret|somebody")
        if "built without" not in self.said:
            self.vit("search", "--db", place, "--table", "x" * 49, "photos/000.png", status=USAGE)
            self.assertRegex(self.said, "^vit: --table x{49}: too long a name, 48 bytes are the most$")
        self.vit("search", "--db", "table", "photos/000.png", status=USAGE)
        self.assertRegex(self.said, "^vit: table: no index here: .*; 'vit index' makes one$")

    def test_no_text_tower(self):
        self.pictures(2)
        self.index("photos")
        self.vit("search", "--db", self.db, "--text", "a dog", status=USAGE)
        self.assertIn("text tower", self.said)


class Paired(IndexCase):
    """Texts through a model that was trained beside the model of the index."""
    PICTURES, TEXTS = os.path.join(GOLDEN, "st_clip"), os.path.join(GOLDEN, "st_clip_multilingual")
    WORDS = ["ein Hund am Strand", "montaña"]

    def setUp(self):
        super().setUp()
        self.names = self.pictures(4)
        self.index("-m", self.PICTURES, "photos")
        self.texts = [part for text in self.WORDS for part in ("--text", text)]

    def unit(self, model, *inputs):
        self.vit("embed", "-m", model, "--normalize", "-o", "x.npy", *inputs)
        return [list(row) for row in read_rows(self.path("x.npy"))]

    def test_scores(self):
        digest = json.loads(self.vit("info", "--json", "-m", self.TEXTS).stdout)["digest"]
        pictures, texts = self.unit(self.PICTURES, *self.names), self.unit(self.TEXTS, *self.texts)
        answers = self.search("--text-model", self.TEXTS, *self.texts)
        self.assertIn(digest[:12], self.said)
        for text, words, answer in zip(texts, self.WORDS, answers):
            self.assertEqual((answer["query"], answer["text_model"], answer["text_model_digest"]), (words, self.TEXTS, digest))
            want = {name: cosine(text, picture) for name, picture in zip(self.names, pictures)}
            self.assertEqual(len(answer["results"]), 4)
            for hit in answer["results"]:
                self.assertAlmostEqual(hit["score"], want[hit["path"]], delta=2e-6)
        own = self.search(*self.texts)[0]
        self.assertNotIn("text_model", own)
        self.assertNotEqual(own["results"], answers[0]["results"])

    def test_refused(self):
        for arguments, words in ((["--text-model", os.path.join(GOLDEN, "hf_bert"), "--text", "a"], "36 numbers"),
                                 (["--text-model", self.TEXTS, self.names[0]], "encodes texts"),
                                 (["--text-model", self.TEXTS, "--match", "a"], "encodes texts"),
                                 (["--text-model", self.TEXTS, "-m", self.PICTURES, "--text", "a"], "of -m")):
            self.vit("search", "--db", self.db, *arguments, status=USAGE)
            self.assertIn(words, self.said)
        self.vit("search", "--db", self.db, "--text-model", "/nowhere", "--text", "a", status=3)
        self.vit("index", "--db", "mean.db", "-m", self.PICTURES, "--output", "mean", "photos")
        self.vit("search", "--db", "mean.db", "--text-model", self.TEXTS, "--text", "a", status=USAGE)
        self.assertIn("--output mean", self.said)


if __name__ == "__main__":
    main()
