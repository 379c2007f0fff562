# SPDX-License-Identifier: BSD-2-Clause
"""`vit pull` and --pull where all goes well: which files, where they are put, with what from the environment."""
import ssl
import subprocess

from pulling import *


class Layout(PullCase):
    def test_what_is_fetched_and_where(self):
        self.repository.files.update({"pytorch_model.bin": noise(5000), "onnx/model.onnx": noise(3000), "LICENSE-2.0": b"free",
                                      "notes.txt": b"n", "sub/config.json": b"{}", "empty.txt": b""})
        done = self.pull()
        folder = os.path.join(self.cache, "models--acme--vit", "snapshots", COMMIT)
        self.assertEqual(done.stdout.decode(), folder + "\n")
        self.assertEqual(done.stderr, b"")
        wanted = ["config.json", "preprocessor_config.json", "model.safetensors", "README.md", "LICENSE-2.0"]
        self.assert_whole(wanted)
        self.assertTrue(read(os.path.join(self.cache, "CACHEDIR.TAG")).startswith(
            b"Signature: 8a477f597d28d172789f06886806bc55"))
        locks = os.path.join(self.cache, ".locks", "models--acme--vit")
        for name in wanted:
            lock = os.path.join(locks, self.repository.etag(name) + ".lock")
            self.assertEqual(stat.S_IMODE(os.stat(lock).st_mode), 0o664)

    def test_again_fetches_nothing(self):
        self.pull()
        before, n = self.tree(), len(self.hub.requests)
        self.pull()
        self.assertEqual(self.tree(), before)
        self.assertEqual([r["stage"] for r in self.hub.requests[n:]], ["list"])

    def test_weights_in_shards(self):
        names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "odd.safetensors"]
        index = json.dumps({"metadata": {}, "weight_map": {"a": names[0], "b": names[1], "c": names[2]}}).encode()
        del self.repository.files["model.safetensors"]
        self.repository.files.update({name: noise(2000 + i) for i, name in enumerate(names)})
        self.repository.files["model.safetensors.index.json"] = index
        self.repository.files["open_clip_model.safetensors"] = noise(9000)
        self.pull("--dry-run", ID)
        self.pull()
        self.assert_whole(["config.json", "preprocessor_config.json", "README.md", "model.safetensors.index.json"] + names)
        self.pull(env=self.environment(HF_HUB_OFFLINE="1"))
        os.remove(os.path.join(self.cache, "models--acme--vit", "blobs", sha256(noise(2001))))
        self.pull(status=3, env=self.environment(HF_HUB_OFFLINE="1"), saying="shard")

    def test_weights_of_open_clip(self):
        self.repository.files = {"open_clip_config.json": b"{}", "open_clip_model.safetensors": noise(4000),
                                 "open_clip_pytorch_model.bin": noise(4000)}
        self.pull()
        self.assert_whole(["open_clip_config.json", "open_clip_model.safetensors"])

    def test_more_files(self):
        more = {"notes.txt": b"n", "extra/a.json": b"{}", "extra/deep/b.json": b"[]", "pytorch_model.bin": noise(2000),
                "tf_model.h5": noise(2100), "onnx/model.onnx": noise(2200), "optimizer.pt": b"p"}
        usual = list(self.repository.files)
        self.repository.files.update(more)
        self.pull("--include", "*.txt", "--include", "extra/*", ID)
        self.assert_whole(usual + ["notes.txt", "extra/a.json", "extra/deep/b.json"])
        self.pull("--all", ID)
        self.assert_whole(usual + ["notes.txt", "extra/a.json", "extra/deep/b.json"])
        self.pull("--include=*.bin", ID)
        self.assert_whole(usual + ["notes.txt", "extra/a.json", "extra/deep/b.json", "pytorch_model.bin"])

    def test_revisions(self):
        for revision in ("v1.0", "refs/pr/7", "feature/x"):
            self.repository.revisions[revision] = COMMIT
        self.pull(ID + "@v1.0")
        self.assert_whole(revision="v1.0")
        self.assertIn("/revision/v1.0?", self.hub.requests[0]["path"])
        self.pull("--revision", "refs/pr/7", ID)
        self.assertIn("/revision/refs%2Fpr%2F7?", self.hub.requests[-1]["path"])
        self.pull(ID + "@feature/x")
        self.pull(ID + "@" + COMMIT)
        at = os.path.join(self.cache, "models--acme--vit", "refs")
        for name in ("v1.0", "refs/pr/7", "feature/x"):
            self.assertEqual(read(os.path.join(at, name)), COMMIT.encode())
            env = self.environment(HF_HUB_OFFLINE="1")
            self.vit("info", "-m", ID + "@" + name, env=env)
            self.vit("info", "-m", ID, "--revision", name, env=env)
        self.assertFalse(os.path.exists(os.path.join(at, COMMIT)))
        self.pull(ID + "@v2.0", status=3, saying=["v2.0", "no revision"])

    def test_a_branch_moves(self):
        self.pull()
        old = self.repository.commit
        self.repository.files["config.json"] += b"\n"
        self.repository.commit = "f" * 40
        self.repository.revisions = {"main": "f" * 40, "f" * 40: "f" * 40}
        n = len(self.hub.bodies())
        self.pull()
        self.assertEqual(len(self.hub.bodies()), n + 1)  # the rest is shared by the two snapshots
        at = os.path.join(self.cache, "models--acme--vit")
        self.assertEqual(read(os.path.join(at, "refs", "main")), b"f" * 40)
        self.assertEqual(sorted(os.listdir(os.path.join(at, "snapshots"))), [old, "f" * 40])
        self.vit("info", "-m", ID, env=self.environment())

    def test_names_that_need_encoding(self):
        self.repository.files["a b+#%é?.txt"] = b"text"
        self.pull("--include", "*.txt", ID)
        self.assert_whole()

    def test_dry_run_and_json(self):
        done = self.pull("--dry-run", "--json", ID)
        self.assertFalse(os.path.exists(self.cache))
        answer = json.loads(done.stdout)
        self.assertEqual({f["name"]: (f["bytes"], f["digest"], f["fetched"]) for f in answer["files"]},
                         {name: (len(data), self.repository.etag(name), True) for name, data in self.repository.files.items()})
        self.assertEqual(answer["fetched_bytes"], sum(map(len, self.repository.files.values())))
        self.assertEqual(self.hub.bodies(), [])
        self.pull("--dry-run", ID)
        answer = json.loads(self.pull("--json", ID).stdout)
        self.assertTrue(all(f["fetched"] for f in answer["files"]))
        answer = json.loads(self.pull("--json", ID).stdout)
        self.assertEqual((answer["commit"], answer["fetched_bytes"]), (COMMIT, 0))

    def test_several_models(self):
        self.repository_two = Repository(model_files())
        self.hub.repositories["acme/two"] = self.repository_two
        done = self.pull(ID, "acme/none", "acme/two", status=3, saying="acme/none")
        self.assertEqual(len(done.stdout.splitlines()), 2)

    def test_check(self):
        self.pull()
        blob = os.path.join(self.cache, "models--acme--vit", "blobs", self.repository.etag("model.safetensors"))
        broken = bytearray(read(blob))
        broken[1000] ^= 1
        write(blob, bytes(broken))
        self.pull()  # the size is right, and nothing is read
        self.assertEqual(read(blob), bytes(broken))
        self.pull(status=3, env=self.environment(HF_HUB_OFFLINE="1"), *["--check", ID])
        n = len(self.hub.bodies())
        answer = json.loads(self.pull("--check", "--json", ID).stdout)
        self.assertEqual([f["name"] for f in answer["files"] if f["fetched"]], ["model.safetensors"])
        self.assertEqual(len(self.hub.bodies()), n + 1)
        self.assert_whole()
        write(blob, b"short")
        self.pull()  # another size is seen without --check
        self.assert_whole()

    def test_progress_and_rate(self):
        self.repository.files["model.safetensors"] = noise(600000)
        started = time.monotonic()
        process = self.start_pull("--progress", "always", "--limit-rate", "150K", ID)
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertGreater(time.monotonic() - started, 1.5)
        self.assertIn(b"MB/s", said)

    def test_slow_server(self):
        self.repository.files["model.safetensors"] = noise(6 * 65536)
        self.hub.fault("cdn", lambda a: setattr(a, "slow", 0.6))
        self.pull(env=self.environment(HF_HUB_DOWNLOAD_TIMEOUT="2"))
        self.assert_whole()


class Layouts(PullCase):
    """What the golden cases need, as repositories, is fetched, and opens offline with the same vectors."""

    NO_PART = ("case.json", "expected", "image", "lines.json", "hub/")
    NOT_WANTED = {"onnx/model.onnx": noise(2000), "2_Dense/rust_model.ot": noise(2100), "tf_model.h5": noise(2200),
                  "training_args.bin": noise(2300), "onnx/config.json": b"{}"}

    def files_of(self, case):
        files, root = {}, golden(case, "")
        for folder, _, names in os.walk(root):
            for path in (os.path.relpath(os.path.join(folder, name), root) for name in names):
                if not path.startswith(self.NO_PART):
                    files[path] = read(os.path.join(root, path))
        return files

    def pull_others(self, case):
        """Configurations that the model takes from other repositories."""
        others = golden(case, "hub")
        for name in os.listdir(others) if os.path.isdir(others) else []:
            snapshots = os.path.join(others, name, "snapshots")
            config = read(os.path.join(snapshots, *os.listdir(snapshots), "config.json"))
            other = name[len("models--"):].replace("--", "/")
            self.hub.repositories[other] = Repository({"config.json": config})
            self.pull("--include", "config.json", other)

    def check(self, case, needless=(), **more):
        """Just the files of the case come, but for the needless ones."""
        files = dict(self.files_of(case), **more)
        self.repository.files = dict(files, **self.NOT_WANTED)
        self.pull_others(case)
        planned = json.loads(self.pull("--dry-run", "--json", ID).stdout)["files"]
        came = json.loads(self.pull("--json", ID).stdout)["files"]
        self.assertEqual({f["name"] for f in came}, set(files) - set(needless))
        self.assertTrue({f["name"] for f in planned} <= set(files))
        offline = self.environment(HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:1")
        kept = json.loads(self.pull("--json", ID, env=offline).stdout)["files"]
        self.assertEqual([(f["name"], f["bytes"]) for f in kept], [(f["name"], f["bytes"]) for f in came])
        info = json.loads(self.vit("info", "--json", "-m", ID, env=offline).stdout)
        queries = [["--text", "a red cat"]] if info.get("text", {}).get("tokenizer") else []
        queries += [[PICTURE]] if info["input"] == "image" else []
        for query in queries:
            vectors = [self.vit("embed", "-m", model, "--format", "jsonl", *query, env=offline).stdout
                       for model in (ID, golden(case, "")[:-1])]
            self.assertEqual(*vectors)
        self.assertTrue(queries or not info.get("text", {}).get("tokenizer"))

    def incomplete(self, case, name, saying):
        """Offline, a snapshot without this file is told to be incomplete."""
        folder = self.pull().stdout.decode().strip()
        os.remove(os.path.join(folder, name))
        self.pull(status=3, env=self.environment(HF_HUB_OFFLINE="1"), saying=saying)

    def test_modules_that_are_missing(self):
        self.check("st_clip_multilingual")
        for name, words in (("2_Dense/model.safetensors", "a module of sentence-transformers"),
                            ("1_Pooling/config.json", "a module of sentence-transformers"),
                            ("model.safetensors", "its weights"), ("config.json", "its configuration")):
            self.incomplete("st_clip_multilingual", name, words)

    def test_model_in_a_folder_that_is_missing(self):
        self.check("st_clip")
        self.incomplete("st_clip", "0_CLIPModel/model.safetensors", "its weights")
        self.incomplete("st_clip", "0_CLIPModel/config.json", "a module of sentence-transformers")

    def test_safetensors_are_preferred(self):
        needless = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin",
                    "2_Dense/pytorch_model.bin", "open_clip_pytorch_model.bin")
        self.check("st_clip_multilingual", needless, **{name: noise(3000) for name in needless})

    def test_shards_of_a_module(self):
        """In a folder of its own, and with an odd name."""
        files = self.files_of("hf_vit_sharded")
        index, = [name for name in files if name.endswith(".index.json")]
        odd = {name: "odd-%s" % name for name in files if name.endswith(".safetensors")}
        text = files[index].decode()
        for name in odd:
            text = text.replace(name, odd[name])
        self.repository.files = {"0_ViT/" + odd.get(name, name): data for name, data in files.items()}
        self.repository.files["0_ViT/" + index] = text.encode()
        modules = [{"idx": 0, "name": "0", "path": "0_ViT", "type": "sentence_transformers.models.Transformer"}]
        self.repository.files["modules.json"] = json.dumps(modules).encode()
        self.pull()
        self.assert_whole()
        self.pull(env=self.environment(HF_HUB_OFFLINE="1"))

    def test_shards_of_torch(self):
        self.repository.files = {"config.json": b"{}", "pytorch_model-00001-of-00002.bin": noise(2000), "odd.bin": noise(2100),
                                 "other.bin": noise(2200)}
        index = {"weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "odd.bin"}}
        self.repository.files["pytorch_model.bin.index.json"] = json.dumps(index).encode()
        self.pull()
        self.assert_whole(set(self.repository.files) - {"other.bin"})

    def test_two_layouts(self):
        """config.json is fetched first, and decides."""
        files = self.files_of("openclip_both_layouts")
        self.assertIn(b"auto_map", files["config.json"])
        self.check("openclip_both_layouts", ["model.safetensors"])
        shutil.rmtree(self.cache)
        self.repository.files["config.json"] = b"{}"
        came = json.loads(self.pull("--json", ID).stdout)["files"]
        self.assertEqual({f["name"] for f in came}, set(files) - {"open_clip_model.safetensors"})
        n = len(self.hub.requests)
        self.pull()
        self.assertEqual([r["stage"] for r in self.hub.requests[n:]], ["list"])


for case in ("hf_altclip", "hf_bert", "hf_blip_itm", "hf_chinese_clip", "hf_metaclip2", "hf_t5_encoder", "hf_tipsv2", "hf_vit_bin",
             "hf_xlm_roberta", "mclip_xlm_roberta", "openclip_biomed", "openclip_clipa", "openclip_coca", "openclip_nllb",
             "openclip_xlm_roberta", "st_minilm", "st_mpnet", "st_multilingual_minilm", "st_nomic"):
    setattr(Layouts, "test_" + case, lambda self, case=case: self.check(case))


class Usage(PullCase):
    def test_wrong(self):
        for arguments in ([], ["--nothing", ID], ["--limit-rate", "fast", ID], ["--limit-rate", "0", ID]):
            self.vit("pull", *arguments, status=USAGE, env=self.environment())
        for name in ("acme", "a/b/c", "../x", "a/..", "a--b/c", "a/b.git", "a/b@", "a/b@../x", "a/" + "b" * 97, ""):
            self.vit("pull", name, status=USAGE, env=self.environment())
        self.vit("pull", ID, "--endpoint", "ftp://x", status=USAGE, env=self.environment())
        self.vit("pull", ID, "--endpoint", "http://user:word@x/", status=USAGE, env=self.environment())
        self.assertEqual(self.hub.requests, [])
        self.assertFalse(os.path.exists(self.cache))

    def test_without_libcurl(self):
        if not hasattr(os, "unshare") and not os.path.exists("/usr/bin/unshare"):
            self.skipTest("there is no unshare here, to have libcurl not found")
        hide = "for f in $(ldconfig -p | sed -n 's/.*=> //p' | grep 'libcurl'); do mount --bind /dev/null $f || exit 99; done; exec \"$@\""
        done = subprocess.run(["unshare", "-rm", "sh", "-c", hide, "sh", VIT, "pull", ID], env=self.environment(),
                              capture_output=True, text=True)
        if done.returncode in (1, 99):
            self.skipTest("nothing can be mounted here: " + done.stderr)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("libcurl", done.stderr)
        self.assertIn("hf download " + ID, done.stderr)


class Commands(PullCase):
    def test_pull_option(self):
        env = self.environment()
        commands = (["classify", PICTURE], ["embed", "-o", "x.npy", PICTURE], ["info"], ["bench", "--seconds", "0.1"],
                    ["preprocess", "-o", "p.npy", PICTURE], ["attention", "-o", "a.png", PICTURE],
                    ["quantize", "-o", "q.safetensors"], ["index", "--db", "x.db", PICTURE])
        if not KEEPS_INDEXES:
            commands = commands[:-1]
        for command in commands:
            with self.subTest(command=command[0]):
                shutil.rmtree(self.cache, ignore_errors=True)
                n = len(self.hub.requests)
                self.vit(command[0], "-m", ID, *command[1:], status=MODEL_FAILS, env=env)
                self.assertEqual(len(self.hub.requests), n)  # without --pull nobody is asked
                self.vit(command[0], "-m", ID, "--pull", *command[1:], env=env)
                self.assert_whole()
                n = len(self.hub.requests)
                self.vit(command[0], "-m", ID, "--pull", *command[1:], env=env)
                self.assertEqual(len(self.hub.requests), n)  # nor where all is there

    def test_pull_option_with_other_models(self):
        env = self.environment()
        self.vit("classify", "-m", MODEL, "--pull", PICTURE, env=env)
        self.vit("classify", "--pull", PICTURE, env=env)
        self.vit("classify", "-m", "/nowhere", "--pull", PICTURE, status=MODEL_FAILS, env=env)
        self.vit("classify", "-m", MODEL, "--revision", "main", PICTURE, status=USAGE, env=env)
        self.vit("classify", "--revision", "main", PICTURE, status=USAGE, env=env)
        self.vit("classify", "-m", ID + "@main", "--revision", "main", PICTURE, status=USAGE, env=env)
        self.assertEqual(self.hub.requests, [])
        self.vit("classify", "-m", "acme/none", "--pull", PICTURE, status=MODEL_FAILS, env=env)
        self.vit("classify", "--pull", PICTURE, env=self.environment(VIT_MODEL=ID))
        self.assert_whole()

    @unittest.skipUnless(os.environ["VIT_LBFGS"] == "1", "no liblbfgs: no classifier is fitted")
    def test_pull_option_with_a_classifier_alone(self):
        """Its model is what is fetched, by -m and by $VIT_MODEL; not where it stands elsewhere."""
        env = self.environment()
        os.makedirs(self.path("classes", "b"))
        os.makedirs(self.path("classes", "a"))
        for label, name in (("a", "cat.jpg"), ("b", "rocket.jpg")):
            shutil.copy(os.path.join(PICTURES, name), self.path("classes", label))
        self.vit("fit", "-q", "-m", ID, "--pull", "--head-only", "-o", "head.safetensors", "classes", env=env)
        shutil.rmtree(self.cache)
        refused = self.vit("classify", "-m", "head.safetensors", PICTURE, status=MODEL_FAILS, env=env)
        self.assertIn(ID.encode(), refused.stderr)
        done = self.vit("classify", "-m", "head.safetensors", "--pull", PICTURE, env=env)
        self.assertIn(b"head.safetensors: a classifier alone, whose model acme/vit is fetched now", done.stderr)
        self.assert_whole()
        n = len(self.hub.requests)
        self.assertEqual(self.vit("classify", "-m", "head.safetensors", "--pull", PICTURE, env=env).stderr, b"")
        self.assertEqual(len(self.hub.requests), n)
        shutil.rmtree(self.cache)
        self.vit("info", "--pull", env=self.environment(VIT_MODEL="head.safetensors"))
        self.assert_whole()

    def test_half_a_snapshot_is_completed(self):
        self.pull()
        os.remove(os.path.join(self.cache, "models--acme--vit", "snapshots", COMMIT, "model.safetensors"))
        self.vit("classify", "-m", ID, PICTURE, status=MODEL_FAILS, env=self.environment())
        n = len(self.hub.bodies())
        self.vit("classify", "-m", ID, "--pull", PICTURE, env=self.environment())
        self.assert_whole()
        self.assertEqual(len(self.hub.bodies()), n)

    def test_revision_option(self):
        self.repository.revisions = {"v1": COMMIT, COMMIT: COMMIT}
        self.vit("info", "-m", ID, "--revision", "v1", "--pull", env=self.environment())
        self.assert_whole(revision="v1")


class Environment(PullCase):
    def test_offline(self):
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            for value in ("1", "on", "YES", "True"):
                self.pull(status=3, env=self.environment(**{name: value}), saying="OFFLINE")
        self.vit("info", "--pull", "-m", ID, status=3, env=self.environment(HF_HUB_OFFLINE="1"))
        self.assertEqual(self.hub.requests, [])
        self.pull(env=self.environment(HF_HUB_OFFLINE="0"))
        n = len(self.hub.requests)
        folder = self.pull(env=self.environment(HF_HUB_OFFLINE="1")).stdout.decode().strip()
        self.assertTrue(os.path.isdir(folder))
        answer = json.loads(self.pull("--json", ID, env=self.environment(HF_HUB_OFFLINE="1")).stdout)
        self.assertEqual({f["name"]: f["digest"] for f in answer["files"]},
                         {name: self.repository.etag(name) for name in self.repository.files})
        os.remove(os.path.join(folder, "config.json"))
        self.pull(status=3, env=self.environment(HF_HUB_OFFLINE="1"), saying="configuration")
        self.assertEqual(len(self.hub.requests), n)

    def test_places(self):
        home = self.path("user")
        places = ({"HF_HUB_CACHE": "~/a"}, {"HF_HUB_CACHE": "$HOME/b"}, {"HUGGINGFACE_HUB_CACHE": "${HOME}/c"},
                  {"HF_HOME": "~/d"}, {"XDG_CACHE_HOME": "$HOME/e"}, {})
        wanted = ("a", "b", "c", "d/hub", "e/huggingface/hub", ".cache/huggingface/hub")
        for place, at in zip(places, wanted):
            env = self.environment(**dict({"HF_HUB_CACHE": None, "HF_HOME": None, "HOME": home}, **place))
            folder = self.pull(env=env).stdout.decode()
            self.assertTrue(folder.startswith(os.path.join(home, at) + "/models--"), folder)
            self.vit("info", "-m", ID, env=env)
        self.pull("--cache-dir", self.path("given"), ID)
        self.assertTrue(os.path.isdir(self.path("given", "models--acme--vit", "snapshots", COMMIT)))

    def test_endpoint(self):
        self.pull("--endpoint", self.hub.endpoint + "/", ID, env=self.environment(HF_ENDPOINT="http://127.0.0.1:1"))
        self.assert_whole()

    def test_token_from_everywhere(self):
        self.repository.private = True
        write(self.path("token"), ("\n " + TOKEN + " \n").encode())
        write(self.path("home", "token"), TOKEN.encode())
        none = {"HF_HOME": self.path("nohome")}
        self.pull(status=3, env=self.environment(**none), saying=["HF_TOKEN", "private"])
        self.pull(status=3, env=self.environment(HF_HUB_DISABLE_IMPLICIT_TOKEN="1"))
        self.pull("--no-token", ID, status=3, env=self.environment(HF_TOKEN=TOKEN))
        self.pull(status=3, env=self.environment(HF_TOKEN="wrong"), saying=["no such repository"])
        self.pull(status=2, env=self.environment(HF_TOKEN="two words"), saying="HF_TOKEN")
        self.pull(status=2, env=self.environment(HF_TOKEN="a\r\nX: y"), saying="HF_TOKEN")
        self.pull(status=2, env=self.environment(HF_TOKEN="caf\u00e9"), saying="HF_TOKEN")
        for place in (dict(none, HF_TOKEN=TOKEN), dict(none, HUGGING_FACE_HUB_TOKEN=" %s\n" % TOKEN),
                      dict(none, HF_TOKEN_PATH=self.path("token")), {}):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.pull(env=self.environment(**place))
            self.assert_whole()
        self.assert_token_stays()
        self.assertTrue(any(r["token"] for r in self.hub.requests if r["stage"] == "head"))

    def test_copies_instead_of_links(self):
        env = self.environment(HF_HUB_DISABLE_SYMLINKS="1")
        self.pull(env=env)
        folder = os.path.join(self.cache, "models--acme--vit", "snapshots", COMMIT)
        for name, data in self.repository.files.items():
            self.assertFalse(os.path.islink(os.path.join(folder, name)))
            self.assertEqual(read(os.path.join(folder, name)), data)
        before, n = self.tree(), len(self.hub.bodies())
        self.pull(env=env)
        self.pull()
        self.assertEqual(self.tree(), before)
        self.assertEqual(len(self.hub.bodies()), n)
        damaged = bytearray(self.repository.files["model.safetensors"])
        damaged[-1] ^= 1
        write(os.path.join(folder, "model.safetensors"), bytes(damaged))
        self.pull("--check", ID, env=env)
        self.assertEqual(self.tree(), before)

    def test_copies_of_what_other_snapshots_link_to(self):
        self.pull()
        before = self.tree()
        shutil.rmtree(os.path.join(self.cache, "models--acme--vit", "snapshots", COMMIT))
        self.pull(env=self.environment(HF_HUB_DISABLE_SYMLINKS="1"))
        tree = self.tree()
        for path, what in before.items():
            self.assertEqual(tree[path], self.repository.files[os.path.basename(path)] if "/snapshots/" in path else what)

    def test_moved_cache(self):
        self.pull()
        os.rename(self.cache, self.path("moved"))
        os.symlink(self.path("moved"), self.cache)
        n = len(self.hub.bodies())
        self.pull()
        self.vit("info", "-m", ID, env=self.environment())
        at = os.path.join(self.path("moved"), "models--acme--vit")
        os.rename(at, self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), at)
        self.pull()
        self.assertEqual(len(self.hub.bodies()), n)

    def test_shared_store(self):
        """A blob that is a link into CACHE/blobs is read through, and never written through."""
        self.pull()
        at = os.path.join(self.cache, "models--acme--vit", "blobs")
        etag = self.repository.etag("model.safetensors")
        name = "ab" + "0" * 62
        store = os.path.join(self.cache, "blobs", "ab", name)
        os.makedirs(os.path.dirname(store))
        os.rename(os.path.join(at, etag), store)
        os.symlink("../../blobs/ab/" + name, os.path.join(at, etag))
        before, n = self.tree(), len(self.hub.bodies())
        self.pull()
        self.pull("--check", ID)
        self.vit("info", "-m", ID, env=self.environment(HF_HUB_OFFLINE="1"))
        self.assertEqual((self.tree(), len(self.hub.bodies())), (before, n))
        damaged = bytearray(read(store))
        damaged[5] ^= 1
        write(store, bytes(damaged))
        self.pull("--check", ID)
        self.assertEqual(read(store), bytes(damaged))
        self.assertFalse(os.path.islink(os.path.join(at, etag)))
        self.assertEqual(read(os.path.join(at, etag)), self.repository.files["model.safetensors"])
        os.remove(os.path.join(at, etag))
        os.symlink("../../blobs/ab/" + "ab" + "1" * 62, os.path.join(at, etag))  # pruned
        self.pull()
        self.assertEqual(read(os.path.join(at, etag)), self.repository.files["model.safetensors"])

    def test_https(self):
        if shutil.which("openssl") is None:
            self.skipTest("there is no openssl here, to make a certificate")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       cwd=self.folder, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("cert.pem"), self.path("key.pem"))
        hub = self.serve({ID: self.repository}, context=context)
        env = self.environment(HF_ENDPOINT=hub.endpoint, HF_TOKEN=TOKEN)
        self.pull(status=3, env=env, saying="certificate")
        self.assertEqual(hub.requests, [])
        env["SSL_CERT_FILE"] = self.path("cert.pem")
        self.pull(env=env)
        self.assert_whole()
        self.assert_token_stays(hub)
        shutil.rmtree(self.cache)
        hub.fault("head", lambda a: a.headers.update(Location=self.hub.cdn + "/x"), name="model.safetensors")
        self.pull(status=3, env=env, saying="https")  # never down to http


if __name__ == "__main__":
    main_at_once()
