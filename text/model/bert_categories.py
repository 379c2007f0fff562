#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes bert_categories.c: the characters that the library tokenizers takes for punctuation, for marks and for control
characters in its BERT parts. Its tables are those of Unicode 8, whatever else is installed. Needs tokenizers.

    python3 bert_categories.py > bert_categories.c
"""
import unicodedata

from tokenizers import normalizers, pre_tokenizers

SPLIT = pre_tokenizers.BertPreTokenizer()
STRIP = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
CLEAN = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)


def is_punctuation(c):
    return any(word == c for word, _ in SPLIT.pre_tokenize_str("a" + c + "b"))


def is_mark(c):
    return unicodedata.normalize("NFD", c) == c and STRIP.normalize_str("a" + c + "b") == "ab"


def is_control(c):
    return CLEAN.normalize_str("a" + c + "b") == "ab"


def ranges(fits):
    found = []
    for code in (c for c in range(0x110000) if not 0xD800 <= c < 0xE000):
        if not fits(chr(code)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


print("""/* SPDX-License-Identifier: BSD-2-Clause */
/* Written by bert_categories.py. */
#include "bert_categories.h"

/* clang-format off */""")
for name, fits in (("punctuation", is_punctuation), ("marks", is_mark), ("control", is_control)):
    texts = ["{0x%X, 0x%X}," % tuple(r) for r in ranges(fits)]
    print("const vit__range vit__bert_%s[] = {" % name)
    line = ""
    for text in texts + [""]:
        if len(line) + len(text) > 110 or not text:
            print("   " + line)
            line = ""
        line += " " + text
    print("};\nconst size_t vit__bert_n_%s = sizeof vit__bert_%s / sizeof *vit__bert_%s;\n" % (name, name, name))
print("/* clang-format on */")
