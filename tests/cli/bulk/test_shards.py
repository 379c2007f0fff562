# SPDX-License-Identifier: BSD-2-Clause
"""vit embed --shard-size: what stands in the folder, what may go on there, and what may not."""
import fcntl
import resource
import signal
import time

from jobs import *

BAD = {3, 4, 17}


class Layout(JobCase):
    def test_parts_hold_what_one_file_holds(self):
        make_pictures("in", 23, BAD)
        self.vit("embed", "-o", "all.npy", "in", status=1)
        self.vit("embed", "--shard-size", 7, "-o", "out", "in", status=1)
        files = snapshot("out")
        self.assertEqual(sorted(files), ["errors.jsonl", "manifest.json", "part-00000.jsonl", "part-00000.npy",
                                         "part-00001.jsonl", "part-00001.npy", "part-00002.jsonl", "part-00002.npy"])
        vectors, rows = join(files)
        alone = {name: read(name) for name in ("all.npy", "all.jsonl", "all.errors.jsonl", "all.meta.json")}
        self.assertTrue(vectors == parse_npy(alone["all.npy"])[2])
        self.assertEqual([row["path"] for row in rows], [row["path"] for row in json_lines(alone["all.jsonl"])])
        self.assertEqual(files["errors.jsonl"], alone["all.errors.jsonl"])
        self.assertEqual([line["path"] for line in json_lines(files["errors.jsonl"])],
                         [f"in/{i:05d}.ppm" for i in sorted(BAD)])
        manifest, meta = json.loads(files["manifest.json"]), json.loads(alone["all.meta.json"])
        for key in ("model", "model_digest", "preprocessing_digest", "precision", "output", "normalize", "dtype", "shape"):
            self.assertEqual(manifest[key], meta[key], key)
        self.assertEqual([part["rows"] for part in manifest["parts"]], [7, 7, 6])
        self.assertIs(manifest["complete"], True)
        self.assertEqual((manifest["rows"], manifest["failed"], manifest["inputs_done"]), (20, 3, 23))
        self.assertRegex(manifest["input_digest"], "^[0-9a-f]{64}$")

    def test_the_last_part_may_be_full(self):
        make_pictures("in", 6)
        self.vit("embed", "--shard-size", 3, "-o", "out", "in")
        self.assertEqual([part["rows"] for part in json.loads(snapshot("out")["manifest.json"])["parts"]], [3, 3])

    def test_no_row_at_all(self):
        """Every input is there and fails: that is a job."""
        make_pictures("in", 3, {0, 1, 2})
        self.vit("embed", "--shard-size", 3, "-o", "out", "in", status=1)
        self.assertEqual(sorted(snapshot("out")), ["errors.jsonl", "manifest.json"])
        manifest = json.loads(snapshot("out")["manifest.json"])
        self.assertIs(manifest["complete"], True)
        self.assertEqual((manifest["parts"], manifest["failed"]), ([], 3))
        self.assertEqual(len(json_lines(snapshot("out")["errors.jsonl"])), 3)
        self.vit("embed", "--shard-size", 3, "--resume", "-o", "out", "in", status=1)

    def test_every_format(self):
        make_pictures("in", 5)
        for name, sidecar in (("jsonl", False), ("csv", False), ("raw", True), ("fvecs", True), ("pgcopy", False)):
            self.vit("embed", "--shard-size", 3, "--format", name, "-o", name, "in")
            found = [file for file in snapshot(name) if file.startswith("part-00001")]
            self.assertEqual(found, ["part-00001." + name] if not sidecar
                             else sorted(["part-00001.jsonl", "part-00001." + name]))

    def test_a_path_may_repeat(self):
        make_pictures("in", 2)
        write("list", b"in/00000.ppm\nin/00001.ppm\nin/00000.ppm\nin/00000.ppm\n")
        self.vit("embed", "--shard-size", 3, "-o", "out", "--from", "list")
        vectors, rows = join(snapshot("out"))
        self.assertEqual([row["path"] for row in rows], read("list").decode().split())
        quarter = len(vectors) // 4
        self.assertTrue(vectors[:quarter] == vectors[2 * quarter:3 * quarter] == vectors[3 * quarter:])


class NoInputs(JobCase):
    """A job that finds no input is no job: it would be complete at once, and refuse the inputs that
    were meant."""

    def setUp(self):
        super().setUp()
        make_pictures("in", 4)
        os.mkdir("empty")
        os.mkdir("empty/deeper")
        write("empty/notes.txt", b"no picture")

    def test_files_and_folders(self):
        os.symlink("nowhere", "dangling.ppm")
        for inputs in (["nowhere.ppm"], ["no/where"], ["in/00000.ppm/x.ppm"], ["dangling.ppm"],
                       ["a.ppm", "b.ppm"] * 9, ["empty"], ["empty", "nowhere"]):
            self.check_no_job(*inputs)

    def test_lists(self):
        write("none", b"")
        write("blank", b"\n\n\n")
        write("wrong", b"in/a.ppm\nin/b.ppm\nempty\n")
        for name in ("none", "blank", "wrong", "nowhere", "in"):
            self.check_no_job("--from", name)
            self.check_no_job("--from", name, "empty")
        for given in (b"", b"\n\n", b"nowhere\n"):
            self.check_no_job("--from", "-", stdin=given)
        self.check_no_job("--from", "/dev/null")

    def test_ready_pixels(self):
        write("none.npy", npy_bytes("<f4", (0, 3, 32, 32), b""))
        for name in ("none.npy", "nowhere.npy", "empty/notes.txt"):
            self.check_no_job("--pixels", name)

    def test_a_picture_that_never_came(self):
        self.check_no_job("-")

    def test_shares(self):
        self.check_no_job("--shard", "0/2", "nowhere.ppm")
        self.check_no_job("--shard", "1/2", "nowhere.ppm")
        self.check_no_job("--shard", "1/2", "empty")

    def test_one_is_enough(self):
        """Missing files among others are failures of a job. A share may have nothing but them, or
        nothing at all."""
        inputs = ["nowhere.ppm", "nor-here.ppm", "in/00000.ppm", "in/00001.ppm"]
        for share, status, *counts in (("0/1", 1, 2, 2), ("0/4", 1, 0, 1), ("3/4", 0, 1, 0),
                                       ("6/7", 0, 0, 0)):
            folder = share.replace("/", "of")
            job = ("embed", "--shard-size", 3, "--resume", "--shard", share, "-o", folder)
            self.vit(*job, *inputs, status=status)
            manifest = json.loads(read(folder + "/manifest.json"))
            self.assertIs(manifest["complete"], True)
            self.assertEqual([manifest["rows"], manifest["failed"]], counts, share)
            self.vit(*job, *inputs, status=status, saying="nothing is left to do")

    def test_a_job_that_was_done_stays(self):
        """Its inputs may be gone since."""
        job = ("embed", "--shard-size", 3, "--resume", "-o", "out", "--from", "list")
        write("list", b"in/00000.ppm\nin/00001.ppm\n")
        self.vit(*job)
        before = snapshot("out")
        shutil.rmtree("in")
        self.vit(*job)
        self.vit("embed", "--shard-size", 3, "--resume", "-o", "out", "in", status=2, saying="inputs")
        self.check_same(snapshot("out"), before)

    def test_gone_in_the_midst(self):
        """What is finished stays, though the inputs of a job are gone when it goes on."""
        job = ("embed", "--shard-size", 3, "--resume", "-o", "out", "--from", "list")
        write("list", b"".join(b"in/%05d.ppm\n" % i for i in range(4)))
        self.vit(*job)
        manifest = json.loads(read("out/manifest.json"))
        undo(manifest, 1, 3)
        first = "".join(read("list").decode().splitlines(True)[:3]).encode()
        self.vit("embed", "--shard-size", 3, "--from", "-", "-o", "three", stdin=first)
        three = json.loads(read("three/manifest.json"))
        manifest["inputs_done_digest"] = three["inputs_done_digest"]
        write("out/manifest.json", json.dumps(manifest).encode())
        shutil.rmtree("in")
        self.vit(*job, status=1, saying="not_found")
        manifest = json.loads(read("out/manifest.json"))
        self.assertEqual((manifest["complete"], manifest["rows"], manifest["failed"]), (True, 3, 1))

    def test_cut_off_before_anything_is_finished(self):
        """Nothing would be lost: the next may be another job. Without --resume it is told of the
        one that was begun."""
        job = ("embed", "--shard-size", 3, "-o", "out", "in")
        self.vit(*job, "--normalize")
        want = snapshot("out")
        manifest = json.loads(want["manifest.json"])
        undo(manifest, 0, 3)
        manifest["inputs_done_digest"] = "0" * 64
        shutil.rmtree("out")
        for changes in ({}, {"shard_size": 7}, {"input_digest": "0" * 64},
                        {"model_digest": "0" * 64}):
            write("out/manifest.json", json.dumps(manifest | changes).encode())
            write("out/errors.jsonl", b"of the run that was cut off\n")
            write("out/part-00000.npy", b"of the run that was cut off")
            self.vit(*job, status=2, saying="--resume")
            self.vit(*job, "--resume", "--normalize")
            self.check_same(snapshot("out"), want)


class Sharing(JobCase):
    def test_n_jobs_share_the_inputs(self):
        make_pictures("in", 23, BAD)
        self.vit("embed", "--shard-size", 100, "-o", "all", "in", status=1)
        whole = [row["path"] for row in join(snapshot("all"))[1]]
        for count in (1, 4, 30):
            shares = []
            for i in range(count):
                name = f"{i}of{count}"
                status = 1 if any(bad % count == i for bad in BAD) else 0
                self.vit("embed", "--shard-size", 2, "--shard", f"{i}/{count}", "-o", name, "in", status=status)
                shares.append([row["path"] for row in join(snapshot(name))[1]])
                self.assertEqual(shares[-1], [path for path in whole if int(path[3:8]) % count == i])
            self.assertEqual(sorted(sum(shares, [])), whole)

    def test_also_into_one_file(self):
        make_pictures("in", 5)
        self.vit("embed", "--shard", "1/2", "-o", "x.npy", "in")
        self.assertEqual([row["path"] for row in json_lines(read("x.jsonl"))], ["in/00001.ppm", "in/00003.ppm"])

    def test_wrong_shares(self):
        for value in ("1", "1/0", "2/2", "-1/2", "1/2/3", "/2", "1/", "a/b", "9999999/99999999"):
            self.vit("embed", "--shard", value, "-o", "x.npy", "in", status=2, saying="--shard")


class GoingOn(JobCase):
    def finish(self, name, status=1):
        self.vit("embed", "--shard-size", 5, "--resume", "-o", name, "in", status=status)
        return snapshot(name)

    def test_begins_on_a_missing_or_empty_folder(self):
        make_pictures("in", 12, BAD)
        self.vit("embed", "--shard-size", 5, "-o", "want", "in", status=1)
        os.mkdir("empty")
        for name in ("missing", "empty"):
            self.check_same(self.finish(name), snapshot("want"))

    def test_status_is_the_whole_jobs(self):
        make_pictures("in", 12, BAD)
        want = self.finish("out")
        self.check_same(self.finish("out"), want)
        self.vit("embed", "--resume", "-o", "out", "in", status=1)
        shutil.rmtree("in")
        make_pictures("in", 12)
        self.finish("good", 0)
        self.finish("good", 0)

    def test_needs_a_size_to_begin(self):
        make_pictures("in", 2)
        self.vit("embed", "--resume", "-o", "out", "in", status=2, saying="--shard-size")

    def test_interrupted(self):
        make_pictures("in", 200, BAD)
        want = self.finish("want")
        for number in (signal.SIGINT, signal.SIGTERM):
            name = f"out{int(number)}"
            process = self.start("embed", "--shard-size", 5, "-o", name, "in", stdout=None)
            while not os.path.exists(f"{name}/part-00002.npy"):
                self.assertIsNone(process.poll())
                time.sleep(0.001)
            process.send_signal(number)
            self.assertEqual(process.wait(), 130)
            self.assertIn(b"--resume", process.stderr.read())
            process.stderr.close()
            self.assertFalse([file for file in os.listdir(name) if file.startswith(".")])
            self.assertIs(json.loads(snapshot(name)["manifest.json"])["complete"], False)
            self.check_same(self.finish(name), want)

    def test_finished_parts_are_not_done_again(self):
        make_pictures("in", 20)
        self.vit("embed", "--shard-size", 5, "-o", "out", "in")
        manifest = json.loads(snapshot("out")["manifest.json"])
        self.assertEqual(len(manifest["parts"]), 4)
        # As it was after two parts.
        undo(manifest, 2, 5)
        write("out/manifest.json", json.dumps(manifest).encode())
        write("out/part-00000.npy", b"stands")
        for i in range(10):
            write(f"in/{i:05d}.ppm", b"not looked at again")
        # The digest of what was done is that of the first ten paths: a job of these alone tells it.
        ten = "".join(f"in/{i:05d}.ppm\n" for i in range(10)).encode()
        self.vit("embed", "--shard-size", 5, "--from", "-", "-o", "ten", stdin=ten, status=1)
        manifest["inputs_done_digest"] = json.loads(read("ten/manifest.json"))["inputs_done_digest"]
        write("out/manifest.json", json.dumps(manifest).encode())
        self.finish("out", 0)
        files = snapshot("out")
        self.assertEqual(files["part-00000.npy"], b"stands")
        self.assertEqual([part["rows"] for part in json.loads(files["manifest.json"])["parts"]], [5, 5, 5, 5])
        self.assertEqual(json_lines(files["part-00002.jsonl"])[0]["path"], "in/00010.ppm")

    def test_disk_full(self):
        make_pictures("in", 40, BAD)
        self.vit("embed", "--shard-size", 20, "-o", "want", "in", status=1)
        self.vit("embed", "--shard-size", 20, "-o", "out", "in", preexec_fn=limit_files(8 * 1024), status=4, saying="part-00000.npy")
        self.assertFalse([file for file in os.listdir("out") if file.startswith((".", "part"))])
        self.vit("embed", "--shard-size", 20, "--resume", "-o", "out", "in", status=1)
        self.check_same(snapshot("out"), snapshot("want"))

    def test_list_on_standard_input(self):
        paths = make_pictures("in", 12, BAD)
        given = "".join(path + "\n" for path in paths).encode()
        self.vit("embed", "--shard-size", 5, "--from", "-", "-o", "out", stdin=given, status=1)
        self.check_same(snapshot("out"), self.finish("want"))
        self.vit("embed", "--resume", "--from", "-", "-o", "out", stdin=given, status=1)
        self.vit("embed", "--resume", "--from", "-", "-o", "out", stdin=given[:-14], status=2, saying="inputs")

    def test_lists_in_pipes(self):
        """As <(find ...) gives them to a program: they can be read once only."""
        paths = make_pictures("in", 12, BAD)
        reading = []
        for half in (paths[:7], paths[7:]):
            reader, writer = os.pipe()
            os.write(writer, "".join(path + "\n" for path in half).encode())
            os.close(writer)
            reading.append(reader)
        lists = [word for reader in reading for word in ("--from", f"/dev/fd/{reader}")]
        self.vit("embed", "--shard-size", 5, "-o", "out", *lists, pass_fds=reading, status=1)
        for reader in reading:
            os.close(reader)
        self.check_same(snapshot("out"), self.finish("want"))

    def test_a_list_that_is_not_there(self):
        make_pictures("in", 3)
        self.vit("embed", "--shard-size", 5, "-o", "out", "in", "--from", "nowhere", status=1, saying="nowhere: not_found")
        self.assertEqual(len(join(snapshot("out"))[1]), 3)


class Refusing(JobCase):
    """Nothing that would mix two jobs in one folder; and what is there stays as it is."""

    def setUp(self):
        super().setUp()
        make_pictures("in", 12, BAD)
        self.vit("embed", "--shard-size", 5, "-o", "out", "in", status=1)
        self.before = snapshot("out")

    def refused(self, message, *arguments, status=2, inputs=("in",)):
        self.vit("embed", "--shard-size", 5, *arguments, "-o", "out", *inputs, status=status, saying=message)
        self.check_same(snapshot("out"), self.before)

    def test_without_resume(self):
        self.refused("--resume")

    def test_other_options(self):
        for key, arguments in (("dtype", ["--dtype", "f16"]), ("normalize", ["--normalize"]),
                               ("output", ["--output", "cls"]), ("resampler", ["--resampler", "pillow13"]),
                               ("fast_decode", ["--fast-decode"]),
                               ("exif", ["--exif", "ignore"]), ("background", ["--background", "ffffff"]),
                               ("max_pixels", ["--max-pixels", "10000"]), ("format", ["--format", "raw"]),
                               ("shard", ["--shard", "0/2"])):
            self.refused(key, "--resume", *arguments)
        self.refused("--shard-size", "--resume", "--shard-size", "6")

    def test_another_model(self):
        shutil.copytree(DEFAULT_MODEL, "model")
        self.vit("embed", "--shard-size", 5, "--resume", "-m", "model", "-o", "out", "in", status=1)  # only its place
        with open("model/model.safetensors", "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
        self.refused("weights", "--resume", "-m", "model")
        shutil.rmtree("out")
        self.vit("embed", "--shard-size", 5, "-o", "out", "in", status=1)
        self.before = snapshot("out")
        for name in (DEFAULT_MODEL, "model"):  # both are named
            self.refused("model " + name, "--resume", "-m", "model")
        os.rename("model", "elsewhere")
        shutil.copytree(DEFAULT_MODEL, "model")
        shutil.rmtree("out")
        self.vit("embed", "--shard-size", 5, "-m", "model", "-o", "out", "in", status=1)
        self.before = snapshot("out")
        shutil.copy("elsewhere/model.safetensors", "model")
        self.refused("the weights of model model changed since it began", "--resume", "-m", "model")

    def test_another_image_size(self):
        """Which changes the digest of the preprocessing too: the option is named."""
        self.refused("image_size", "--resume", "--image-size", "40")

    def test_another_preprocessing(self):
        with open(os.path.join(DEFAULT_MODEL, "preprocessor_config.json")) as file:
            config = json.load(file)
        config["image_mean"] = [0.1, 0.2, 0.3]
        write("other.json", json.dumps(config).encode())
        self.refused("preprocessing", "--resume", "--preprocessor", "other.json")

    def test_other_inputs(self):
        write("in/00012.ppm", picture(12))
        self.refused("inputs", "--resume")
        os.remove("in/00012.ppm")
        os.rename("in/00001.ppm", "in/00001a.ppm")
        self.refused("inputs", "--resume")
        os.rename("in/00001a.ppm", "in/00001.ppm")
        self.refused("inputs", "--resume", inputs=("in", "in/00001.ppm"))
        self.refused("inputs", "--resume", inputs=("in/00001.ppm", "in/00000.ppm"))
        self.vit("embed", "--shard-size", 5, "--resume", "-o", "out", "in", status=1)

    def test_a_folder_of_something_else(self):
        os.mkdir("mine")
        write("mine/notes.txt", b"mine")
        self.vit("embed", "--shard-size", 5, "--resume", "-o", "mine", "in", status=2, saying="not empty")
        self.assertEqual(snapshot("mine"), {"notes.txt": b"mine"})
        self.vit("embed", "--shard-size", 5, "-o", "mine/notes.txt", "in", status=4)
        self.vit("embed", "--shard-size", 5, "-o", "no/where", "in", status=4)

    def test_no_folder(self):
        self.vit("embed", "--shard-size", 5, "in", status=2, saying="-o DIR")
        self.vit("embed", "--shard-size", 5, "-o", "-", "in", status=2, saying="-o DIR")

    def test_damage(self):
        manifest = json.loads(self.before["manifest.json"])
        for change in ({"rows": 11}, {"rows": -1}, {"rows": "9"}, {"failed": 2**62}, {"parts": []}, {"shard_size": 0},
                       {"inputs_done_digest": "x"}, {"errors_bytes": 10**9}, {"parts": 7}):
            write("out/manifest.json", json.dumps(manifest | change).encode())
            self.vit("embed", "--resume", "-o", "out", "in", status=4)
        for text in (b"", b"{", b"[]", b"\0", b"[" * 100000, self.before["manifest.json"][:300]):
            write("out/manifest.json", text)
            self.vit("embed", "--resume", "-o", "out", "in", status=4)
        write("out/manifest.json", self.before["manifest.json"])
        os.remove("out/part-00000.npy")
        self.vit("embed", "--resume", "-o", "out", "in", status=4, saying="part-00000.npy")

    def test_two_at_once(self):
        folder = os.open("out", os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.refused("another vit", "--resume")
        os.close(folder)


def undo(manifest, parts, size):
    """The manifest as it was after so many parts, all of them without a failure."""
    del manifest["parts"][parts:]
    manifest.update(complete=False, rows=parts * size, inputs_done=parts * size, failed=0, errors_bytes=0)


def limit_files(size):
    """For preexec_fn: no file may grow past size bytes, as on a full disk."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


if __name__ == "__main__":
    main()
