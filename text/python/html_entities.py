#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes html_entities.c from the HTML 5 names of Python's standard library:  python html_entities.py > html_entities.c"""
import html.entities

names = html.entities.html5
rows = []
for name in sorted({n.rstrip(";") for n in names}):
    codes = [ord(c) for c in names[name + ";"]] + [0]
    rows.append(f'{{"{name}", 0x{codes[0]:X}, {codes[1] and f"0x{codes[1]:X}"}, {int(name in names)}}}, ')
lines, line = [], "   "
for row in rows:
    if len(line) + len(row) > 118:
        lines.append(line.rstrip())
        line = "   "
    line += " " * (line == "   ") + row
lines.append(line.rstrip())
print("/* SPDX-License-Identifier: BSD-2-Clause */")
print("/* The named characters of HTML 5. Made by html_entities.py; not to be edited. */")
print('#include "html.h"\n')
print("/* name, first and second code point (0: none), may it stand without a semicolon */")
print("const vit__entity vit__entities[] = {")
print("\n".join(lines))
print("};\n")
print("const size_t vit__n_entities = sizeof vit__entities / sizeof *vit__entities;")
