# SPDX-License-Identifier: BSD-2-Clause
"""What people have and other systems write: lists of Windows, hidden files of a Mac, names that lie, hostile names, folders without
weights under the usual names, scores that are no probabilities."""
import pty
import select
import struct

from harness import *


def write_safetensors(path, tensors, metadata=None):
    """tensors: name to (shape, bytes of f32)."""
    header, at = {"__metadata__": metadata or {"format": "pt"}}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    write(path, struct.pack("<Q", len(text)) + text + b"".join(data for _, data in tensors.values()))


class Lists(Case):
    def test_marks_and_line_ends(self):
        self.picture("a.png")
        self.picture("b c.png")
        want = [line["path"] for line in self.classify("a.png", "b c.png")]
        plain = b"a.png\nb c.png\n"
        for name, content in (("crlf", plain.replace(b"\n", b"\r\n")), ("bom", b"\xef\xbb\xbf" + plain),
                              ("both", b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))):
            write(self.path(name), content)
            with self.subTest(list=name):
                self.assertEqual([line["path"] for line in self.classify("--from", name)], want)
                self.assertEqual([line["path"] for line in self.classify("--from", "-", stdin=content)], want)
        self.picture("real\r")
        self.assertEqual(self.classify("--from", "-", stdin=b"real\r\n")[0]["path"], "real\r")
        for encoding in ("utf-16-le", "utf-16-be"):
            done = self.vit("classify", "-m", MODEL, "--from", "-", stdin=("\ufeff" + plain.decode()).encode(encoding), status=1)
            self.assertIn(b"UTF-16", done.stderr)
        for content in (plain.decode().encode("utf-16-le"), plain.decode().encode("utf-16-be"), b"a.png\nb c.png\0a.png\0"):
            done = self.vit("classify", "-m", MODEL, "--from", "-", stdin=content, status=1)
            self.assertIn(b"zero bytes", done.stderr)
        self.assertEqual(len(self.classify("--null", "--from", "-", stdin=b"a.png\0b c.png\0")), 2)

    def test_labels(self):
        from small_clip import add_tokenizer
        clip = self.path("clip")
        shutil.copytree(os.path.join(GOLDEN, "hf_clip"), clip)
        add_tokenizer(clip)
        want = self.vit("classify", "-m", clip, "--labels", "cat,dog", "--format", "json", PICTURE).stdout
        for content in (b"\xef\xbb\xbfcat\r\ndog\r\n", "\ufeffcat\r\ndog".encode("utf-16-le"), "\ufeffcat\ndog\n".encode("utf-16-be")):
            write(self.path("labels"), content)
            self.assertEqual(self.vit("classify", "-m", clip, "--labels-file", "labels", "--format", "json", PICTURE).stdout, want)


class Walks(Case):
    def test_hidden_names_and_names_that_lie(self):
        for name in ("a.png", ".hidden.png", ".thumbnails/b.png", "noextension", "wrong.txt", "c.jpg"):
            self.picture("photos/" + name)
        write(self.path("photos/._a.png"), b"\0\5\x16\7AppleDouble")
        write(self.path("photos/notes.txt"), b"GIF is a format")
        paths = [line["path"] for line in self.classify("photos")]
        self.assertEqual(paths, ["photos/a.png", "photos/c.jpg"])
        for name in (".hidden.png", "noextension", "wrong.txt"):
            self.assertEqual(len(self.classify("photos/" + name)), 1) # named by hand

    def test_pictures_in_formats_that_are_not_read_are_named(self):
        self.picture("photos/a.png")
        names = ("b.svg", "c.NEF", "d.pef", "e.jp2", "f.J2K", "g.tga", "h.exr", "i.qoi", "j.cur", "k.psb", "l.x3f", "m.jxr")
        for name in names:
            write(self.path("photos/deep/" + name), b"nothing that is read")
        done = self.vit("classify", "-m", MODEL, "photos", status=1)
        for name in names:
            self.assertIn(b"photos/deep/" + name.encode() + b": ", done.stderr)


class Terminal(Case):
    def run_on_terminal(self, *arguments):
        try:
            master, slave = pty.openpty()
        except OSError as error:
            self.skipTest("no terminal here: %s" % error)
        process = subprocess.Popen([VIT, *arguments], cwd=self.folder, env=environment(), stdout=slave, stderr=subprocess.DEVNULL)
        os.close(slave)
        data = b""
        while select.select([master], [], [], TIMEOUT)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            data += piece
        os.close(master)
        self.assertEqual(process.wait(TIMEOUT), 0)
        return data.replace(b"\r\n", b"\n")

    def test_names_are_shown_not_obeyed(self):
        self.picture("evil\x1b]0;t\x07\x9b2J.png")
        self.picture("two\nlines.png")
        model = self.path("model")
        shutil.copytree(MODEL, model)
        config = json.loads(read(os.path.join(model, "config.json")))
        config["id2label"] = {k: "\x1b[2J\u009b%s" % k for k in config["id2label"]}
        write(os.path.join(model, "config.json"), json.dumps(config).encode())
        names = [n for n in os.listdir(self.folder) if n.endswith(".png")]
        for form in ("text", "csv"):
            shown = self.run_on_terminal("classify", "-q", "-m", model, "--format", form, *names)
            self.assertFalse([b for b in shown if (b < 0x20 and b != 0x0A) or b == 0x7F], shown)
            self.assertNotIn("\u009b".encode(), shown)
            self.assertIn(b"\\x1b[2J", shown)
            self.assertIn(b"two\\nlines.png", shown)
        piped = self.vit("classify", "-q", "-m", model, *names).stdout
        self.assertIn(b"\x1b[2J", piped) # scripts get the names


class Scores(Case):
    def test_a_regression_gives_its_outputs(self):
        model = self.path("model")
        os.mkdir(model)
        shutil.copy(os.path.join(MODEL, "preprocessor_config.json"), model)
        tensors = {}
        content = read(os.path.join(MODEL, "model.safetensors"))
        (size,) = struct.unpack_from("<Q", content)
        for name, entry in json.loads(content[8:8 + size]).items():
            if name != "__metadata__":
                start, end = entry["data_offsets"]
                tensors[name] = (entry["shape"], content[8 + size + start:8 + size + end])
        config = json.loads(read(os.path.join(MODEL, "config.json")))
        for labels in (1, 3):
            few = dict(tensors)
            for name in ("classifier.weight", "classifier.bias"):
                shape, data = tensors[name]
                few[name] = ([labels] + shape[1:], data[:len(data) * labels // shape[0]])
            write_safetensors(os.path.join(model, "model.safetensors"), few)
            config["id2label"] = {str(i): "value %d" % i for i in range(labels)}
            config["label2id"] = {"value %d" % i: i for i in range(labels)}
            for problem in ("regression", None):
                config["problem_type"] = problem
                write(os.path.join(model, "config.json"), json.dumps(config).encode())
                scores, logits = ({p["index"]: p["score"] for p in json_lines(self.vit(
                    "classify", "-q", "-k", "9", "--format", "json", "--output", output, "-m", model, PICTURE).stdout)[0]["predictions"]}
                    for output in ("probs", "logits"))
                if problem:
                    self.assertEqual(scores, logits)
                else:
                    self.assertNotEqual(scores, logits)


class NoWeights(Case):
    FILES = ("config.json", "preprocessor_config.json", "model.safetensors")

    def put(self, folder, weights="model.safetensors"):
        os.makedirs(self.path(folder))
        for name in self.FILES:
            shutil.copy(os.path.join(MODEL, name), self.path(folder, weights if name == "model.safetensors" else name))

    def says(self, folder):
        return self.vit("info", "-m", folder, status=MODEL_FAILS).stderr.decode()

    def test_what_is_there_is_named(self):
        self.put("own", "mine.safetensors")
        self.put("run/checkpoint-90")
        self.put("run/checkpoint-500")
        self.put("parent/vit")
        self.put("models--a--b/snapshots/" + "a" * 40)
        self.put("adapter", "adapter_model.safetensors")
        self.put("old", "tf_model.h5")
        self.put("dead")
        os.remove(self.path("dead/model.safetensors"))
        os.symlink("../nowhere", self.path("dead/model.safetensors"))
        for folder, want in (("own", "own/mine.safetensors is there"), ("run", "run/checkpoint-500 has weights"),
                             ("parent", "parent/vit has weights"), ("models--a--b", "snapshots/" + "a" * 40),
                             ("adapter", "adapter"), ("old", "tf_model.h5 is in a format"), ("dead", "link to a file that is not there")):
            with self.subTest(folder=folder):
                self.assertIn(want, self.says(folder))
        self.vit("info", "-m", "own/mine.safetensors")
        os.mkdir(self.path("empty"))
        self.assertIn("looked for model.safetensors", self.says("empty"))


if __name__ == "__main__":
    main()
