# SPDX-License-Identifier: BSD-2-Clause
"""Weights that are NaN, infinite, huge or denormal: no number that is not finite reaches an output, an index or JSON."""
import json
import os
import shutil
import struct

from harness import *

VALUES = {"nan": float("nan"), "infinity": float("inf"), "minus infinity": float("-inf"), "huge": 3e38, "denormal": 1e-42}


class Numbers(Case):
    def model(self, name, value):
        """MODEL with one number of a tensor that is another."""
        folder = self.path("model")
        shutil.copytree(MODEL, folder)
        path = os.path.join(folder, "model.safetensors")
        content = bytearray(read(path))
        size, = struct.unpack("<Q", content[:8])
        tensor = json.loads(content[8:8 + size])[name]
        self.assertEqual(tensor["dtype"], "F32")
        struct.pack_into("<f", content, 8 + size + tensor["data_offsets"][0] + 8, value)
        write(path, bytes(content))
        return folder

    def tensors(self):
        content = read(os.path.join(MODEL, "model.safetensors"))
        header = json.loads(content[8:8 + struct.unpack("<Q", content[:8])[0]])
        wanted = ("norm", "bias", "dense", "embeddings", "query")
        return [next(name for name in sorted(header) if word in name) for word in wanted]

    def assert_finite(self, values):
        self.assertTrue(all(value - value == 0 for value in values))

    def test_weights(self):
        """A finite result with exit status 0, or `non_finite` with 1 and nothing of it anywhere."""
        refused = 0
        for name in self.tensors():
            for value in VALUES.values():
                model = self.model(name, value)
                done = run("embed", "-m", model, "--format", "jsonl", PICTURE)
                self.assertIn(done.returncode, (0, 1), done.stderr)
                if done.returncode:
                    self.assertIn(b"non_finite", done.stderr)
                    refused += 1
                for line in done.stdout.splitlines():
                    self.assert_finite(json.loads(line, parse_constant=self.fail).get("embedding") or [0.0])
                shutil.rmtree(model)
        self.assertGreater(refused, 5)

    @unittest.skipUnless(KEEPS_INDEXES, "built without SQLite")
    def test_index(self):
        """No vector of such a model is kept."""
        model = self.model(self.tensors()[0], float("nan"))
        self.vit("index", "-m", model, "--db", "x.db", PICTURE, status=1, saying="non_finite")
        self.vit("search", "--db", "x.db", PICTURE, status=USAGE, saying="nothing was indexed")

    def test_probabilities(self):
        model = self.model(self.tensors()[1], float("nan"))
        done = run("classify", "-m", model, "--format", "json", PICTURE)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json_lines(done.stdout)[0]["error"]["code"], "non_finite")

    def test_levels_agree(self):
        """Each level of VIT_CPU that this processor has gives nearly the same: float32 sums in another order."""
        levels = ("c", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "neon")
        for precision, most in (("f32", 2e-6), ("bf16", 3e-2), ("int8", 3e-2)):  # of the largest value
            rows = {}
            for level in levels:
                done = run("embed", "-m", MODEL, "--precision", precision, "--format", "jsonl", PICTURE, env=environment(VIT_CPU=level))
                self.assertEqual(done.returncode, 0, done.stderr)
                rows[level] = json_lines(done.stdout)[0]["embedding"]
            for level, row in rows.items():
                self.assertLess(relative_error(row, rows["c"]), most, (precision, level))


if __name__ == "__main__":
    main()
