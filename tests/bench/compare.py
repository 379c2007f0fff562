#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same checkpoint in libvit and in other engines, alternating in one run, as a table of ratios.

    python3 compare.py VIT MODEL [--batch 1 8] [--threads 2] [--rounds 5] [--seconds 6] [--least] [--engines NAME ...]

VIT is the built command, MODEL a folder from make_vit.py or make_swin.py. Needs torch, transformers, onnx, onnxruntime, openvino and, for
OpenVINO's int8, nncf (a virtual environment; what is missing is left out, by name). Every round times all sides one after
the other; the table holds medians over the rounds, and the median of each round's ratio of libvit to the engine of the
same precision. With --least the milliseconds are the least of all rounds, and the ratio is of these: for a machine that
others use too. Above the table stand the processor and what it has, and in its rows what multiplies in libvit. Each side
runs on the first THREADS processors of the affinity mask and on no others. Peak memory is VmHWM of a process of its own.
Load is to the first result for the engines, to the session for libvit.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from peers import ENGINES

PEERS = Path(__file__).with_name("peers.py")


# Words of /proc/cpuinfo that decide which loops are taken, on x86-64 and on 64-bit ARM.
FEATURES = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "bf16")


def processor():
    """The name of the processor, and which of FEATURES it has: ("AMD EPYC", "avx2 avx512f")"""
    lines = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in lines}
    words = facts.get("flags", facts.get("Features", "")).split()
    return facts.get("model name", facts.get("CPU part", "unknown")), " ".join(f for f in FEATURES if f in words)


def pin(threads):
    """From now on this process and those that it starts use the first processors alone, one for each thread."""
    there = sorted(os.sched_getaffinity(0))
    if len(there) < threads:
        sys.exit(f"--threads {threads}: {len(there)} processors may be used")
    os.sched_setaffinity(0, there[:threads])
    return there[:threads]


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it failed")
    return json.loads(done.stdout.strip().splitlines()[-1])


def multiplier(args, precision):
    told = subprocess.run([args.vit, "info", "--json", "-m", args.model, "--precision", precision], capture_output=True, check=True)
    return json.loads(told.stdout)["multiplier"]


def ours(args, precision, batch):
    return run([args.vit, "bench", "--json", "-m", args.model, "--precision", precision, "-t", args.threads, "--batch",
                batch, "--seconds", args.seconds])


def theirs(args, engine, batch, files, size):
    name = ENGINES[engine][1]
    return run([sys.executable, PEERS, engine, files / name if name else args.model, "--batch", batch, "--threads",
                args.threads, "--seconds", args.seconds, "--size", size])


def compare(args, batch, files, exported):
    usable = [e for e in args.engines if ENGINES[e][1] is None or ENGINES[e][1] in exported["made"]]
    for engine in sorted(set(args.engines) - set(usable)):
        print(f"{engine}: left out, its model could not be made", file=sys.stderr)
    precisions = sorted({ENGINES[e][0] for e in usable}, key=["f32", "bf16", "int8"].index)
    results = {name: [] for name in [*precisions, *usable]}
    for _ in range(args.rounds):
        for precision in precisions:
            results[precision].append(ours(args, precision, batch))
            for engine in [e for e in usable if ENGINES[e][0] == precision]:
                try:
                    results[engine].append(theirs(args, engine, batch, files, exported["size"]))
                except RuntimeError as error:
                    print(f"{engine}: {error}", file=sys.stderr)

    def middle(name, key):
        return (min if args.least and key == "ms_per_image" else statistics.median)(r[key] for r in results[name])
    for precision in precisions:
        name = f"libvit {precision} ({multiplier(args, precision)})"
        print(f"| {name} | {batch} | {middle(precision, 'ms_per_image'):.1f} | | "
              f"{middle(precision, 'peak_rss_mb'):.0f} | {middle(precision, 'load_ms') / 1000:.2f} |")
        for engine in [e for e in usable if ENGINES[e][0] == precision and len(results[e]) == args.rounds]:
            ratio = statistics.median(o["ms_per_image"] / t["ms_per_image"]
                                      for o, t in zip(results[precision], results[engine]))
            if args.least:
                ratio = middle(precision, "ms_per_image") / middle(engine, "ms_per_image")
            print(f"| {engine} | {batch} | {middle(engine, 'ms_per_image'):.1f} | {ratio:.3f} | "
                  f"{middle(engine, 'peak_rss_mb'):.0f} | {middle(engine, 'load_ms') / 1000:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vit")
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--least", action="store_true")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    args = parser.parse_args()
    name, features = processor()
    print(f"{name}: {features}\nprocessors {', '.join(map(str, pin(args.threads)))}; {args.threads} threads; {args.rounds} rounds of "
          f"{args.seconds:g} s, all sides in turn\n")
    with tempfile.TemporaryDirectory() as folder:
        exported = run([sys.executable, PEERS, "export", args.model, folder])
        print("| engine | batch | ms per image | libvit / engine | peak MB | load s |")
        print("|---|---|---|---|---|---|")
        for batch in args.batch:
            compare(args, batch, Path(folder), exported)


if __name__ == "__main__":
    main()
