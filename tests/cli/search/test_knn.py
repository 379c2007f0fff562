# SPDX-License-Identifier: BSD-2-Clause
"""vit classify --knn against the definition (DINOv2's KnnModule): an index, vectors of vit embed, labels from everywhere."""
import hashlib
import io
import math
import sqlite3
import struct
import tarfile

from indexes import *


def knn(query, rows, k=20, temperature=0.07, equal=False):
    """rows: [(label, unit vector)] in their order; {label: score}."""
    scores = [(-cosine(query, vector), i, label) for i, (label, vector) in enumerate(rows)]
    best = sorted(scores)[:k]
    votes = [(label, 1 if equal else math.exp((-score + best[0][0]) / temperature)) for score, _, label in best]
    sums = {}
    for label, weight in votes:
        sums[label] = sums.get(label, 0) + weight
    return {label: weight / sum(w for _, w in votes) for label, weight in sums.items()}


class Knn(IndexCase):
    @classmethod
    def setUpClass(cls):
        case = cls.share_folder()
        cls.names = [name for i, folder in enumerate(("photos/cat", "photos/dog", "photos/Äpfel"))
                     for name in case.pictures(8 + i, folder, 100 * i)]
        write(case.path("photos/dog/000-copy.png"), read(case.path(cls.names[0])))  # one picture, two labels
        cls.names.append("photos/dog/000-copy.png")
        for i in range(3):
            write(case.path("queries/%d.png" % i), noise(1000 + i))
        cls.queries = ["queries/%d.png" % i for i in range(3)]
        write(case.path(cls.names[3][:-4] + ".txt"), b"tabby")
        write(case.path(cls.names[9][:-4] + ".txt"), b"poodle")
        case.index("photos")
        with sqlite3.connect(case.path(case.db)) as db:
            cls.order = [path for path, in db.execute("SELECT path FROM images ORDER BY id")]
        case.vit("embed", "-o", "photos.npy", *cls.names)
        cls.known = case.vectors(*cls.names, *cls.queries)

    def setUp(self):
        self.folder = self.shared

    def classify(self, *arguments, status=0, stdin=b"", top=10):
        return json_lines(self.vit("classify", "--json", "--top", str(top), *arguments, status=status, stdin=stdin).stdout)

    def rows(self, names, label=None):
        return [(label(name) if label else name.split("/")[-2], self.known[name]) for name in names]

    def check(self, answer, query, rows, **rule):
        want = knn(self.known[query], rows, **rule)
        got = {p["label"]: p["score"] for p in answer["predictions"]}
        self.assertEqual(sorted(got), sorted({label for label, _ in rows}))
        for label, score in got.items():
            self.assertAlmostEqual(score, want.get(label, 0), delta=1e-5)
        order = [(-p["score"], p["index"]) for p in answer["predictions"]]
        self.assertEqual(order, sorted(order))  # best first, ties to the smaller class

    def test_protocol(self):
        for place, names in ((self.db, self.order), ("photos.npy", self.names)):
            for options, rule in (([], {}), (["-k", "3"], {"k": 3}), (["-k", "1"], {"k": 1}),
                                  (["-k", "500", "--temperature", "0.5"], {"k": 500, "temperature": 0.5}),
                                  (["-k", "7", "--vote", "equal"], {"k": 7, "equal": True})):
                for answer, query in zip(self.classify("--knn", place, *options, *self.queries), self.queries):
                    self.check(answer, query, self.rows(names), **rule)

    def test_classes_are_sorted(self):
        answer, = self.classify("--knn", self.db, self.queries[0])
        labels = {p["index"]: p["label"] for p in answer["predictions"]}
        self.assertEqual([labels[i] for i in range(3)], ["cat", "dog", "Äpfel"])

    def test_a_picture_does_not_vote_for_itself(self):
        """Nor does a copy of it, wherever the query comes from."""
        name = self.names[0]
        data, tar = read(self.path(name)), io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as file:
            entry = tarfile.TarInfo("x.png")
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
        write(self.path("x.tar"), tar.getvalue())
        write(self.path("elsewhere.png"), data)
        ways = [([name], b""), (["elsewhere.png"], b""), (["-"], data)] + ([(["--tar", "x.tar"], b"")] if READS_TAR else [])
        for place, names in ((self.db, self.order), ("photos.npy", self.names)):
            others = self.rows([n for n in names if n not in (name, self.names[-1])])
            for arguments, stdin in ways:
                answer, = self.classify("--knn", place, "-k", "5", *arguments, stdin=stdin)
                self.check(answer, name, others, k=5)

    def test_labels_of_a_table(self):
        labels = {name: "a, \"b\"" if i % 2 else "ü\nx" for i, name in enumerate(self.names) if i > 2}
        lines = ["note,label,file_name", ""]
        for name, label in labels.items():
            lines.append('n,"%s",../%s' % (label.replace('"', '""'), name))
        write(self.path("tables/labels.csv"), "\ufeff".encode() + "\r\n".join(lines).encode())
        for place, names in ((self.db, self.order), ("photos.npy", self.names)):
            answer, = self.classify("--knn", place, "--labels", "tables/labels.csv", self.queries[0])
            self.assertIn("3 of 28 pictures have no label", self.said)
            rows = self.rows([n for n in names if n in labels], lambda name: labels[name].replace("\n", "\n"))
            self.check(answer, self.queries[0], rows)

    def test_captions(self):
        answer, = self.classify("--knn", self.db, "--label-from", "caption", "-k", "1", self.queries[0])
        captions = {self.names[3]: "tabby", self.names[9]: "poodle"}
        self.check(answer, self.queries[0], self.rows([n for n in self.order if n in captions], captions.get), k=1)
        self.classify("--knn", "photos.npy", "--label-from", "caption", self.queries[0], status=USAGE)
        self.assertIn("captions", self.said)

    def test_bad_queries(self):
        answers = self.classify("--knn", self.db, "nothing.png", self.queries[0], status=1)
        self.assertEqual(answers[0]["error"]["code"], "not_found")
        self.check(answers[1], self.queries[0], self.rows(self.order))

    def test_top_and_k(self):
        self.assertEqual(len(self.classify("--knn", self.db, self.queries[0], top=2)[0]["predictions"]), 2)
        self.vit("classify", "--knn", self.db, "-k", "1", self.queries[0])

    def test_refused(self):
        query = self.queries[0]
        write(self.path("no_columns.csv"), b"a,b\n1,2\n")
        write(self.path("short.csv"), b"path,label\nx\n")
        write(self.path("open.csv"), b"path,label\nx,\"y\n")
        write(self.path("other.csv"), b"path,label\nx,y\n")
        cases = [(["--labels-file", "open.csv"], "--labels F.csv"), (["--template", "a {}"], "--labels F.csv"),
                 (["--output", "logits"], "logits"), (["--labels", "no_columns.csv"], "column"),
                 (["--labels", "short.csv"], "line 2"), (["--labels", "open.csv"], "not closed"),
                 (["--labels", "nowhere.csv"], "nowhere.csv"), (["--labels", "other.csv"], "has a label"),
                 (["--temperature", "0"], "--temperature"), (["--precision", "int8"], "int8"),
                 (["--vote", "some"], "weighted")]
        for arguments, words in cases:
            self.vit("classify", "--knn", self.db, *arguments, query, status=USAGE)
            self.assertIn(words, self.said)
        self.vit("classify", "--knn", "nowhere.db", query, status=USAGE)
        for option in ("--temperature=1", "--vote=equal", "--label-from=caption", "--table=x"):
            self.vit("classify", option, query, status=USAGE)
            self.assertIn("go with --knn", self.said)
        self.vit("classify", "--knn", self.db, "--text", "a cat", status=USAGE)

    def test_arrays_that_are_not_whole(self):
        for missing in ("x.jsonl", "x.meta.json"):
            for end in (".npy", ".jsonl", ".meta.json"):
                shutil.copy(self.path("photos" + end), self.path("x" + end))
            os.remove(self.path(missing))
            self.vit("classify", "--knn", "x.npy", self.queries[0], status=USAGE)
            self.assertIn(missing, self.said)
        shutil.copy(self.path("photos.meta.json"), self.path("x.meta.json"))
        lines = read(self.path("photos.jsonl")).splitlines(True)
        for text in (b"".join(lines[:-1]), b"".join(lines[1:]), b"x\n" * len(lines)):
            write(self.path("x.jsonl"), text)
            self.vit("classify", "--knn", "x.npy", self.queries[0], status=USAGE)
            self.assertIn("x.jsonl: line", self.said)

    def test_another_model(self):
        os.makedirs(self.path("models"), exist_ok=True)
        shutil.copytree(DEFAULT_MODEL, self.path("models/other"), dirs_exist_ok=True)
        with open(self.path("models/other/model.safetensors"), "r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(struct.pack("<f", 0.5))
        for place in (self.db, "photos.npy"):
            self.vit("classify", "--knn", place, "-m", "models/other", self.queries[0], status=USAGE)
            self.assertIn("cannot be compared", self.said)

    def test_halves_and_sizes(self):
        """f16, not normalised; and another picture size, which is named again."""
        self.vit("embed", "--dtype", "f16", "--image-size", "48", "-o", "half.npy", *self.names)
        self.vit("classify", "--knn", "half.npy", self.queries[0], status=USAGE)
        answer, = self.classify("--knn", "half.npy", "--image-size", "48", "-k", "1", self.names[2])
        self.assertEqual(sum(p["score"] for p in answer["predictions"]), 1)


if __name__ == "__main__":
    main()
