# SPDX-License-Identifier: BSD-2-Clause
"""What a run writes destroys nothing: no input, and no file that vit did not write. And what a name
promises is in the file."""
import gzip
import io
import os
import shutil
import sqlite3
import tarfile
import threading
import zipfile

from harness import *

WORDS = {"MODEL": MODEL, "CLIP": golden("hf_clip", ""), "PICTURE": PICTURE}
READS = "which this run reads"


def command(line, **words):
    """The arguments of a line, in which capitals stand for what is in WORDS or given: OUT, IN."""
    words = dict(WORDS, **words)
    return [words.get(word, word) for word in line.split()]


class Claims(Case):
    def snapshot(self):
        """Every file below the test's folder, with its bytes."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                whole = read(path) if os.path.exists(path) else None
                found[os.path.relpath(path, self.folder)] = whole
        return found

    def refuse(self, *arguments, saying, **more):
        """The command refuses, says why, and leaves every file as it was."""
        before = self.snapshot()
        done = self.vit(*arguments, status=USAGE, **more)
        self.assertEqual(self.snapshot(), before, arguments)
        self.assertIn(saying, done.stderr.decode(), arguments)
        self.assertEqual(done.stdout, b"", arguments)

    def empty(self, name):
        return write(self.path(name), b"")


class Inputs(Claims):
    """An output that is an input. Empty files stand for all kinds of inputs, since every format may
    take their place."""

    def spellings(self, name):
        """The file under other names, links among them."""
        os.makedirs(self.path("links"), exist_ok=True)
        for make, link in ((os.symlink, "links/soft"), (os.link, "links/hard")):
            if os.path.lexists(self.path(link)):
                os.remove(self.path(link))
            make(self.path(name), self.path(link))
        return (name, "./" + name, self.path(name), "links/../" + name, "links/soft", "links/hard")

    TABLE = (
        ("picture", "classify -m MODEL --format json -o OUT IN"),
        ("picture", "classify -m MODEL --format text -o OUT PICTURE IN"),
        ("list", "classify -m MODEL --format csv -o OUT --from IN"),
        ("tar", "classify -m MODEL --format json -o OUT --tar IN"),
        ("labels", "classify -m CLIP --format json -o OUT --labels-file IN PICTURE"),
        ("ids.npy", "classify -m CLIP --format json -o OUT --tokens IN PICTURE"),
        ("rules", "classify -m MODEL --format json -o OUT --preprocessor IN PICTURE"),
        ("picture", "embed -m MODEL --format npy -o OUT IN"),
        ("list", "embed -m MODEL --format jsonl -o OUT --from IN"),
        ("list", "embed -m MODEL --format raw -o OUT --from IN"),
        ("tar", "embed -m MODEL --format fvecs -o OUT --tar IN"),
        ("pixels.npy", "embed -m MODEL --format npy -o OUT --pixels IN"),
        ("ids.npy", "embed -m CLIP --format pgcopy -o OUT --tokens IN"),
        ("picture", "preprocess -m MODEL -o OUT IN"),
        ("picture", "preprocess --stage decoded -o OUT IN"),
        ("rules", "preprocess --preprocessor IN -o OUT PICTURE"),
        ("picture", "attention -m MODEL -o OUT IN"),
        ("picture", "attention -m MODEL --raw OUT IN"),
        ("pixels.npy", "attention -m MODEL --raw OUT --pixels IN"),
        ("rules", "quantize -m MODEL --preprocessor IN -o OUT"),
    )

    def test_every_input_of_every_command(self):
        for name, line in self.TABLE:
            self.empty(name)
            for spelling in self.spellings(name):
                self.refuse(*command(line, OUT=spelling, IN=name), saying=READS)
            os.remove(self.path(name))

    def test_rules_in_use(self):
        """A preprocessor file that is in order: no earlier result either."""
        write(self.path("rules"), read(os.path.join(MODEL, "preprocessor_config.json")))
        for line in (line for name, line in self.TABLE if name == "rules"):
            self.refuse(*command(line, OUT="rules", IN="rules"), saying="rules")

    def test_arrays_over_themselves(self):
        pixels = npy_bytes("<f4", (1, 3, SIDE, SIDE), bytes(4 * 3 * SIDE * SIDE))
        write(self.path("p.npy"), pixels)
        for line in ("embed -m MODEL -o p.npy --pixels p.npy",
                     "embed -m MODEL -o ./p.npy --pixels p.npy PICTURE",
                     "attention -m MODEL --raw p.npy --pixels p.npy"):
            self.refuse(*command(line), saying=READS)

    def run_through(self, line, given, out):
        """The command with files as its standard input and output."""
        return subprocess.run([VIT, *command(line)], stdin=given, stdout=out,
                              stderr=subprocess.PIPE, cwd=self.folder, env=environment(),
                              timeout=TIMEOUT)

    def test_standard_input(self):
        self.empty("picture")
        with open(self.path("picture"), "rb") as file:
            done = self.run_through("classify -m MODEL -o picture -", file, subprocess.PIPE)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"standard input", done.stderr)

    def test_standard_output_that_is_an_input(self):
        """A file that the shell has opened for appending, and that is read."""
        before = PICTURE.encode() + b"\n"
        write(self.path("list"), before)
        for line in ("classify -m MODEL --from list", "classify -m MODEL --from -",
                     "embed -m MODEL --format jsonl -o - --from list", "tokenize -m CLIP"):
            with open(self.path("list"), "ab") as out, open(self.path("list"), "rb") as given:
                done = self.run_through(line, given, out)
            self.assertEqual(done.returncode, USAGE, line)
            self.assertIn(b"standard output would be written over", done.stderr)
            self.assertEqual(read(self.path("list")), before)

    def test_found_by_walking(self):
        self.picture("photos/a.png")
        self.empty("photos/sub/b.jpg")
        os.symlink("photos", self.path("link"))
        for given in ("photos", "photos/", "link", self.path("photos"), "photos/sub"):
            for more in ("", "-t 1 --batch 1", "-t 3"):
                for line in ("classify -m MODEL --format json -o photos/sub/b.jpg ",
                             "embed -m MODEL --format npy -o link/sub/b.jpg "):
                    self.refuse(*command(line + more), given, saying=READS)

    def test_found_in_lists(self):
        self.picture("a.png")
        self.empty("b.jpg")
        lines = b"a.png\na.png\nb.jpg\na.png\n"
        write(self.path("list"), lines)
        write(self.path("folders"), b".\n")
        for given, stdin in (("--from list", b""), ("--from -", lines), ("--from folders", b""),
                             ("-0 --from -", lines.replace(b"\n", b"\0")),
                             ("--tar --from -", b"b.jpg\n")):
            line = "embed -m MODEL --format jsonl -o b.jpg " + given
            self.refuse(*command(line), stdin=stdin, saying=READS)

    def test_what_stands_beside(self):
        for name in ("x.jsonl", "x.errors.jsonl", "x.meta.json"):
            self.empty(name)
            for output in ("x.npy", "x.raw", "x.fvecs"):
                for line in ("embed -m MODEL -o OUT --from IN", "embed -m MODEL -o OUT IN"):
                    self.refuse(*command(line, OUT=output, IN=name), saying=READS)
            os.remove(self.path(name))
        self.empty("x.errors.jsonl")
        for output in ("x.csv", "x.pgcopy"):
            line = "embed -m MODEL -o OUT --from x.errors.jsonl"
            self.refuse(*command(line, OUT=output), saying=READS)

    def test_not_there_yet(self):
        os.mkdir(self.path("sub"))
        for name in ("new", "./new", "sub/../new", self.path("new")):
            self.refuse("classify", "-m", MODEL, "-o", name, "new", saying=READS)

    def test_two_outputs(self):
        for one, other in (("x", "x"), ("x", "./x"), ("x", self.path("x"))):
            self.refuse("attention", "-m", MODEL, "-o", one, "--raw", other, PICTURE,
                        saying="same file")

    def test_folder_of_parts(self):
        job = ["embed", "-m", MODEL, "--shard-size", "1", "-o", "out"]
        self.picture("photos/a.png")
        self.refuse(*job[:-1], "photos", "photos", saying=READS)
        for name, arguments in ((".list.mine", ["--from"]), (".part-x.png", []),
                                ("manifest.json", ["--from"]), ("errors.jsonl", ["--from"]),
                                ("part-00000.npy", ["--pixels"])):
            self.empty(os.path.join("out", name))
            for more in ([], ["--resume"]):
                self.refuse(*job, *more, *arguments, os.path.join("out", name), saying=READS)
            shutil.rmtree(self.path("out"))
        self.vit(*job, "photos")
        os.remove(self.path("out", "part-00000.jsonl"))
        os.symlink(self.path("out", "part-00000.npy"), self.path("link.npy"))
        self.refuse(*job, "--resume", "--pixels", "link.npy", saying=READS)


class Models(Claims):
    """No file that a model is read from."""

    def copy(self, case):
        shutil.copytree(golden(case, ""), self.path("model"))
        return self.path("model")

    WRITES = ("classify -m MODEL --format json -o OUT PICTURE",
              "embed -m MODEL --format npy -o OUT PICTURE",
              "embed -m MODEL --format jsonl -o OUT PICTURE", "preprocess -m MODEL -o OUT PICTURE",
              "attention -m MODEL --raw OUT PICTURE", "quantize -m MODEL -o OUT")

    def test_every_file_of_the_folder(self):
        for case in ("hf_clip", "hf_vit_sharded", "openclip_vit", "timm_vit"):
            model = self.copy(case)
            for name in sorted(os.listdir(model)):
                for line in self.WRITES:
                    out = os.path.join("model", name)
                    self.refuse(*command(line, MODEL=model, OUT=out), saying=out)
            shutil.rmtree(model)

    def test_packed(self):
        """The one file that might be taken for an earlier result."""
        os.mkdir(self.path("folder"))
        self.vit("quantize", "-m", MODEL, "-o", "folder/model.safetensors")
        os.link(self.path("folder/model.safetensors"), self.path("hard"))
        os.symlink("folder/model.safetensors", self.path("soft"))
        for model in ("folder", "folder/model.safetensors", "hard", self.path("soft")):
            for name in ("folder/model.safetensors", "./folder//model.safetensors", "hard", "soft"):
                self.refuse("quantize", "-m", model, "-o", name, saying=READS)
        # By the environment too.
        by_name = environment(VIT_MODEL=self.path("folder"))
        self.refuse("quantize", "-o", "hard", saying=READS, env=by_name)
        # Another packed model beside it is an earlier result.
        for _ in range(2):
            self.vit("quantize", "-m", MODEL, "-o", "folder/other.safetensors")

    def test_hub_cache(self):
        """A snapshot is a folder of links."""
        cache = self.path("hub", "models--some--model")
        os.makedirs(os.path.join(cache, "refs"))
        os.makedirs(os.path.join(cache, "snapshots", "0123"))
        write(os.path.join(cache, "refs", "main"), b"0123")
        blob = os.path.join(cache, "blobs", "abc")
        os.makedirs(os.path.dirname(blob))
        self.vit("quantize", "-m", MODEL, "-o", blob)
        os.symlink("../../blobs/abc", os.path.join(cache, "snapshots", "0123", "model.safetensors"))
        here = environment(HF_HUB_CACHE=self.path("hub"))
        self.refuse("quantize", "-m", "some/model", "-o", blob, saying=READS, env=here)


def contents():
    """Files that vit did not write, by what they are called in messages."""
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(PICTURE, "a.png")
        tar_bytes = file.getvalue()
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", "b")
        zip_bytes = file.getvalue()
    return {
        "JPEG": read(os.path.join(PICTURES, "cat.jpg")),
        "PNG": read(PICTURE),
        "WebP": b"RIFF\x10\0\0\0WEBPVP8 ",
        "safetensors": read(os.path.join(MODEL, "model.safetensors")),
        "tar file": tar_bytes,
        "gzip": gzip.compress(tar_bytes),
        "zip": zip_bytes,
        "PDF": b"%PDF-1.7\n",
        "program": b"\x7fELF\x02\x01\x01",
        "script": b"#!/bin/sh\necho hello\n",
        "HDF5": b"\x89HDF\r\n\x1a\n",
        "Parquet": b"PAR1\x15\0",
        "NumPy": npy_bytes("<i8", (2,), bytes(16)),
        "HTML": b"<!DOCTYPE html>\n<title>mine</title>",
        "JSON": b'{\n  "architectures": ["ViTModel"]\n}\n',
        "CSV": b"path,title\na.jpg,a dog\n",
        "text": b"these are my notes\nof a whole year\n",
        "data": bytes(range(256)),
    }


class Contents(Claims):
    """A file that vit did not write as such."""

    # What is written, under a name that says nothing; and its kind.
    WRITES = (
        ("npy", "embed -m MODEL --format npy -o OUT PICTURE"),
        ("json", "embed -m MODEL --format jsonl -o OUT PICTURE"),
        ("csv of vectors", "embed -m MODEL --format csv -o OUT PICTURE"),
        ("raw", "embed -m MODEL --format raw -o OUT PICTURE"),
        ("fvecs", "embed -m MODEL --format fvecs -o OUT PICTURE"),
        ("pgcopy", "embed -m MODEL --format pgcopy -o OUT PICTURE"),
        ("text", "classify -m MODEL --format text -o OUT PICTURE"),
        ("json", "classify -m MODEL --format json -o OUT PICTURE"),
        ("csv of labels", "classify -m MODEL --format csv -o OUT PICTURE"),
        ("npy", "preprocess -m MODEL -o OUT PICTURE"),
        ("npy", "preprocess --stage decoded -o OUT PICTURE"),
        ("npy", "attention -m MODEL --raw OUT PICTURE"),
        ("map", "attention -m MODEL -o OUT PICTURE"),
        ("packed", "quantize -m MODEL -o OUT"),
    )

    def clear(self):
        for name in os.listdir(self.folder):
            os.remove(self.path(name))

    def test_other_files_are_kept(self):
        database = sqlite3.connect(self.path("database"))
        database.execute("CREATE TABLE mine(a)")
        database.commit()
        database.close()
        others = dict(contents(), SQLite=read(self.path("database")))
        os.remove(self.path("database"))
        for words, content in others.items():
            write(self.path("x"), content)
            for _, line in self.WRITES:
                self.refuse(*command(line, OUT="x"), saying=words)

    def test_through_links(self):
        write(self.path("photo"), read(PICTURE))
        os.symlink("photo", self.path("soft"))
        os.link(self.path("photo"), self.path("hard"))
        for name in ("soft", "hard"):
            for _, line in self.WRITES:
                self.refuse(*command(line, OUT=name), saying="PNG")

    def test_earlier_results_are_replaced(self):
        for _, line in self.WRITES:
            for start in (None, b""):
                self.clear()
                if start is not None:
                    write(self.path("x"), start)
                self.vit(*command(line, OUT="x"))
                first = self.snapshot()
                self.vit(*command(line, OUT="x"))
                self.assertEqual(self.snapshot(), first, line)

    def test_results_of_other_kinds_are_kept(self):
        for kind, line in self.WRITES:
            self.clear()
            self.vit(*command(line, OUT="x"))
            for other, line in self.WRITES:
                if other != kind:
                    self.refuse(*command(line, OUT="x"), saying="name another file")

    def test_what_stands_beside(self):
        for name in ("x.jsonl", "x.meta.json", "x.errors.jsonl"):
            for words, content in contents().items():
                write(self.path(name), content)
                for output in ("x.npy", "x.raw", "x.fvecs"):
                    self.refuse("embed", "-m", MODEL, "-o", output, PICTURE, saying=name)
            os.remove(self.path(name))
        write(self.path("x.errors.jsonl"), read(PICTURE))
        for output in ("x.csv", "x.pgcopy"):
            self.refuse("embed", "-m", MODEL, "-o", output, PICTURE, saying="PNG")

    def test_vectors_are_not_taken_for_rows(self):
        self.vit("embed", "-m", MODEL, "-o", "x.jsonl", PICTURE)
        self.refuse("embed", "-m", MODEL, "-o", "x.npy", PICTURE, saying="x.jsonl")
        os.remove(self.path("x.jsonl"))
        self.vit("embed", "-m", MODEL, "-o", "x.npy", PICTURE)
        self.refuse("embed", "-m", MODEL, "-o", "x.jsonl", PICTURE, saying="x.jsonl")

    def test_numbers_without_a_mark(self):
        """Whatever has another size than the metadata beside it say is not theirs."""
        for output in ("x.raw", "x.fvecs"):
            for more in ([], ["--dtype", "f16"], ["--output", "tokens"]):
                if output == "x.fvecs" and more:
                    continue
                self.vit("embed", "-m", MODEL, *more, "-o", output, PICTURE, PICTURE)
                self.vit("embed", "-m", MODEL, *more, "-o", output, PICTURE, PICTURE)
                whole = read(self.path(output))
                write(self.path(output), whole + b"\0")
                self.refuse("embed", "-m", MODEL, *more, "-o", output, PICTURE, saying=output)
                write(self.path(output), whole)
                os.remove(self.path("x.meta.json"))
                self.refuse("embed", "-m", MODEL, *more, "-o", output, PICTURE, saying=output)
                self.clear()

    def test_special_files(self):
        for _, line in self.WRITES:
            self.vit(*command(line, OUT="/dev/null"))
        os.mkfifo(self.path("pipe.json"))  # whatever its name
        for line, start in (("embed -m MODEL --format raw -o pipe.json PICTURE", b""),
                            ("preprocess -m MODEL -o pipe.json PICTURE", b"\x93NUMPY"),
                            ("embed -m MODEL --format csv -o pipe.json PICTURE", b"path,e0")):
            got = []
            reader = threading.Thread(target=lambda: got.append(read(self.path("pipe.json"))))
            reader.start()
            self.vit(*command(line))
            reader.join(TIMEOUT)
            self.assertGreater(len(got[0]), 4 * WIDTH - 1)
            self.assertTrue(got[0].startswith(start), line)
        self.assert_files("pipe.json")

    def into(self, path, mode, line):
        with open(path, mode) as out:
            subprocess.run([VIT, *command(line)], stdout=out, check=True, env=environment(),
                           timeout=TIMEOUT)
        return read(path)

    def test_standard_output_into_files(self):
        want = self.vit(*command("classify -m MODEL PICTURE")).stdout
        self.into(self.path("log"), "wb", "classify -m MODEL PICTURE")
        self.assertEqual(self.into(self.path("log"), "ab", "classify -m MODEL PICTURE"), want * 2)
        got = self.into(self.path("new"), "wb", "classify -m MODEL -o /dev/stdout PICTURE")
        self.assertEqual(got, want)


class Names(Claims):
    """The end of a name says what is in a file."""

    OTHERS = ("jpg JPEG webp parquet npz pt pth h5 csv.gz tsv zip tar sqlite pdf py xlsx feather "
              "pkl html db yaml mp4").split()
    # What a command writes there by its name alone, and ends that say something else.
    TABLE = (
        ("embed -m MODEL -o OUT PICTURE", "npy jsonl csv raw fvecs pgcopy",
         "txt json png safetensors JSON"),
        ("classify -m MODEL -o OUT PICTURE", "txt json jsonl ndjson csv", "npy raw png"),
        ("preprocess -m MODEL -o OUT PICTURE", "npy", "png json csv raw txt"),
        ("attention -m MODEL -o OUT PICTURE", "png", "npy json csv txt"),
        ("attention -m MODEL --raw OUT PICTURE", "npy", "png json csv raw"),
        ("quantize -m MODEL -o OUT", "safetensors", "npy onnx gguf bin.gz png json"),
    )
    STARTS = {"npy": b"\x93NUMPY", "jsonl": b"{", "ndjson": b"{", "json": b"{", "csv": b"path,",
              "pgcopy": b"PGCOPY", "png": b"\x89PNG", "safetensors": b"", "raw": b"",
              "fvecs": b"\x30\0\0\0", "txt": PICTURE.encode()}

    def test_other_formats_are_refused(self):
        for line, own, others in self.TABLE:
            own = own.split()
            for end in others.split() + [e for e in self.OTHERS if e not in own]:
                self.refuse(*command(line, OUT="x." + end), saying="." + own[0])

    def test_own_formats_in_any_case(self):
        for i, (line, own, _) in enumerate(self.TABLE):
            for end in own.split():
                for written in (end, end.upper(), end.capitalize()):
                    folder = self.path("%d-%s" % (i, written))
                    os.mkdir(folder)
                    name = os.path.join(folder, "x." + written)
                    self.vit(*command(line, OUT=name))
                    self.assertTrue(read(name).startswith(self.STARTS[end]), name)

    def test_the_end_goes_in_any_case(self):
        for name in ("a.npy", "b.NPY", "c.Fvecs"):
            self.vit("embed", "-m", MODEL, "-o", name, PICTURE)
            self.assertTrue(os.path.exists(self.path(name[0] + ".meta.json")), name)

    def test_names_that_say_nothing(self):
        for i, (line, _, _) in enumerate(self.TABLE):
            os.mkdir(self.path(str(i)))
            for name in ("x", "x.dat", "x.1", "x.2024-12-31", ".npy", "v1.5 of photos", "x."):
                self.vit(*command(line, OUT=os.path.join(str(i), name)))
        self.assertEqual(read(self.path("0", "x.dat"))[:6], b"\x93NUMPY")
        self.assertTrue(read(self.path("1", "x.dat")).startswith(PICTURE.encode()))

    def test_a_format_that_is_named(self):
        self.vit("embed", "-m", MODEL, "--format", "npy", "-o", "x.parquet", PICTURE)
        self.assertEqual(read(self.path("x.parquet"))[:6], b"\x93NUMPY")
        self.vit("classify", "-m", MODEL, "--format", "text", "-o", "x.json", PICTURE)
        self.assertTrue(read(self.path("x.json")).startswith(PICTURE.encode()))
        self.vit("classify", "-m", MODEL, "--format", "csv", "-o", "x.npy", PICTURE)
        self.assertTrue(read(self.path("x.npy")).startswith(b"path,rank"))

    def test_folders_have_no_format(self):
        self.vit("embed", "-m", MODEL, "--shard-size", "1", "-o", "x.json", PICTURE)
        self.assertTrue(os.path.exists(self.path("x.json", "part-00000.npy")))
        self.vit("embed", "-m", MODEL, "-o", "x.json/y", PICTURE)


if __name__ == "__main__":
    main()
