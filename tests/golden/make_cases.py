#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes golden cases of tests/data/golden: small random checkpoints with what their libraries compute.

    make_cases.py OUT [-k TEXT]     write all cases, or those whose name contains TEXT

A case is a checkpoint folder in the layout its library publishes, image.png, expected.safetensors (models/reference writes
it) and case.json, which says how the numbers were made and how far the reference itself moves in float32. The cases
themselves are in cases.py. Needs the packages of models/reference/requirements.txt.
"""
import argparse
import json
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "reference"))

import make_expected as reference  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

import cases  # noqa: E402
import reference_own  # noqa: E402

TOLERANCES = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 1e-3)
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
SEED_OF_SAMPLE = 7


# ------------------------------------------------------------------ pictures and weights

def picture(width, height, seed):
    """Gradients, stripes, a disc and noise: every frequency, no symmetry."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / width, y / height
    rgb = np.stack([255 * u, 255 * v, 128 + 100 * np.sin(0.7 * x + 0.4 * y)], -1)
    rgb[np.hypot(u - rng.uniform(0.3, 0.7), v - rng.uniform(0.3, 0.7)) < 0.25] = rng.uniform(0, 255, 3)
    return Image.fromarray(np.clip(rgb + rng.normal(0, 10, rgb.shape), 0, 255).astype(np.uint8))


# What writes into the residual stream is small, so that the variance that norms see is near their epsilon: a wrong
# epsilon then shows.
RESIDUAL = 0.03
WRITES_RESIDUAL = re.compile(
    r"(\bproj|o_proj|out_proj|projection_layer|output\.dense|fc2|down_proj|c_proj|patch_embedding|patch_embed|"
    r"patch_embeddings(\.projection)?|conv1|norm_pre|pre_layrnorm|ln_pre|position_embedding|token_embedding|"
    r"embeddings\.rms_norm|patch_embed\.proj|patch_embed\.norm)\.(weight|bias)$|"
    r"(cls_token|reg_token|mask_token|distillation_token|register_tokens|pos_embed|position_embeddings|class_embedding|"
    r"positional_embedding)$")
# name pattern: mean, standard deviation; the first that matches holds. None: by the fan-in.
SPREADS = (
    (r"(^|\.)[a-z_]*(norm|ln)[a-z_0-9]*\.weight$", 1.0, 0.2),
    (r"(^|\.)[a-z_]*(norm|ln)[a-z_0-9]*\.bias$", 0.0, 0.2),
    (r"(attn|attention\.self)\.logit_scale$", 3.0, 2.0),  # of SwinV2's heads, cut at ln(100)
    (r"logit_scale$", 1.5, 0.1),
    (r"logit_bias$", -1.0, 0.1),
    (r"(lambda_?[12]|gamma(_[12])?)$", 0.5, 0.2),
    (r"relative_position_bias_table$", 0.0, 1.0),
    (r"lambda_[qk][12]$", 0.0, 0.2),
    (r"rope\.freqs$", 0.0, 0.5),
    (r"bias$", 0.0, 0.3),
    (r"(token|tokens|pos_embed|position_embeddings|class_embedding|positional_embedding|probe|latent|"
     r"(position|token)_embedding\.weight)$", 0.0, 0.5),
)


def random_tensor(name, shape, generator):
    mean, spread = next(((m, s) for pattern, m, s in SPREADS if re.search(pattern, name)), (0.0, None))
    if spread is None:
        fan_in = shape[0] if re.search(r"(^|\.)(proj|text_projection)$", name) else int(np.prod(shape[1:]))
        spread = fan_in ** -0.5
    scale = RESIDUAL if WRITES_RESIDUAL.search(name) else 1.0
    return (torch.randn(shape, generator=generator) * spread + mean) * scale


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        parameter.copy_(random_tensor(name, parameter.shape, generator))


# ------------------------------------------------------------------ writing checkpoints

def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_transformers(case, folder):
    import transformers
    config = getattr(transformers, case["config"][0])(**case["config"][1])
    model = getattr(transformers, case["class"])(config).eval()
    randomise(model, case["seed"])
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    for key in ("dtype", "transformers_version"):  # of the writer, not of the model
        config.pop(key, None)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_json(folder / "config.json", config)
    write_json(folder / "preprocessor_config.json", case["preprocessor"])


def convert(case, folder):
    """Into the layout of the authors' own code, for families that transformers took in later. It is not read by the
    library any more, so this comes last."""
    tensors, config = load_file(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
    config, tensors = case["convert"](config, tensors)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})
    write_json(folder / "config.json", config)


def write_timm(case, folder):
    import timm
    from timm.models._hub import save_for_hf
    model = timm.create_model(case["class"], pretrained=False, **case["args"]).eval()
    randomise(model, case["seed"])
    save_for_hf(model, folder, safe_serialization=True, data_config={"input_size": (3, *case.get("input_size", case["args"]["img_size"]))})


def write_open_clip(case, folder):
    from open_clip.model import CLIP, CustomTextCLIP
    config = dict(case["model_cfg"])
    model = (CustomTextCLIP if config.pop("custom_text", False) else CLIP)(**config).eval()
    randomise(model, case["seed"])
    save_file({name: tensor.to(DTYPES[case.get("dtype", "f32")]).contiguous() for name, tensor in model.state_dict().items()},
              folder / "open_clip_model.safetensors")
    write_json(folder / "open_clip_config.json", {"model_cfg": case["model_cfg"], "preprocess_cfg": case["preprocess_cfg"]})


def write_own(case, folder):
    config = {"model_type": "vit", "architecture_version": 1, **case["config"]}
    generator = torch.Generator().manual_seed(case["seed"])
    tensors = {name: random_tensor(name, shape, generator).to(DTYPES[case.get("dtype", "f32")])
               for name, shape in own_shapes(reference_own.complete(config)).items()}
    metadata = {"format": "vit", "config": json.dumps(config), "preprocess": json.dumps(case["preprocessor"])}
    if "labels" in case:
        metadata["labels"] = json.dumps(case["labels"])
    save_file(tensors, folder / "model.safetensors", metadata=metadata)


def own_shapes(c):
    """Name and shape of every tensor, as docs/own-format.md lists them."""
    width, mlp, prefix = c["width"], c["mlp_width"], int(c["class_token"]) + c["registers"]
    patches = (c["image_size"][0] // c["patch_size"][0]) * (c["image_size"][1] // c["patch_size"][1])
    shapes = {}

    def pair(name, *shape):
        shapes[name + ".weight"], shapes[name + ".bias"] = shape, shape[:1]

    pair("patch_embed.proj", width, c["channels"], *c["patch_size"])
    shapes["cls_token"] = (1, 1, width) if c["class_token"] else None
    shapes["reg_token"] = (1, c["registers"], width) if c["registers"] else None
    shapes["pos_embed"] = {"learned": (1, prefix + patches, width), "learned_patches": (1, patches, width)}.get(c["position"])
    for i in range(c["depth"]):
        for name, *shape in (("norm1", width), ("attn.qkv", 3 * width, width), ("attn.proj", width, width), ("norm2", width),
                             ("mlp.fc1", mlp, width), ("mlp.fc2", width, mlp)):
            pair(f"blocks.{i}.{name}", *shape)
        if not c["qkv_bias"]:
            shapes[f"blocks.{i}.attn.qkv.bias"] = None
        for j in (1, 2):
            shapes[f"blocks.{i}.ls{j}.gamma"] = (width,) if c["layer_scale"] else None
    if c["final_norm"]:
        pair("norm", width)
    for name, rows in (("head", c["classes"]), ("latent_mean", c["latent"]), ("latent_log_var", c["latent"])):
        if rows:
            pair(name, rows, width)
    return {name: shape for name, shape in shapes.items() if shape}


def check_own(folder, pixels):
    """The post-norm ReLU encoder once more, with the blocks of torch.nn."""
    model = reference_own.load(folder)
    c, w = model.config, model.tensors
    if (c["order"], c["activation"], c["layer_scale"]) != ("post_norm", "relu", False):
        return
    layer = torch.nn.TransformerEncoderLayer(c["width"], c["heads"], c["mlp_width"], 0.0, "relu", c["norm_eps"],
                                             batch_first=True, norm_first=False, dtype=torch.float64).eval()
    x = model.embed(pixels)
    names = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1.": "mlp.fc1.",
             "linear2.": "mlp.fc2.", "norm1.": "norm1.", "norm2.": "norm2."}
    for i in range(c["depth"]):
        layer.load_state_dict({theirs + kind: w[f"blocks.{i}.{ours}{kind}"] for theirs, ours in names.items()
                               for kind in ("weight", "bias")})
        x = layer(x)
    error = reference.deviation(x, model(pixels)[f"hidden_states.{c['depth']}"])
    assert error < 1e-12, f"{folder.name}: torch.nn differs by {error:.1e}"


WRITERS = {"transformers": write_transformers, "timm": write_timm, "open_clip": write_open_clip, "own": write_own}


# ------------------------------------------------------------------ the flow

def expected_of(case, folder, image):
    """The tensors to keep, and the two deviations of float32 that set the tolerance."""
    ids = torch.tensor(case["input_ids"]) if "input_ids" in case else None
    call = case.get("call")
    exact = reference.expected(folder, image, ids, call)
    single = reference.expected(folder, image, ids, call, torch.float32)
    eager = reference.expected(folder, image, ids, call, torch.float32, "eager")
    outputs = [name for name in exact if not name.startswith("pixel_values") and name != "input_ids"]
    measured = {"f32_eager_vs_f32_sdpa": max(reference.deviation(eager[n], single[n]) for n in outputs),
                "f32_sdpa_vs_f64": max(reference.deviation(single[n], exact[n]) for n in outputs)}
    if "z_mean" in exact:
        exact[f"z_sample.{SEED_OF_SAMPLE}"] = reference_own.sample(exact["z_mean"], exact["z_log_var"], SEED_OF_SAMPLE)
    for name in outputs:
        spread = float(exact[name].std()) if exact[name].numel() > 1 else 1.0
        assert spread > 1e-4, f"{case['name']}: {name} is nearly constant"
    return exact, measured


def generate(case, out):
    folder = out / case["name"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(case["seed"])
    WRITERS[case["library"]](case, folder)
    image = picture(*case.get("size", (67, 45)), case["seed"])
    image.save(folder / "image.png")
    tensors, measured = expected_of(case, folder, image)
    if case["library"] == "own":
        check_own(folder, tensors["pixel_values"].double())
    save_file(tensors, folder / "expected.safetensors")
    if "convert" in case:
        convert(case, folder)
    worst = max(measured.values())
    tolerance = next(t for t in TOLERANCES if t >= 10 * worst)
    write_json(folder / "case.json", {
        "name": case["name"], "library": case["library"], "class": case.get("class", "own"), "special": case["special"],
        "call": case.get("call", {}),
        "images": [{"image": "image.png", "expected": "expected.safetensors", "size": list(image.size),
                    "pixel_values": list(tensors["pixel_values"].shape)}],
        "stored_dtype": case.get("dtype", "f32"),
        "outputs": {name: list(tensor.shape) for name, tensor in tensors.items()},
        "evaluation": "float64 from the stored pixel_values, rounded to float32",
        "measured": {name: float(f"{value:.2e}") for name, value in measured.items()},
        "tolerance": {"metric": "max|got-want| / max|want|, per tensor", "f32": tolerance,
                      "reason": "the first step that is at least 10 times the larger of the two measured deviations",
                      "pixel_values": 2e-6},
    })
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{case['name']:34s} {size / 1024:5.0f} KiB  eager/sdpa {measured['f32_eager_vs_f32_sdpa']:.1e}"
          f"  f32/f64 {measured['f32_sdpa_vs_f64']:.1e}  tolerance {tolerance:.0e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("-k", default="", help="only the cases whose name contains this")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for case in cases.ALL:
        if args.k in case["name"]:
            generate(case, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
