#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same checkpoint in libvit and in ONNX Runtime, alternating in one run, as a table of ratios.

    python3 compare.py VIT MODEL [--batch 1 8] [--threads 2] [--rounds 5] [--seconds 6]

VIT is the built command, MODEL a folder from make_vit.py. Needs torch, transformers, onnx and onnxruntime (a virtual
environment). Every round times both sides one after the other; the table holds medians over the rounds. Peak memory is
VmHWM of a process of its own.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# Runs in its own process, so that its memory is its own: argv = model.onnx, batch, threads, seconds.
PEER = r"""
import json, sys, time
import numpy as np, onnxruntime as ort
path, batch, threads, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
options = ort.SessionOptions()
options.intra_op_num_threads = threads
begin = time.perf_counter()
session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
load = time.perf_counter() - begin
name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
pixels = np.random.default_rng(0).standard_normal((batch, 3, shape[2], shape[3])).astype(np.float32)
for _ in range(2):
    session.run(None, {name: pixels})
times, end = [], time.perf_counter() + seconds
while not times or time.perf_counter() < end:
    begin = time.perf_counter()
    session.run(None, {name: pixels})
    times.append((time.perf_counter() - begin) * 1000 / batch)
peak = [int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")][0] / 1024
print(json.dumps({"ms_per_image": sorted(times)[len(times) // 2], "load_ms": load * 1000, "peak_rss_mb": peak,
                  "version": ort.__version__}))
"""


def export(model, folder):
    import torch
    import transformers
    net = transformers.AutoModelForImageClassification.from_pretrained(model, attn_implementation="sdpa").eval()
    size = net.config.image_size

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, pixel_values):
            return self.net(pixel_values).logits

    path = Path(folder) / "model.onnx"
    torch.onnx.export(Logits(), (torch.zeros(1, 3, size, size),), str(path), input_names=["pixel_values"],
                      dynamic_axes={"pixel_values": {0: "batch"}}, opset_version=18, dynamo=False)
    return path


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vit")
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    args = parser.parse_args()
    print("| batch | libvit ms | ONNX Runtime ms | ratio | libvit MB | ONNX Runtime MB | load ms, libvit / peer |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        onnx = export(args.model, folder)
        for batch in args.batch:
            ours, theirs = [], []
            for _ in range(args.rounds):
                ours.append(run([args.vit, "bench", "--json", "-m", args.model, "-t", str(args.threads), "--batch",
                                 str(batch), "--seconds", str(args.seconds)]))
                theirs.append(run([sys.executable, "-c", PEER, str(onnx), str(batch), str(args.threads),
                                   str(args.seconds)]))

            def middle(side, key):
                return statistics.median(r[key] for r in side)
            a, b = middle(ours, "ms_per_image"), middle(theirs, "ms_per_image")
            ratio = statistics.median(o["ms_per_image"] / t["ms_per_image"] for o, t in zip(ours, theirs))
            print(f"| {batch} | {a:.1f} | {b:.1f} | {ratio:.3f} | {middle(ours, 'peak_rss_mb'):.0f} | "
                  f"{middle(theirs, 'peak_rss_mb'):.0f} | {middle(ours, 'load_ms'):.0f} / "
                  f"{middle(theirs, 'load_ms'):.0f} |", flush=True)


if __name__ == "__main__":
    main()
