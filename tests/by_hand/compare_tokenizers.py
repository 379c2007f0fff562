#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the ids of `vit tokenize` with those of the Python libraries, on many lines.

    compare_tokenizers.py VIT FOLDER... [--lines FILE] [--seed N] [--count N] [--show N]

Each FOLDER has the files of a tokenizer. --lines is a file of lines, to which --count lines are added that are made here from
--seed: emoji, combining marks, scripts without spaces, control characters, spaces of all kinds, very long words, special tokens inside
a text, line ends. The reference is open_clip's tokenizer for its folders, transformers' AutoTokenizer for others, and `tokenizers` alone where
a folder has no more than tokenizer.json. Needs the packages of models/reference/requirements.txt.
"""
import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "reference"))

PIECES = {
    "emoji": "😀 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 1️⃣ ❤️ 🧑🏿‍🚀 ™️ ♥ → 🎉🎉🎉".split(),
    "marks": ["e\u0301", "a\u0323\u0302", "n\u0303o", "\u0301", "o\u0308\u0304", "\u1e9b\u0323", "q\u0307\u0323", "Z\u0351\u036b", "ñandú", "ÅÄÖ", "İ", "ǰ"],
    "thai": "รูปภาพ แมว น้ำ ที่ กำลัง เก้าอี้ สุนัขสีแดง".split(),
    "arabic": "كلب قطة مَدْرَسَة ٣ إلى الأحمر لا ﷺ ﻻ".split(),
    "mixed": "犬の写真 东京tower ｶﾞﾗｽ ＡＢＣ１２ 龍𠮷 コーヒー2杯 한국어 ㌔ ① ﬁn ½ Ⅷ".split(),
    "controls": ["\x01", "\x07bell", "a\x0bb", "a\x0cb", "a\x1bb", "\x7f", "\x85", "\x9f", "\ufeff", "\u200b", "\u200d", "\u2028", "\ufffd", "\u00ad", "a\x1cb"],
    "spaces": ["\u00a0", "a\u00a0b", "\u3000", "\t", "  ", "   ", "\u2003", "\u202f", "\u2009x", "\r", "\r\n", "a\r\nb"],
    "long": ["supercalifragilistic" * 6, "a" * 99, "b" * 100, "c" * 101, "z" * 250, "é" * 120, "狗" * 70, "1234567890" * 15, "-" * 80, "http://x.org/" + "q" * 90],
    "special": ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>", "<|endoftext|>", "<|startoftext|>", "<|ENDOFTEXT|>",
                "[cls]", "x</s>y", "[MASK][MASK]", "eng_Latn", "<extra_id_0>", "<eos>", "<bos>"],
    "plain": "a photo of the dog isn't running, 3.14 (maybe) it's $5 e-mail we'll 'quoted' camelCase snake_case #tag @name 50% &amp; C++ naïve Straße ΣΟΦΟΣ фото".split(),
}


def made_lines(seed, count):
    r = random.Random(seed)
    lines = []
    for _ in range(count):
        kinds = r.sample(list(PIECES), r.choice((1, 2, 3)))
        words = [r.choice(PIECES[r.choice([*kinds, "plain"])]) for _ in range(r.randint(1, 12))]
        text = "".join(word + r.choice((" ", " ", " ", "", "  ")) for word in words)
        lines.append(r.choice(("", "", " ", "\t", "  ")) + text if r.random() < 0.5 else text.strip())
    return lines


def reference(folder):
    """A function from a text to its ids."""
    import make_expected  # noqa: F401  it makes torchvision importable
    import transformers
    transformers.utils.logging.set_verbosity_error()
    if (folder / "open_clip_config.json").exists():
        import reference_open_clip
        tokenizer = reference_open_clip.open_clip.get_tokenizer(f"local-dir:{folder}")
        return "open_clip " + type(tokenizer).__name__, lambda text: tokenizer([text])[0].tolist()
    if (folder / "config.json").exists() or (folder / "tokenizer_config.json").exists():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        most = sentence_limit(folder, tokenizer.model_max_length)
        cut = {"truncation": True, "max_length": most} if most < 1 << 24 else {}
        return type(tokenizer).__name__, lambda text: list(tokenizer(text, **cut)["input_ids"])
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return "tokenizers", lambda text: tokenizer.encode(text).ids


def sentence_limit(folder, most):
    """sentence-transformers cuts earlier."""
    path = folder / "sentence_bert_config.json"
    said = json.loads(path.read_text()).get("max_seq_length") if path.exists() else None
    config = json.loads((folder / "config.json").read_text()) if (folder / "config.json").exists() else {}
    sizes = [most, *([said] if said else []), *positions(config)]
    return min(sizes)


def positions(config):
    """How many tokens an encoder has positions for."""
    config = {**config, **(config.get("text_config") or {})}
    if "max_position_embeddings" not in config or config.get("model_type") == "m2m_100":
        return []
    before = {"roberta": 1, "xlm-roberta": 1, "mpnet": 1, "altclip_text_model": 1}.get(config.get("model_type"))
    pad = 1 if config.get("model_type") == "mpnet" else config.get("pad_token_id", 1)
    return [config["max_position_embeddings"] - (pad + before if before else 0)]


def ours(command, folder, lines, options):
    given = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = subprocess.run([command, "tokenize", "--json", "-m", folder, *options], input=given, capture_output=True)
    if done.returncode:
        sys.exit(f"{folder}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def same(ids, want):
    """open_clip fills up with one id; no other library fills up here."""
    return ids == want[:len(ids)] and len(set(want[len(ids):])) <= 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vit", help="the command")
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--lines", type=Path, help="a file of lines to take too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=5000, help="lines that are made")
    parser.add_argument("--show", type=int, default=3, help="differences to print, for each folder")
    args = parser.parse_args()
    lines = args.lines.read_text(encoding="utf-8").split("\n")[:-1] if args.lines else []
    lines += made_lines(args.seed, args.count)
    bad = 0
    for folder in args.folder:
        name, ids_of = reference(folder)
        got = ours(args.vit, folder, lines, [])
        different = [(line, ids, want) for line, ids in zip(lines, got) if not same(ids, want := ids_of(line))]
        bad += bool(different)
        print(f"{folder.name:32s} {name:28s} {len(lines)} lines, {len(different)} differ", flush=True)
        for line, ids, want in different[:args.show]:
            print(f"    {line!r}\n      vit {ids}\n      ref {want}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
