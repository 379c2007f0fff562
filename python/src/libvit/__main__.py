# SPDX-License-Identifier: BSD-2-Clause
"""python -m libvit ...: the command `vit` of the same build, which is in the package."""

import os
import sys

from ._native import COMMAND

os.execv(COMMAND, ["vit", *sys.argv[1:]])
