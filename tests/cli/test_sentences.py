# SPDX-License-Identifier: BSD-2-Clause
"""Folders of sentence-transformers with something wrong in one of their files: refused, and the message names what is wrong."""
import random
import shutil

from harness import *

DENSE = {"in_features": 36, "out_features": 24, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"}
FLAGS = ("pooling_mode_cls_token", "pooling_mode_mean_tokens")


def chain(*modules):
    return [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(modules)]


HEAD, POOL = ("", "sentence_transformers.models.Transformer"), ("1_Pooling", "sentence_transformers.models.Pooling")
# File, what it holds, and what the message has of it.
DAMAGED = (
    ("modules.json", [], "1 to 16 modules"),
    ("modules.json", {}, "1 to 16 modules"),
    ("modules.json", chain(HEAD, *[POOL] * 16), "1 to 16 modules"),
    ("modules.json", [{"path": ""}], "\"type\""),
    ("modules.json", [7], "\"type\""),
    ("modules.json", chain(HEAD, ("../1_Pooling", POOL[1])), "plain name"),
    ("modules.json", chain(HEAD, POOL, POOL), "Pooling"),
    ("modules.json", chain(HEAD, POOL, ("2_Dense", "x.LSTM")), "LSTM"),
    ("modules.json", chain(HEAD, POOL, ("3_Dense", "x.Dense")), "3_Dense"),
    ("1_Pooling/config.json", {name: True for name in FLAGS}, "several ways"),
    ("1_Pooling/config.json", {"pooling_mode": "loudest"}, "loudest"),
    ("1_Pooling/config.json", {"pooling_mode": "weightedmean"}, "weightedmean"),
    ("1_Pooling/config.json", {"pooling_mode": 7}, "pooling_mode"),
    ("1_Pooling/config.json", [], "1_Pooling"),
    ("2_Dense/config.json", {**DENSE, "in_features": 33}, "33"),
    ("2_Dense/config.json", {**DENSE, "out_features": 0}, "out_features"),
    ("2_Dense/config.json", {**DENSE, "out_features": 23}, "modules.2.linear.weight"),
    ("2_Dense/config.json", {**DENSE, "out_features": 1 << 40}, "out_features"),
    ("2_Dense/config.json", {**DENSE, "bias": True}, "modules.2.linear.bias"),
    ("2_Dense/config.json", {**DENSE, "activation_function": "torch.nn.Softmax"}, "Softmax"),
)
VALUES = (b"0", b"-1", b"7", b"1e308", b"true", b"null", b'""', b'"x"', b"[]", b"{}", b"4294967297", b"{", b'"')


class Sentences(Case):
    def copy(self):
        model = self.path("model")
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(golden("st_clip_multilingual", ""), model)
        return model

    def ask(self, model, status):
        return self.vit("embed", "-q", "-m", model, "--text", "a dog", "-o", "x.npy", status=status)

    def test_damaged_files(self):
        for file, content, message in DAMAGED:
            with self.subTest(file=file, content=str(content)[:60]):
                model = self.copy()
                write(os.path.join(model, file), json.dumps(content).encode())
                self.assertIn(message, self.ask(model, MODEL_FAILS).stderr.decode())

    def test_weights_of_a_module(self):
        """They may be missing, cut short, or of another shape; and a pickle may ask for more than tensors."""
        weights = os.path.join("2_Dense", "model.safetensors")
        whole = read(golden("st_clip_multilingual", weights))
        for content in (whole[:40], b"", whole[:-8]):
            model = self.copy()
            write(os.path.join(model, weights), content)
            self.assertIn("2_Dense", self.ask(model, MODEL_FAILS).stderr.decode())
        model = self.copy()
        os.remove(os.path.join(model, weights))
        self.assertIn("2_Dense", self.ask(model, MODEL_FAILS).stderr.decode())
        write(os.path.join(model, "2_Dense", "pytorch_model.bin"), b"\x80\x02cposix\nsystem\nq\x00.")
        self.assertIn("2_Dense", self.ask(model, MODEL_FAILS).stderr.decode())

    def test_altered_values(self):
        """Whatever value stands in these files, the model is refused or runs."""
        generator = random.Random(18)
        files = ("modules.json", "1_Pooling/config.json", "2_Dense/config.json", "sentence_bert_config.json",
                 "config_sentence_transformers.json")
        for file in files:
            text = read(golden("st_clip_multilingual", file))
            places = [i + 1 for i, byte in enumerate(text) if byte in b":["]
            for _ in range(8):
                at = generator.choice(places)
                end = min(i for i in (text.find(mark, at) for mark in (b",", b"}", b"]")) if i >= 0)
                model = self.copy()
                write(os.path.join(model, file), text[:at] + generator.choice(VALUES) + text[end:])
                done = run("embed", "-q", "-m", model, "--text", "a dog", "-o", "x.npy", cwd=self.folder)
                self.assertIn(done.returncode, (0, MODEL_FAILS), done.stderr)


if __name__ == "__main__":
    main()
