# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of `vit pull` share: a model on a server of our own, and the command beside it."""
import json
import os
import stat
import subprocess
import time

from harness import *
from hub_server import *

ID = "acme/vit"
LARGE = 3 << 20


def model_files(**more):
    """The files of a small classifier, as a repository has them."""
    names = ("config.json", "preprocessor_config.json", "model.safetensors")
    files = {name: read(golden("hf_vit_classifier", name)) for name in names}
    files["README.md"] = b"A model."
    files.update({name.replace("__", "/"): data for name, data in more.items()})
    return files


def noise(size, seed=b"x"):
    """Bytes that nothing compresses, the same every time."""
    block = b"".join(hashlib.sha256(seed + bytes([i])).digest() for i in range(256))
    return (block * (size // len(block) + 1))[:size]


class PullCase(Case):
    """Each test with a hub and a cache of its own."""

    def setUp(self):
        super().setUp()
        self.repository = Repository(model_files())
        self.hub = self.serve({ID: self.repository})
        self.cache = self.path("cache")

    def serve(self, repositories, **more):
        hub = Hub(repositories, **more)
        self.addCleanup(hub.close)
        return hub

    def environment(self, **changes):
        clean = {k: v for k, v in environment().items() if k not in ("HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN",
                                                                     "TRANSFORMERS_OFFLINE", "XDG_CACHE_HOME")}
        clean.update({"HF_ENDPOINT": self.hub.endpoint, "HF_HOME": self.path("home"), "HF_HUB_CACHE": self.cache,
                      "no_proxy": "*", "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"})
        clean.update(changes)
        return {k: v for k, v in clean.items() if v is not None}

    def pull(self, *arguments, env=None, most=120, **more):
        """`vit pull`, with the id where no arguments are given. It must end in so many seconds."""
        started = time.monotonic()
        done = self.vit("pull", *(arguments or (ID,)), env=env or self.environment(), **more)
        self.assertLess(time.monotonic() - started, most)
        self.assertNotIn(TOKEN, done.stderr.decode() + done.stdout.decode())
        return done

    def start_pull(self, *arguments, **changes):
        return self.start("pull", *(arguments or (ID,)), env=self.environment(**changes))

    def tree(self, cache=None):
        """{path: what stands there} of the cache, but for the locks: bytes, or the target of a link."""
        found, cache = {}, cache or self.cache
        for folder, folders, names in os.walk(cache):
            if ".locks" in folder:
                continue
            for name in names + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, cache)] = (os.readlink(path) if os.path.islink(path) else read(path))
        return found

    def expected_tree(self, names=None, revision="main"):
        """What a pull must leave behind."""
        at, r = "models--acme--vit/", self.repository
        tree = {at + "refs/" + revision: r.commit.encode(),
                "CACHEDIR.TAG": self.tree().get("CACHEDIR.TAG", b"none")}
        for name in names or r.files:
            up = "../" * (2 + name.count("/"))
            tree[at + "blobs/" + r.etag(name)] = r.files[name]
            tree[at + "snapshots/%s/%s" % (r.commit, name)] = up + "blobs/" + r.etag(name)
        return tree

    def assert_whole(self, names=None, revision="main"):
        self.assertEqual(self.tree(), self.expected_tree(names, revision))

    def assert_nothing(self, but_for=()):
        """No snapshot, no reference, no blob, but for partial files."""
        left = [path for path in self.tree() if path != "CACHEDIR.TAG" and not path.endswith(".vit.incomplete")]
        self.assertEqual(left, list(but_for))

    def assert_token_stays(self, hub=None):
        for request in (hub or self.hub).requests:
            if request["cdn"]:
                self.assertFalse(request["token"], request)
