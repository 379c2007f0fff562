#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One other engine on one model: loads, warms up, measures, prints one JSON object. Called by compare.py.

    python3 peers.py ENGINE MODEL --batch N --threads N --seconds S      (MODEL: model.onnx, or a folder for torch)
    python3 peers.py export FOLDER OUT                                   (writes OUT/model.onnx and, for int8, its relatives)
"""
import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np


def pixels(batch, size):
    return np.random.default_rng(0).standard_normal((batch, 3, size, size)).astype(np.float32)


def import_transformers():
    """A torchvision without compiled operators (a CPU build beside another torch) wants them declared before its import."""
    import torch
    for name in ("nms", "qnms"):
        try:
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:  # it has them
            pass
    import transformers
    return transformers


# ---------------------------------------------------------------- engines: model, threads, batch -> run()

def onnxruntime(model, threads, batch, size):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name, x = session.get_inputs()[0].name, pixels(batch, size)
    return lambda: session.run(None, {name: x})


def openvino(model, threads, batch, size, precision):
    import openvino as ov
    core = ov.Core()
    net = core.read_model(str(model))
    net.reshape([batch, 3, size, size])
    compiled = core.compile_model(net, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                                               "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"})
    request, x = compiled.create_infer_request(), pixels(batch, size)
    return lambda: request.infer([x])


def torch_engine(folder, threads, batch, size, dtype):
    import torch
    transformers = import_transformers()
    torch.set_num_threads(threads)
    net = transformers.AutoModelForImageClassification.from_pretrained(
        str(folder), attn_implementation="sdpa", dtype=getattr(torch, dtype)).eval()
    x = torch.from_numpy(pixels(batch, size)).to(getattr(torch, dtype))

    def run():
        with torch.inference_mode():
            net(pixel_values=x)
    return run


# Name: (precision it stands beside, file it reads, how it starts).
ENGINES = {
    "onnxruntime-f32": ("f32", "model.onnx", onnxruntime),
    "onnxruntime-int8": ("int8", "model-dynamic.onnx", onnxruntime),
    "openvino-f32": ("f32", "model.onnx", lambda *a: openvino(*a, "f32")),
    "openvino-bf16": ("bf16", "model.onnx", lambda *a: openvino(*a, "bf16")),
    "openvino-int8": ("int8", "model-static.xml", lambda *a: openvino(*a, "bf16")),
    "torch-f32": ("f32", None, lambda *a: torch_engine(*a, "float32")),
    "torch-bf16": ("bf16", None, lambda *a: torch_engine(*a, "bfloat16")),
}


# ---------------------------------------------------------------- export

def export(folder, out):
    import torch
    transformers = import_transformers()
    net = transformers.AutoModelForImageClassification.from_pretrained(folder, attn_implementation="sdpa").eval()
    size = net.config.image_size

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, pixel_values):
            return self.net(pixel_values).logits

    torch.onnx.export(Logits(), (torch.zeros(1, 3, size, size),), str(out / "model.onnx"),
                      input_names=["pixel_values"], dynamic_axes={"pixel_values": {0: "batch"}}, opset_version=18,
                      dynamo=False)
    made = ["model.onnx"]
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(str(out / "model.onnx"), str(out / "model-dynamic.onnx"), per_channel=True,
                     weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])
    made.append("model-dynamic.onnx")
    try:
        import nncf
        import openvino as ov
        data = nncf.Dataset([pixels(1, size) for _ in range(8)])  # speed does not depend on what it is calibrated with
        quantised = nncf.quantize(ov.Core().read_model(str(out / "model.onnx")), data,
                                  model_type=nncf.ModelType.TRANSFORMER)
        ov.save_model(quantised, str(out / "model-static.xml"))
        made.append("model-static.xml")
    except ImportError:
        pass
    print(json.dumps({"made": made, "size": size}))


def peak_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def measure(engine, model, args):
    begin = time.perf_counter()
    run = ENGINES[engine][2](model, args.threads, args.batch, args.size)
    run()
    load = time.perf_counter() - begin
    for _ in range(2):
        run()
    times, end = [], time.perf_counter() + args.seconds
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1000 / args.batch)
    print(json.dumps({"ms_per_image": statistics.median(times), "load_ms": load * 1000, "peak_rss_mb": peak_mb()}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=[*ENGINES, "export"])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--size", type=int, default=224)
    args = parser.parse_args()
    if args.engine == "export":
        export(args.model, args.out)
    else:
        measure(args.engine, args.model, args)


if __name__ == "__main__":
    main()
