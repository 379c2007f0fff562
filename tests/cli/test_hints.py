# SPDX-License-Identifier: BSD-2-Clause
"""What the command says to people who are a letter, an option or a kind of file off."""
import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import subprocess
import tarfile

from harness import *


class Hints(Case):
    def says(self, *arguments, **more):
        return self.vit(*arguments, **more).stderr.decode("utf-8", "replace")


class Spelling(Hints):
    """The nearest right word is asked about, and nothing where none is near."""

    ARGUMENTS = (
        ("clasify", "classify"), ("serach", "search"), ("imbed", "embed"), ("Info", "info"),
        ("tokenise", "tokenize"),
        ("hlep", "help"), ("--hepl", "--help"), ("--verison", "--version"),
        ("version", "--version"),
        ("help clasify", "classify"), ("frobnicate", None), ("x", None), ("help x", None),
        ("classify --fromat json x", "--format"), ("classify --fromat=json x", "--format"),
        ("classify --tpo 3 x", "--top"),
        ("embed --out-put cls x", "--output"), ("index --dv x", "--db"),
        ("search --mach x", "--match"),
        ("dedup --treshold 1", "--threshold"), ("attention --laeyr 1", "--layer"),
        ("info --jsn", "--json"),
        ("verify --tolerence 1", "--tolerance"), ("bench --second 1", "--seconds"),
        ("preprocess --filtre box", "--filter"),
        ("tokenize --tokeniser hf", "--tokenizer"), ("quantize --towr all", "--tower"),
        ("classify --PRECISION f32", "--precision"),
        ("classify --quite x", "--quiet"), ("info -json", "--json"),
        ("classify -format=json x", "--format"),
        ("classify --frobnicate x", None), ("classify -Z x", None), ("info --no-such-option", None),
        ("classify --format jsno x", "json"), ("classify --format=JSON x", "json"),
        ("classify --format yaml x", None),
        ("classify --output prob x", "probs"), ("classify --precision f23 x", "f32"),
        ("classify --precision fp32 x", "f32"),
        ("classify --precision INT8 x", "int8"), ("classify --precision f64 x", None),
        ("classify --exif aply x", "apply"),
        ("classify --resampler pilow13 x", "pillow13"), ("classify --resampler bilinear x", None),
        ("classify --progress nevr x", "never"), ("embed --output embeding x", "embedding"),
        ("embed --output hiden:3 x", "hidden:K"),
        ("embed --output latent-log-varience x", "latent-log-variance"),
        ("embed --output nothing x", None),
        ("embed --dtype fp16 x", "f16"), ("embed --format josnl x", "jsonl"),
        ("embed --format pgcpy x", "pgcopy"),
        ("index --output claas x", None), ("index --vector-type halvec x", "halfvec"),
        ("attention --head maen x", "mean"),
        ("attention --head none x", None), ("preprocess --filter cubic x", "bicubic"),
        ("preprocess --stage pixel x", "pixels"),
        ("quantize --precision in8", "int8"), ("quantize --tower imgae", "image"),
        ("tokenize --tokenizer openclip", "open_clip"),
    )

    def test_did_you_mean(self):
        for line, guess in self.ARGUMENTS:
            said = self.says(*line.split(), status=USAGE)
            with self.subTest(line, said=said):
                if guess:
                    self.assertIn('did you mean "%s"?' % guess, said)
                else:
                    self.assertNotIn("did you mean", said)


class Options(Hints):
    """An error names the option as it was written, and says what its value may be."""

    ARGUMENTS = (
        ("classify -k abc x", "-k: 'abc' is not a whole number from 1 to 1000000"),
        ("classify -kabc x", "-k: 'abc' is not a whole number"),
        ("classify --top abc x", "--top: 'abc' is not a whole number"),
        ("classify --top=abc x", "--top: 'abc' is not a whole number"),
        ("classify -qk abc x", "-k: 'abc' is not a whole number"),
        ("classify -k", "-k needs a value: N"), ("classify --top", "--top needs a value: N"),
        ("classify -t 0 x", "-t: '0' is not a whole number from 1 to 1024"),
        ("classify --threads 0 x", "--threads: '0' is not a whole number from 1 to 1024"),
        ("classify --batch 1e3 x", "--batch: '1e3' is not a whole number from 1 to 1000000"),
        ("classify --max-pixels 9999999999999999999 x",
         "is not a whole number from 1 to 9223372036854775807"),
        ("classify --image-size 1000000 x", "--image-size: '1000000' is not a size"),
        ("search -k -1 x", "-k: '-1' is not a whole number"),
        ("embed --shard-size 0 x", "--shard-size: '0' is not a whole number"),
        ("embed --sample -1 x", "--sample: '-1' is not a whole number"),
        ("classify --shard 3/3 x", "--shard: '3/3' is not i/n with 0 <= i < n"),
        ("verify --tolerance x y", "--tolerance: 'x' is not a number above 0"),
        ("verify --tolerance 0 y", "--tolerance: '0' is not a number above 0"),
        ("bench --seconds x", "--seconds: 'x' is not a number above 0"),
        ("bench --seconds inf", "--seconds: 'inf' is not a number above 0"),
        ("bench --seconds 0x10", "'0x10' is not a number above 0"),
        ("dedup --threshold 1.01", "--threshold: '1.01' is not a cosine above 0, up to 1"),
        ("dedup --threshold nan", "--threshold: 'nan' is not a cosine"),
        ("dedup -t x", "-t: 'x' is not a whole number from 1 to 1024"),
        ("attention --layer x y", "--layer: 'x' is not the number of a block"),
        ("attention --head -1 y", "--head: '-1' is not mean, all, or the number"),
        ("info -m", "-m needs a value: MODEL"), ("classify -o", "-o needs a value: FILE"),
    )

    def test_named_as_written(self):
        for line, message in self.ARGUMENTS:
            said = self.says(*line.split(), status=USAGE)
            with self.subTest(line):
                self.assertIn("vit: " + message if message.startswith("-") else message, said)
                self.assertIn("--help'", said)

    def test_numbers_are_taken(self):
        self.vit("bench", "--seconds", ".01", "-q")
        self.vit("bench", "--seconds", "1e-2", "-q")


class UnusedOptions(Hints):
    """Help lists what the command uses. Of the options that all commands about models take, the
    others do nothing, and a note says so; what would be wrong to ignore is refused."""

    IDLE = {"info": ("--batch=2", "--exif=apply", "--background=ffffff", "--max-pixels=9999",
                     "--resampler=pillow", "--fast-decode"),
            "preprocess": ("--threads=1", "--batch=2", "--precision=bf16"),
            "attention": ("--batch=2",),
            "tokenize": ("--preprocessor=x", "--threads=1", "--batch=2", "--precision=int8")}
    REFUSED = {"index": ("--tar", "--pixels=x.npy", "--text=x", "--tokens=x.npy")}
    REST = {"preprocess": (PICTURE, "-o", "x.npy"), "attention": (PICTURE, "-o", "x.png"),
            "index": (PICTURE, "--db", "x.db")}

    def test_not_listed(self):
        for command, options in (*self.IDLE.items(), *self.REFUSED.items()):
            listed = re.findall(r"(?m)^ {2}(?:-\w|  )(?:, | +)(--[a-z-]+)",
                                self.vit(command, "--help").stdout.decode())
            self.assertIn("--model", listed)
            for option in options:
                self.assertNotIn(option.split("=")[0], listed, command)

    def test_said(self):
        for command, options in self.IDLE.items():
            model = os.path.join(DATA, "text", "bert_wordpiece") if command == "tokenize" else MODEL
            arguments = [command, "-m", model, *self.REST.get(command, ())]
            said = self.says(*arguments, *options)
            names = [option.split("=")[0] for option in options]
            self.assertIn("vit: 'vit %s' does nothing with %s\n" % (command, ", ".join(names)),
                          said)
            self.assertNotIn("does nothing", self.says(*arguments, "-q", *options))
            self.assertNotIn("does nothing", self.says(*arguments))
        self.assertIn("with -t\n", self.says("preprocess", "-m", MODEL, "-t", "1",
                                             *self.REST["preprocess"]))

    def test_refused(self):
        for command, options in self.REFUSED.items():
            for option in options:
                said = self.says(command, *self.REST[command], option, status=USAGE)
                self.assertIn("vit: %s: an index is of image files" % option.split("=")[0], said)
        self.assert_files()

    def test_not_suggested(self):
        self.assertIn("did you mean", self.says("classify", "--bacth", "2", "x", status=USAGE))
        self.assertNotIn("did you mean", self.says("info", "--bacth", "2", status=USAGE))


class Blame(Hints):
    """What a model cannot be run at is put down to whoever asked for it, not to the checkpoint."""

    def test_image_size(self):
        for size, why in (("100000", "100000"), ("20000", "tokens a picture"),
                          ("7", "smaller than the model's patches")):
            for command in (["classify", PICTURE], ["embed", "-o", "x.npy", PICTURE],
                            ["attention", "-o", "x.png", PICTURE],
                            ["preprocess", "-o", "x.npy", PICTURE], ["info"], ["bench"],
                            ["index", "--db", "x.db", PICTURE]):
                if command[0] == "preprocess" and size == "7":
                    continue  # which runs no model
                said = self.says(command[0], "-m", MODEL, "--image-size", size, *command[1:],
                                 status=MODEL_FAILS)
                with self.subTest(command[0], size=size):
                    self.assertTrue(said.startswith("vit: --image-size %sx%s: " % (size, size)),
                                    said)
                    self.assertNotIn("config.json", said)
                    if command[0] != "preprocess":
                        self.assertIn(why, said)
        said = self.says("preprocess", "--preprocessor",
                         os.path.join(MODEL, "preprocessor_config.json"), "--image-size", "20000",
                         "-o", "x.npy", PICTURE, status=MODEL_FAILS)
        self.assertTrue(said.startswith("vit: --image-size 20000x20000: "), said)
        self.assert_files()

    def test_size_of_a_file(self):
        write(self.path("x.npy"), npy_bytes("<f4", (1, 3, 7, 7), bytes(4 * 3 * 7 * 7)))
        for command in (["classify"], ["attention", "--raw", "y.npy"]):
            said = self.says(*command, "-m", MODEL, "--pixels", "x.npy", status=MODEL_FAILS)
            self.assertTrue(said.startswith("vit: x.npy asks for pictures of 7x7 pixels: "), said)

    def test_checkpoint_that_is_at_fault(self):
        for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
            shutil.copy(os.path.join(MODEL, name), self.folder)
        config = json.loads(read(self.path("config.json")))
        write(self.path("config.json"), json.dumps(dict(config, image_size=10**6)).encode())
        for options in ([], ["--image-size", "100000"]):
            self.assertIn("config.json", self.says("classify", "-m", self.folder, *options, PICTURE,
                                                   status=MODEL_FAILS))

    def test_precision(self):
        self.vit("quantize", "-o", "packed.safetensors", MODEL)
        said = self.says("classify", "-m", "packed.safetensors", "--precision", "f32", PICTURE,
                         status=MODEL_FAILS)
        self.assertTrue(said.startswith("vit: --precision f32: model packed.safetensors: "), said)
        self.assertIn("packed in int8", said)


class Environment(Hints):
    """VIT_CPU with a value that changes nothing says so once, whatever the command."""

    AVX2 = ("avx2", "fma")
    AVX512 = (*AVX2, "avx512f", "avx512bw", "avx512dq", "avx512vl")
    NEON = ("asimd",)
    # What the system calls the instructions that each value needs.
    CPU = {"x86_64": {"c": (), "avx2": AVX2, "avx_vnni": (*AVX2, "avx_vnni"), "avx512": AVX512,
                      "avx512_vnni": (*AVX512, "avx512_vnni"),
                      "avx512_bf16": (*AVX512, "avx512_vnni", "avx512_bf16"), "amx": ()},
           "aarch64": {"c": (), "neon": NEON, "dotprod": (*NEON, "asimddp"),
                       "i8mm": (*NEON, "asimddp", "i8mm"),
                       "bf16": (*NEON, "asimddp", "i8mm", "bf16")}}
    COMMANDS = (["classify", "-m", MODEL, PICTURE, PICTURE], ["info", MODEL],
                ["preprocess", "-m", MODEL, "-o", "x.npy", PICTURE],
                ["index", "--db", "x.db", "-m", MODEL, PICTURE],
                ["search", "--db", "x.db", PICTURE])

    def notes(self, *arguments, **variables):
        said = self.says(*arguments, env=environment(**variables))
        return [line for line in said.splitlines() if line.startswith("vit: VIT_CPU")]

    def test_means_nothing(self):
        for command in self.COMMANDS:
            notes = self.notes(*command, VIT_CPU="nonsense")
            self.assertEqual(len(notes), 1, notes)
            self.assertIn("VIT_CPU: 'nonsense' is not one of c", notes[0])
            self.assertEqual(self.notes(*command, "-q", VIT_CPU="nonsense"), [])
            self.assertEqual(self.notes(*command, VIT_CPU=""), [])
        for value in ("AVX2", "avx2 ", "avx", "openblas", "x" * 1000):
            self.assertEqual(len(self.notes("info", MODEL, VIT_CPU=value)), 1)

    def test_cannot_be_had(self):
        """By what the system says that the processor has."""
        if os.uname().machine not in self.CPU:
            self.skipTest("VIT_CPU names instructions of x86-64 and of 64-bit ARM")
        flags = re.search(r"(?m)^(?:flags|Features)\s*:(.*)$", read("/proc/cpuinfo").decode()).group(1).split()
        for value, wanted in self.CPU[os.uname().machine].items():
            notes = self.notes("info", MODEL, VIT_CPU=value)
            self.assertEqual(len(notes), int(not set(wanted) <= set(flags)), (value, notes))
            for note in notes:
                self.assertIn("VIT_CPU: this processor has no %s: " % value, note)


class DefaultModel(Hints):
    """Who classifies with no model named is told once what the default model knows, if there is
    anybody to be told."""

    def on_terminal(self, *arguments, **variables):
        """What the command says where standard error is a terminal."""
        ours, terminal = os.openpty()
        try:
            done = subprocess.run([VIT, *arguments], stdout=subprocess.PIPE, stderr=terminal,
                                  cwd=self.folder, timeout=TIMEOUT,
                                  env=environment(**variables))
        finally:
            os.close(terminal)
        said = b""
        try:
            while block := os.read(ours, 65536):
                said += block
        except OSError:  # the terminal's other end is closed, and everything read
            pass
        os.close(ours)
        self.assertEqual(done.returncode, 0, said)
        return said.decode()

    def test_said_on_a_terminal(self):
        some = [self.picture("%d.png" % i) for i in range(20)]
        said = self.on_terminal("classify", "--progress", "never", *some)
        self.assertEqual(said, "vit: this is the small model that ships with vit: it knows "
                         "airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck. "
                         "-m MODEL names another.\r\n")
        self.assertIn("ships with vit", self.on_terminal("classify", "--json", *some))

    def test_not_said(self):
        picture = self.picture("x.png")
        for arguments in (["-q"], ["-m", MODEL], ["--model=" + MODEL]):
            self.assertNotIn("ships with vit", self.on_terminal("classify", *arguments, picture))
        self.assertNotIn("ships with vit", self.on_terminal("classify", picture, VIT_MODEL=MODEL))
        self.assertNotIn("ships with vit", self.on_terminal("embed", "-o", "x.npy", picture))
        self.assertEqual(self.says("classify", picture), "")


class Mistaken(Hints):
    """What is given as a picture and is what another option takes is told which option that is."""

    def tar(self, name, compress=lambda content: content, layout=tarfile.USTAR_FORMAT):
        """A tar file with a picture in it."""
        content, picture = io.BytesIO(), png(9, 9)
        with tarfile.open(fileobj=content, mode="w", format=layout) as file:
            member = tarfile.TarInfo("a.png")
            member.size = len(picture)
            file.addfile(member, io.BytesIO(picture))
        return write(self.path(name), compress(content.getvalue()))

    def hint(self, *arguments, **more):
        """Of a command that is given one thing alone."""
        said = self.says(*arguments, status=1, **more)
        self.assertIn("unsupported_format: this is ", said)
        return said.splitlines()[0].split("not a picture")[1]

    def ways(self, path):
        """Commands, each with the thing by its path and, where they take it, on standard input."""
        for arguments in (["classify", "-m", MODEL], ["embed", "-m", MODEL, "--format", "csv"]):
            yield arguments + [path], b""
            yield arguments + ["-"], read(path)
        yield ["classify", "-m", MODEL, "-t", "2", path, path], b""

    def test_tar(self):
        self.need_tar()
        for name, compress in (("a.tar", bytes), ("a.tgz", gzip.compress),
                               ("a.tar.bz2", bz2.compress), ("a.jpg", bytes),
                               ("a.png", gzip.compress), ("a", bz2.compress)):
            path = self.tar(name, compress)
            for arguments, stdin in self.ways(path):
                self.assertIn("--tar", self.hint(*arguments, stdin=stdin))
            self.vit("classify", "-m", MODEL, "--tar", path)  # which is true
        for layout in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            self.assertIn("--tar", self.hint("classify", "-m", MODEL,
                                             self.tar("b.tar", layout=layout)))
        self.assertIn("--tar -", self.hint("classify", "-m", MODEL,
                                           self.tar("a.txz", lzma.compress)))

    def test_tar_past_the_limit_on_bytes(self):
        self.need_tar()
        path = self.tar("a.tar")
        os.truncate(path, 2**30 + 512)  # with a hole
        self.assertIn("--tar", self.hint("classify", "-m", MODEL, path))

    def test_tar_where_no_option_takes_it(self):
        path = self.tar("a.tar")
        for command in (["preprocess", "-o", "x.npy"], ["attention", "-o", "x.png"],
                        ["index", "--db", "x.db"]):
            hint = self.hint(*command, "-m", MODEL, path)
            self.assertNotIn("--tar", hint)
            self.assertIn("unpack it", hint)

    def test_text(self):
        names = [self.picture("%d.png" % i) for i in range(3)]
        names[0] = self.picture("caf\u00e9 \u4e16.png")
        lines = {"--from": "\n".join(names).encode(),
                 "-0 --from": "\0".join(names).encode() + b"\0"}
        lines["--from "] = ("\n".join(names) * 500).encode()  # cut in the middle of something
        for option, content in lines.items():
            path = write(self.path("list"), content)
            for arguments, stdin in self.ways(path):
                place = "-" if stdin else path
                self.assertIn("name it with %s %s\n" % (option.strip(), place),
                              self.hint(*arguments, stdin=stdin) + "\n")
            if option in ("--from", "-0 --from"):
                self.vit("classify", "-m", MODEL, *option.split(), path)  # which is true
        write(self.path("my list.jpg"), b"a.png\n")
        self.assertIn("--from 'my list.jpg'", self.hint("classify", "-m", MODEL, "my list.jpg"))
        self.assertNotIn("--from", self.hint("preprocess", "-m", MODEL, "-o", "x.npy", path))

    def test_array(self):
        path = write(self.path("x.npy"), npy_bytes("<f4", (1, 3, 4, 4), bytes(192)))
        self.assertIn("--pixels " + path, self.hint("classify", "-m", MODEL, path))
        self.assertNotIn("--pixels", self.hint("preprocess", "-m", MODEL, "-o", "y.npy", path))

    def test_other_things(self):
        """What is known to be something else, or nothing that an option takes."""
        for content, what in ((b"<!doctype html><p>404", "HTML"), (b'{"error": 404}', "JSON"),
                              (b"GIF89a", "GIF"),
                              (b"version https://git-lfs.github.com/spec/v1\noid 1",
                               "git lfs pull"), (b"", "empty"),
                              (bytes(5000), "zero bytes"), (bytes(range(256)) * 4, "in a format"),
                              (b"\xff\xfe\xfd", "in a format"),
                              (gzip.compress(b"no tar" * 1000), "gzip"),
                              (b"\x1f\x8b\x08 cut", "gzip")):
            write(self.path("x.jpg"), content)
            said = self.says("classify", "-m", MODEL, "x.jpg", status=1)
            with self.subTest(what):
                self.assertIn(what, said)
                self.assertNotIn("--", said)

    def need_tar(self):
        done = subprocess.run([VIT, "classify", "--tar", self.tar("x.tar")], capture_output=True,
                              timeout=TIMEOUT, env=environment())
        if b"no tar files" in done.stderr:
            self.skipTest("this vit was built without libarchive")


class ModelOperand(Hints):
    """Commands about a model take it as they take -m, once."""

    def arguments(self, command):
        return {"quantize": ("-o", "packed.safetensors"),
                "bench": ("--seconds", "0.01", "--json")}.get(command, ("--json",))

    def test_named_either_way(self):
        for command in ("info", "bench", "quantize", "verify"):
            with self.subTest(command):
                answers = []
                for model in (["-m", MODEL], [MODEL]):
                    done = self.vit(command, *self.arguments(command), *model)
                    answers.append(read(self.path("packed.safetensors")) if command == "quantize"
                                   else done.stdout)
                if command == "bench":
                    answers = [json.loads(answer)["model"] for answer in answers]
                    self.assertEqual(answers[1], MODEL)
                self.assertEqual(answers[0], answers[1])

    def test_refused(self):
        for command in ("info", "bench", "quantize", "verify"):
            some = self.arguments(command)
            with self.subTest(command):
                for models in (["-m", MODEL, MODEL], [MODEL, "--model", MODEL], [MODEL, MODEL]):
                    self.assertIn("one model at a time",
                                  self.says(command, *some, *models, status=USAGE))
                self.assertIn("empty name", self.says(command, *some, "", status=USAGE))
                self.assertIn("/nowhere", self.says(command, *some, "/nowhere", status=MODEL_FAILS))
        self.assert_files()


class Json(Hints):
    def test_json_is_a_format(self):
        """--json is --format json wherever a command has that format; the last one counts."""
        wanted = self.vit("classify", "-m", MODEL, "--format", "json", PICTURE).stdout
        text = self.vit("classify", "-m", MODEL, PICTURE).stdout
        for options, output in ((["--json"], wanted), (["--format", "csv", "--json"], wanted),
                                (["--json", "--format", "text"], text)):
            self.assertEqual(self.vit("classify", "-m", MODEL, *options, PICTURE).stdout, output)
        self.assertIn("takes no value", self.says("classify", "--json=yes", PICTURE, status=USAGE))
        for command in re.findall(r"(?m)^  ([a-z]+) ", self.said_help()):
            formats = re.search(r"--format (\S+)", self.vit(command, "--help").stdout.decode())
            if formats and "json" in formats.group(1).split("|"):
                self.assertIn("--json ", self.vit(command, "--help").stdout.decode(), command)

    def said_help(self):
        overview = self.vit("help").stdout.decode()
        return overview.split("Commands:")[1].split("  help ")[0]


if __name__ == "__main__":
    main()
