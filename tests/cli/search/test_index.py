# SPDX-License-Identifier: BSD-2-Clause
"""vit index: what is new, changed, moved and gone; kills and a full disk lose nothing that was finished."""
import random
import signal
import sqlite3
import time

from indexes import *


class Changes(IndexCase):
    def counts(self, *arguments, status=0, **wanted):
        got = self.index(*arguments, status=status)
        self.assertEqual({k: v for k, v in got.items() if v}, wanted)

    def everything(self):
        """{path: vector bytes} of the index, read by another program."""
        with sqlite3.connect(self.path(self.db)) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            db.execute("INSERT INTO words(words) VALUES ('integrity-check')")
            rows = db.execute("SELECT path, vector FROM images JOIN vectors USING (id)").fetchall()
            self.assertEqual(db.execute("SELECT count(*) FROM vectors").fetchone()[0], len(rows))
        return dict(rows)

    def test_incremental(self):
        names = self.pictures(12)
        self.counts("photos", encoded=12)
        before = self.everything()
        self.assertEqual(sorted(before), names)
        self.counts("photos", unchanged=12)
        self.counts("./photos//", unchanged=12)
        os.utime(self.path(names[0]))  # touched: no new content
        self.counts("photos", unchanged=12)
        self.counts("photos", unchanged=12)
        write(self.path(names[1]), noise(100))
        self.pictures(3, first=12)
        self.counts("photos", encoded=4, unchanged=11)
        after = self.everything()
        self.assertEqual([n for n in names if after[n] != before[n]], [names[1]])
        self.assertEqual(len(after), 15)

    def test_moved(self):
        names = self.pictures(8)
        self.counts("photos", encoded=8)
        before = self.everything()
        os.rename(self.path(names[2]), self.path("photos/zz.png"))
        os.makedirs(self.path("photos/below"))
        os.rename(self.path(names[3]), self.path("photos/below/003.png"))
        os.remove(self.path(names[4]))
        shutil.copy(self.path(names[5]), self.path("photos/copy.png"))
        self.counts("photos", moved=2, copied=1, removed=1, unchanged=5)
        after = self.everything()
        self.assertEqual(after["photos/zz.png"], before[names[2]])
        self.assertEqual(after["photos/below/003.png"], before[names[3]])
        self.assertEqual(after["photos/copy.png"], before[names[5]])
        self.assertEqual(len(after), 8)
        # Two pictures change places: neither may keep the other's vector.
        os.rename(self.path(names[0]), self.path("x"))
        os.rename(self.path(names[1]), self.path(names[0]))
        os.rename(self.path("x"), self.path(names[1]))
        self.index("photos")
        swapped = self.everything()
        self.assertEqual((swapped[names[0]], swapped[names[1]]), (before[names[1]], before[names[0]]))
        self.assertEqual(len(swapped), 8)

    def test_gone(self):
        names = self.pictures(4) + self.pictures(3, folder="other")
        self.counts("photos", "other", encoded=7)
        os.remove(self.path(names[0]))
        os.remove(self.path(names[6]))
        self.counts("photos", removed=1, unchanged=3)  # other was not asked about
        shutil.rmtree(self.path("photos"))
        self.vit("index", "--db", self.db, "photos", status=1)  # perhaps a disk that is not there
        self.assertEqual(len(self.everything()), 6)
        self.counts("--prune", "other", removed=4, unchanged=2)
        self.assertEqual(sorted(self.everything()), names[4:6])

    def test_broken(self):
        names = self.pictures(3)
        write(self.path("photos/bad.png"), b"\x89PNG\r\n\x1a\nnothing")
        self.counts("photos", status=1, encoded=3, failed=1)
        write(self.path(names[0]), noise(0)[:60])
        self.counts("photos", status=1, removed=1, unchanged=2, failed=2)
        self.assertEqual(sorted(self.everything()), names[1:])
        self.counts("absent.png", names[1], status=1, unchanged=1, failed=1)

    def test_names(self):
        odd = ["photos/with space & 'quotes'.png", "photos/\u00e4\u6f22.png", "photos/line\nbreak.png", "photos/%41_%.png"]
        for i, name in enumerate(odd):
            write(self.path(name), noise(i))
        raw = os.fsencode(self.path("photos")) + b"/\xff\xfe.png"
        with open(raw, "wb") as file:
            file.write(noise(9))
        self.counts("photos", encoded=5)
        self.counts("photos", unchanged=5)
        self.assertEqual(self.found("-k1", "photos/line\nbreak.png"), ["photos/line\nbreak.png"])
        self.assertEqual(self.found("-k1", raw.decode(errors="surrogateescape")), ["photos/\udcff\udcfe.png"])
        self.assertEqual(self.found("--like", r"photos/\%41\_\%.png", odd[0]), [odd[3]])

    def test_captions(self):
        names = self.pictures(6)
        write(self.path("photos/000.txt"), b"a dog on\n  the beach\n")
        write(self.path("photos/001.json"), b'{"url": "x", "caption": "the sea at night"}')
        write(self.path("photos/002.png.json"), b'{"title": "D\xc3\xb6g", "description": ""}')
        write(self.path("photos/003.txt"), b"\xff\x00\x01")
        write(self.path("photos/004.json"), b"[not json")
        self.counts("photos", encoded=6)
        self.assertEqual(self.found("--match", "dog beach"), [names[0]])
        self.assertEqual(sorted(self.found("--match", "dog")), [names[0], names[2]])  # accents aside
        self.assertEqual(self.found("--match", "night"), [names[1]])
        write(self.path("photos/000.txt"), b"a cat")
        os.utime(self.path("photos/000.txt"), (2e9, 2e9))
        self.counts("photos", unchanged=6)
        self.assertEqual(self.found("--match", "beach"), [])
        self.assertEqual(self.found("--match", "cat"), [names[0]])
        os.remove(self.path("photos/000.txt"))
        self.counts("photos", unchanged=6)
        self.assertEqual(self.found("--match", "cat"), [])


class Refusals(IndexCase):
    def test_mixing(self):
        self.pictures(2)
        self.index("photos")
        for arguments, word in ((["--output", "mean"], "--output"), (["--background", "ffffff"], "--background"),
                                (["--fast-decode"], "--fast-decode"), (["--exif", "ignore"], "--exif"), (["--resampler", "pillow13"], "--resampler")):
            self.vit("index", "--db", self.db, *arguments, "photos", status=USAGE)
            self.assertIn(word, self.said)
        other = self.path("other-model")
        shutil.copytree(DEFAULT_MODEL, other)
        with open(os.path.join(other, "model.safetensors"), "r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(struct.pack("<f", 0.5))
        self.vit("index", "--db", self.db, "-m", other, "photos", status=USAGE)
        self.assertIn("weights", self.said)
        self.vit("search", "--db", self.db, "-m", other, "photos/000.png", status=USAGE)
        self.assertEqual(self.index("photos")["unchanged"], 2)

    def test_fast_decode_is_kept(self):
        jpeg = os.path.join(DECODE, "jpeg_420.jpg")
        shutil.copy(jpeg, self.path("a.jpg"))
        self.index("--fast-decode", "--image-size", "4", "a.jpg")
        with sqlite3.connect(self.path(self.db)) as db:
            self.assertEqual(db.execute("SELECT width, height FROM images").fetchall(), [(37, 29)])
            self.assertEqual(db.execute("SELECT value FROM pin WHERE name = 'fast_decode'").fetchall(), [("yes",)])
        self.assertAlmostEqual(self.search("a.jpg")[0]["results"][0]["score"], 1, places=6)

    def test_output_is_kept(self):
        """Also where its vectors are as long as the embedding, and another vector: the mean of the patches."""
        names = self.pictures(3)
        write(self.path("query.png"), noise(50))
        for output in ("cls", "mean", "logits"):
            self.db = self.path(output + ".db")
            self.index("--output", output, "photos")
            vectors = json_lines(self.vit("embed", "--output", output, "--format", "jsonl", *names, "query.png").stdout)
            want = {line["path"]: line["embedding"] for line in vectors}
            for hit in self.search("query.png")[0]["results"]:
                self.assertAlmostEqual(hit["score"], cosine(want["query.png"], want[hit["path"]]), places=5, msg=output)

    def test_places(self):
        self.pictures(1)
        self.vit("index", "photos", status=USAGE)
        self.vit("index", "--db", self.db, status=USAGE)
        self.vit("index", "--db", self.db, "-", status=USAGE)
        self.vit("index", "--db", self.db, "--tar", "x.tar", status=USAGE)
        self.vit("index", "--db", self.db, "--output", "tokens", "photos", status=USAGE)
        self.vit("index", "--db", "no/such/folder.db", "photos", status=OUTPUT_FAILS)
        self.vit("search", "--db", "absent.db", "photos/000.png", status=USAGE)
        self.assertFalse(os.path.exists(self.path("absent.db")))
        write(self.path("text.db"), b"this is no database, and long enough to be sure of it" * 20)
        self.vit("index", "--db", "text.db", "photos", status=USAGE)
        self.vit("search", "--db", "text.db", "photos/000.png", status=USAGE)
        with sqlite3.connect(self.path("foreign.db")) as db:
            db.execute("CREATE TABLE pin(a)")
        db.close()
        foreign = read(self.path("foreign.db"))
        self.vit("index", "--db", "foreign.db", "photos", status=USAGE)
        self.assertIn("not an index of vit", self.said)
        self.assertEqual(read(self.path("foreign.db")), foreign)
        self.vit("index", "--db", "postgresql:///x?host=/nowhere", "photos", status=OUTPUT_FAILS)

    def test_a_database_of_others_is_not_changed(self):
        """Its tables are in the log still; nothing may be set in it before that is known."""
        self.pictures(1)
        with sqlite3.connect(self.path("mine.db")) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA wal_autocheckpoint=0")
            db.execute("CREATE TABLE mine(a)")
            db.execute("INSERT INTO mine VALUES (7)")
            db.commit()
            self.vit("index", "--db", "mine.db", "photos", status=OUTPUT_FAILS)
            self.assertIn("not an index of vit", self.said)
            self.assertEqual(db.execute("SELECT a FROM mine").fetchall(), [(7,)])
        db.close()


class Beginning(IndexCase):
    def test_without_a_picture(self):
        self.check_index_of_nothing()

    def test_several_at_once(self):
        self.check_several_begin(4, "--db", "%d.db")


class Again(IndexCase):
    """An index that is there knows its model and how it was run."""

    OPTIONS = ("--output", "mean", "--exif", "ignore", "--resampler", "pillow13", "--image-size",
               "48", "--background", "ffffff", "--precision", "int8", "--fast-decode")
    OF_INDEX_ALONE = {"--output", "--exif", "--resampler", "--image-size", "--background",
                      "--fast-decode"}

    def model(self, name):
        shutil.copytree(DEFAULT_MODEL, self.path(name))
        return name

    def change_weights(self, name):
        with open(self.path(name, "model.safetensors"), "r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(struct.pack("<f", 0.5))

    def vectors_of(self, db):
        with sqlite3.connect(self.path(db)) as connection:
            return dict(connection.execute("SELECT path, vector FROM images JOIN vectors USING"
                                           " (id)"))

    def refused(self, *arguments, status=USAGE):
        """By index, and by search where its options allow it; what both said."""
        said = []
        commands = [["index", "--db", self.db, *arguments, "photos"]]
        if not set(arguments) & self.OF_INDEX_ALONE:
            commands.append(["search", "--db", self.db, *arguments, "query.png"])
        for command in commands:
            self.vit(*command, status=status)
            self.assertEqual(len(self.said.splitlines()), 1)
            said.append(self.said)
        return "".join(said)

    def test_as_it_was_made(self):
        self.pictures(3)
        model = self.model("model")
        self.index("-m", model, *self.OPTIONS, "photos")
        self.pictures(2, first=3)
        self.assertEqual(self.index("photos")["encoded"], 2)
        # the same may be given
        self.assertEqual(self.index("-m", model, *self.OPTIONS, "photos")["unchanged"], 5)
        again, self.db = self.db, "whole.db"
        self.index("-m", model, *self.OPTIONS, "photos")
        self.assertEqual(self.vectors_of(again), self.vectors_of(self.db))
        self.vit("index", "--db", "default.db", "photos")
        self.assertNotEqual(self.vectors_of(again), self.vectors_of("default.db"))

    def test_not_the_environments_model(self):
        self.pictures(1)
        self.index("-m", self.model("model"), "photos")
        for command in (["index", "photos"], ["search", "photos/000.png"]):
            self.vit(command[0], "--db", self.db, *command[1:], env=environment(VIT_MODEL="/nowhere"))

    def test_another_model(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        self.model("one")
        self.change_weights(self.model("two"))
        self.index("-m", "one", "photos")
        said = self.refused("-m", "two")
        self.assertEqual(said.count("weights of %s (digest " % self.path("one")), 2, said)
        self.assertEqual(said.count("those of %s (digest " % self.path("two")), 2, said)
        self.assertNotRegex(said, "[0-9a-f]{13}")  # digests are short
        self.change_weights("one")
        changed = "the weights of %s changed since" % self.path("one")
        self.assertEqual(self.refused().count(changed), 2)

    def test_other_options(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        self.index("--exif", "ignore", "--image-size", "48", "photos")
        for option, was, now in (("--exif", "with --exif ignore", "apply"),
                                 ("--image-size", "with --image-size 48x48", "32"),
                                 ("--precision", "with --precision f32", "int8"),
                                 ("--output", "with --output embedding", "cls"),
                                 ("--background", "without --background", "000000"),
                                 ("--resampler", "with --resampler pillow", "torchvision")):
            said = self.refused(option, now)
            self.assertIn(" by model %s %s, these would be made with %s %s" %
                          (os.path.realpath(DEFAULT_MODEL), was, option, now), said)
        # a query that the index has, too
        self.vit("search", "--db", self.db, "--precision", "int8", "photos/000.png", status=USAGE)
        said = self.refused("--fast-decode")
        self.assertIn("without --fast-decode, these would be made with --fast-decode;", said)

    def test_model_that_is_gone(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        self.index("-m", self.model("model"), "photos")
        os.rename(self.path("model"), self.path("moved"))
        said, gone = self.refused(status=3), "which is not there any more: name its new place with -m"
        self.assertEqual(said.count("by model %s, %s" % (self.path("model"), gone)), 2, said)
        self.assertEqual(self.index("-m", "moved", "photos")["unchanged"], 1)
        self.search("-m", "moved", "query.png")
        self.search("photos/000.png")  # which needs no model
        # indexing keeps the new place
        self.search("query.png")
        self.assertEqual(self.index("photos")["unchanged"], 1)
        os.rename(self.path("moved"), self.path("again"))
        self.refused(status=3)

    def test_preprocessing_that_is_moved(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        shutil.copy(os.path.join(DEFAULT_MODEL, "preprocessor_config.json"), self.path("rules.json"))
        self.index("--preprocessor", "rules.json", "photos")
        os.rename(self.path("rules.json"), self.path("moved.json"))
        self.index("--preprocessor", "moved.json", "photos")
        self.search("query.png")
        # another model, or other rules, are refused, and change nothing
        self.change_weights(self.model("other"))
        write(self.path("other.json"), read(self.path("moved.json")).replace(b"0.5", b"0.25"))
        self.refused("-m", "other")
        self.refused("--preprocessor", "other.json")
        self.search("query.png")

    def test_preprocessing(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        self.model("model")
        shutil.copy(self.path("model", "preprocessor_config.json"), self.path("rules.json"))
        self.index("-m", "model", "--preprocessor", "rules.json", "photos")
        self.assertEqual(self.index("photos")["unchanged"], 1)
        rules = json.loads(read(self.path("rules.json")))
        write(self.path("other.json"), json.dumps(dict(rules, image_mean=[0.1, 0.2, 0.3])).encode())
        said = self.refused("--preprocessor", "other.json")
        self.assertIn("preprocessing of %s (digest " % self.path("rules.json"), said)
        self.assertIn("those of %s (digest " % self.path("other.json"), said)
        shutil.copy(self.path("other.json"), self.path("rules.json"))
        changed = "the preprocessing of %s changed since" % self.path("rules.json")
        self.assertEqual(self.refused().count(changed), 2)
        os.remove(self.path("rules.json"))
        said = self.refused(status=3)
        gone = "which is not there any more: name its new place with --preprocessor"
        self.assertEqual(said.count("%s says, %s" % (self.path("rules.json"), gone)), 2)

    def test_what_cannot_be_run_is_put_down_to_the_index(self):
        self.pictures(1)
        write(self.path("query.png"), noise(50))
        self.index("-m", self.model("model"), "photos")
        self.vit("quantize", "-o", "packed.safetensors", "model")
        said = self.refused("-m", "packed.safetensors", status=3)
        asks = "vit: %s asks for --precision f32: model packed.safetensors" % self.db
        self.assertEqual(said.count(asks), 2, said)
        with sqlite3.connect(self.path(self.db)) as connection:
            connection.execute("INSERT INTO pin VALUES ('image_size', '100000x100000')")
        said = self.refused(status=3)
        asks = "vit: %s asks for pictures of 100000x100000 pixels: " % self.db
        self.assertEqual(said.count(asks), 2, said)

    def test_nothing_is_left_where_the_model_fails(self):
        self.pictures(1)
        self.vit("index", "--db", self.db, "-m", "/nowhere", "photos", status=3)
        self.assertEqual(os.listdir(self.folder), ["photos"])


class Kills(IndexCase):
    def rows(self):
        with sqlite3.connect(self.path(self.db)) as db:
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                return {}
            return dict(db.execute("SELECT path, vector FROM images JOIN vectors USING (id)").fetchall())

    def killed(self, most, slowly, longest):
        """Indexes photos with kill -9 at random moments until it is done or `most` kills came; returns how many did."""
        moments, before = random.Random(most), {}
        for kills in range(most):
            process = self.start("index", "--db", self.db, *slowly, "photos")
            try:
                process.communicate(timeout=longest * moments.uniform(0.15, 1))
                return kills
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
            if os.path.exists(self.path(self.db)):
                now = self.rows()
                self.assertLessEqual(before.items(), now.items())
                before = now
        return most

    def test_kill(self):
        """kill -9 again and again: what is committed only grows, and the end is that of an uninterrupted run. With VIT_TEST_FULL
        50 times."""
        most, least = (50, 50) if os.environ.get("VIT_TEST_FULL") else (12, 3)
        self.pictures(150)
        slowly = ("--batch", "2", "-t", "1")
        self.db = "whole.db"
        start = time.monotonic()
        self.start("index", "--db", self.db, *slowly, "photos").communicate()
        duration = time.monotonic() - start  # of the machine, so that every kill comes while there is work left
        whole = self.rows()
        kills = runs = 0
        while kills < least:  # on a machine that was busy when the duration was taken, a job may end before it is killed often
            self.db = "killed-%d.db" % runs
            kills += self.killed(most - kills, slowly, 0.3 * duration)
            self.index("photos")
            self.assertEqual(self.index("photos")["unchanged"], len(whole))
            self.assertEqual(self.rows(), whole)
            runs += 1
        self.assertGreater(kills, 2)
        print("%d kills, %d jobs" % (kills, runs), file=sys.stderr)
        query = "photos/007.png"
        killed = self.search("-k", "20", query)
        self.db = "whole.db"
        self.assertEqual(killed, self.search("-k", "20", query))

    def test_vector_file_is_a_copy(self):
        """Search gives the same without it, with an old, a cut or a damaged one."""
        self.pictures(40)
        self.index("photos")
        file = self.path(self.db + "-vectors")
        want = self.search("-k", "40", "photos/003.png")
        self.pictures(10, first=40)
        shutil.copy(file, self.path("old"))
        self.index("photos")
        want = self.search("-k", "50", "photos/003.png")
        self.assertEqual(len(want[0]["results"]), 50)
        full = open(file, "rb").read()
        for content in (None, open(self.path("old"), "rb").read(), full[:5000], full[:30], b"", b"x" * 9000,
                        full[:24] + b"\xff" * 8 + full[32:]):
            os.remove(file)
            if content is not None:
                write(file, content)
            self.assertEqual(self.search("-k", "50", "photos/003.png"), want)
            if content is None:
                write(file, full)
        self.index("photos")  # puts it right
        self.assertEqual(open(file, "rb").read(8), full[:8])
        for i in range(30):
            os.remove(self.path("photos/%03d.png" % (i + 10)))
        self.index("photos")
        self.assertLess(os.path.getsize(file), len(full))  # those removed are gone from it too
        self.assertEqual(len(self.search("-k", "50", "photos/003.png")[0]["results"]), 20)


class FullDisk(IndexCase):
    def mount(self, size):
        """A small disk at self.disk; skips the test, saying why, where that is not allowed."""
        self.disk = self.path("disk")
        os.makedirs(self.disk)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "vit-test", self.disk], capture_output=True,
                              text=True)
        if done.returncode != 0:
            self.skipTest("no small disk can be mounted here: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)

    def rows(self):
        self.vit("dedup", "--db", self.db, "--json", "--threshold", "1")  # on a full disk too
        with sqlite3.connect("file:%s?mode=ro" % self.path(self.db), uri=True) as db:
            return dict(db.execute("SELECT path, vector FROM images JOIN vectors USING (id)").fetchall())

    def test_full_disk(self):
        if shutil.which("mount") is None or os.geteuid() != 0:
            self.skipTest("a small disk can only be mounted by root")
        self.mount("640k")
        self.pictures(300)
        self.db = "disk/photos.db"
        self.vit("index", "--db", self.db, "photos", status=OUTPUT_FAILS)
        self.assertIn("disk is full", self.said)
        kept = self.rows()
        self.assertGreater(len(kept), 10)
        self.vit("index", "--db", self.db, "photos", status=OUTPUT_FAILS)  # nothing is lost by trying
        self.assertLessEqual(kept.items(), self.rows().items())
        self.assertEqual(len(self.search("-k", "5", "photos/001.png")[0]["results"]), 5)  # and it can be searched
        subprocess.run(["mount", "-o", "remount,size=20m", self.disk], check=True)
        kept = self.rows()
        self.assertEqual(self.index("photos")["unchanged"], len(kept))
        after = self.rows()
        self.assertLessEqual(kept.items(), after.items())
        self.assertEqual(len(after), 300)


if __name__ == "__main__":
    main()
