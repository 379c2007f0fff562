# SPDX-License-Identifier: BSD-2-Clause
"""huggingface_hub as the second client of the same cache and the same server: what one of the two fetched, the other finds
there, whole and in order. Needs huggingface_hub from PyPI, and is run where VIT_TEST_FULL is set."""
import sys

from pulling import *
from venvs import venv

CLIENT = r'''
import json, os, sys, warnings
from huggingface_hub import HfApi, hf_hub_download, scan_cache_dir, snapshot_download
what, *names = sys.argv[1:]
if what == "snapshot":
    print(snapshot_download("acme/vit", allow_patterns=names))
elif what == "files":
    for name in names:
        print(hf_hub_download("acme/vit", name))
elif what == "scan":
    info = scan_cache_dir()
    assert not info.warnings, info.warnings
    for repository in info.repos:
        print(repository.repo_id, repository.nb_files, [sorted(r.refs) for r in repository.revisions])
elif what == "verify":
    print(HfApi().verify_repo_checksums("acme/vit", repo_type="model"))
'''


def add_tree(hub):
    """The further page that huggingface_hub asks for: the files of a commit, one by one."""
    plain = hub.hub_answer

    def answer(handler):
        path = urllib.parse.urlsplit(handler.path).path.split("/")
        if len(path) >= 6 and path[1:3] == ["api", "models"] and path[5] == "tree":
            files = hub.repositories["/".join(path[3:5])].listing()["siblings"]
            rows = [{"type": "file", "path": f["rfilename"], "size": f["size"], "oid": f["blobId"],
                     **({"lfs": {"oid": f["lfs"]["sha256"], "size": f["size"], "pointerSize": 134}} if "lfs" in f else {})}
                    for f in files]
            return "tree", Answer(200, {"Content-Type": "application/json"}, json.dumps(rows).encode())
        return plain(handler)
    hub.hub_answer = answer


class Client(PullCase):
    def setUp(self):
        super().setUp()
        add_tree(self.hub)
        self.repository.files.update({"model.safetensors": read(golden("hf_vit_classifier", "model.safetensors")),
                                      "LICENSE": b"free"})

    def client_environment(self, **more):
        return self.environment(HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_PROGRESS_BARS="1",
                                HF_HUB_DOWNLOAD_TIMEOUT="10", HF_HUB_ETAG_TIMEOUT="10", NO_PROXY="*", **more)

    def client(self, *arguments, **more):
        done = subprocess.run([PYTHON, "-c", CLIENT, *arguments], env=self.client_environment(**more), capture_output=True,
                              text=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def offline(self):
        self.vit("info", "-m", ID, env=self.environment(HF_HUB_OFFLINE="1"))
        n = len(self.hub.requests)
        self.pull(env=self.environment(HF_HUB_OFFLINE="1"))
        self.client("snapshot", *self.repository.files, HF_HUB_OFFLINE="1")
        self.assertEqual(len(self.hub.requests), n)

    def check(self):
        said = self.client("scan")
        self.assertIn("acme/vit %d [['main']]" % len(self.repository.files), said)
        self.assertNotIn("ismatch", self.client("verify").replace("mismatches=[]", ""))
        self.offline()

    def test_client_after_pull(self):
        self.pull()
        before, n = self.tree(), len(self.hub.bodies())
        self.client("snapshot", *self.repository.files)
        self.client("files", *self.repository.files)
        self.assertEqual(len(self.hub.bodies()), n)
        after = {path: what for path, what in self.tree().items() if "/trees/" not in path and "/.no_exist/" not in path}
        self.assertEqual(after, before)
        self.check()

    def test_pull_after_client(self):
        for links in (None, "1"):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.hub.requests.clear()
            self.client("snapshot", *self.repository.files, HF_HUB_DISABLE_SYMLINKS=links)
            before, n = self.tree(), len(self.hub.bodies())
            self.assertEqual(n, len(self.repository.files))
            self.pull()
            self.pull("--check", ID)
            self.assertEqual((self.tree(), len(self.hub.bodies())), (before, n))
            self.check()

    def test_some_files_of_each(self):
        self.client("files", "config.json")
        self.pull()
        self.client("files", *self.repository.files)
        self.assertEqual(len(self.hub.bodies()), len(self.repository.files))
        self.check()

    def test_two_of_each_at_once(self):
        self.repository.files["model.safetensors"] += noise(LARGE * 4)
        clients = [subprocess.Popen([PYTHON, "-c", CLIENT, "snapshot", *self.repository.files], stderr=subprocess.PIPE,
                                    stdout=subprocess.PIPE, env=self.client_environment()) for _ in range(2)]
        time.sleep(0.5)
        pulls = [self.start_pull() for _ in range(2)]
        for process in clients + pulls:
            out, said = process.communicate(timeout=TIMEOUT)
            self.assertEqual(process.returncode, 0, said)
        tree = {path: what for path, what in self.tree().items() if "/trees/" not in path and "/.no_exist/" not in path}
        self.assertEqual(tree, self.expected_tree())
        self.client("scan")
        self.client("verify")

    def test_after_a_failure(self):
        """The scan of a cache in which a pull has failed has nothing to say."""
        self.hub.fault("cdn", lambda a: setattr(a, "body", b"x" * len(a.body)))
        self.pull(status=3)
        self.client("scan")
        self.hub.faults.clear()
        self.hub.fault("head", lambda a: setattr(a, "status", 418), name="README")
        shutil.rmtree(self.cache)
        self.pull(status=3)
        self.client("scan")


if __name__ == "__main__":
    if not os.environ.get("VIT_TEST_FULL"):
        print("skipped: huggingface_hub is fetched from PyPI only with: sh tests/run.sh --full")
        sys.exit(SKIPPED)
    PYTHON = venv("hub", "huggingface_hub")
    if not PYTHON:
        sys.exit(SKIPPED)
    main_at_once(3)
