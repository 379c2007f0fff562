# SPDX-License-Identifier: BSD-2-Clause
"""Files that are one byte larger than docs/limits.md allows: refused by their size, before anything of them is read."""
import os
import re
import resource
import shutil

from harness import *

PAGE = os.path.join(DOCS, "limits.md")
LIMITS = {name: int(value.replace(",", "")) for name, value in re.findall(r"^\| `(\w+)` \| ([\d,]+)", read(PAGE).decode(), re.M)}


SANITIZED = is_sanitized()


def lessen_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28))


class Limits(Case):
    def too_large(self, name, limit, start=b""):
        """A sparse file, one byte past the limit."""
        path = write(self.path(name), start)
        os.truncate(path, LIMITS[limit] + 1)
        return path

    def refused(self, limit, *arguments, status=USAGE, saying=b"%d bytes"):
        """In little memory."""
        done = self.vit(*arguments, status=status, preexec_fn=None if SANITIZED else lessen_memory)
        self.assertIn(saying % LIMITS[limit] if b"%d" in saying else saying, done.stderr)

    def test_picture(self):
        path = self.too_large("x.png", "picture_bytes", read(PICTURE))
        self.refused("picture_bytes", "classify", "-m", MODEL, path, status=1)

    def model_with(self, name, limit):
        folder = self.path("model-" + name)
        shutil.copytree(MODEL, folder)
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
        self.too_large(os.path.join(folder, name), limit, b"{}")
        return folder

    def test_json_of_a_model(self):
        for name in ("config.json", "preprocessor_config.json"):
            self.refused("json_bytes", "classify", "-m", self.model_with(name, "json_bytes"), PICTURE, status=MODEL_FAILS)

    def test_tokenizer(self):
        self.refused("tokenizer_bytes", "tokenize", "-m", self.model_with("tokenizer.json", "tokenizer_bytes"), status=MODEL_FAILS)

    def test_tables(self):
        table = self.too_large("table.csv", "fit_table_bytes", b"path,label\n")
        self.refused("fit_table_bytes", "fit", "-m", MODEL, "--labels", table, "-o", "x.safetensors")

    def test_keys_of_a_server(self):
        self.refused("serve_keys_bytes", "serve", "-m", MODEL, "--api-key-file", self.too_large("keys", "serve_keys_bytes"))

    def test_counts(self):
        for option, limit in (("--batch", "count"), ("-t", "threads")):
            self.refused(limit, "embed", "-m", MODEL, option, str(LIMITS[limit] + 1), PICTURE, saying=b"1 to %d")

    def test_header_of_an_array(self):
        header = b"\x93NUMPY\x01\x00" + (LIMITS["npy_header_bytes"] + 1).to_bytes(2, "little")
        write(self.path("x.npy"), header + b" " * (LIMITS["npy_header_bytes"] + 1))
        self.refused("npy_header_bytes", "embed", "-m", MODEL, "--pixels", "x.npy", "-o", "out.npy", status=1, saying=b"header")


if __name__ == "__main__":
    main()
