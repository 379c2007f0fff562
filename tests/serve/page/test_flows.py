# SPDX-License-Identifier: BSD-2-Clause
"""The page in a browser: python3 test_flows.py flows.mjs. Chromium is driven by playwright-core, which npm installs once; where
either cannot be had, the reason is printed and the test is skipped."""
import sys

from page import *

PACKAGES = {"playwright-core": "1.65.1", "axe-core": "4.14.1"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def skip(reason):
    print("SKIPPED: the page is not looked at in a browser: " + reason)
    sys.exit(77)  # ctest then says that it was skipped


def install():
    """The folder that has the packages, installed once."""
    stamp, wanted = os.path.join(NODE, "page.json"), json.dumps(PACKAGES)
    if os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == wanted:
        return NODE
    os.makedirs(NODE, exist_ok=True)
    packages = ["%s@%s" % package for package in PACKAGES.items()]
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--ignore-scripts",
                               "--prefix", NODE, *packages], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        skip("npm took more than five minutes")
    if done.returncode:
        skip("npm cannot install %s: %s" % (" ".join(packages), (done.stderr.strip() or "no reason given").splitlines()[0]))
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return NODE


def main(script):
    if not CHROMIUM:
        skip("there is no Chromium (apt-get install chromium)")
    if not shutil.which("node") or not shutil.which("npm"):
        skip("there is no Node.js (apt-get install nodejs npm)")
    packages = install()
    folder = tempfile.mkdtemp(prefix="vit-page-")
    servers, status = {}, 1
    try:
        clip, evil = make_two_towers(os.path.join(folder, "clip")), make_evil_classifier(os.path.join(folder, "evil"))
        name = make_photos(os.path.join(folder, "photos"))
        index = []
        if KEEPS_INDEXES:
            run_vit(folder, "index", "--db", "photos.db", "-m", clip, "photos")
            run_vit(folder, "index", "--db", "tiny.db", "-m", CLASSIFIER, "photos")
            index = ["--db", "photos.db"]
        else:
            print("SKIPPED: searches, as vit was built without SQLite")
        tiny = ["--db", "tiny.db"] if KEEPS_INDEXES else []
        servers = {
            "towers": Server("-m", "clip=" + clip, "-m", "tiny=" + CLASSIFIER, *index, folder=folder),
            "evil": Server("-m", "evil=" + evil, folder=folder),
            "vectors": Server("-m", "plain=" + os.path.join(GOLDEN, "hf_dinov2_model"), folder=folder),
            "words": Server("-m", "words=" + os.path.join(GOLDEN, "st_minilm"), folder=folder),
            "locked": Server("-m", "tiny=" + CLASSIFIER, *tiny, folder=folder, VIT_API_KEY="open sesame"),
        }
        facts = {"servers": {key: server.url for key, server in servers.items()}, "index": KEEPS_INDEXES, "evil": name,
                 "script": SCRIPT, "labels": EVIL_LABELS, "folder": folder, "chromium": CHROMIUM, "packages": packages}
        status = subprocess.run(["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), script)],
                              env=environment(PAGE=json.dumps(facts))).returncode
    finally:
        for server in servers.values():
            status = server.stop() or status
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
