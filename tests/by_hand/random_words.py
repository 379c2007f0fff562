# SPDX-License-Identifier: BSD-2-Clause
"""Models of words drawn at random: towers of texts that stand on another library's encoder, and pipelines on an encoder.

Beside random_draws.py, whose encoders they have. The reference scripts of models/reference do not read these folders: each
draw calls its library itself.
"""
import contextlib
import json

import torch
from safetensors.torch import load_file, save_file

import make_cases
import reference_transformers
from random_draws import ENCODERS_OF_TEXTS, TEXTS, Draw, OpenClip, Transformers, Words, bert_config, flags, open_clip_text, padded, sizes
from random_draws import text_outputs
from reference_timm import block_states

PAD = "[PAD]"


def masked_mean(states, mask):
    mask = mask[..., None].to(states.dtype)
    return (states * mask).sum(1) / mask.sum(1)


def pair(image, text):
    """The outputs of both towers."""
    unit = torch.nn.functional.normalize
    return {"image_features": image, "text_features": text, "image_embeds": unit(image, dim=-1), "text_embeds": unit(text, dim=-1)}


# ------------------------------------------------------------------ transformers

def m2m_config(r):
    heads = r.choice((1, 2, 4))
    return {"vocab_size": 99, "d_model": heads * r.choice((4, 8, 10)), "encoder_layers": r.choice((1, 2, 3)), "encoder_attention_heads": heads,
            "encoder_ffn_dim": r.choice((40, 52)), "decoder_layers": 1, "decoder_attention_heads": 1, "decoder_ffn_dim": 12,
            "max_position_embeddings": r.choice((24, 64)), "scale_embedding": r.random() < 0.5, "pad_token_id": 1,
            "activation_function": r.choice(("relu", "gelu", "silu"))}


class M2M100(Words):
    """The encoder of a translation model."""

    def run(self, library, model, dtype, ids):
        mask = (ids != 1).long()
        answer = model.get_encoder()(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        out = {**text_outputs(answer), "mean": masked_mean(answer.last_hidden_state, mask)}
        del out[f"hidden_states.{len(answer.hidden_states) - 1}"]  # normed already: that is last_hidden_state
        return {name: value * mask[..., None].to(dtype) if value.dim() == 3 else value for name, value in out.items()}


def m2m(r, seed):
    return M2M100(r, seed, "M2M100Config", r.choice(("M2M100Model", "M2M100ForConditionalGeneration")), m2m_config(r))


class TwoTowers(Transformers):
    """A picture tower beside an encoder of texts, which have padding."""

    def __init__(self, random, seed, name, model_class, config, size, pad=0):
        super().__init__(random, seed, None, name + "Config", model_class, config, size)
        self.pad = pad
        self.ids = padded(random, [random.choice((1, 2, 7, 12)) for _ in range(2)], pad)

    def look(self, model, dtype):
        """The states of the picture's blocks, and what the picture tower answers."""
        tower = model.vision_model
        blocks = getattr(tower.encoder, "layers", None) or tower.encoder.layer
        out = block_states(tower, blocks, lambda: tower(pixel_values=self.pixels().to(dtype)))
        answer = out.pop("answer")
        return answer, {"last_hidden_state": answer.last_hidden_state, **out}

    def given(self, ids):
        return {"input_ids": ids, "attention_mask": (ids != self.pad).long()}


class Blip(TwoTowers):
    def run(self, library, model, dtype, ids):
        seen, out = self.look(model, dtype)
        if self.model_class == "BlipForConditionalGeneration":
            return {**out, "pooler_output": seen.pooler_output}
        if self.model_class == "BlipModel":
            text = model.get_text_features(**self.given(ids))
            return {**out, **pair(reference_transformers.features(model.get_image_features(pixel_values=self.pixels().to(dtype))),
                                  reference_transformers.features(text))}
        read = model.text_encoder(**self.given(ids)).last_hidden_state
        return {**out, **pair(model.vision_proj(seen.last_hidden_state[:, 0]), model.text_proj(read[:, 0]))}


def blip(r, seed):
    kind = r.choice(("BlipForImageTextRetrieval",) * 3 + ("BlipModel", "BlipForConditionalGeneration"))
    vision = sizes(r)
    words = bert_config(r, encoder_hidden_size=vision["hidden_size"], bos_token_id=2, eos_token_id=3, sep_token_id=3,
                        projection_dim=r.choice((20, 24)))
    config = {"text_config": words, "vision_config": vision, "image_text_hidden_size": r.choice((20, 28)), "projection_dim": r.choice((20, 28))}
    draw = Blip(r, seed, "Blip", kind, config, (vision["image_size"],) * 2)
    if kind == "BlipForConditionalGeneration":
        draw.ids = None
    return draw


class Tips(TwoTowers):
    def run(self, library, model, dtype, ids):
        _, out = self.look(model, dtype)
        image = reference_transformers.features(model.get_image_features(pixel_values=self.pixels().to(dtype)))
        return {**out, **pair(image, reference_transformers.features(model.get_text_features(**self.given(ids))))}


def tips(r, seed):
    vision = {**sizes(r), "mlp_ratio": r.choice((1, 2, 2.6667, 4)), **flags(r, "use_swiglu_ffn"), "num_register_tokens": r.choice((0, 1, 4))}
    del vision["intermediate_size"]
    heads = r.choice([n for n in (1, 2, 3, 4) if vision["hidden_size"] % n == 0])
    words = {"vocab_size": 99, "hidden_size": vision["hidden_size"], "intermediate_size": r.choice((40, 60)), "num_hidden_layers": r.choice((1, 2)),
             "num_attention_heads": heads, "max_position_embeddings": r.choice((12, 16)), "hidden_act": r.choice(("relu", "gelu")),
             "layer_norm_eps": r.choice((1e-5, 1e-3)), **flags(r, "scale_sqrt_depth")}
    return Tips(r, seed, "Tipsv2", "Tipsv2Model", {"vision_config": vision, "text_config": words}, (vision["image_size"],) * 2)


# ------------------------------------------------------------------ configs that a checkpoint only names

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAMED = "random/encoder"


def write_hub(folder, config):
    """The config of the encoder that the checkpoint names, in a cache of the hub."""
    root = folder / "hub" / ("models--" + NAMED.replace("/", "--"))
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    (root / "snapshots" / COMMIT).mkdir(parents=True)
    make_cases.write_json(root / "snapshots" / COMMIT / "config.json", config.to_dict())


def named_encoder(r, kinds):
    """Class of the config, class of the model, and the config."""
    import transformers
    config_class = r.choice(kinds)
    model_class, draw = {**ENCODERS_OF_TEXTS, "M2M100Config": ("M2M100Model", m2m_config)}[config_class]
    return model_class, getattr(transformers, config_class)(**draw(r))


class MClip(Draw):
    """multilingual_clip's MultilingualCLIP: an encoder, the mean of its tokens, a layer."""
    text_only = True

    def __init__(self, random, seed, size=(8, 8)):
        self.inner_class, self.config = named_encoder(random, ("XLMRobertaConfig", "BertConfig", "DistilBertConfig", "RobertaConfig"))
        super().__init__(random, seed, "M-CLIP " + self.inner_class, size)
        self.width = random.choice((20, 24))
        self.ids = padded(random, [random.choice((1, 2, 7, 12)) for _ in range(3)], self.config.pad_token_id)

    def environment(self, folder):
        return {"HF_HUB_CACHE": str(folder / "hub")}

    def parts(self):
        import transformers
        inner = getattr(transformers, self.inner_class)(self.config).eval()
        return torch.nn.ModuleDict({"transformer": inner, "LinearTransformation": torch.nn.Linear(self.dim(), self.width)}).eval()

    def dim(self):
        return getattr(self.config, "dim", None) or self.config.hidden_size

    def write(self, folder):
        torch.manual_seed(self.seed)
        model = self.parts()
        make_cases.randomise(model, self.seed)
        save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors", {"format": "pt"})
        make_cases.write_json(folder / "config.json", {"model_type": "M-CLIP", "modelBase": NAMED, "transformerDimensions": self.dim(),
                                                       "numDims": self.width, "architectures": ["MultilingualCLIP"]})
        write_hub(folder, self.config)

    def load(self, folder, dtype, attention):
        model = self.parts()
        model.load_state_dict(load_file(folder / "model.safetensors"))
        model["transformer"].set_attn_implementation(attention)
        return model.to(dtype)

    def answer(self, model, dtype, ids):
        mask = (ids != self.config.pad_token_id).long()
        states = model["transformer"](input_ids=ids, attention_mask=mask).last_hidden_state
        return {"text_features": model["LinearTransformation"](masked_mean(states, mask))}


# ------------------------------------------------------------------ open_clip

@contextlib.contextmanager
def config_from(folder):
    """open_clip takes the config of its encoder from the folder's cache."""
    import open_clip.hf_model
    import transformers

    class Cached:
        @staticmethod
        def from_pretrained(name, **more):
            return transformers.AutoConfig.from_pretrained(name, cache_dir=str(folder / "hub"), local_files_only=True)

    saved, open_clip.hf_model.AutoConfig = open_clip.hf_model.AutoConfig, Cached
    try:
        yield
    finally:
        open_clip.hf_model.AutoConfig = saved


class OpenClipWords(OpenClip):
    """open_clip with an encoder of transformers."""

    def __init__(self, random, seed, name, model_cfg, size, config):
        super().__init__(random, seed, name, model_cfg, size)
        self.config = config
        length = model_cfg["text_cfg"]["context_length"]
        texts = padded(random, [random.choice((1, 2, 7, length)) for _ in range(2)], config.pad_token_id)
        self.ids = [text + [config.pad_token_id] * (length - len(text)) for text in texts]

    def environment(self, folder):
        return {"HF_HUB_CACHE": str(folder / "hub")}

    def write(self, folder):
        write_hub(folder, self.config)
        cfg = self.model_cfg
        with config_from(folder):
            self.model_cfg = {**cfg, "custom_text": True, "text_cfg": {**cfg["text_cfg"], "hf_model_pretrained": False}}
            super().write(folder)
        self.model_cfg = cfg
        path = folder / "open_clip_config.json"
        make_cases.write_json(path, {**json.loads(path.read_text()), "model_cfg": cfg})

    def load(self, folder, dtype, attention):
        with config_from(folder):
            model = super().load(folder, torch.float32, attention)
        inner = model.text.transformer
        if hasattr(inner, "set_attn_implementation"):
            inner.set_attn_implementation(attention)
        return model.to(dtype)


def picture_cfg(r):
    size = tuple(8 * n for n in r.choice(((5, 5), (5, 3))))
    head, heads = r.choice((8, 12)), r.choice((1, 2, 3))
    return {"image_size": size[0] if size[0] == size[1] else list(size), "layers": r.choice((1, 2)), "width": head * heads, "head_width": head,
            "patch_size": 8, "mlp_ratio": r.choice((4.0, 2.5))}, size


def open_clip_words(r, seed):
    model_class, config = named_encoder(r, ("RobertaConfig", "XLMRobertaConfig", "BertConfig", "M2M100Config"))
    vision, size = picture_cfg(r)
    poolers = ("mean_pooler", "cls_pooler", "cls_last_hidden_state_pooler", None)
    projections = ("linear", "mlp", None)
    text = {"hf_model_name": NAMED, "hf_tokenizer_name": NAMED, "hf_pooler_type": r.choice(poolers), "hf_proj_type": r.choice(projections),
            "context_length": r.choice((12, 16))}
    text = {key: value for key, value in text.items() if value is not None}
    cfg = {"embed_dim": r.choice((20, 24)), "vision_cfg": vision, "text_cfg": text, **flags(r, "quick_gelu")}
    cfg.update({"init_logit_bias": -10} if r.random() < 0.3 else {})
    return OpenClipWords(r, seed, f"open_clip {model_class} {text.get('hf_pooler_type')} {text.get('hf_proj_type')}", cfg, size, config)


def clipa(r, seed):
    """ViT-*-CLIPA: texts are read at their last position, without causal mask."""
    vision, size = picture_cfg(r)
    vision.update(no_ln_pre=True, pool_type="avg", final_ln_after_pool=r.random() < 0.7)
    text = {**open_clip_text(r), "pool_type": "last", "no_causal_mask": r.random() < 0.8, "hf_tokenizer_name": "bert-base-uncased",
            "tokenizer_kwargs": {"strip_sep_token": True}}
    cfg = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text, **flags(r, "quick_gelu", "custom_text")}
    draw = OpenClip(r, seed, "open_clip CLIPA", cfg, size)
    draw.ids = [text[:7] + [0] for text in TEXTS]
    return draw


class CoCa(OpenClip):
    def write(self, folder):
        from open_clip.coca_model import CoCa as Model
        model = Model(**{key: value for key, value in self.model_cfg.items() if key != "custom_text"}).eval()
        make_cases.randomise(model, self.seed)
        save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "open_clip_model.safetensors")
        make_cases.write_json(folder / "open_clip_config.json", {"model_cfg": self.model_cfg, "preprocess_cfg": self.case()["preprocess_cfg"]})

    def answer(self, model, dtype, ids):
        out = block_states(model.visual, model.visual.transformer.resblocks, lambda: model.encode_image(self.pixels().to(dtype), normalize=False))
        image = out.pop("answer")
        return {**out, **pair(image, model.encode_text(ids, normalize=False))}


def coca(r, seed):
    vision, size = picture_cfg(r)
    vision.update(attentional_pool=True, attn_pooler_heads=r.choice((2, 4)), attn_pooler_queries=r.choice((1, 5, 9)), output_tokens=True,
                  **flags(r, "no_ln_pre"))
    length = r.choice((8, 10))
    text = {"context_length": length, "vocab_size": 99, "width": 24, "heads": r.choice((2, 3)), "layers": r.choice((1, 2)), "embed_cls": True,
            "output_tokens": True, **flags(r, "no_causal_mask", "proj_bias")}
    many = {"context_length": length, "vocab_size": 99, "width": 24, "heads": 2, "layers": 1}
    cfg = {"embed_dim": 24, "custom_text": True, "vision_cfg": vision, "text_cfg": text, "multimodal_cfg": many, **flags(r, "quick_gelu")}
    draw = CoCa(r, seed, "open_clip CoCa", cfg, size)
    texts = padded(r, [r.choice((1, 2, 5, length)) for _ in range(2)], 0)
    draw.ids = [row + [0] * (length - len(row)) for row in texts]
    return draw


# ------------------------------------------------------------------ sentence-transformers

WORDS = "a photo of the red dog on mountain two cats one bicycle house near river with more than model takes in go and then some".split()
POOLINGS = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "lasttoken": "lasttoken"}


def write_tokenizer(folder, pad):
    """WordPiece over a few words, with the padding where the encoder has it."""
    from transformers import BertTokenizerFast
    tokens = ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens.insert(pad, PAD)
    tokens += [letter for letter in "abcdefghijklmnopqrstuvwxyz.,!"] + ["##" + letter for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokens += [word for word in WORDS if word not in tokens]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), pad_token=PAD)
    tokenizer.save_pretrained(folder)
    return len(tokens)


class Sentences(Draw):
    """A folder of sentence-transformers: an encoder, Pooling, some Dense, Normalize."""
    text_only = True

    def __init__(self, random, seed, config_class):
        self.inner_class, draw = ENCODERS_OF_TEXTS[config_class]
        super().__init__(random, seed, "sentences " + self.inner_class, (8, 8))
        self.config_class, self.config = config_class, draw(random)
        lengths = [random.choice((0, 1, 3, 9, 30)) for _ in range(4)]
        self.texts = [" ".join(random.choice(WORDS + ["Dog!", "unknown", "xyz", "."]) for _ in range(n)) for n in lengths]
        self.attention = "eager" if config_class in ("MPNetConfig", "T5Config") else "sdpa"

    def write(self, folder):
        import transformers
        r, kinds = self.random, [("Transformer", "")]
        config = {**self.config, "vocab_size": write_tokenizer(folder, self.config["pad_token_id"])}
        model = getattr(transformers, self.inner_class)(getattr(transformers, self.config_class)(**config)).eval()
        make_cases.randomise(model, self.seed)
        model.save_pretrained(folder)
        width = config.get("hidden_size") or config.get("dim") or config["d_model"]
        self.write_pooling(folder / "1_Pooling", width)
        kinds.append(("Pooling", "1_Pooling"))
        for i in range(r.choice((0, 0, 1, 2, 3))):
            width = self.write_dense(folder / f"{i + 2}_Dense", width)
            kinds.append(("Dense", f"{i + 2}_Dense"))
        if r.random() < 0.5:
            kinds.append(("Normalize", f"{len(kinds)}_Normalize"))
        make_cases.write_json(folder / "modules.json", [
            {"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind} for i, (kind, path) in enumerate(kinds)])
        make_cases.write_json(folder / "sentence_bert_config.json", {"max_seq_length": r.choice((5, 8, 16)), "do_lower_case": False})
        prompts = {"prompts": {"query": "two ", "passage": ""}, "default_prompt_name": r.choice((None, "query", "passage"))}
        make_cases.write_json(folder / "config_sentence_transformers.json", prompts if r.random() < 0.4 else {})

    def write_pooling(self, folder, width):
        folder.mkdir()
        mode, r = self.random.choice(list(POOLINGS)), self.random
        old = {"word_embedding_dimension": width, **{"pooling_mode_" + name: name == POOLINGS[mode] for name in POOLINGS.values()}}
        new = {"embedding_dimension": width, "pooling_mode": mode, "include_prompt": True}
        make_cases.write_json(folder / "config.json", r.choice((old, new)))

    def write_dense(self, folder, inputs):
        folder.mkdir()
        r = self.random
        outputs, bias = r.choice((12, 20, 33)), r.random() < 0.6
        make_cases.write_json(folder / "config.json", {
            "in_features": inputs, "out_features": outputs, "bias": bias,
            "activation_function": "torch.nn.modules." + r.choice(("activation.Tanh", "linear.Identity", "activation.GELU", "activation.ReLU"))})
        layer = torch.nn.Linear(inputs, outputs, bias=bias)
        save_file({"linear." + name: tensor.contiguous() for name, tensor in layer.state_dict().items()}, folder / "model.safetensors")
        return outputs

    def load(self, folder, dtype, attention):
        from sentence_transformers import SentenceTransformer
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True,
                                    model_kwargs={"dtype": torch.float32, "attn_implementation": attention})
        return model.eval().to(dtype)

    def answer(self, model, dtype, ids):
        return {"text_features": model.encode(self.texts, convert_to_tensor=True, batch_size=2).clone()}


def sentences(r, seed):
    return Sentences(r, seed, r.choice(list(ENCODERS_OF_TEXTS)))


KINDS = {"m2m_100": (m2m, 2), "blip": (blip, 2), "tipsv2": (tips, 2), "mclip": (MClip, 1), "open_clip_words": (open_clip_words, 2),
         "clipa": (clipa, 1), "coca": (coca, 1), "sentences": (sentences, 2)}
