# SPDX-License-Identifier: BSD-2-Clause
"""What schemathesis sends where a picture is wanted: one."""
import schemathesis
from hypothesis import strategies

from facts import PICTURES

schemathesis.openapi.media_type("image/*", strategies.sampled_from(PICTURES))
