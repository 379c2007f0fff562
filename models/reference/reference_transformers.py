# SPDX-License-Identifier: BSD-2-Clause
"""Checkpoint folders of transformers: config.json with a model_type, preprocessor_config.json."""
import json

import torch
import transformers

from reference_timm import block_states

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

# Buffers that old checkpoints carry and that say nothing, and parts that the encoder does without.
HARMLESS = ("position_ids", "relative_position_index", "relative_coords_table")
NAMED_ELSEWHERE = {"aimv2_vision_model": "Aimv2VisionModel", "clip_vision_model": "CLIPVisionModel",
                   "siglip_vision_model": "SiglipVisionModel",
                   "siglip2_vision_model": "Siglip2VisionModel", "internvl_vision": "InternVLVisionModel"}
# A pre-training class is run as the encoder inside of it.
ENCODER_OF = {"ViTMAEForPreTraining": "ViTMAEModel"}


def recognises(folder):
    path = folder / "config.json"
    return path.exists() and "model_type" in json.loads(path.read_text())


def class_of(config):
    """The class that the checkpoint names; without one, the bare model of its model_type."""
    name = (config.get("architectures") or [NAMED_ELSEWHERE.get(config["model_type"])])[0]
    return getattr(transformers, ENCODER_OF.get(name, name)) if name else transformers.AutoModel


def load(folder, dtype=torch.float64, attention="sdpa", call=None):
    config = json.loads((folder / "config.json").read_text())
    # vit_mae: the encoder sees every patch
    extra = {"mask_ratio": 0.0} if config["model_type"] == "vit_mae" else {}
    attention = attention if getattr(class_of(config), "_supports_sdpa", True) else "eager"
    model, info = class_of(config).from_pretrained(folder, dtype=torch.float32, attn_implementation=attention,
                                                   output_loading_info=True, **extra)
    unexpected = [name for name in info["unexpected_keys"] if not name.endswith(HARMLESS)
                  and not (config["model_type"] == "vit_mae" and name.split(".")[0] in ("decoder", "mask_token"))]
    if info["missing_keys"] or info["mismatched_keys"] or unexpected:
        raise ValueError(f"{folder}: missing {info['missing_keys']}, wrong shape {info['mismatched_keys']}, "
                         f"not used {unexpected}")
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = rms_norm.__get__(module)
    return model.eval().to(dtype)


def rms_norm(self, x):
    """As the library's, which rounds to f32 here whatever it was asked to compute in."""
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def preprocess(folder, image, call=None):
    return preprocess_by(json.loads((folder / "preprocessor_config.json").read_text()), image)


def preprocess_by(rules, image):
    """pixel_values by the class that uses Pillow, and by the one that uses torchvision (the default of transformers 5).
    Families with the second only (DINOv3) give it as pixel_values."""
    name = rules.get("image_processor_type") or rules["feature_extractor_type"].replace("FeatureExtractor", "ImageProcessor")
    name = name.removesuffix("Fast").removesuffix("Pil")
    out = {}
    for key, class_name in (("pixel_values", name + "Pil"), ("pixel_values_torchvision", name)):
        if hasattr(transformers, class_name):
            processor = getattr(transformers, class_name).from_dict(dict(rules))
            made = processor(images=image, return_tensors="pt")
            out[key] = picture_of(made, processor.patch_size) if "spatial_shapes" in made else made["pixel_values"].float()
    if "pixel_values" not in out:
        out["pixel_values"] = out.pop("pixel_values_torchvision")
    return out


def picture_of(made, patch):
    """SigLIP 2 NaFlex: the picture whose patches these are. Their numbers run row, column, colour; the rest is padding."""
    rows, columns = (int(n) for n in made["spatial_shapes"][0])
    own = torch.as_tensor(made["pixel_values"])[0, :rows * columns].float()
    return own.reshape(rows, columns, patch, patch, 3).permute(4, 0, 2, 1, 3).reshape(1, 3, rows * patch, columns * patch).contiguous()


def patches_of(pixels, patch):
    """And back: what the model takes of one picture, without padding."""
    rows, columns = pixels.shape[2] // patch, pixels.shape[3] // patch
    own = pixels.reshape(3, rows, patch, columns, patch).permute(1, 3, 2, 4, 0).reshape(1, rows * columns, -1)
    return {"pixel_values": own, "pixel_attention_mask": torch.ones(own.shape[:2], dtype=torch.int32),
            "spatial_shapes": torch.tensor([[rows, columns]])}


def tokenize(folder, texts):
    """Ids as the family pads them."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    padding = "max_length" if "siglip" in json.loads((folder / "config.json").read_text())["model_type"] else True
    return tokenizer(texts, padding=padding, truncation=True, return_tensors="pt")["input_ids"]


def features(answer):
    return answer if torch.is_tensor(answer) else answer.pooler_output


VECTORS = ("logits", "cls_logits", "distillation_logits", "pooler_output", "last_hidden_state", "image_embeds", "text_embeds",
           "logits_per_image")


def run(model, pixels, input_ids=None, call=None):
    """Every output, by its name in expected.safetensors. call: further arguments, as interpolate_pos_encoding."""
    call = dict(call or {})
    if model.config.model_type.startswith("siglip2"):
        return run_naflex(model, pixels, input_ids)
    if not hasattr(model, "get_image_features"):
        return run_tower(model, pixels, call)
    if input_ids is None:                          # a full CLIP or SigLIP, asked for its image side only
        tower = model.vision_model(pixel_values=pixels, output_hidden_states=True, **call)
        out, whole = {}, None
    else:
        whole = model(pixel_values=pixels, input_ids=input_ids, output_hidden_states=True, **call)
        tower = whole.vision_model_output
        out = {name: getattr(whole, name) for name in VECTORS if getattr(whole, name, None) is not None}
        out["text_features"] = features(model.get_text_features(input_ids=input_ids))
    out["image_features"] = features(model.get_image_features(pixel_values=pixels, **call))
    out["last_hidden_state"], out["pooler_output"] = tower.last_hidden_state, tower.pooler_output
    return {**out, **hidden(tower)}


def run_naflex(model, pixels, input_ids):
    tower = getattr(model, "vision_model", model)
    given = patches_of(pixels, tower.config.patch_size)
    answer = tower(**given, output_hidden_states=True)
    out = {"last_hidden_state": answer.last_hidden_state, **hidden(answer)}
    if not hasattr(model, "get_image_features"):
        if tower is not model:
            return {**out, "logits": model(**given).logits}
        return out if answer.pooler_output is None else {**out, "pooler_output": answer.pooler_output}
    out["image_features"] = features(model.get_image_features(**given))
    if input_ids is not None:
        out["text_features"] = features(model.get_text_features(input_ids=input_ids))
        whole = model(**given, input_ids=input_ids)
        out.update({name: getattr(whole, name) for name in ("image_embeds", "text_embeds", "logits_per_image")})
    return out


def run_tower(model, pixels, call):
    if type(model).__name__.startswith("ViTMAE"):  # patches in their order: the order is that of the noise
        patches = (pixels.shape[2] // model.config.patch_size) * (pixels.shape[3] // model.config.patch_size)
        call["noise"] = torch.arange(patches, dtype=pixels.dtype)[None] / patches
    if staged(model):
        return run_stages(model, pixels, call)
    answer = model(pixel_values=pixels, output_hidden_states=True, **call)
    out = {name: getattr(answer, name) for name in VECTORS if getattr(answer, name, None) is not None}
    if "last_hidden_state" not in out:             # classifiers keep it to themselves
        inner = getattr(model, "vision_model", None) or getattr(model, model.base_model_prefix)
        out["last_hidden_state"] = inner(pixel_values=pixels, **call).last_hidden_state
    return {**out, **hidden(answer)}


def staged(model):
    return model.config.model_type in ("swin", "swinv2")


def run_stages(model, pixels, call):
    """Swin: the library's own hidden states are of stages, behind their merging; here they are of blocks."""
    base = getattr(model, model.base_model_prefix, model)
    blocks = [block for stage in base.encoder.layers for block in stage.blocks]
    out = block_states(model, blocks, lambda: model(pixel_values=pixels, **call))
    answer = out.pop("answer")
    inner = base(pixel_values=pixels, **call)
    out.update({name: getattr(inner, name) for name in ("last_hidden_state", "pooler_output") if inner.get(name) is not None})
    return {**out, **({"logits": answer.logits} if "logits" in answer else {})}


def hidden(answer):
    return {f"hidden_states.{i}": state for i, state in enumerate(answer.hidden_states)}
