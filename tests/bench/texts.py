#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Texts a second of a sentence encoder: libvit, ONNX Runtime and sentence-transformers, alternating in one run.

    python3 texts.py VIT MODEL LINES [--batch 1 32] [--threads 2] [--rounds 3] [--count 1000]

VIT is the built command, MODEL a folder of sentence-transformers (BERT, mean of the tokens, unit length), LINES a file of texts. Each side is
given the texts and gives back vectors, so tokenizing is counted, and loading is not: the command runs once with all texts
and once with a single batch, and the difference is taken. ONNX Runtime gets its ids from `tokenizers`, and its texts sorted by length, as
sentence-transformers sorts its own, so that a batch has little padding. Medians over the rounds; the ratio is of times in the same
round, below 1 libvit is faster. Needs torch, transformers, onnx, onnxruntime and sentence-transformers.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np  # noqa: E402

from peers import import_transformers  # noqa: E402


class Ours:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder

    def once(self, texts, batch):
        lines, out = self.folder / "lines.txt", self.folder / "out.npy"
        lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        begin = time.perf_counter()
        subprocess.run([self.args.vit, "embed", "-q", "-m", self.args.model, "--text-file", lines, "-t", str(self.args.threads), "--batch", str(batch),
                        "-o", out], check=True)
        return time.perf_counter() - begin, np.load(out)

    def run(self, texts, batch):
        start = min(self.once(texts[:1], batch)[0] for _ in range(3))
        spent, vectors = self.once(texts, batch)
        return spent - start, vectors


class OnnxRuntime:
    def __init__(self, args, folder):
        import onnxruntime
        import torch
        transformers = import_transformers()
        model = transformers.AutoModel.from_pretrained(args.model, attn_implementation="eager").eval()

        class States(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask):
                return self.model(input_ids=input_ids, attention_mask=attention_mask)[0]

        ids = torch.ones((2, 5), dtype=torch.long)
        axes = {0: "batch", 1: "length"}
        torch.onnx.export(States(), (ids, ids), str(folder / "model.onnx"), input_names=["input_ids", "attention_mask"], output_names=["states"],
                          dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes}, opset_version=18, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        import tokenizers
        self.tokenizer = tokenizers.Tokenizer.from_file(str(Path(args.model) / "tokenizer.json"))
        self.tokenizer.enable_truncation(args.length)
        self.tokenizer.enable_padding()

    def run(self, texts, batch):
        begin = time.perf_counter()
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        rows = [None] * len(texts)
        for at in range(0, len(order), batch):
            chosen = order[at:at + batch]
            coded = self.tokenizer.encode_batch([texts[i] for i in chosen])
            ids, mask = np.array([c.ids for c in coded]), np.array([c.attention_mask for c in coded])
            states = self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            mean = (states * mask[..., None]).sum(1) / mask.sum(1)[:, None]
            for i, row in zip(chosen, mean / np.linalg.norm(mean, axis=1)[:, None]):
                rows[i] = row
        return time.perf_counter() - begin, np.array(rows)


class SentenceTransformers:
    def __init__(self, args, folder):
        import torch
        import_transformers()
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(args.threads)
        self.model = SentenceTransformer(args.model, device="cpu", local_files_only=True)
        args.length = self.model.max_seq_length

    def run(self, texts, batch):
        begin = time.perf_counter()
        vectors = self.model.encode(texts, batch_size=batch, show_progress_bar=False)
        return time.perf_counter() - begin, vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vit")
    parser.add_argument("model")
    parser.add_argument("lines", type=Path)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    texts = args.lines.read_text(encoding="utf-8").split("\n")[:args.count]
    texts = [text for text in texts if text.strip()]
    with tempfile.TemporaryDirectory() as place:
        sides = {"sentence-transformers": SentenceTransformers(args, Path(place))}
        sides = {"libvit": Ours(args, Path(place)), "ONNX Runtime": OnnxRuntime(args, Path(place)), **sides}
        print("| batch | side | texts a second | libvit / it | largest difference |\n|---|---|---|---|---|")
        for batch in args.batch:
            for side in sides.values():
                side.run(texts[:2 * batch], batch)
            rounds = [{name: side.run(texts, batch) for name, side in sides.items()} for _ in range(args.rounds)]
            for name in sides:
                rate = len(texts) / statistics.median(done[name][0] for done in rounds)
                ratio = statistics.median(done["libvit"][0] / done[name][0] for done in rounds)
                apart = np.abs(rounds[0][name][1] - rounds[0]["libvit"][1]).max()
                print(f"| {batch} | {name} | {rate:.0f} | {ratio:.2f} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
