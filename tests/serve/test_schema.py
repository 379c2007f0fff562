# SPDX-License-Identifier: BSD-2-Clause
"""/openapi.json is true (schemathesis), and /metrics is as Prometheus wants it (promtool)."""
import sys

from serving import *
from venvs import venv

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")


class Description(Case):
    """Of one model of pictures and words: what the description says of dimensions then holds for every request."""
    models = ("-m", "org/clip=" + CLIP)

    def test_schemathesis(self):
        python = venv("serve-schemathesis", "schemathesis==4.32.5")
        if not python:
            self.skipTest("schemathesis cannot be had from PyPI")
        facts = {name: self.server.url for name in ("url", "words_url", "keyed_url", "busy_url")}
        facts.update(key="", files=FILES, uris=URIS, base64=BASE64, vectors={})
        path = write(os.path.join(FOLDER, "facts.json"), json.dumps(facts).encode())
        done = subprocess.run(
            [os.path.join(os.path.dirname(python), "schemathesis"), "--config-file", os.path.join(CLIENTS, "schemathesis.toml"),
             "run", self.server.url + "/openapi.json", "--checks", "all", "--max-examples", os.environ.get("VIT_EXAMPLES", "30"),
             "--seed", "1", "--no-color", "--generation-database", "none"],
            capture_output=True, text=True, cwd=FOLDER, timeout=900,
            env=environment(VIT_FACTS=path, PYTHONPATH=CLIENTS, SCHEMATHESIS_HOOKS="schemathesis_hooks", NO_PROXY="*",
                            PYTHONDONTWRITEBYTECODE="1"))
        print(done.stdout[-1500:], file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout[-20000:] + done.stderr[-2000:])


class Metrics(Case):
    def test_promtool(self):
        if not shutil.which("promtool"):
            self.skipTest("no promtool (apt-get install prometheus)")
        self.post("/embed", {"inputs": ["a dog", URIS[0]], "model": "org/clip"})
        self.get("/v1/none", status=404)
        text = self.get("/metrics").body
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))


if __name__ == "__main__":
    main()
