# SPDX-License-Identifier: BSD-2-Clause
"""Wrong usage, help, models that cannot be loaded and outputs that cannot be written: exit statuses 2, 3 and 4."""
import os
import random
import re
import shutil

from harness import *

COMMANDS = ("classify", "embed", "preprocess", "info", "bench")
MODEL_OPTIONS = ("--model", "--threads", "--batch", "--precision", "--exif", "--background", "--max-pixels", "--quiet",
                 "--resampler", "--preprocessor", "--image-size", "--fast-decode", "--pull", "--revision")
UNUSED = {"preprocess": ("--threads", "--batch", "--precision"),  # it multiplies nothing
          "info": ("--batch", "--exif", "--background", "--max-pixels", "--resampler",
                   "--fast-decode")}  # it reads no picture


class Help(Case):
    def test_overview(self):
        for arguments in (["help"], ["--help"], ["-h"]):
            text = self.vit(*arguments).stdout.decode()
            for command in COMMANDS:
                self.assertIn("\n  %s " % command, text)

    def test_commands(self):
        for command in COMMANDS:
            text = self.vit(command, "--help").stdout.decode()
            self.assertTrue(text.startswith("Usage: vit " + command), text)
            self.assertEqual(text.count("Example:"), 1)
            self.assertIn("\n  vit " + command, text.split("Example:")[1])
            listed = set(re.findall(r"(?m)^ {2}(?:-\w|  )(?:, | +)(--[a-z-]+)", text))
            for option in MODEL_OPTIONS:
                self.assertEqual(option in listed, option not in UNUSED.get(command, ()),
                                 (command, option))
            self.assertEqual(self.vit("help", command).stdout.decode(), text)
            self.assertEqual(self.vit(command, "-h", "--threads", "2").stdout.decode(), text)

    def test_licences(self):
        for word in ("--licences", "--licenses"):
            text = self.vit("--version", word).stdout.decode()
            self.assertRegex(text, r"(?m)^nettle +LGPL-3.0-or-later OR GPL-2.0-or-later +linked$")
            for file in ("LICENSE", "LICENSE.WordNet"):
                with open(os.path.join(SOURCE, file), encoding="utf-8") as opened:
                    self.assertIn(opened.read(), text)

    def test_version(self):
        self.assertRegex(self.vit("--version").stdout.decode(), r"^vit \d+\.\d+\.\d+\npictures: JPEG, PNG, PNM(, [\w ]+)+\n$")


class Manual(Case):
    """docs/vit.1 knows the commands and options that there are, and no others."""

    HELP = re.compile(r"(?m)^ {2}(-\w)?(?:, | +)?(--[a-z-]+)?")  # "  -k, --top N    how many"
    PAGE = re.compile(r"(?m)^\.TP\n(\..*)$")  # what a paragraph of the page is about
    OPTION = re.compile(r"(?<![-\w])(?:--[a-z][-a-z]*|-\w\b)")

    def test_complete_and_true(self):
        with open(os.path.join(DOCS, "vit.1"), encoding="utf-8") as file:
            page = file.read().replace("\\-", "-").replace("\\~", " ")
        overview = self.vit("help").stdout.decode()
        commands = re.findall(r"^  ([a-z]+) ", overview.split("Commands:")[1].split("Options:")[0], re.M)
        known = set()
        for command in commands:
            self.assertRegex(page, r"(?m)^\.B %s$" % command)
            if command == "help":
                continue
            for letter, name in self.HELP.findall(self.vit(command, "--help").stdout.decode()):
                known |= {letter, name} - {""}
        written = set(self.OPTION.findall("\n".join(self.PAGE.findall(page))))
        self.assertIn("--help", known & written)
        self.assertEqual(written - known, set(), "in the manual, and unknown to the command")
        self.assertEqual(known - written, set(), "options that are not in the manual")


class AnyArguments(Case):
    """Words in any order, and with any values: the command does what they say or says what is wrong, in one of its ways to end."""

    VALUES = ("", "-", "--", "-1", "0", "1", "2", "99999999999999999999", "1e999", "nan", "0x10", "1/0", "2/3", "a", "a,b", "{}", "yes",
              "224x224", "10,20,30", "f16", "always", "%s%n", "a=b", "\n", "\xff", "a" * 5000, "missing.npy", "missing/", ".", "a.txt")
    ELSEWHERE = ("serve", "pull")  # they go on for ever, or ask the hub

    def setUp(self):
        super().setUp()
        self.draw = random.Random(11)
        overview = self.vit("help").stdout.decode()
        commands = re.findall(r"^  ([a-z]+) ", overview.split("Commands:")[1].split("Options:")[0], re.M)
        self.options = {command: re.findall(r"(?m)^ {2}(?:-(?:\w), |    )(--[a-z-]+)", self.vit(command, "--help").stdout.decode())
                        for command in commands if command not in ("help", *self.ELSEWHERE)}

    def words(self, command):
        for _ in range(self.draw.randint(0, 6)):
            option, value = self.draw.choice(self.options[command]), self.draw.choice(self.VALUES)
            if self.draw.random() < 0.1:
                option = option[:self.draw.randint(1, len(option))]
            yield from self.draw.choice(([option], [option, value], [option + "=" + value], [value], ["-" + value]))

    def test_any_arguments(self):
        """The models that could be meant are not there, so that no command works for long."""
        env = environment(VIT_MODEL=self.path("no model"), HF_ENDPOINT="http://127.0.0.1:9")
        for _ in range(2000 if os.environ.get("VIT_TEST_FULL") == "1" else 40):
            command = self.draw.choice(sorted(self.options))
            words = [word.encode("latin-1") for word in self.words(command)]
            folder = tempfile.mkdtemp(dir=self.folder)
            done = run(command, *words, cwd=folder, env=env)
            self.assertIn(done.returncode, (0, 1, USAGE, MODEL_FAILS, OUTPUT_FAILS), (command, words, done.stderr))
            for line in done.stderr.splitlines():
                self.assertTrue(line.startswith(b"vit: "), (command, words, done.stderr))
            if done.returncode:
                self.assertTrue(done.stderr, (command, words))
            shutil.rmtree(folder)


class WrongUsage(Case):
    def refuse(self, *arguments, saying=None):
        done = self.vit(*arguments, status=USAGE)
        self.assertEqual(done.stdout, b"")
        if saying:
            self.assertIn(saying, done.stderr.decode())
        self.assert_files()

    def test_commands(self):
        self.refuse()
        self.refuse("clasify", "x.jpg", saying="clasify")
        self.refuse("help", "clasify")

    def test_options(self):
        for command in COMMANDS:
            self.refuse(command, "--no-such-option", saying="--no-such-option")
            self.refuse(command, "-Z")
            self.refuse(command, "--model", saying="--model")
            self.refuse(command, "-m", saying="MODEL")
            self.refuse(command, "--quiet=yes")

    def test_values(self):
        wrong = {"--threads": ("0", "-1", "x", "1.5", "", "99999999999999999999"),
                 "--batch": ("0", "-1", "ten", " 1"),
                 "--precision": ("f64", "", "F32"),
                 "--exif": ("yes", ""),
                 "--background": ("fff", "ggg000", "ffffff0", ""),
                 "--max-pixels": ("0", "-5", "1e9"),
                 "--resampler": ("pil", ""),
                 "--image-size": ("0", "x", "224x", "224x0", "224x224x3", "-1"),
                 "--model": ("",)}
        for option, values in wrong.items():
            for value in values:
                self.refuse("classify", option, value, PICTURE, saying=option)
                self.refuse("classify", "%s=%s" % (option, value), PICTURE, saying=option)

    def test_inputs(self):
        self.refuse("classify", "-m", MODEL, saying="no input")
        self.refuse("embed", "-m", MODEL, "-o", "x.npy", saying="no input")
        self.refuse("classify", "-m", MODEL, "")
        self.refuse("classify", "-m", MODEL, "-", "-", saying="standard input")
        self.refuse("classify", "-m", MODEL, "-", "--from", "-", saying="standard input")

    def test_embed(self):
        self.refuse("embed", "-m", MODEL, PICTURE, saying="-o")
        self.refuse("embed", "-m", MODEL, "-o", "-", PICTURE)
        self.refuse("embed", "-m", MODEL, "-o", "-", "--format", "npy", PICTURE)
        self.refuse("embed", "-m", MODEL, "-o", "x.csv", "--output", "tokens", PICTURE)
        for output in ("hidden", "hidden:", "hidden:x", "hidden:-1", "nothing", ""):
            self.refuse("embed", "-m", MODEL, "-o", "x.npy", "--output", output, PICTURE)
        self.refuse("embed", "-m", MODEL, "-o", "x.npy", "--output", "hidden:99", PICTURE, saying="hidden:99")

    def test_what_the_model_has_not(self):
        headless = golden("hf_vit_model", "")
        self.refuse("classify", "-m", headless, PICTURE, saying="classifier")
        self.refuse("embed", "-m", headless, "-o", "x.npy", "--output", "logits", PICTURE)
        self.refuse("embed", "-m", MODEL, "-o", "x.npy", "--text", "a dog")

    def test_preprocess(self):
        self.refuse("preprocess", "-o", "x.npy", saying="no input")
        self.refuse("preprocess", "-o", "x.npy", PICTURE, PICTURE)
        self.refuse("preprocess", PICTURE, saying="-o")
        self.refuse("preprocess", "-o", "x.npy", "--stage", "half", PICTURE)
        self.refuse("preprocess", "-o", "x.npy", "--filter", "box", PICTURE)
        self.refuse("preprocess", "-o", "x.npy", "--resize", "10x10", "--stage", "pixels", PICTURE)
        for size in ("10", "0x10", "10x", "x", "99999x99999"):
            self.refuse("preprocess", "-o", "x.npy", "--resize", size, PICTURE)

    def test_operands_behind_a_double_dash(self):
        self.picture("-k")
        self.assertEqual([r["path"] for r in self.classify("--", "-k")], ["-k"])


class Models(Case):
    def refuse(self, *arguments, saying, **more):
        done = self.vit("classify", *arguments, PICTURE, status=MODEL_FAILS, **more)
        self.assertEqual(done.stdout, b"")
        self.assertIn(saying, done.stderr.decode())

    def copy(self):
        for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
            shutil.copy(os.path.join(MODEL, name), self.folder)
        return self.folder

    def test_not_there(self):
        self.refuse("-m", "/nowhere/at/all", saying="/nowhere/at/all")
        self.refuse("-m", "no-such/model", saying="no-such/model", env=environment(HF_HUB_CACHE=self.folder))
        self.refuse(saying="/nowhere", env=environment(VIT_MODEL="/nowhere"))

    def test_damaged(self):
        model = self.copy()
        self.vit("classify", "-m", model, PICTURE)
        for name in ("config.json", "model.safetensors"):
            whole = open(self.path(name), "rb").read()
            for damaged in (b"", whole[:len(whole) // 2], b"{}", None):
                if damaged is None:
                    os.remove(self.path(name))
                else:
                    write(self.path(name), damaged)
                self.refuse("-m", model, saying=model)
            write(self.path(name), whole)

    def test_missing_output_is_not_made(self):
        self.vit("embed", "-m", "/nowhere", "-o", self.path("x.npy"), PICTURE, status=MODEL_FAILS)
        self.assert_files()

    def test_numbers_that_cannot_be(self):
        self.copy()
        config = open(self.path("config.json")).read()
        self.assertIn('"layer_norm_eps"', config)
        for value in ("-1e-6", "NaN", "Infinity", "1e999"):
            changed = json.loads(config)
            changed["layer_norm_eps"] = "@"
            write(self.path("config.json"), json.dumps(changed).replace('"@"', value).encode())
            self.refuse("-m", self.folder, saying="config.json")
        write(self.path("config.json"), config.encode())
        rules = json.load(open(self.path("preprocessor_config.json")))
        for value in ("[0.5, 0.0, 0.5]", "[0.5, 1e-40, 0.5]", "[0.5, NaN, 0.5]"):
            changed = dict(rules, image_std="@")
            write(self.path("preprocessor_config.json"), json.dumps(changed).replace('"@"', value).encode())
            self.refuse("-m", self.folder, saying="preprocessor_config.json")

    def test_target_past_the_limit_on_pixels(self):
        self.copy()
        rules = json.load(open(self.path("preprocessor_config.json")))
        for size in ({"height": 20000, "width": 20000}, {"height": 2**31, "width": 2**31}):
            write(self.path("preprocessor_config.json"), json.dumps(dict(rules, size=size)).encode())
            self.refuse("-m", self.folder, saying="preprocessor_config.json")
        for size in ({"shortest_edge": 20000}, {"shortest_edge": 2**31 - 1}):
            write(self.path("preprocessor_config.json"), json.dumps(dict(rules, size=size)).encode())
            self.refuse("-m", self.folder, saying=self.folder)
        pixels = str(SIDE * SIDE)
        self.vit("classify", "-m", MODEL, "--max-pixels", pixels, self.picture("x.png", 9, 9))
        for arguments in (["classify"], ["embed", "-o", "x.npy"], ["preprocess", "-o", "x.npy"]):
            done = self.vit(*arguments, "-m", MODEL, "--max-pixels", str(SIDE * SIDE - 1), PICTURE, status=MODEL_FAILS)
            self.assertIn(b"--max-pixels", done.stderr)

    def test_hub_cache(self):
        cache = self.path("hub", "models--some--model")
        for name in ("refs", "blobs", os.path.join("snapshots", "0123abcd")):
            os.makedirs(os.path.join(cache, name))
        for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
            shutil.copy(os.path.join(MODEL, name), os.path.join(cache, "blobs"))
            os.symlink(os.path.join("..", "..", "blobs", name), os.path.join(cache, "snapshots", "0123abcd", name))
        write(os.path.join(cache, "refs", "main"), b"0123abcd")
        expected = self.vit("classify", "-m", MODEL, PICTURE).stdout
        os.makedirs(self.path("home", ".cache", "huggingface"))
        os.symlink(self.path("hub"), self.path("home", ".cache", "huggingface", "hub"))
        for place in ({"HF_HUB_CACHE": self.path("hub")}, {"HF_HOME": self.folder}, {"HOME": self.path("home")}):
            done = self.vit("classify", "-m", "some/model", PICTURE, env=environment(**place))
            self.assertEqual(done.stdout, expected)
        self.refuse("-m", "some/other", saying="some/other", env=environment(HF_HOME=self.folder))

    def test_by_environment_and_default(self):
        by_option = self.classify(PICTURE)
        done = self.vit("classify", "--format", "json", PICTURE, env=environment(VIT_MODEL=MODEL))
        self.assertEqual(json_lines(done.stdout), by_option)
        default = json_lines(self.vit("classify", "--format", "json", PICTURE).stdout)
        self.assertEqual(len(default[0]["predictions"]), 5)

    def test_one_file(self):
        self.assertEqual(json_lines(self.vit("classify", "-m", os.path.join(MODEL, "model.safetensors"), "--format",
                                             "json", PICTURE).stdout), self.classify(PICTURE))


class Outputs(Case):
    def test_cannot_be_written(self):
        os.mkdir(self.path("folder.npy"))
        for name in ("folder.npy", "missing/x.npy", "/dev/full"):
            self.vit("embed", "-m", MODEL, "--format", "npy", "-o", name, PICTURE, status=OUTPUT_FAILS)
        self.vit("classify", "-m", MODEL, "-o", "/dev/full", PICTURE, status=OUTPUT_FAILS)
        self.vit("preprocess", "--stage", "decoded", "-o", "missing/x.npy", PICTURE, status=OUTPUT_FAILS)
        self.vit("preprocess", "--stage", "decoded", "-o", "/dev/full", PICTURE, status=OUTPUT_FAILS)
        self.assert_files("folder.npy")

    def test_full_standard_output(self):
        for arguments in (["help"], ["--version"], ["classify", "--help"], ["info", "-m", MODEL],
                          ["classify", "-m", MODEL, PICTURE],
                          ["embed", "-m", MODEL, "--format", "jsonl", "-o", "-", PICTURE],
                          ["preprocess", "--stage", "decoded", "-o", "-", PICTURE]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([VIT, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT,
                                      env=environment())
            self.assertEqual(done.returncode, OUTPUT_FAILS, arguments)
            self.assertTrue(done.stderr.startswith(b"vit: "), done.stderr)

    def test_closed_standard_streams(self):
        """Files that are opened then must not take their place."""
        for closed in (0, 1, 2):
            name = "closed%d.npy" % closed
            done = subprocess.run(["sh", "-c", 'exec "$0" "$@" %d>&-' % closed, VIT, "embed", "-m", MODEL, "-o", name,
                                   "nothing.png", PICTURE], cwd=self.folder, env=environment(), timeout=TIMEOUT,
                                  capture_output=True)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(read_npy(self.path(name))[1], (1, WIDTH))
        done = subprocess.run(["sh", "-c", 'exec "$0" --version >&-', VIT], stderr=subprocess.PIPE, timeout=TIMEOUT)
        self.assertEqual(done.returncode, OUTPUT_FAILS)


if __name__ == "__main__":
    main()
