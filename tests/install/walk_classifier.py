# SPDX-License-Identifier: BSD-2-Clause
"""From nothing to a classifier of one's own: the commands of README.md that fetch a model, fit a classifier and use it, one
behind the other, as a new user types them, on a machine with nothing but the command.

    walk_classifier.py SOURCE VIT                in a folder of its own, with the command VIT
    walk_classifier.py SOURCE --root ROOT VIT    in ROOT, a system where the command VIT is installed (walk_packages.sh makes it)

The hub is a server of our own. It is closed once the model has come, so that nothing else is asked for; and what it sent is
removed once the classifier is fitted, so that the file alone is used. Python's standard library only."""
import os
import shutil
import sys
import tempfile

from walk_readme import Failure, Place, put_stand_ins, steps

WANTED = ("vit pull ", "vit fit ", "vit classify -m mine.safetensors ")


def three_commands(source):
    """The first of the page that begin with the wanted words, which must stand there in this order."""
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        texts = [step.text for step in steps(file.read())[0] if hasattr(step, "text")]
    places = [next((i for i, text in enumerate(texts) if text.startswith(words)), None) for words in WANTED]
    if None in places or places != sorted(places):
        raise Failure("README.md does not have, one behind the other: " + ", ".join(WANTED))
    return [texts[i] for i in places]


def run(place, text, command):
    text = command + text[len("vit"):]
    print(text)
    status, printed = place.run(text)
    print(printed)
    if status != 0:
        raise Failure("%s ended with status %d" % (text, status))
    return printed


def need(printed, *words):
    for word in words:
        if word not in printed:
            raise Failure("\"%s\" is missing in what it printed" % word)


def walk(place, source, command):
    pull, fit, classify = three_commands(source)
    hub = put_stand_ins(place, source)
    try:
        folder = run(place, pull, command).splitlines()[-1]
    finally:
        hub.close()
    if "/snapshots/" not in folder or "facebook--dinov2-small" not in folder:
        raise Failure("it printed no folder of a snapshot")
    need(run(place, fit, command), "2 classes, 4 pictures fitted, 0 failed", "Held out: 2 pictures", "mine.safetensors: a classifier of 2 classes")
    shutil.rmtree(os.path.join(place.tools[0], "hub"))
    need(run(place, classify, command), "photo.jpg\n", "  a\n", "  b\n")
    print("from nothing to a classifier: %d requests, then none" % len(hub.requests))


def here(work):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and k != "VIT_MODEL"}
    tools = os.path.join(work, "stand-ins")
    return Place(work, work, (tools, tools), [], {**clean, "HOME": work, "HF_HUB_CACHE": tools + "/hub"})


def in_a_root(root):
    os.makedirs(root + "/root/walk")
    tools = "/root/stand-ins"
    return Place(root + "/root/walk", "/root/walk", (root + tools, tools), ["chroot", root],
                 {"HOME": "/root", "LANG": "C.UTF-8", "HF_HUB_CACHE": tools + "/hub",
                  "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


def main():
    source = os.path.realpath(sys.argv[1])
    if sys.argv[2] == "--root":
        walk(in_a_root(os.path.realpath(sys.argv[3])), source, sys.argv[4])
    else:
        with tempfile.TemporaryDirectory(prefix="vit-classifier-") as work:
            walk(here(work), source, os.path.realpath(sys.argv[2]))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
