# SPDX-License-Identifier: BSD-2-Clause
"""The page in a browser: python3 test_flows.py flows.mjs. Chromium is driven by playwright-core, which npm installs once; where
either cannot be had, the reason is printed and the test is skipped."""
import sys

from page import *
from venvs import npm

PACKAGES = ("playwright-core@1.60.0", "axe-core@4.14.1")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def skip(reason):
    print("SKIPPED: the page is not looked at in a browser: " + reason)
    sys.exit(SKIPPED)


def main(script):
    if not CHROMIUM:
        skip("there is no Chromium (apt-get install chromium)")
    if not shutil.which("curl"):
        skip("there is no curl (apt-get install curl), which the page's lines for a terminal call")
    packages = npm("page", *PACKAGES)
    if not packages:
        skip("the packages from npm cannot be had")
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
            "towers": Server("--log", "off", "-m", "clip=" + clip, "-m", "tiny=" + CLASSIFIER, *index, folder=folder),
            "evil": Server("--log", "off", "-m", "evil=" + evil, folder=folder),
            "vectors": Server("--log", "off", "-m", "plain=" + os.path.join(GOLDEN, "hf_dinov2_model"), folder=folder),
            "words": Server("--log", "off", "-m", "words=" + os.path.join(GOLDEN, "st_minilm"), folder=folder),
            "locked": Server("--log", "off", "-m", "tiny=" + CLASSIFIER, *tiny, folder=folder, env=environment(VIT_API_KEY="open sesame")),
        }
        facts = {"servers": {key: server.url for key, server in servers.items()}, "index": KEEPS_INDEXES, "evil": name,
                 "script": SCRIPT, "labels": EVIL_LABELS, "folder": folder, "chromium": CHROMIUM, "packages": packages}
        status = subprocess.run(["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), script)],
                              env=environment(PAGE=json.dumps(facts))).returncode
    finally:
        for server in servers.values():
            ended = server.stop()
            if ended:
                print("vit serve ended with %d: %s" % (ended, "".join(server.lines)))
            status = ended or status
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
