# SPDX-License-Identifier: BSD-2-Clause
"""The JSON keys in docs/formats.md are those that the commands print: none is missing, none is made up, and
every value is of the type that its row names."""
import re
import shutil
import sys

from harness import *

from hub_server import Hub, Repository

PAGE = os.path.join(DOCS, "formats.md")
HEADING = re.compile(r"(?m)^### `vit (\w+) [^`]*`$")
ROW = re.compile(r"(?m)^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$")
MAPS = {"outputs"}  # objects whose keys are names of things, not of fields

SCALARS = {"text": lambda v: isinstance(v, str),
           "boolean": lambda v: isinstance(v, bool),
           "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
           "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
           "object": lambda v: isinstance(v, dict),
           "null": lambda v: v is None}


def is_of_type(value, kind):
    """kind: "text", "array of 2 integers", "number, or null", ..."""
    if ", or " in kind:
        return any(is_of_type(value, part) for part in kind.split(", or "))
    array = re.fullmatch(r"array of (\d+ )?(\w+)s", kind)
    if not array:
        return SCALARS[kind](value)
    return (isinstance(value, list) and (not array[1] or len(value) == int(array[1])) and
            all(SCALARS[array[2]](v) for v in value))


def flatten(value, name=""):
    """(key, value) of everything in an object, keys as the page writes them: a.b, a[].b."""
    for key, inner in value.items():
        path = name + key
        if isinstance(inner, dict) and path not in MAPS:
            yield path, inner
            yield from flatten(inner, path + ".")
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            for one in inner:
                yield from flatten(one, path + "[].")
        else:
            yield path, inner


def read_page():
    """({command: {key: (type, meaning)}}, the rows that hold for every command)"""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read().split("\n## JSON keys\n")[1]
    parts = HEADING.split(text)
    for part in parts[::2]:
        keys = [key for key, _, _ in ROW.findall(part)]
        assert len(keys) == len(set(keys)), "a key has two rows: %s" % keys
    tables = [{key: (kind, meaning) for key, kind, meaning in ROW.findall(part)}
              for part in parts[::2]]
    return dict(zip(parts[1::2], tables[1:])), tables[0]


class Keys(Case):
    @classmethod
    def setUpClass(cls):
        cls.tables, cls.failures = read_page()

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("photos"))
        shutil.copy(PICTURE, self.path("photos", "a.png"))
        shutil.copy(PICTURE, self.path("photos", "b.png"))

    def compare(self, command, objects):
        """Every key of the objects has a row in the command's table and fits it. Every row of the table is
        met by some object."""
        table, seen = self.tables[command], set()
        whole = {key.split(".")[0] for key in table if "." in key}  # these may do without a row
        for one in objects:
            rows = {**table, **self.failures} if "error" in one else table
            for key, value in flatten(one):
                seen.add(key)
                if key in rows:
                    self.assertTrue(is_of_type(value, rows[key][0]), (key, value, rows[key][0]))
                else:
                    self.assertIn(key, whole | {"error"}, "%s prints it, the page lacks it" % command)
            if "error" not in one:
                always = {key for key, (_, meaning) in table.items()
                          if "[]" not in key and not meaning.startswith("only")}
                lacking = always - dict(flatten(one)).keys()
                self.assertFalse(lacking, "%s did not print what the page promises" % command)
        self.assertFalse(set(table) - seen, "on the page, never printed by %s" % command)

    def json(self, *arguments, **more):
        return json_lines(self.vit(*arguments, **more).stdout)

    def info(self, model, *arguments):
        return json.loads(self.vit("info", "--json", "-m", model, *arguments).stdout)

    def test_info(self):
        models = [os.path.join(GOLDEN, name) for name in sorted(os.listdir(GOLDEN))]
        models = [folder for folder in models if os.path.isdir(folder)]
        self.assertGreater(len(models), 50)
        for name in ("hf_vit_classifier", "hf_clip"):
            packed = self.path(name + ".safetensors")
            self.vit("quantize", "-m", golden(name, ""), "-o", packed)
            models.append(packed)
        objects = [self.info(model) for model in models]
        rules = self.path("convnext.json")
        write(rules, json.dumps({"image_processor_type": "ConvNextImageProcessor",
                                 "size": {"shortest_edge": 48}, "crop_pct": 0.875, "resample": 3,
                                 "image_mean": [0.5] * 3, "image_std": [0.5] * 3}).encode())
        self.compare("info", objects + [self.info(MODEL, "--preprocessor", rules)])

    def test_classify(self):
        self.compare("classify", self.json("classify", "-m", MODEL, "--format", "json", PICTURE,
                                           "nothing.png", status=1))

    def test_pull(self):
        if not PULLS:
            self.skipTest("vit was built without libcurl")
        repository = Repository({"config.json": b"{}", "model.safetensors": b"x" * 5000, "a.txt": b""})
        hub = Hub({"acme/vit": repository})
        self.addCleanup(hub.close)
        env = environment(HF_ENDPOINT=hub.endpoint, HF_HOME=self.path("home"), no_proxy="*")
        self.compare("pull", self.json("pull", "--json", "acme/vit", env=env))

    def test_verify(self):
        shutil.copytree(golden("hf_clip", ""), self.path("clip"))
        self.add_unknown_tensor(self.path("clip", "expected.safetensors"))
        self.compare("verify", self.json("verify", "--json", "clip"))

    def add_unknown_tensor(self, path):
        content = read(path)
        size = int.from_bytes(content[:8], "little")
        header, data = json.loads(content[8:8 + size]), content[8 + size:]
        header["nothing.of.ours"] = {"dtype": "F32", "shape": [1],
                                     "data_offsets": [len(data), len(data) + 4]}
        text = json.dumps(header).encode()
        write(path, len(text).to_bytes(8, "little") + text + data + bytes(4))

    def test_bench(self):
        short = ["bench", "--json", "--seconds", "0.01", "-m", MODEL]
        self.compare("bench", self.json(*short) + self.json(*short, "--images", "photos"))

    def test_search_and_dedup(self):
        done = subprocess.run([VIT, "index", "-m", MODEL, "--db", "a.db", "photos"], cwd=self.folder,
                              timeout=TIMEOUT, env=environment(), capture_output=True)
        if b"SQLite" in done.stderr:
            self.skipTest("this build has no SQLite")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.vit("index", "-m", golden("st_clip", ""), "--db", "clip.db", "photos")
        paired = self.json("search", "--json", "--db", "clip.db", "--text-model", golden("st_clip_multilingual", ""),
                           "--text", "a dog")
        self.compare("search", paired + self.json("search", "--json", "--db", "a.db", PICTURE, "nothing.png", status=1))
        self.compare("dedup", self.json("dedup", "--json", "--db", "a.db"))


if __name__ == "__main__":
    main()
