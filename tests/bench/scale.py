#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""CPU seconds a picture of the command, of the Python package and of engines; memory of several workers on one machine.

    python3 scale.py cpu VIT MODEL PICTURES [--counts 64 256] [--rounds 3] [--jobs command python ray spark daft]
    python3 scale.py memory VIT MODEL PICTURES [--workers 4]

VIT is the built command, MODEL a folder from make_vit.py, PICTURES a folder of pictures, which are taken again and
again. Needs the package libvit, and of the jobs the engines (what this Python lacks is left out, by name).

cpu: every job runs with both counts, all jobs in turn, in each round. CPU seconds are user + system of all processes of
a job, read from /proc while they run. What a picture costs is the difference of both runs by the difference of the
counts; start-up is the rest. The table holds medians over the rounds, and the median of each round's ratio to the
command.

memory: the workers are processes with one thread each, which have encoded a picture; sums are of proportional
set sizes.
"""

import argparse
import collections
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

MARK = "VIT_SCALE_JOB"
TICK = os.sysconf("SC_CLK_TCK")

# ------------------------------------------------------------------ CPU seconds of a job ----


def ticks_of(process):
    """(start, CPU ticks, name) of a process; None: it is gone."""
    try:
        with open("/proc/%s/stat" % process, encoding="utf-8", errors="replace") as file:
            text = file.read()
        name, fields = text.partition("(")[2].rpartition(")")[0], text.rpartition(")")[2].split()
        return fields[19], int(fields[11]) + int(fields[12]), name
    except (OSError, IndexError):
        return None


def is_marked(process, mark):
    try:
        with open("/proc/%s/environ" % process, "rb") as file:
            return mark in file.read()
    except OSError:
        return False


def cpu_seconds(command, environment):
    """Runs the command. CPU seconds of all processes that it started and that it left behind, until these are gone, by
    their names."""
    word = uuid.uuid4().hex
    mark, seen, ours = ("%s=%s" % (MARK, word)).encode(), {}, {}
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(command, env={**environment, MARK: word}, stdout=log, stderr=log)
        alive = True
        while alive:
            alive = child.poll() is None
            for process in filter(str.isdecimal, os.listdir("/proc")):
                now = ticks_of(process)
                if now is None:
                    continue
                key = process, now[0]
                if not seen.get(key):  # it may be between fork and exec
                    seen[key] = is_marked(process, mark)
                if seen[key]:
                    alive = alive or int(process) != child.pid
                    ours[key] = now[1:]
            time.sleep(0.05)
        if child.returncode != 0:
            log.seek(0)
            raise RuntimeError(log.read().decode(errors="replace")[-2000:])
    names = collections.Counter()
    for ticks, name in ours.values():
        names[name] += ticks / TICK
    return names


# ------------------------------------------------------------------ jobs ----


def python_job(model, folder, out):
    import libvit
    import numpy as np

    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    np.save(os.path.join(out, "vectors.npy"), libvit.Model(model, threads=1).embed(paths))


def ray_job(model, folder, out):
    import ray

    import libvit.ray

    ray.init(address="local", num_cpus=3, object_store_memory=200 << 20, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    ds = ray.data.read_binary_files(folder, include_paths=True, override_num_blocks=4)
    libvit.ray.embed(ds, model, actors=2, threads=1).write_parquet(out)
    ray.shutdown()


def spark_job(model, folder, out):
    from pyspark.sql import SparkSession

    import libvit.spark

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "64")
        .getOrCreate()
    )
    df = spark.read.format("binaryFile").load(folder)
    libvit.spark.embed(df, model, threads=1).write.mode("overwrite").parquet(out)
    spark.stop()


def daft_job(model, folder, out):
    import daft

    import libvit.daft

    df = daft.from_glob_path(folder + "/*").select("path")
    embedder = libvit.daft.Embedder(model, threads=1)
    df.with_column("v", embedder.embed(df["path"].download())).write_parquet(out)


JOBS = {
    "python": (python_job, "libvit"),
    "ray": (ray_job, "ray"),
    "spark": (spark_job, "pyspark"),
    "daft": (daft_job, "daft"),
}


def command_of(job, args, folder, out):
    if job == "command":
        return [args.vit, "embed", "-m", args.model, "-t", "1", "-q", "-o", os.path.join(out, "vectors.npy"), folder]
    return [sys.executable, os.path.abspath(__file__), "job", job, args.model, folder, out]


def run_job(args):
    JOBS[args.name][0](args.model, args.folder, args.out)


# ------------------------------------------------------------------ cpu ----


def fill(folder, pictures, count):
    names = sorted(name for name in os.listdir(pictures) if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp")))
    os.mkdir(folder)
    for i in range(count):
        name = names[i % len(names)]
        shutil.copy(os.path.join(pictures, name), os.path.join(folder, "%06d_%s" % (i, name)))


def measure(job, args, room):
    """(CPU seconds a picture, CPU seconds of the start). Says which processes these are of, the most costly first."""
    names = []
    for count in args.counts:
        with tempfile.TemporaryDirectory(dir=room) as out:
            names.append(
                cpu_seconds(
                    command_of(job, args, os.path.join(room, str(count)), out),
                    {**os.environ, "PYSPARK_PYTHON": sys.executable, "RAY_USAGE_STATS_ENABLED": "0"},
                )
            )
    spent, pictures = [sum(one.values()) for one in names], args.counts[1] - args.counts[0]
    each = (spent[1] - spent[0]) / pictures
    for name, seconds in names[1].most_common(8):
        more = (seconds - names[0][name]) / pictures
        print("  %-16s %.2f, %.4f a picture" % (name, names[0][name], more), file=sys.stderr)
    print("%s: %s CPU seconds" % (job, " and ".join("%.2f" % value for value in spent)), file=sys.stderr, flush=True)
    return each, spent[0] - each * args.counts[0]


def run_cpu(args):
    jobs = [job for job in args.jobs if job == "command" or importlib.util.find_spec(JOBS[job][1])]
    for job in sorted(set(args.jobs) - set(jobs)):
        print("%s: left out, this Python does not have it" % job, file=sys.stderr)
    results = {job: [] for job in jobs}
    with tempfile.TemporaryDirectory() as room:
        for count in args.counts:
            fill(os.path.join(room, str(count)), args.pictures, count)
        for _ in range(args.rounds):
            for job in jobs:
                results[job].append(measure(job, args, room))
    print("| job | CPU seconds a picture | of the command's | CPU seconds of the start |")
    print("|---|---|---|---|")
    for job in jobs:
        each, first = (statistics.median(values) for values in zip(*results[job]))
        ratio = statistics.median(ours[0] / base[0] for ours, base in zip(results[job], results["command"]))
        print("| %s | %.4f | %.2f | %.1f |" % (job, each, ratio, first), flush=True)


# ------------------------------------------------------------------ memory ----

WORKER = """
import sys, libvit
model = libvit.Model(sys.argv[1], threads=1, batch=1)
model.embed(sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
"""


def memory_of(process):
    """Proportional and private bytes."""
    sizes = {}
    with open("/proc/%d/smaps_rollup" % process, encoding="utf-8") as file:
        for line in file.readlines()[1:]:
            name, size = line.split()[:2]
            sizes[name] = int(size) * 1024
    return sizes["Pss:"], sizes["Private_Clean:"] + sizes["Private_Dirty:"]


def measure_memory(name, picture, workers):
    started = []
    try:
        for _ in range(workers):
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, name, picture],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for worker in started:
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError("a worker failed")
        sizes = [memory_of(worker.pid) for worker in started]
    finally:
        for worker in started:
            worker.communicate()
    return sum(pss for pss, _ in sizes) / 1e6, statistics.median(private for _, private in sizes) / 1e6


def run_memory(args):
    picture = os.path.join(
        args.pictures, sorted(name for name in os.listdir(args.pictures) if name.lower().endswith("g"))[0]
    )
    print("| weights | %d workers together, MB | private of each, MB |" % args.workers)
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as room:
        names = {"checkpoint folder": args.model}
        for precision in ("f32", "int8"):
            path = os.path.join(room, precision + ".safetensors")
            subprocess.run(
                [args.vit, "quantize", "-m", args.model, "--precision", precision, "-q", "-o", path], check=True
            )
            names["packed " + precision] = path
        for title, name in names.items():
            print("| %s | %.0f | %.0f |" % (title, *measure_memory(name, picture, args.workers)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(required=True)
    job = kinds.add_parser("job")
    for name in ("name", "model", "folder", "out"):
        job.add_argument(name)
    job.set_defaults(run=run_job)
    for name, run in (("cpu", run_cpu), ("memory", run_memory)):
        kind = kinds.add_parser(name)
        for word in ("vit", "model", "pictures"):
            kind.add_argument(word, type=os.path.abspath)
        kind.set_defaults(run=run)
        if run is run_cpu:
            kind.add_argument("--counts", type=int, nargs=2, default=[64, 256])
            kind.add_argument("--rounds", type=int, default=3)
            kind.add_argument("--jobs", nargs="+", choices=["command", *JOBS], default=["command", *JOBS])
        else:
            kind.add_argument("--workers", type=int, default=4)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
