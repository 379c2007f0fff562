# SPDX-License-Identifier: BSD-2-Clause
"""Clients from PyPI and npm at pinned versions, each by a script of its own in tests/serve/clients."""
import sys

from serving import *
from venvs import npm, venv

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
PYTHON = ("openai==3.57.0", "huggingface_hub==2.4.0", "aiohttp==3.14.5", "tritonclient[http]==2.73.0", "numpy==2.4.6",
          "cohere==7.3.1", "voyageai==0.5.0", "pillow==13.0.0", "ollama==0.6.3", "langchain-openai==1.7.4",
          "llama-index-embeddings-text-embeddings-inference==0.6.0", "litellm==1.110.2")
NODE = ("openai@6.49.0", "@huggingface/inference@4.13.30", "ollama@0.6.4")
KEY = "a-key-of-the-test"


def vectors():
    """What the scripts compare with, in base64."""
    found = {}
    for name, text in (("dog", "a dog"), ("car", "a car")):
        found[name] = embed("org/clip", text=text)
        found[name + " raw"] = embed("org/clip", text=text, normalize=False)
    for i, file in enumerate(FILES):
        found["picture %d" % i] = embed("org/clip", file)
        found["probs %d" % i] = embed("classifier", file, output="probs", normalize=False)
    name = os.path.join(FOLDER, "pixels.npy")
    run("preprocess", "-q", "-m", CLASSIFIER, "-o", name, FILES[0]).check_returncode()
    found["pixels 0"] = bytes(read_npy(name)[2])
    return {key: base64.b64encode(value).decode() for key, value in found.items()}


def classes(probabilities):
    """The labels of the classifier, most probable first."""
    with open(os.path.join(CLASSIFIER, "config.json")) as file:
        names = json.load(file)["id2label"]
    values = floats(base64.b64decode(probabilities))
    return [names[str(i)] for i in sorted(range(len(values)), key=lambda i: -values[i])]


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        words = ("-m", "org/clip=" + CLIP)
        cls.servers = {"url": Server("--alias", "ViT-B-32__openai=org/clip", "--alias", "clip=org/clip"), "words_url": Server(models=words),
                       "keyed_url": Server(env=environment(VIT_API_KEY=KEY), models=words),
                       "busy_url": Server("--queue", "1", "--text-cache", "0", models=words)}
        known = vectors()
        facts = dict({name: server.url for name, server in cls.servers.items()}, key=KEY, files=FILES, uris=URIS, base64=BASE64,
                     vectors=known, classes=classes(known["probs 0"]), size=[97, 61])
        cls.facts = write(os.path.join(FOLDER, "facts.json"), json.dumps(facts).encode())

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers.values():
            assert server.stop() == 0, "".join(server.lines[-20:])

    def run_script(self, *command, **more):
        """Clients ask the servers here and nobody else: no proxy, no hub."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment(
            VIT_FACTS=self.facts, PYTHONPATH=CLIENTS, NO_PROXY="*", no_proxy="*", HF_HUB_DISABLE_TELEMETRY="1",
            LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_TELEMETRY="False", PYTHONDONTWRITEBYTECODE="1"), **more)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-6000:])

    def run_python(self, name):
        python = venv("serve-clients", *PYTHON)
        if not python:
            self.skipTest("the clients from PyPI cannot be had")
        self.run_script(python, "-B", os.path.join(CLIENTS, name))

    def run_node(self, name, *packages):
        """Scripts stand beside the packages that they import. Without packages, node alone is needed."""
        if not shutil.which("node"):
            self.skipTest("no node (apt-get install nodejs)")
        folder = npm("serve-npm", *packages) if packages else FOLDER
        if not folder:
            self.skipTest("the clients from npm cannot be had")
        for file in ("facts.mjs", name):
            shutil.copy(os.path.join(CLIENTS, file), folder)
        self.run_script("node", "--test", os.path.join(folder, name), cwd=folder)

    def test_openai(self):
        self.run_python("openai_client.py")

    def test_huggingface(self):
        self.run_python("huggingface_client.py")

    def test_triton(self):
        self.run_python("triton_client.py")

    def test_others(self):
        self.run_python("others_client.py")

    def test_pages(self):
        """The programs in Python that README.md and docs/serve.md show."""
        python = venv("serve-clients", *PYTHON)
        if not python:
            self.skipTest("the clients from PyPI cannot be had")
        shutil.copy(FILES[1], os.path.join(FOLDER, "photo.jpg"))
        for page in ("README.md", os.path.join("docs", "serve.md")):
            with open(os.path.join(SOURCE, page), encoding="utf-8") as file:
                blocks = re.findall(r"(?ms)^```python\n(.*?)^```", file.read())
            found = [block for block in blocks if "import libvit" not in block]  # the package has tests of its own
            self.assertTrue(found, page)
            for program in found:
                program = program.replace("http://localhost:8080", self.servers["url"].url)
                self.run_script(python, "-c", program, cwd=FOLDER)

    def test_openai_node(self):
        self.run_node("openai_client.mjs", *NODE)

    def test_huggingface_node(self):
        self.run_node("huggingface_client.mjs", *NODE)

    def test_ollama_node(self):
        self.run_node("ollama_client.mjs", *NODE)

    def test_immich(self):
        self.run_node("immich_client.mjs")


if __name__ == "__main__":
    main()
