#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Python package beside the command and beside other packages: pictures in files to vectors, all in one run.

    python3 python.py VIT FOLDER [--pictures 64] [--threads 2] [--rounds 5] [--sides NAME ...] [--within COMMAND]

VIT is the built command. FOLDER is made if it is not there: a CLIP ViT-B/32 of random weights, the same one as ONNX,
and JPEGs of 1024 x 768 pixels; that needs torch, transformers, onnx and Pillow. The Python that runs this has libvit
installed, and whichever of transformers, sentence-transformers and fastembed are to be compared (what is missing is
left out, by name). Rounds alternate. The table holds medians: CPU seconds (user and system) a picture, with those of a
run of no more than one picture taken off, so that start-up does not count; pictures a second, likewise; seconds from a
cold process to the first vector; peak memory; the median of each round's ratio of CPU seconds to the command's. Last
comes the lowest cosine of a side's vector to the command's: all sides do the same work. COMMAND, if there is one, runs
each round: one that keeps the machine quiet meanwhile."""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

SIZE = (1024, 768)
PREPROCESSING = {
    "image_processor_type": "CLIPImageProcessor",
    "processor_class": "CLIPProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}

# Each side reads a list of files and makes `vectors`, one of each: MODEL, THREADS and FILES are set, in batches of 8.
SIDES = {
    "libvit": """
import libvit
vectors = libvit.Model(MODEL, threads=THREADS, batch=8).embed(FILES)
""",
    "transformers": """
import torch
torch.set_num_threads(THREADS)
from PIL import Image
from transformers import AutoImageProcessor, CLIPVisionModelWithProjection
processor = AutoImageProcessor.from_pretrained(MODEL)
model = CLIPVisionModelWithProjection.from_pretrained(MODEL).eval()
vectors = []
with torch.inference_mode():
    for i in range(0, len(FILES), 8):
        pictures = [Image.open(name).convert("RGB") for name in FILES[i:i + 8]]
        vectors += list(model(**processor(images=pictures, return_tensors="pt")).image_embeds.numpy())
""",
    "sentence-transformers": """
import torch
torch.set_num_threads(THREADS)
from PIL import Image
from sentence_transformers import SentenceTransformer, models
model = SentenceTransformer(modules=[models.CLIPModel(MODEL)], device="cpu")
vectors = []
for i in range(0, len(FILES), 8):
    vectors += list(model.encode([Image.open(name).convert("RGB") for name in FILES[i:i + 8]], batch_size=8))
""",
    "fastembed": """
from fastembed import ImageEmbedding
model = ImageEmbedding("Qdrant/clip-ViT-B-32-vision", specific_model_path=MODEL, threads=THREADS)
vectors = list(model.embed(FILES, batch_size=8))
""",
}
PROGRAM = """
import sys
MODEL, THREADS, OUTPUT, FILES = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
%s
import numpy
numpy.save(OUTPUT, vectors)
"""


def make(folder):
    """The checkpoint, random, and the pictures."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    import numpy
    import torch
    from PIL import Image
    from small_clip import add_tokenizer
    from transformers import CLIPConfig, CLIPModel, CLIPVisionModelWithProjection

    folder.mkdir(parents=True)
    torch.manual_seed(0)
    CLIPModel(CLIPConfig()).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSING), encoding="utf-8")
    add_tokenizer(str(folder))
    vision = CLIPVisionModelWithProjection.from_pretrained(folder).eval()

    class Vectors(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vision = vision

        def forward(self, pixel_values):
            return self.vision(pixel_values=pixel_values).image_embeds

    torch.onnx.export(
        Vectors(),
        (torch.zeros(2, 3, 224, 224),),
        folder / "model.onnx",
        input_names=["pixel_values"],
        output_names=["image_embeds"],
        dynamic_axes={"pixel_values": {0: "n"}, "image_embeds": {0: "n"}},
        dynamo=False,
    )
    random = numpy.random.default_rng(0)
    for i in range(256):
        small = Image.fromarray(random.integers(0, 256, (24, 32, 3), numpy.uint8))
        small.resize(SIZE, Image.Resampling.BICUBIC).save(folder / ("%03d.jpg" % i), quality=90)


def run(command, threads):
    """(seconds, CPU seconds of the process and those that it waited for, bytes of memory at the peak)"""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said.decode(errors="replace").strip().splitlines()[-1])
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def command_of(side, args, files, output):
    if side == "vit":
        return [args.vit, "embed", "-q", "-m", args.folder, "-t", args.threads, "--batch", 8, "-o", output, *files]
    return [sys.executable, "-c", PROGRAM % SIDES[side], args.folder, args.threads, output, *files]


def measure(side, args, files, folder):
    """A side's numbers of one round; its vectors stay in the folder."""
    output = pathlib.Path(folder) / (side + ".npy")
    first, first_cpu, _ = run(command_of(side, args, files[:1], output), args.threads)
    output.unlink()
    whole, cpu, memory = run(command_of(side, args, files, output), args.threads)
    n = len(files) - 1
    return {"cpu": (cpu - first_cpu) / n, "rate": n / (whole - first), "first": first, "memory": memory / 1e6}


def lowest_cosine(one, other):
    import numpy

    a, b = numpy.load(one).astype(numpy.float64), numpy.load(other).astype(numpy.float64)
    return float(((a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)).min())


def measure_round(args, files):
    """The numbers of all sides; what cannot run is left out, by name."""
    numbers = {}
    with tempfile.TemporaryDirectory() as folder:
        for side in ("vit", *args.sides):
            try:
                numbers[side] = measure(side, args, files, folder)
                numbers[side]["cosine"] = lowest_cosine("%s/vit.npy" % folder, "%s/%s.npy" % (folder, side))
            except RuntimeError as error:
                print("left out: %s: %s" % (side, error), file=sys.stderr)
    return numbers


def measure_within(args):
    """measure_round, in a process that args.within runs."""
    command = [
        *shlex.split(args.within),
        sys.executable,
        os.path.abspath(__file__),
        args.vit,
        args.folder,
        "--json",
        "--sides",
    ]
    command += [*args.sides, "--pictures", args.pictures, "--threads", args.threads]
    return json.loads(subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=True).stdout)


def print_table(rounds, heading):
    heads = (
        "CPU seconds a picture",
        "pictures a second",
        "first vector, s",
        "peak memory, MB",
        "CPU, of vit's",
        "lowest cosine",
    )
    print("| %s | %s |" % (heading, " | ".join(heads)))
    print("|---" * (len(heads) + 1) + "|")
    for side in rounds[0]:
        ours = [numbers[side] for numbers in rounds]
        cpu, rate, first, memory = (
            statistics.median(one[key] for one in ours) for key in ("cpu", "rate", "first", "memory")
        )
        ratio = statistics.median(one["cpu"] / numbers["vit"]["cpu"] for one, numbers in zip(ours, rounds))
        cosine = min(one["cosine"] for one in ours)
        print("| %s | %.4f | %.1f | %.2f | %.0f | %.2f | %.6f |" % (side, cpu, rate, first, memory, ratio, cosine))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vit", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--within", default="")
    parser.add_argument("--json", action="store_true", help="one round, as JSON")
    args = parser.parse_args()
    if not args.folder.exists():
        make(args.folder)
    files = sorted(args.folder.glob("*.jpg"))[: args.pictures]
    if args.json:
        return print(json.dumps(measure_round(args, files)))
    rounds = [measure_within(args) if args.within else measure_round(args, files) for _ in range(args.rounds)]
    print_table(rounds, "%d JPEGs, %d threads" % (len(files), args.threads))
    return None


if __name__ == "__main__":
    main()
