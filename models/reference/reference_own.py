# SPDX-License-Identifier: BSD-2-Clause
"""The project's own format (docs/own-format.md) as plain PyTorch: the executable form of that page."""
import json
import math

import torch
from safetensors import safe_open
from torch.nn import functional as F

import reference_transformers

WEIGHTS = "model.safetensors"
DEFAULTS = {"channels": 3, "activation": "gelu", "order": "pre_norm", "norm_eps": 1e-6, "qkv_bias": True, "layer_scale": False,
            "class_token": True, "registers": 0, "position": "learned", "classes": 0, "multi_label": False, "latent": 0}
NEEDED = ("model_type", "architecture_version", "image_size", "patch_size", "width", "depth", "heads", "mlp_width")
DEPENDENT = ("final_norm", "pooling")
ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
               "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "silu": F.silu}


def complete(config):
    """The configuration with every key that may be left out filled in; unknown keys are an error."""
    unknown = set(config) - set(NEEDED) - set(DEFAULTS) - set(DEPENDENT)
    missing = set(NEEDED) - set(config)
    if unknown or missing:
        raise ValueError(f"unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    full = {**DEFAULTS, **config}
    full.setdefault("final_norm", full["order"] == "pre_norm")
    full.setdefault("pooling", "class" if full["class_token"] else "mean")
    return full


def sincos(tokens, width):
    position = torch.arange(tokens, dtype=torch.float64)[:, None]
    pair = torch.arange(width) // 2
    angle = position / 10000 ** (2 * pair.double() / width)
    return torch.where(torch.arange(width) % 2 == 0, angle.sin(), angle.cos())


class Encoder:
    def __init__(self, config, tensors):
        self.config, self.tensors = complete(config), tensors

    def linear(self, name, x):
        return F.linear(x, self.tensors[name + ".weight"], self.tensors.get(name + ".bias"))

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.tensors[name + ".weight"], self.tensors[name + ".bias"],
                            self.config["norm_eps"])

    def embed(self, pixels):
        c, w = self.config, self.tensors
        patches = F.conv2d(pixels, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=tuple(c["patch_size"]))
        patches = patches.flatten(2).transpose(1, 2)
        if c["position"] == "learned_patches":
            patches = patches + w["pos_embed"]
        prefix = [w[name].expand(len(patches), -1, -1) for name in ("cls_token", "reg_token") if name in w]
        x = torch.cat([*prefix, patches], 1)
        if c["position"] == "learned":
            x = x + w["pos_embed"]
        if c["position"] == "sincos":
            x = x + sincos(*x.shape[1:]).float().to(x.dtype)
        return x

    def attention(self, name, x):
        batch, tokens, width = x.shape
        q, k, v = self.linear(name + ".qkv", x).view(batch, tokens, 3, self.config["heads"], -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.linear(name + ".proj", (weights @ v).transpose(1, 2).reshape(batch, tokens, width))

    def mlp(self, name, x):
        return self.linear(name + ".fc2", ACTIVATIONS[self.config["activation"]](self.linear(name + ".fc1", x)))

    def block(self, i, x):
        name = f"blocks.{i}."
        scale1, scale2 = (self.tensors.get(f"{name}ls{j}.gamma", 1.0) for j in (1, 2))
        if self.config["order"] == "pre_norm":
            x = x + scale1 * self.attention(name + "attn", self.norm(name + "norm1", x))
            return x + scale2 * self.mlp(name + "mlp", self.norm(name + "norm2", x))
        x = self.norm(name + "norm1", x + scale1 * self.attention(name + "attn", x))
        return self.norm(name + "norm2", x + scale2 * self.mlp(name + "mlp", x))

    def __call__(self, pixels):
        """Every output, by its name in expected.safetensors."""
        c, out = self.config, {}
        x = out["hidden_states.0"] = self.embed(pixels)
        for i in range(c["depth"]):
            x = out[f"hidden_states.{i + 1}"] = self.block(i, x)
        x = out["last_hidden_state"] = self.norm("norm", x) if c["final_norm"] else x
        prefix = int(c["class_token"]) + c["registers"]
        pooled = out["pooled"] = x[:, 0] if c["pooling"] == "class" else x[:, prefix:].mean(1)
        if c["classes"]:
            out["logits"] = self.linear("head", pooled)
        if c["latent"]:
            out["z_mean"] = self.linear("latent_mean", pooled)
            out["z_log_var"] = self.linear("latent_log_var", pooled)
        return out


def mix(z):
    """The finaliser of SplitMix64."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def normal(seed, image, component, size):
    """eps of --sample SEED."""
    golden = 0x9E3779B97F4A7C15
    key, k = mix((seed + golden) % 2**64), 2 * (image * size + component)
    first, second = (mix((key + (k + i) * golden) % 2**64) >> 11 for i in (1, 2))
    return math.sqrt(-2 * math.log((first + 1) * 2.0**-53)) * math.cos(2 * math.pi * second * 2.0**-53)


def sample(mean, log_var, seed):
    """z of --sample SEED for a run over these images, [images, L] in f32."""
    rows, size = mean.shape
    eps = torch.tensor([[normal(seed, n, i, size) for i in range(size)] for n in range(rows)], dtype=torch.float64)
    return (mean.double() + (log_var.double() / 2).exp() * eps).float()


# ------------------------------------------------------------------ what make_expected.py calls

def recognises(folder):
    if (folder / "config.json").exists() or not (folder / WEIGHTS).exists():
        return False
    with safe_open(folder / WEIGHTS, "pt") as file:
        return (file.metadata() or {}).get("format") == "vit"


def load(folder, dtype=torch.float64, attention="eager", call=None):
    del attention                                  # there is one way here
    with safe_open(folder / WEIGHTS, "pt") as file:
        tensors = {name: file.get_tensor(name).float().to(dtype) for name in file.keys()}
        return Encoder(json.loads(file.metadata()["config"]), tensors)


def preprocess(folder, image, call=None):
    with safe_open(folder / WEIGHTS, "pt") as file:
        rules = json.loads(file.metadata()["preprocess"])
    return reference_transformers.preprocess_by(rules, image)


def run(model, pixels, input_ids=None, call=None):
    return model(pixels)
