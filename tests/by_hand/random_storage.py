# SPDX-License-Identifier: BSD-2-Clause
"""The ways in which one model lies on disk: what random_models.py does to a folder before and after its library reads it."""
import json

import torch
from safetensors.torch import load_file, save_file

DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}
# Keys that old versions of transformers wrote and that say nothing about the model.
OLD_KEYS = {"_name_or_path": "./somewhere", "torch_dtype": "float32", "transformers_version": "4.21.0.dev0",
            "output_attentions": False, "output_hidden_states": False, "use_bfloat16": False, "pruned_heads": {},
            "tie_word_embeddings": True, "return_dict": True, "finetuning_task": None, "problem_type": None,
            "is_decoder": False, "chunk_size_feed_forward": 0, "torchscript": False}


def weights_of(folder):
    name = "open_clip_model.safetensors"
    return folder / name if (folder / name).exists() else folder / "model.safetensors"


def change_type(draw, folder):
    """Another type of number, which the library then reads as well."""
    name = draw.random.choice(list(DTYPES))
    path = weights_of(folder)
    tensors = load_file(path)
    if not all(tensor.is_floating_point() for tensor in tensors.values()):
        return ""
    save_file({key: tensor.to(DTYPES[name]).contiguous() for key, tensor in tensors.items()}, path, {"format": "pt"})
    return name


def say_less(draw, folder):
    """Config keys that hold the default of their class go, as in configs that are older than the key; others come."""
    import transformers
    if draw.library != "transformers" or not draw.config_class:
        return ""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    defaults = getattr(transformers, draw.config_class)().to_dict()
    for key in list(config):
        if key in defaults and config[key] == defaults[key] and key not in ("model_type", "architectures"):
            del config[key]
    config = {**OLD_KEYS, **config}
    path.write_text(json.dumps(config))
    return "old config"


def repeat_parts(draw, folder):
    """CLIP's configs of 2021 say its parts twice; what is under ..._config_dict holds."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) if draw.library == "transformers" else {}
    if config.get("model_type") != "clip" or "vision_config" not in config:
        return ""
    for part in ("vision_config", "text_config"):
        config[part + "_dict"] = config[part]
        config[part] = {**config[part], "num_attention_heads": 1, "layer_norm_eps": 0.5}
    path.write_text(json.dumps(config))
    return "parts twice"


def store_before(draw, folder):
    """A change that the library sees too. Returns its name."""
    ways = (change_type, say_less, repeat_parts)
    return draw.random.choice(ways)(draw, folder) if draw.random.random() < 0.6 else ""


def shard(draw, folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names, files, weight_map = list(tensors), draw.random.choice((2, 3)), {}
    for i in range(files):
        file = f"model-{i + 1:05d}-of-{files:05d}.safetensors"
        part = {name: tensors[name] for name in names[i::files]}
        save_file(part, folder / file, {"format": "pt"})
        weight_map.update(dict.fromkeys(part, file))
    index = {"metadata": {"total_size": sum(t.numel() * t.element_size() for t in tensors.values())}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder, "shards"


def one_file(draw, folder):
    return weights_of(folder), "one file"


def other_prefix(draw, folder):
    """Names of the bare model without its prefix, or with it."""
    path = folder / "model.safetensors"
    tensors, prefix = load_file(path), draw.prefix
    heads = ("classifier.", "cls_classifier.", "distillation_classifier.")
    if any(name.startswith(prefix) for name in tensors):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    else:
        tensors = {name if name.startswith(heads) else prefix + name: tensor for name, tensor in tensors.items()}
    save_file(tensors, path, {"format": "pt"})
    return folder, "other prefix"


def store_after(draw, folder):
    """A change that only the command sees: what to open, and the change's name."""
    ways = [one_file]
    if (folder / "model.safetensors").exists():
        ways.append(shard)
    if draw.prefix:
        ways.append(other_prefix)
    return draw.random.choice(ways)(draw, folder) if draw.random.random() < 0.5 else (folder, "")
