#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes imagenet_names.c: what timm calls the 1000 classes of ImageNet-1k.

    make_imagenet_names.py > imagenet_names.c

Needs timm (models/reference/requirements.txt), whose words are WordNet's: the licence of those is in LICENSE.WordNet.
"""
import timm
from timm.data import ImageNetInfo

HEAD = '''/* SPDX-License-Identifier: WordNet */
/* Made by make_imagenet_names.py from timm %s: change that, not this.
 *
 * The names are of WordNet 3.0, Copyright 2006 by Princeton University, all rights reserved; terms and disclaimer are in
 * LICENSE.WordNet. */
#include "imagenet_names.h"

const char *const vit__imagenet_names[VIT__IMAGENET_CLASSES] = {'''

names = ImageNetInfo("imagenet-1k").label_descriptions()
assert len(names) == 1000 and all(name.isascii() and not set(name) & {'"', "\\", "?"} for name in names)
print(HEAD % timm.__version__)
for name in names:
    print(f'    "{name}",')
print("};")
