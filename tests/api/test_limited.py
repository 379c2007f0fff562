# SPDX-License-Identifier: BSD-2-Clause
"""Whatever is read whole is read up to a limit of base/limit.h: no file of the sources has a number of its own there. SOURCE is
the project."""
import glob
import os
import re
import unittest

SOURCE = os.environ["SOURCE"]
ROOMS = "base", "vit", "io", "text", "pipeline", "index", "hub", "fit", "serve", "cli"
READS = re.compile(r"\.most = ([^,}]+)[,}]|cli_json_load\([^,;{]+, ([^,]+),")
PASSED_ON = "most", "uint64_t most", "max_bytes ? max_bytes : VIT__LIMIT_PICTURE_BYTES"  # what a caller has


class Limited(unittest.TestCase):
    def test_by_the_table(self):
        limits = []
        for room in ROOMS:
            for path in glob.glob(os.path.join(SOURCE, room, "**", "*.c"), recursive=True):
                with open(path, encoding="utf-8") as file:
                    limits += [(path, found[1] or found[2]) for found in READS.finditer(file.read())]
        self.assertGreater(len(limits), 15)
        for path, limit in limits:
            self.assertTrue(limit.startswith("VIT__LIMIT_") or limit in PASSED_ON, (path, limit))


if __name__ == "__main__":
    unittest.main(verbosity=2)
