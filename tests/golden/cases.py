# SPDX-License-Identifier: BSD-2-Clause
"""The list of cases that make_cases.py writes: one row each, and the preprocessing they share."""
import re

import torch

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CLIP = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
INTERPOLATE = {"interpolate_pos_encoding": True}


def squash(kind, height, width=None, colours=HALF, resample=2):
    """Both edges to the size."""
    return {"do_normalize": True, "do_rescale": True, "do_resize": True, **colours, "image_processor_type": kind,
            "resample": resample, "rescale_factor": 1 / 255, "size": {"height": height, "width": width or height}}


def crop(kind, shortest, height, width=None, colours=CLIP):
    """Shortest edge to a size, then the centre."""
    return {"do_normalize": True, "do_rescale": True, "do_resize": True, "do_center_crop": True, "do_convert_rgb": True,
            **colours, "image_processor_type": kind, "resample": 3, "rescale_factor": 1 / 255,
            "size": {"shortest_edge": shortest}, "crop_size": {"height": height, "width": width or height}}


def labels(*names):
    return {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}


FIVE = labels("tench", "tabby cat", "espresso", "volcano", "lakeside")
VIT = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=44, image_size=40, patch_size=8)
BEIT = {**VIT, "layer_scale_init_value": 0.1}
DINOV2 = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=42, patch_size=14)
AIMV2 = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40, image_size=40, patch_size=8)
AIMV2_TEXT = dict(vocab_size=99, hidden_size=18, intermediate_size=28, num_hidden_layers=2, num_attention_heads=3,
                  max_position_embeddings=12, eos_token_id=98)
TOWER = dict(hidden_size=24, intermediate_size=44, num_hidden_layers=2, num_attention_heads=3, image_size=40, patch_size=8)
SIGLIP_TEXT = dict(vocab_size=90, hidden_size=20, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4,
                   max_position_embeddings=12, bos_token_id=88, eos_token_id=89, projection_size=24)
INTERN = {**VIT, "image_size": [40, 40], "patch_size": [8, 8]}
ENDED_BY_98 = [[97, 5, 17, 60, 98, 98, 98, 98], [97, 33, 2, 8, 71, 44, 12, 98]]
PADDED_BY_1 = [[5, 17, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1], [33, 2, 8, 71, 44, 12, 7, 9, 1, 1, 1, 1]]


def renamed(tensors, rules):
    """Every name through the first rule that matches it."""
    def new(name):
        for pattern, replacement in rules:
            if re.search(pattern, name):
                return re.sub(pattern, replacement, name)
        return name
    return {new(name): tensor for name, tensor in tensors.items()}


def fused(tensors):
    """attention.{q,k,v}_proj as one attention.qkv."""
    out = {}
    for name, tensor in tensors.items():
        if ".q_proj." in name:
            parts = [tensors[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"]
            out[name.replace(".q_proj.", ".qkv.")] = torch.cat(parts)
        elif not re.search(r"\.[kv]_proj\.", name):
            out[name] = tensor
    return out


def aimv2_original(config, tensors):
    """apple/aimv2-*: the names and the flat config of the authors' code."""
    tensors = renamed(fused(tensors), (
        (r"^embeddings\.patch_embed\.", "preprocessor.patchifier.proj."),
        (r"^embeddings\.rms_norm\.", "preprocessor.patchifier.norm."),
        (r"^embeddings\.position_embedding\.weight$", "preprocessor.pos_embed"),
        (r"^encoder\.layers\.(\d+)\.attention\.qkv\.", r"trunk.blocks.\1.attn.qkv."),
        (r"^encoder\.layers\.(\d+)\.attention\.out_proj\.", r"trunk.blocks.\1.attn.proj."),
        (r"^encoder\.layers\.(\d+)\.ffn\.gate_proj\.", r"trunk.blocks.\1.mlp.fc1."),
        (r"^encoder\.layers\.(\d+)\.ffn\.down_proj\.", r"trunk.blocks.\1.mlp.fc2."),
        (r"^encoder\.layers\.(\d+)\.ffn\.up_proj\.", r"trunk.blocks.\1.mlp.fc3."),
        (r"^encoder\.layers\.(\d+)\.rms_norm([12])\.", r"trunk.blocks.\1.norm_\2."),
        (r"^rms_norm\.", "trunk.post_trunk_norm."),
    ))
    tensors["preprocessor.pos_embed"] = tensors["preprocessor.pos_embed"][None]
    keep = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "image_size", "patch_size",
            "num_channels", "rms_norm_eps", "qkv_bias", "attention_dropout")
    return {"architectures": ["AIMv2Model"], "auto_map": {"AutoConfig": "configuration_aimv2.AIMv2Config",
            "AutoModel": "modeling_aimv2.AIMv2Model"}, "model_type": "aimv2", "projection_dropout": 0.0, "use_bias": False,
            "torch_dtype": "float32", **{key: config[key] for key in keep}}, tensors


def internvit_original(config, tensors):
    """OpenGVLab/InternViT-*: the names and the config of the authors' code."""
    tensors = renamed(fused(tensors), (
        (r"^embeddings\.cls_token$", "embeddings.class_embedding"),
        (r"^embeddings\.position_embeddings$", "embeddings.position_embedding"),
        (r"^embeddings\.patch_embeddings\.projection\.", "embeddings.patch_embedding."),
        (r"^encoder\.layer\.(\d+)\.attention\.(qkv|q_norm|k_norm)\.", r"encoder.layers.\1.attn.\2."),
        (r"^encoder\.layer\.(\d+)\.attention\.projection_layer\.", r"encoder.layers.\1.attn.proj."),
        (r"^encoder\.layer\.(\d+)\.layernorm_before\.", r"encoder.layers.\1.norm1."),
        (r"^encoder\.layer\.(\d+)\.layernorm_after\.", r"encoder.layers.\1.norm2."),
        (r"^encoder\.layer\.(\d+)\.lambda_([12])$", r"encoder.layers.\1.ls\2"),
        (r"^encoder\.layer\.(\d+)\.mlp\.", r"encoder.layers.\1.mlp."),
    ))
    return {"architectures": ["InternVisionModel"], "auto_map": {"AutoConfig": "configuration_intern_vit.InternVisionConfig",
            "AutoModel": "modeling_intern_vit.InternVisionModel"}, "model_type": "intern_vit_6b", "attention_dropout": 0.0,
            "drop_path_rate": 0.0, "dropout": 0.0, "initializer_factor": 1.0, "initializer_range": 0.02,
            "hidden_act": config["hidden_act"], "hidden_size": config["hidden_size"], "image_size": config["image_size"][0],
            "intermediate_size": config["intermediate_size"], "layer_norm_eps": config["layer_norm_eps"],
            "norm_type": config["norm_type"], "num_attention_heads": config["num_attention_heads"], "num_channels": 3,
            "num_hidden_layers": config["num_hidden_layers"], "patch_size": config["patch_size"][0],
            "qk_normalization": config["use_qk_norm"], "qkv_bias": config["attention_bias"], "torch_dtype": "float32",
            "use_flash_attn": True}, tensors


def parts_twice(config, tensors):
    """openai/clip-*: the parts of the config stand there twice; those that end in _dict hold."""
    for part in ("vision_config", "text_config"):
        config[part + "_dict"], config[part] = config[part], {**config[part], "num_attention_heads": 1, "layer_norm_eps": 0.5}
    return config, tensors


def mae_published(config, tensors):
    """facebook/vit-mae-*: what the library calls decoder_encoder.layer since version 5 is decoder_layers there."""
    return config, renamed(tensors, ((r"^decoder\.decoder_encoder\.layer\.", "decoder.decoder_layers."),))


def hf(name, seed, class_name, config, preprocessor, special, **more):
    return {"name": name, "library": "transformers", "class": class_name, "config": config, "preprocessor": preprocessor,
            "seed": seed, "special": special, **more}


def own(name, seed, config, preprocessor, special, **more):
    return {"name": name, "library": "own", "config": config, "preprocessor": preprocessor, "seed": seed,
            "special": special, **more}


TRANSFORMERS = [
    hf("hf_aimv2_vision", 501, "Aimv2VisionModel", ("Aimv2VisionConfig", AIMV2), crop("CLIPImageProcessor", 40, 40),
       "RMS norms, gated MLP, norm after the patch embedding, attention pooling with a fixed query"),
    hf("hf_aimv2_biases", 502, "Aimv2VisionModel",
       ("Aimv2VisionConfig", {**AIMV2, "qkv_bias": True, "mlp_bias": True, "use_head": False}),
       crop("CLIPImageProcessor", 40, 40), "all biases, no pooling head"),
    hf("hf_aimv2_native", 503, "Aimv2VisionModel",
       ("Aimv2VisionConfig", {**AIMV2, "is_native": True, "use_head": False}), crop("CLIPImageProcessor", 48, 48, 32),
       "sine-cosine positions of the patch grid, at a size that is not the config's"),
    hf("hf_aimv2", 504, "Aimv2Model",
       ("Aimv2Config", dict(text_config=AIMV2_TEXT, vision_config=AIMV2, projection_dim=20)),
       # no texts: transformers 5.23 masks its text tower causally with eager attention, but not with SDPA
       crop("CLIPImageProcessor", 40, 40), "both towers, the image side"),
    hf("hf_aimv2_original", 505, "Aimv2VisionModel", ("Aimv2VisionConfig", {**AIMV2, "use_head": False}),
       crop("CLIPImageProcessor", 40, 40), "names and config of the authors' own code", convert=aimv2_original),
    hf("hf_data2vec_model", 511, "Data2VecVisionModel",
       ("Data2VecVisionConfig", {**BEIT, "use_relative_position_bias": True, "use_mean_pooling": False}),
       squash("BeitImageProcessor", 40), "no prefix; class token pooling after the final norm"),
    hf("hf_data2vec_classifier", 512, "Data2VecVisionForImageClassification",
       ("Data2VecVisionConfig", {**BEIT, **FIVE, "use_relative_position_bias": True, "use_absolute_position_embeddings": True}),
       squash("BeitImageProcessor", 40), "relative and absolute positions, mean pooling"),
    hf("hf_vit_mae", 521, "ViTMAEForPreTraining",
       ("ViTMAEConfig", {**VIT, "decoder_hidden_size": 16, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2,
                         "decoder_intermediate_size": 24}), squash("ViTImageProcessor", 40, colours=IMAGENET),
       "encoder of a pre-training checkpoint, every patch seen; the decoder's tensors are not used", convert=mae_published),
    hf("hf_vit_mae_model", 522, "ViTMAEModel", ("ViTMAEConfig", VIT), squash("ViTImageProcessor", 40, colours=IMAGENET),
       "no prefix, no decoder"),
    hf("hf_internvl_vision", 531, "InternVLVisionModel", ("InternVLVisionConfig", {**INTERN, "attention_bias": True}),
       squash("ViTImageProcessor", 40, colours=IMAGENET), "layer scale; no final norm"),
    hf("hf_internvl_vision_rms", 532, "InternVLVisionModel",
       ("InternVLVisionConfig", {**INTERN, "norm_type": "rms_norm", "use_qk_norm": True, "use_mean_pooling": False}),
       squash("ViTImageProcessor", 40, colours=IMAGENET), "RMS norms, q and k normed over all heads together, final norm"),
    hf("hf_internvit_original", 533, "InternVLVisionModel",
       ("InternVLVisionConfig", {**INTERN, "norm_type": "rms_norm", "use_qk_norm": True}),
       crop("CLIPImageProcessor", 40, 40, colours=IMAGENET), "names and config of the authors' own code",
       convert=internvit_original),
    hf("hf_vit_msn_model", 541, "ViTMSNModel", ("ViTMSNConfig", VIT), squash("ViTImageProcessor", 40), "no prefix"),
    hf("hf_siglip2", 551, "SiglipModel", ("SiglipConfig", dict(text_config=SIGLIP_TEXT, vision_config=TOWER)),
       squash("SiglipImageProcessor", 40), "SigLIP 2 at fixed resolution: bilinear resize; text width and projection differ",
       input_ids=PADDED_BY_1),
    hf("hf_clip_parts_twice", 552, "CLIPModel",
       ("CLIPConfig", dict(text_config={**SIGLIP_TEXT, "projection_dim": 20, "eos_token_id": 2}, projection_dim=20,
                           vision_config={**TOWER, "projection_dim": 20})),
       crop("CLIPImageProcessor", 40, 40), "vision_config_dict and text_config_dict beside vision_config and text_config",
       input_ids=PADDED_BY_1, convert=parts_twice),
    hf("hf_beit_absolute_shared", 561, "BeitModel",
       ("BeitConfig", {**BEIT, "use_absolute_position_embeddings": True, "use_shared_relative_position_bias": True,
                       "use_mean_pooling": False}),
       squash("BeitImageProcessor", 40), "absolute table, one relative bias for all blocks, final norm"),
    hf("hf_beit_no_scale", 562, "BeitForImageClassification",
       ("BeitConfig", {**VIT, **FIVE, "layer_scale_init_value": 0.0, "use_relative_position_bias": True,
                       "use_mean_pooling": False}),
       squash("BeitImageProcessor", 40), "no layer scale; the classifier reads the class token"),
    hf("hf_vit_interpolated", 571, "ViTForImageClassification", ("ViTConfig", {**VIT, **FIVE}),
       squash("ViTImageProcessor", 56, 32), "positions interpolated, not square", call=INTERPOLATE),
    hf("hf_vit_smaller", 572, "ViTModel", ("ViTConfig", VIT), squash("ViTImageProcessor", 27, 24),
       "positions interpolated to fewer; pixels below the last whole patch are dropped", call=INTERPOLATE),
    hf("hf_deit_distilled_interpolated", 573, "DeiTForImageClassificationWithTeacher", ("DeiTConfig", {**VIT, **FIVE}),
       crop("DeiTImageProcessor", 60, 56, 48, colours=IMAGENET), "two prefix tokens keep their positions", call=INTERPOLATE),
    hf("hf_beit_interpolated", 574, "BeitForImageClassification",
       ("BeitConfig", {**BEIT, **FIVE, "use_absolute_position_embeddings": True, "use_relative_position_bias": True}),
       squash("BeitImageProcessor", 56, 48), "absolute table and relative bias interpolated", call=INTERPOLATE),
    hf("hf_beit_shared_interpolated", 575, "BeitModel",
       ("BeitConfig", {**BEIT, "use_shared_relative_position_bias": True}),
       squash("BeitImageProcessor", 24, 48), "shared relative bias interpolated", call=INTERPOLATE),
    hf("hf_beit_oblong", 582, "BeitModel",
       ("BeitConfig", {**BEIT, "image_size": [24, 40], "use_relative_position_bias": True}),
       squash("BeitImageProcessor", 24, 40), "made for pictures that are not square: the library swaps the bias table's sides"),
    hf("hf_dinov2_interpolated", 576, "Dinov2Model", ("Dinov2Config", DINOV2),
       crop("BitImageProcessor", 70, 70, 56, colours=IMAGENET), "always interpolates, not square"),
    hf("hf_dinov2_registers_interpolated", 577, "Dinov2WithRegistersModel",
       ("Dinov2WithRegistersConfig", {**DINOV2, "num_register_tokens": 4}),
       crop("BitImageProcessor", 56, 28, 56, colours=IMAGENET), "interpolates with antialias"),
    hf("hf_clip_interpolated", 578, "CLIPVisionModelWithProjection", ("CLIPVisionConfig", {**TOWER, "projection_dim": 24}),
       crop("CLIPImageProcessor", 64, 64, 48), "positions interpolated", call=INTERPOLATE),
    hf("hf_siglip_interpolated", 579, "SiglipVisionModel", ("SiglipVisionConfig", TOWER),
       squash("SiglipImageProcessor", 48, 64, resample=3), "positions interpolated, no prefix token", call=INTERPOLATE),
    hf("hf_vit_mae_interpolated", 580, "ViTMAEModel", ("ViTMAEConfig", VIT),
       squash("ViTImageProcessor", 48, colours=IMAGENET), "positions interpolated, no mask", call=INTERPOLATE),
    hf("hf_dinov3_wide", 581, "DINOv3ViTModel",
       ("DINOv3ViTConfig", dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
                                image_size=48, patch_size=8, num_register_tokens=4)),
       squash("DINOv3ViTImageProcessor", 32, 72, colours=IMAGENET), "rotary positions at another size, not square"),
]

OPEN_CLIP = [
    {"name": "openclip_average", "library": "open_clip", "class": "open_clip.CLIP", "seed": 603, "input_ids": ENDED_BY_98,
     "special": "average of the patches, norm after pooling, no norm before the blocks, layer scale, erf GELU",
     "model_cfg": {"embed_dim": 20,
                   "vision_cfg": {"image_size": 40, "layers": 2, "width": 24, "head_width": 12, "patch_size": 8,
                                  "pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True, "ls_init_value": 0.1},
                   "text_cfg": {"context_length": 8, "vocab_size": 99, "width": 20, "heads": 2, "layers": 2}},
     "preprocess_cfg": {"mean": CLIP["image_mean"], "std": CLIP["image_std"], "interpolation": "bicubic",
                        "resize_mode": "longest"}},
    {"name": "openclip_trunk_head", "library": "open_clip", "class": "open_clip.CustomTextCLIP", "seed": 604,
     "input_ids": ENDED_BY_98, "dtype": "bf16",
     "special": "a trunk of timm whose classifier is the projection, as in EVA-02 CLIP and PE-Core; tanh GELU in the text tower",
     "model_cfg": {"embed_dim": 20, "custom_text": True,
                   "vision_cfg": {"image_size": 160, "timm_model_name": "test_vit", "timm_pool": "map", "timm_proj": None},
                   "text_cfg": {"context_length": 8, "vocab_size": 99, "width": 20, "heads": 2, "layers": 2, "pool_type": "eos",
                                "eos_id": 98, "act_kwargs": {"approximate": "tanh"}}},
     "preprocess_cfg": {"mean": CLIP["image_mean"], "std": CLIP["image_std"], "interpolation": "bicubic",
                        "resize_mode": "shortest"}},
    {"name": "openclip_trunk_repooled", "library": "open_clip", "class": "open_clip.CLIP", "seed": 605,
     "input_ids": ENDED_BY_98, "dtype": "bf16",
     "special": "a trunk of timm that is given another pooling after its norms were chosen; a projection with a bias behind it",
     "model_cfg": {"embed_dim": 20,
                   "vision_cfg": {"image_size": 160, "timm_model_name": "test_vit", "timm_pool": "avg", "timm_proj": "linear",
                                  "timm_proj_bias": True},
                   "text_cfg": {"context_length": 8, "vocab_size": 99, "width": 20, "heads": 2, "layers": 2}},
     "preprocess_cfg": {"mean": CLIP["image_mean"], "std": CLIP["image_std"], "interpolation": "bicubic",
                        "resize_mode": "squash"}},
]


def tm(name, seed, architecture, special, call=None, **args):
    args = {"depth": 2, "img_size": [40, 40], "patch_size": 8, **args}
    return {"name": name, "library": "timm", "class": architecture, "args": args, "seed": seed, "special": special,
            **({"call": call} if call else {})}


TWO_HEADS = dict(embed_dim=24, num_heads=2)
TIMM = [
    tm("timm_parallel", 801, "vit_base_patch16_xp_224", "attention and MLP side by side, RMS norms, q and k normed", **TWO_HEADS,
       num_classes=5),
    tm("timm_parallel_bias", 802, "vit_pwee_patch16_reg1_gap_256", "the same with one bias for all that goes in, and a factor on both",
       **TWO_HEADS, num_classes=5),
    tm("timm_parallel_differential", 803, "vit_dpwee_patch16_reg1_gap_256",
       "side by side, the difference of two attentions, one matrix out of both", **TWO_HEADS, num_classes=5),
    tm("timm_differential", 804, "vit_dwee_patch16_reg1_gap_256", "the difference of two attentions", **TWO_HEADS, num_classes=5,
       depth=3),
    tm("timm_branches", 805, "vit_small_patch16_18x2_224", "two attentions side by side, then two MLPs", **TWO_HEADS, num_classes=5),
    tm("timm_res_post", 806, "vit_base_patch16_rpn_224", "norms after the branches", **TWO_HEADS, num_classes=5),
    tm("timm_sapiens2", 807, "vit_base_patch16_sapiens2",
       "fewer heads of keys and values in one block, rotary positions, not square, layer scale on attention alone",
       embed_dim=32, num_heads=4, num_kv_heads=[4, 2], img_size=[48, 40]),
    tm("timm_pe_core", 808, "vit_pe_core_tiny_patch16_384",
       "attention pooling over all tokens with heads of its own, rotary positions counted from one", **TWO_HEADS,
       attn_pool_num_heads=3, ref_feat_shape=[6, 6], num_classes=5),
    tm("timm_rope_mixed", 809, "vit_small_patch16_rope_mixed_ape_224", "learned rotary frequencies, and a table", **TWO_HEADS,
       num_classes=5, img_size=[32, 48]),
    tm("timm_rope_axial", 810, "vit_small_patch16_rope_224", "axial rotary positions, x first, not square", **TWO_HEADS,
       num_classes=5, img_size=[32, 48]),
    tm("timm_map_registers", 811, "vit_so150m_patch16_reg4_map_256", "attention pooling that does not see the registers",
       **TWO_HEADS, num_classes=5),
    tm("timm_map_all", 812, "test_vit3", "attention pooling that does see them", embed_dim=24, num_heads=3, num_classes=5),
    tm("timm_aimv2", 813, "aimv2_large_patch14_224", "RMS norms, gated MLP, no biases, norm after the patches", **TWO_HEADS),
    tm("timm_beit3", 814, "beit3_base_patch16_224", "norms inside attention and MLP", **TWO_HEADS, num_classes=5),
    tm("timm_post_norm", 815, "eva02_enormous_patch14_clip_224", "EVA with norms after the branches", **TWO_HEADS, num_classes=5),
    tm("timm_dinov3_swiglu", 816, "vit_huge_plus_patch16_dinov3", "gated MLP, its width rounded up", **TWO_HEADS, mlp_ratio=1.9),
    tm("timm_swiglu_packed", 817, "vit_giant_patch14_dinov2", "gate and values in one matrix", **TWO_HEADS, num_classes=5),
    tm("timm_resized", 818, "vit_small_patch14_reg4_dinov2", "another size than the checkpoint's: antialiased bicubic positions",
       call={"img_size": [56, 32]}, **TWO_HEADS, num_classes=5),
    tm("timm_eva_resized", 819, "eva02_tiny_patch14_224", "another size: table interpolated, rotary positions scaled to the reference",
       call={"img_size": [24, 64]}, **TWO_HEADS, num_classes=5, ref_feat_shape=[7, 7]),
    tm("timm_largest", 820, "vit_tiny_patch16_224", "pooling by the largest value; the norm after it, by default", **TWO_HEADS,
       num_classes=5, global_pool="max", reg_tokens=2),
    tm("timm_mean_and_largest", 821, "eva02_tiny_patch14_224", "pooling halfway between mean and largest value", **TWO_HEADS,
       num_classes=5, global_pool="avgmax"),
    tm("timm_mean_with_prefix", 822, "vit_tiny_patch16_224", "mean of all tokens, the norm after it by default", **TWO_HEADS,
       num_classes=5, global_pool="avg", reg_tokens=2, pool_include_prefix=True),
    tm("timm_rope_centred_offset", 823, "vit_pe_core_tiny_patch16_384", "DINOv3's rotary positions, x first and shifted", **TWO_HEADS,
       attn_pool_num_heads=3, rope_type="dinov3", num_classes=5, img_size=[32, 48]),
    tm("timm_rope_mixed_rows_first", 824, "vit_small_patch16_rope_mixed_224", "learned rotary frequencies, y first", **TWO_HEADS,
       num_classes=5, img_size=[32, 48], rope_grid_indexing="ij"),
]

PLAIN = dict(image_size=[40, 40], patch_size=[8, 8], width=24, depth=2, heads=3, mlp_width=44)
OWN = [
    own("own_defaults", 701, {**PLAIN, "classes": 5}, squash("ViTImageProcessor", 40),
        "every key that may be left out is", labels=["tench", "tabby cat", "espresso", "volcano", "lakeside"]),
    own("own_variational", 702, {**PLAIN, "activation": "relu", "order": "post_norm", "norm_eps": 1e-5, "position": "sincos",
                                 "pooling": "mean", "latent": 12}, squash("ViTImageProcessor", 40),
        "sine-cosine positions, post-norm blocks, ReLU, Gaussian latent head"),
    own("own_variational_pre_norm", 703, {**PLAIN, "image_size": [24, 60], "patch_size": [8, 12], "class_token": False,
                                          "activation": "silu", "position": "sincos", "latent": 7, "qkv_bias": False,
                                          "classes": 3, "multi_label": True},
        squash("ViTImageProcessor", 24, 60), "neither image nor patch square, no class token; classifier and latent head"),
    own("own_registers", 704, {**PLAIN, "registers": 3, "layer_scale": True, "activation": "gelu_tanh", "pooling": "mean"},
        squash("ViTImageProcessor", 40, colours=IMAGENET), "positions cover the registers; layer scale; bf16 weights",
        dtype="bf16"),
    own("own_patch_positions", 705, {**PLAIN, "registers": 2, "position": "learned_patches", "activation": "quick_gelu",
                                     "order": "post_norm", "final_norm": True, "layer_scale": True, "norm_eps": 1e-12},
        crop("CLIPImageProcessor", 44, 40), "positions on patches only; post-norm with layer scale and a final norm"),
    own("own_no_position", 706, {**PLAIN, "position": "none", "final_norm": False, "width": 25, "heads": 5, "latent": 4},
        squash("ViTImageProcessor", 40), "no positions at all, no final norm, odd width", dtype="f16"),
    own("own_sincos_odd", 707, {**PLAIN, "position": "sincos", "width": 25, "heads": 5, "registers": 1, "pooling": "class"},
        squash("ViTImageProcessor", 40), "sine-cosine positions of an odd width, registers counted"),
]

SWIN = dict(image_size=36, patch_size=4, embed_dim=12, depths=[2, 2], num_heads=[2, 3], window_size=4, mlp_ratio=2.0)
SMALL_STAGES = dict(patch_size=4, embed_dim=12, depths=[2, 2], num_heads=[2, 3], num_classes=5)


def stages(name, seed, architecture, special, call=None, size=None, **args):
    return {"name": name, "library": "timm", "class": architecture, "args": {"img_size": [32, 32], **SMALL_STAGES, **args},
            "seed": seed, "special": special, **({"call": call} if call else {}), **({"input_size": size} if size else {})}


STAGES = [
    hf("hf_swin_padded", 901, "SwinForImageClassification", ("SwinConfig", {**SWIN, "image_size": [36, 52], **FIVE}),
       squash("ViTImageProcessor", 36, 50, colours=IMAGENET),
       "a picture padded to whole patches, maps to whole windows, and an odd map before the merging"),
    hf("hf_swin_absolute", 902, "SwinModel", ("SwinConfig", {**SWIN, "use_absolute_embeddings": True, "qkv_bias": False}),
       squash("ViTImageProcessor", 48, 40, colours=IMAGENET), "absolute positions at another size; no biases of q, k and v",
       call=INTERPOLATE),
    hf("hf_swinv2_resized", 903, "Swinv2ForImageClassification",
       ("Swinv2Config", {**SWIN, "image_size": 24, "depths": [2, 1, 1], "num_heads": [2, 3, 4], "pretrained_window_sizes": [6, 0, 3],
                         **FIVE}), squash("ViTImageProcessor", 44, 38, colours=IMAGENET),
       "another size, at which windows stay those of the model's own; windows of the pretraining; strangers are masked twice"),
    stages("timm_swin", 911, "swin_tiny_patch4_window7_224", "oblong windows of each stage's own, padded maps, heads of another width",
           img_size=[36, 44], window_size=[[4, 5], [4, 3]], head_dim=8),
    stages("timm_swin_dynamic", 912, "swin_tiny_patch4_window7_224", "any size: windows stay, the map is turned before it is padded",
           size=(44, 36), window_size=5, strict_img_size=False),
    stages("timm_swinv2", 913, "swinv2_tiny_window8_256", "windows of the pretraining, three stages, an odd map", img_size=[36, 28],
           window_size=4, depths=[1, 2, 2], num_heads=[1, 2, 3], pretrained_window_sizes=[6, 0, 1]),
    stages("timm_swinv2_resized", 914, "swinv2_tiny_window8_256", "another size than the checkpoint's: windows are fitted anew",
           call={"img_size": [20, 40]}, window_size=6, qkv_bias=False, global_pool="avgmax"),
]

ALL = TRANSFORMERS + TIMM + OPEN_CLIP + OWN + STAGES
