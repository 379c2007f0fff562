# SPDX-License-Identifier: BSD-2-Clause
"""Models drawn at random: for every family its options and the values they take, as tables where they can be."""
import re
from pathlib import Path

import torch

import make_cases
import make_expected as reference
import reference_open_clip
import reference_timm
import reference_transformers
from cases import CLIP, HALF, squash

TABLE = Path(__file__).resolve().parents[2] / "vit" / "families" / "timm_architectures.c"
TEXTS = [[97, 5, 17, 60, 98, 98, 98, 98], [97, 33, 2, 8, 71, 44, 12, 98]]
SCRIPTS = {"transformers": reference_transformers, "timm": reference_timm, "open_clip": reference_open_clip}


class Draw:
    """One model: how it is written, and what it is given."""
    library, config_class, model_class = "transformers", None, None
    call, ids, texts, prefix, text_only = {}, None, None, "", False
    attention = "sdpa"                             # "eager" where the library has one way of computing it

    def __init__(self, random, seed, name, size):
        self.random, self.seed, self.name, self.size = random, seed, name, size

    def pixels(self):
        return torch.randn((1, 3, *self.size), generator=torch.Generator().manual_seed(self.seed))

    def case(self):
        return {"seed": self.seed}

    def write(self, folder):
        torch.manual_seed(self.seed)
        make_cases.WRITERS[self.library](self.case(), folder)

    def environment(self, folder):
        """What the command is told by its environment."""
        return {}

    def load(self, folder, dtype, attention):
        return reference.library_of(folder).load(folder, dtype, attention)

    def answer(self, model, dtype, ids):
        """Every output of a model that load gave."""
        return self.run(SCRIPTS[self.library], model, dtype, ids)

    def run(self, library, model, dtype, ids):
        """The same, by a script of models/reference."""
        return library.run(model, self.pixels().to(dtype), ids, self.call)


def hidden(states):
    return {f"hidden_states.{i}": state for i, state in enumerate(states)}


def text_outputs(answer):
    """Of a text tower that is a model of its own."""
    names = ("last_hidden_state", "pooler_output", "text_embeds")
    out = {name: getattr(answer, name) for name in names if getattr(answer, name, None) is not None}
    return {**out, **hidden(answer.hidden_states)}


def sizes(r):
    """What every encoder has."""
    heads, head_dim, patch = r.choice((1, 2, 3, 4)), r.choice((4, 8, 12, 16, 20, 72)), r.choice((4, 8, 14))
    return {"hidden_size": heads * head_dim, "num_hidden_layers": r.choice((1, 2, 3)), "num_attention_heads": heads,
            "intermediate_size": r.choice((40, 64, 77)), "image_size": patch * r.choice((3, 4, 5)), "patch_size": patch,
            "hidden_act": r.choice(("gelu", "gelu_new", "relu", "silu", "quick_gelu", "gelu_pytorch_tanh", "tanh")),
            "layer_norm_eps": r.choice((1e-12, 1e-6, 1e-5, 1e-3))}


def labels(r):
    """Names of classes, or their number only; with gaps between the indices at times."""
    n = r.choice((1, 2, 3, 5, 1000))
    step = r.choice((1, 1, 1, 3))
    names = {i * step: f"class {i}" for i in range(n)}
    kind = r.choice((None, "multi_label_classification", "regression"))
    return {"id2label": names, "label2id": {name: i for i, name in names.items()}, "problem_type": kind}


def flags(r, *names):
    return {name: r.random() < 0.5 for name in names}


# ------------------------------------------------------------------ transformers

class Transformers(Draw):
    def __init__(self, random, seed, family, config_class, model_class, config, size):
        super().__init__(random, seed, model_class, size)
        self.config_class, self.model_class, self.config = config_class, model_class, config
        inner = model_class.endswith("Model") and not config.get("text_config")
        self.prefix = FAMILIES.get(family, {}).get("prefix", "") if inner else ""

    def case(self):
        return {"seed": self.seed, "config": (self.config_class, self.config), "class": self.model_class,
                "preprocessor": squash("ViTImageProcessor", *self.size)}

    def run(self, library, model, dtype, ids):
        if self.text_only:
            return text_outputs(model(input_ids=ids, output_hidden_states=True))
        return super().run(library, model, dtype, ids)


def vit_options(r):
    return {**flags(r, "qkv_bias"), "pooler_act": r.choice(("tanh", "gelu")), "pooler_output_size": r.choice((None, 20))}


def dinov2_options(r):
    return {"mlp_ratio": r.choice((1, 2, 3, 4)), **flags(r, "use_swiglu_ffn", "qkv_bias"), "intermediate_size": None}


def registers_options(r):
    return {**dinov2_options(r), "num_register_tokens": r.choice((1, 2, 4))}


def dinov3_options(r):
    return {**flags(r, "use_gated_mlp", "key_bias", "proj_bias", "mlp_bias"), "num_register_tokens": r.choice((0, 1, 4)),
            "rope_theta": r.choice((100.0, 50.0))}


def beit_options(r):
    relative = r.randrange(3)
    return {**flags(r, "use_absolute_position_embeddings", "use_mean_pooling"), "layer_scale_init_value": r.choice((0.1, 0.0)),
            "use_relative_position_bias": relative == 1, "use_shared_relative_position_bias": relative == 2}


def aimv2_options(r):
    return {**flags(r, "qkv_bias", "mlp_bias", "use_head", "is_native"), "rms_norm_eps": r.choice((1e-5, 1e-6)),
            "layer_norm_eps": None}


def intern_options(r):
    return {**flags(r, "attention_bias", "use_qk_norm", "use_mean_pooling", "use_absolute_position_embeddings"),
            "norm_type": r.choice(("layer_norm", "rms_norm")), "layer_norm_eps": 1e-6}


# sizes: other picture sizes than the config's. always: without being asked, grid or not; asked: by interpolate_pos_encoding
FAMILIES = {
    "ViT": {"classes": ("Model", "ForImageClassification"), "options": vit_options, "sizes": "asked", "prefix": "vit."},
    "DeiT": {"classes": ("Model", "ForImageClassification", "ForImageClassificationWithTeacher"), "sizes": "asked",
             "prefix": "deit."},
    "ViTMSN": {"classes": ("Model", "ForImageClassification"), "sizes": "asked", "prefix": "vit."},
    "IJepa": {"classes": ("Model", "ForImageClassification"), "sizes": "asked", "prefix": "ijepa."},
    "ViTMAE": {"classes": ("Model", "ForPreTraining"), "sizes": "asked", "prefix": "vit."},
    "Dinov2": {"classes": ("Model", "ForImageClassification"), "options": dinov2_options, "sizes": "always",
               "prefix": "dinov2."},
    "Dinov2WithRegisters": {"classes": ("Model", "ForImageClassification"), "options": registers_options,
                            "sizes": "always", "prefix": "dinov2_with_registers."},
    "DINOv3ViT": {"classes": ("Model",), "options": dinov3_options, "sizes": "always"},
    "Beit": {"classes": ("Model", "ForImageClassification"), "options": beit_options, "sizes": "asked", "prefix": "beit."},
    "Data2VecVision": {"classes": ("Model", "ForImageClassification"), "options": beit_options, "sizes": "asked",
                       "prefix": "data2vec_vision."},
    "Aimv2Vision": {"classes": ("Model",), "options": aimv2_options},
    "InternVLVision": {"classes": ("Model",), "options": intern_options, "pairs": True},
}


OBLONG = ("ViT", "DeiT", "ViTMSN", "IJepa", "Beit", "Data2VecVision")  # may be made for pictures that are not square


def other_size(r, how, config):
    """Pixels of a size that is not the config's, and the call that the library wants for it."""
    patch, own = config["patch_size"], config["image_size"]
    if how is None or r.random() < 0.6:
        return (own, own), {}
    loose = r.choice((0, 0, 1, 3)) if how == "always" else 0
    size = tuple(patch * r.choice((2, 3, 4, 6)) + loose for _ in range(2))
    return size, {} if how == "always" else {"interpolate_pos_encoding": True}


def encoder(r, seed):
    family = r.choice(list(FAMILIES))
    about = FAMILIES[family]
    config = {**sizes(r), **about.get("options", lambda r: {})(r)}
    kind = r.choice(about["classes"])
    if "Classification" in kind:
        config.update(labels(r))
    if kind != "Model":
        config = {key: value for key, value in config.items() if not key.startswith("pooler")}
    config = {key: value for key, value in config.items() if value is not None}
    size, call = other_size(r, about.get("sizes"), config)
    if about.get("pairs"):
        config.update(image_size=list(size), patch_size=[config["patch_size"]] * 2)
    elif not call and size == (config["image_size"],) * 2 and family in OBLONG and r.random() < 0.3:
        size = (size[0], size[1] + 2 * config["patch_size"])
        config["image_size"] = list(size)
    draw = Transformers(r, seed, family, family + "Config", family + kind, config, size)
    draw.call = call
    return draw


# ------------------------------------------------------------------ stages

def stage_sizes(r):
    """What Swin and SwinV2 have in both libraries."""
    stages, heads, window = r.choice((1, 2, 2, 3, 4)), r.choice((1, 2, 3)), r.choice((1, 2, 3, 4, 5, 7))
    patch = r.choice((2, 3, 4))
    least = window << (stages - 1) if r.random() < 0.7 else 2 << (stages - 1)
    side = patch * (least + r.choice((0, 0, 0, 1, 2, 5)))
    return {"embed_dim": heads * r.choice((4, 8, 12, 20)), "depths": [r.choice((1, 2, 2, 3)) for _ in range(stages)],
            "num_heads": [heads * r.choice((1, 1 << i)) for i in range(stages)], "window_size": window, "patch_size": patch,
            "mlp_ratio": r.choice((1.0, 2.0, 2.6667, 4.0)), "qkv_bias": r.random() < 0.7}, side


def oblong(r, side, patch):
    return (side, side) if r.random() < 0.5 else (side, side + patch * r.choice((1, 2, 3, 7)))


def swin(r, seed, family=None):
    family, kind = family or r.choice(("Swin", "Swinv2")), r.choice(("Model", "ForImageClassification"))
    config, side = stage_sizes(r)
    patch = config["patch_size"]
    own = oblong(r, side, patch)
    config.update(image_size=own[0] if own[0] == own[1] else list(own), layer_norm_eps=r.choice((1e-5, 1e-3, 1e-6)),
                  hidden_act=r.choice(("gelu", "relu", "silu", "quick_gelu")), use_absolute_embeddings=r.random() < 0.3)
    if family == "Swinv2":
        config["pretrained_window_sizes"] = [r.choice((0, 0, 2, 3, 6)) for _ in config["depths"]]
    if kind != "Model":
        config.update(labels(r))
    size, call = own, {}
    fixed = config["use_absolute_embeddings"] and own[0] != own[1]  # the library takes any table for a square one
    if r.random() < 0.4 and not fixed:
        size = tuple(patch * (n // patch + r.choice((0, 1, 2, 4))) for n in own)
        call = {"interpolate_pos_encoding": True} if config["use_absolute_embeddings"] else {}
        size = size if call else tuple(n + r.choice((0, 0, 1)) for n in size)  # the picture is padded to whole patches
    draw = Transformers(r, seed, family, family + "Config", family + kind, config, size)
    draw.prefix = family.lower() + "." if kind == "Model" else ""
    draw.call = call
    return draw


STAGED = ("SWIN", "SWIN2")


def timm_swin(r, seed, kinds=STAGED):
    name, kind, _ = r.choice([row for row in architectures() if row[1] in kinds])
    arguments, side = stage_sizes(r)
    patch, stages = arguments["patch_size"], len(arguments["depths"])
    size = own = oblong(r, side, patch)
    arguments.update(img_size=own[0] if own[0] == own[1] else list(own), num_classes=r.choice((0, 1, 3, 1000)),
                     global_pool=r.choice(("avg", "avg", "avg", "max", "avgmax")))
    window = arguments["window_size"]
    arguments["window_size"] = r.choice((window, [window, window + 1], [window + i % 2 for i in range(stages)]))
    arguments.update({"always_partition": True} if r.random() < 0.15 else {})
    if kind == "SWIN" and r.random() < 0.3:
        arguments["head_dim"] = r.choice((8, 12))
    if kind == "SWIN2":
        arguments["pretrained_window_sizes"] = [r.choice((0, 0, 1, 2, 6)) for _ in range(stages)]
        arguments.update({"act_layer": r.choice(("relu", "silu"))} if r.random() < 0.3 else {})
    if r.random() < 0.3:
        arguments[r.choice(("strict_img_size", "dynamic_img_size"))] = "dynamic"
        arguments = {key: key == "dynamic_img_size" if value == "dynamic" else value for key, value in arguments.items()}
        size = tuple(n + patch * r.choice((0, 1, 3)) for n in own)
    return Timm(r, seed, name, arguments, size)


FAMILIES_OF_WORDS = {
    "CLIP": {"classes": ("Model", "VisionModel", "VisionModelWithProjection", "ForImageClassification", "TextModel",
                         "TextModelWithProjection")},
    "Siglip": {"classes": ("Model", "VisionModel", "ForImageClassification", "TextModel")},
}


def text_config(r, family, width):
    config = {"vocab_size": 99, "hidden_size": 24, "intermediate_size": 50, "num_hidden_layers": r.choice((1, 2)),
              "num_attention_heads": r.choice((2, 4)), "max_position_embeddings": 12, "eos_token_id": r.choice((98, 2)),
              "bos_token_id": 97, "pad_token_id": 98, "hidden_act": r.choice(("gelu", "quick_gelu", "gelu_pytorch_tanh"))}
    return {**config, "projection_dim": width} if family == "CLIP" else {**config, "projection_size": width,
                                                                         "max_position_embeddings": 8}


def two_towers(r, seed):
    family = r.choice(list(FAMILIES_OF_WORDS))
    kind = r.choice(FAMILIES_OF_WORDS[family]["classes"])
    vision = sizes(r)
    width = r.choice((20, 24)) if family == "CLIP" else vision["hidden_size"]
    vision.update({"projection_dim": width} if family == "CLIP" else {"vision_use_head": kind == "Model" or r.random() < 0.5})
    text = text_config(r, family, width)
    if "Text" in kind:
        config, config_class = text, "TextConfig"
    elif "Vision" in kind:
        config, config_class = vision, "VisionConfig"
    else:
        config, config_class = {"vision_config": vision, "text_config": text}, "Config"
        config.update({"projection_dim": width} if family == "CLIP" else {})
        config.update(labels(r) if kind != "Model" else {})
    size, call = other_size(r, None if "Text" in kind or kind == "Model" else "asked", vision)
    draw = Transformers(r, seed, family, family + config_class, family + kind, config, size)
    draw.call, draw.text_only = call, "Text" in kind
    draw.ids = TEXTS if "Text" in kind or kind == "Model" else None
    return draw


# ------------------------------------------------------------------ encoders of texts

def padded(r, lengths, pad):
    """Texts of random ids, filled up to the longest with the id of padding."""
    texts = [[r.choice([i for i in range(3, 99) if i != pad]) for _ in range(length)] for length in lengths]
    return [text + [pad] * (max(lengths) - len(text)) for text in texts]


class Words(Transformers):
    """An encoder of texts. What the library leaves at padding means nothing: it is zero here, as the command has it."""
    text_only = True

    def __init__(self, random, seed, config_class, model_class, config):
        super().__init__(random, seed, None, config_class, model_class, config, (8, 8))
        self.attention = "eager" if config_class in ("MPNetConfig", "T5Config") else "sdpa"
        self.ids = padded(random, [random.choice((1, 2, 7, 12)) for _ in range(3)], config["pad_token_id"])

    def run(self, library, model, dtype, ids):
        mask = (ids != self.config["pad_token_id"]).long()
        answer = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        out = text_outputs(answer)
        if self.model_class.startswith("T5"):      # its last state is normed already: that is last_hidden_state
            del out[f"hidden_states.{len(answer.hidden_states) - 1}"]
        return {name: value * mask[..., None].to(dtype) if value.dim() == 3 else value for name, value in out.items()}


def bert_config(r, **more):
    heads = r.choice((1, 2, 3, 4))
    return {"vocab_size": 99, "hidden_size": heads * r.choice((4, 8, 12, 20)), "num_attention_heads": heads,
            "num_hidden_layers": r.choice((1, 2, 3)), "intermediate_size": r.choice((40, 52, 60)), "max_position_embeddings": 40,
            "hidden_act": r.choice(("gelu", "gelu_new", "relu", "silu", "quick_gelu")),
            "layer_norm_eps": r.choice((1e-12, 1e-6, 1e-5, 1e-3)), "pad_token_id": 0, **more}


def distilbert_config(r):
    heads = r.choice((1, 2, 3))
    return {"vocab_size": 99, "dim": heads * r.choice((8, 12)), "n_heads": heads, "n_layers": r.choice((1, 2, 3)),
            "hidden_dim": r.choice((40, 60)), "max_position_embeddings": 24, "activation": r.choice(("gelu", "relu")), "pad_token_id": 0}


def t5_config(r):
    return {"vocab_size": 99, "d_model": r.choice((20, 36)), "d_kv": r.choice((4, 8, 12)), "d_ff": r.choice((40, 60)),
            "num_layers": r.choice((1, 2, 3)), "num_heads": r.choice((1, 2, 3)), "relative_attention_num_buckets": r.choice((8, 16, 32)),
            "relative_attention_max_distance": r.choice((16, 20, 128)), "feed_forward_proj": r.choice(("relu", "gated-gelu")),
            "layer_norm_epsilon": r.choice((1e-6, 1e-5)), "pad_token_id": 0}


def nomic_config(r):
    heads = r.choice((1, 2, 3))
    return {"vocab_size": 99, "hidden_size": heads * r.choice((4, 8, 12)), "num_attention_heads": heads,
            "num_hidden_layers": r.choice((1, 2)), "intermediate_size": r.choice((40, 60)), "max_position_embeddings": 40,
            "layer_norm_eps": r.choice((1e-12, 1e-5)), "rope_parameters": {"rope_theta": r.choice((1e3, 1e4)), "rope_type": "default"},
            "pad_token_id": 0}


ENCODERS_OF_TEXTS = {  # config class: model class, config
    "BertConfig": ("BertModel", lambda r: bert_config(r, type_vocab_size=r.choice((1, 2, 3)))),
    "RobertaConfig": ("RobertaModel", lambda r: bert_config(r, pad_token_id=1, type_vocab_size=1)),
    "XLMRobertaConfig": ("XLMRobertaModel", lambda r: bert_config(r, pad_token_id=r.choice((1, 2)), type_vocab_size=r.choice((1, 2)))),
    "DistilBertConfig": ("DistilBertModel", distilbert_config),
    "MPNetConfig": ("MPNetModel", lambda r: bert_config(r, pad_token_id=1)),
    "NomicBertConfig": ("NomicBertModel", nomic_config),
    "T5Config": ("T5EncoderModel", t5_config),
}


def text_encoder(r, seed, config_class=None):
    config_class = config_class or r.choice(list(ENCODERS_OF_TEXTS))
    model_class, config = ENCODERS_OF_TEXTS[config_class]
    return Words(r, seed, config_class, model_class, config(r))


# ------------------------------------------------------------------ pictures and words, by encoders of texts

class Pairs(Transformers):
    """A picture tower like CLIP's beside another text tower. The texts have no padding."""

    def __init__(self, random, seed, name, config, size):
        super().__init__(random, seed, None, name + "Config", name + "Model", config, size)
        self.ids = [[97, 5, 17, 60, 98, 2], [97, 33, 8, 71, 44, 2]]


PAIRS = ("ChineseCLIP", "AltCLIP", "MetaClip2")


def pairs(r, seed, name=None):
    name = name or r.choice(PAIRS)
    vision = {**sizes(r), "projection_dim": 24}
    text = {"ChineseCLIP": lambda: bert_config(r),
            "AltCLIP": lambda: bert_config(r, pad_token_id=1, project_dim=r.choice((20, 28))),
            "MetaClip2": lambda: {**text_config(r, "CLIP", 24), "eos_token_id": 2}}[name]()
    config = {"vision_config": vision, "text_config": text, "projection_dim": 24}
    return Pairs(r, seed, name, config, (vision["image_size"],) * 2)


# ------------------------------------------------------------------ pictures of any aspect

class Naflex(Transformers):
    """SigLIP 2 NaFlex, at a size of few patches or as many as there may be."""

    def case(self):
        rules = {**squash("Siglip2ImageProcessor", 8), "patch_size": self.patch, "max_num_patches": self.most}
        return {**super().case(), "preprocessor": rules}


def naflex(r, seed):
    patch, most, edge = r.choice((1, 2, 4, 7, 8, 16)), r.choice((1, 2, 5, 16, 48, 100)), r.choice((1, 2, 4, 6))
    kind = r.choice(("Model", "VisionModel", "ForImageClassification"))
    vision = {key: value for key, value in sizes(r).items() if key not in ("image_size", "patch_size")}
    vision.update(patch_size=patch, num_patches=edge * edge, vision_use_head=kind == "Model" or r.random() < 0.7)
    config, config_class = vision, "Siglip2VisionConfig"
    if kind != "VisionModel":
        config_class = "Siglip2Config"
        config = {"vision_config": vision, "text_config": text_config(r, "Siglip", vision["hidden_size"])}
        config.update(labels(r) if kind != "Model" else {})
    rows = r.choice([n for n in (1, 2, 3, 7, most) if n <= most])
    columns = r.randint(1, most // rows)
    draw = Naflex(r, seed, None, config_class, "Siglip2" + kind, config, (rows * patch, columns * patch))
    draw.patch, draw.most, draw.ids = patch, most, TEXTS if kind == "Model" else None
    return draw


# ------------------------------------------------------------------ timm

def architectures():
    """Class and arguments of every architecture that the project knows."""
    for name, kind, literals in re.findall(r'\{"(\w+)", VIT__TIMM_(\w+),\s*((?:"[^"]*"\s*)+)\}', TABLE.read_text()):
        text = "".join(re.findall(r'"([^"]*)"', literals))
        yield name, kind, dict(item.split("=", 1) for item in text.split())


YES_NO = (True, False)
EVERY = {"global_pool": ("avg", "token"), "mlp_ratio": (2.0, 4.0, 2.6667), "qkv_bias": YES_NO, "init_values": (0.1, 1e-5),
         "num_classes": (0, 1, 3, 1000)}
TIMM_OPTIONS = {
    "VIT": {**EVERY, "global_pool": ("avg", "token", "map", "max", "avgmax"), "qk_norm": YES_NO, "proj_bias": YES_NO,
            "reg_tokens": (0, 1, 4), "pre_norm": YES_NO, "final_norm": YES_NO, "fc_norm": YES_NO, "class_token": YES_NO,
            "no_embed_class": YES_NO, "pool_include_prefix": YES_NO, "scale_attn_norm": YES_NO, "scale_mlp_norm": YES_NO,
            "norm_layer": ("rmsnorm", "layernorm"), "act_layer": ("relu", "gelu_tanh", "silu", "quick_gelu", "gelu"),
            "dynamic_img_size": YES_NO, "pos_embed": ("none", "learn")},
    "DISTILLED": {"qk_norm": YES_NO, "init_values": (0.1, 1e-5), "num_classes": (0, 3), "act_layer": ("relu", "gelu"),
                  "pre_norm": YES_NO, "qkv_bias": YES_NO},
    "BEIT": {**EVERY, "swiglu_mlp": YES_NO, "scale_mlp": YES_NO, "use_abs_pos_emb": YES_NO, "use_rel_pos_bias": YES_NO,
             "use_fc_norm": YES_NO},
    "EVA": {**EVERY, "global_pool": ("avg", "token", "map", "max", "avgmax"), "num_reg_tokens": (0, 1, 4), "qkv_fused": YES_NO,
            "swiglu_mlp": YES_NO, "swiglu_align_to": (0, 16, 64), "scale_mlp": YES_NO, "scale_attn_inner": YES_NO,
            "attn_type": ("eva", "rope"), "qk_norm": YES_NO, "use_abs_pos_emb": YES_NO, "use_rot_pos_emb": YES_NO,
            "rope_type": ("cat", "dinov3", "mixed"), "rope_grid_offset": (0.0, 1.0), "rope_grid_indexing": ("ij", "xy"),
            "rope_temperature": (100.0, 10000.0), "rope_rotate_half": YES_NO, "use_post_norm": YES_NO,
            "use_pre_transformer_norm": YES_NO, "use_post_transformer_norm": YES_NO, "use_fc_norm": YES_NO,
            "attn_pool_num_heads": (1, 2), "attn_pool_mlp_ratio": (2.0, 3.0), "attn_only_layer_scale": YES_NO,
            "ref_feat_shape": ([3, 3], [4, 5]), "no_embed_class": YES_NO, "class_token": YES_NO, "dynamic_img_size": YES_NO},
}


class Timm(Draw):
    library = "timm"

    def __init__(self, random, seed, architecture, arguments, size):
        super().__init__(random, seed, "timm " + architecture, size)
        self.architecture, self.arguments = architecture, arguments

    def case(self):
        return {"seed": self.seed, "class": self.architecture, "args": self.arguments, "input_size": self.size}


def timm_sizes(r, own):
    heads, patch = r.choice((1, 2, 4)), r.choice((4, 8, 14, int(own.get("patch_size", 16))))
    size = tuple(patch * r.choice((2, 3, 5)) for _ in range(2))
    return {"embed_dim": heads * r.choice((8, 12, 16, 72)), "num_heads": heads, "depth": r.choice((1, 2)),
            "patch_size": patch, "img_size": size[0] if size[0] == size[1] else list(size), "num_classes": 5}, size


def timm(r, seed):
    name, kind, own = r.choice([row for row in architectures() if row[1] not in STAGED])
    arguments, size = timm_sizes(r, own)
    for option, values in TIMM_OPTIONS[kind].items():
        if r.random() < 0.2 and not (option == "norm_layer" and "embed_norm_layer" in own):
            arguments[option] = r.choice(values)
    if "num_kv_heads" in arguments or "sapiens2" in name:
        arguments["num_kv_heads"] = [max(1, arguments["num_heads"] // 2)] * arguments["depth"]
    if kind == "VIT" and "max" in arguments.get("global_pool", ""):  # over the patches alone
        arguments["pool_include_prefix"] = False
    if arguments.get("dynamic_img_size"):
        size = tuple(arguments["patch_size"] * r.choice((2, 3, 4)) for _ in range(2))
    return Timm(r, seed, name, arguments, size)


# ------------------------------------------------------------------ open_clip

class OpenClip(Draw):
    library, ids = "open_clip", TEXTS

    def __init__(self, random, seed, name, model_cfg, size):
        super().__init__(random, seed, name, size)
        self.model_cfg = model_cfg

    def case(self):
        return {"seed": self.seed, "model_cfg": self.model_cfg,
                "preprocess_cfg": {"mean": CLIP["image_mean"], "std": HALF["image_std"], "interpolation": "bicubic",
                                   "resize_mode": self.random.choice(("shortest", "squash", "longest"))}}


def open_clip_text(r):
    text = {"context_length": 8, "vocab_size": 99, "width": 24, "heads": r.choice((2, 3)), "layers": r.choice((1, 2)),
            "pool_type": r.choice(("argmax", "last", "first", "eos")), "eos_id": 98, **flags(r, "no_causal_mask", "proj_bias"),
            "mlp_ratio": r.choice((4.0, 2.5)), "proj_type": r.choice(("linear", "linear", "none"))}
    text.update({"norm_kwargs": {"eps": 1e-3}} if r.random() < 0.2 else {})
    return text


def open_clip_own(r, seed):
    head, heads = r.choice((8, 12, 72)), r.choice((1, 2, 3))
    size = tuple(8 * n for n in r.choice(((5, 5), (5, 3))))
    vision = {"image_size": size[0] if size[0] == size[1] else list(size), "layers": r.choice((1, 2)), "width": head * heads,
              "head_width": head, "patch_size": 8, "pool_type": r.choice(("tok", "avg")), "mlp_ratio": r.choice((4.0, 2.5)),
              **flags(r, "final_ln_after_pool", "no_ln_pre")}
    vision.update({"ls_init_value": 0.1} if r.random() < 0.3 else {})
    vision.update({"norm_kwargs": {"eps": 1e-3}} if r.random() < 0.2 else {})
    text = open_clip_text(r)
    embed = 24 if text["proj_type"] == "none" else r.choice((20, 24))
    cfg = {"embed_dim": embed, **flags(r, "quick_gelu", "custom_text"), "vision_cfg": vision, "text_cfg": text}
    cfg.update({"init_logit_bias": -10} if r.random() < 0.3 else {})
    return OpenClip(r, seed, "open_clip own", cfg, size)


TRUNKS = ("vit_tiny_patch16_224", "eva02_tiny_patch14_224", "deit_tiny_patch16_224", "test_vit",
          "test_vit2", "test_vit4", "vit_wee_patch16_reg1_gap_256", "vit_pe_core_tiny_patch16_384",
          "vit_tiny_patch16_dinov3", "vit_small_patch32_224")


def open_clip_trunk(r, seed):
    name = r.choice([trunk for trunk in TRUNKS if any(trunk == known for known, _, _ in architectures())])
    import timm as library
    size = tuple(library.create_model(name, pretrained=False).patch_embed.img_size)
    projection = r.choice(("linear", "none", "", None))
    pools = ("avg", "token", "map", "max", "") if projection == "linear" else ("avg", "token", "map", "avgmax")
    vision = {"timm_model_name": name, "timm_model_pretrained": False, "image_size": size[0], "timm_pool": r.choice(pools),
              "timm_proj": projection, **flags(r, "timm_proj_bias")}
    text = open_clip_text(r)
    text["proj_type"] = "linear"
    width = library.create_model(name, pretrained=False).embed_dim
    text.update({"act_kwargs": {"approximate": "tanh"}} if r.random() < 0.5 else {})
    cfg = {**flags(r, "custom_text"), "embed_dim": width if projection == "none" else 24, "vision_cfg": vision, "text_cfg": text}
    return OpenClip(r, seed, f"open_clip {name} {vision['timm_pool'] or '-'} {vision['timm_proj'] or '-'}", cfg, size)


KINDS = {"encoder": (encoder, 5), "two_towers": (two_towers, 4), "timm": (timm, 8), "open_clip_own": (open_clip_own, 2),
         "open_clip_trunk": (open_clip_trunk, 2), "swin": (swin, 2), "timm_swin": (timm_swin, 2), "text_encoder": (text_encoder, 5),
         "pairs": (pairs, 2), "naflex": (naflex, 2)}
# One family of a kind, for those who want many models of it.
ONE = {"Swin": (swin, "Swin"), "Swinv2": (swin, "Swinv2"), "timm SWIN": (timm_swin, ("SWIN",)), "timm SWIN2": (timm_swin, ("SWIN2",)),
       **{name: (text_encoder, name) for name in ENCODERS_OF_TEXTS}, **{name: (pairs, name) for name in PAIRS}}
