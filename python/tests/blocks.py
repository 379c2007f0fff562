# SPDX-License-Identifier: BSD-2-Clause
"""Blocks of code in pages."""

import re


def python_blocks(path):
    """The blocks of Python of a page, in order."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
