# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the page share: models and an index to serve, and servers. Python's standard library only.

VIT_COMMAND is the program, VIT_SOURCE the project, VIT_SQLITE whether it keeps indexes (1 or 0), VIT_NODE a folder for
packages from npm; tests/ is on the path.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from files import *
from small_clip import add_tokenizer

VIT = os.environ["VIT_COMMAND"]
SOURCE = os.environ["VIT_SOURCE"]
NODE = os.environ["VIT_NODE"]
KEEPS_INDEXES = os.environ["VIT_SQLITE"] == "1"
PICTURES = os.path.join(SOURCE, "examples", "images")
SAMPLES = ("cat.jpg", "horse.png", "coffee.jpg", "rocket.jpg")
CLASSIFIER = os.path.join(SOURCE, "models", "vit-tiny-cifar10")
GOLDEN = os.path.join(SOURCE, "tests", "data", "golden")
TIMEOUT = 120  # seconds; only what hangs takes that long

SCRIPT = "<img src=x onerror=\"document.title='evil'\">"  # what labels, names and captions try
EVIL_LABELS = [SCRIPT, "</script><script>document.title='evil'</script>", "\u202egnp.tac", "x" * 300]


def environment(**changes):
    """This process' environment, but for what steers the command."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("VIT_", "HF_", "LISTEN_", "NOTIFY_"))}
    clean.update(changes)
    return clean


class Server:
    """A `vit serve` at a port of its own, until stop()."""

    def __init__(self, *arguments, folder=None, **variables):
        self.log = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen([VIT, "serve", "--listen", "127.0.0.1:0", "--log", "off", *arguments], cwd=folder,
                                        env=environment(**variables), stderr=self.log)
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"^vit: listening on (http://127\.0\.0\.1:\d+)$", self.said(), re.M)
            if found:
                self.url = found[1]
                return
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError("vit serve did not start: " + self.said())

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Its exit status; what it said is printed where that is not 0."""
        self.process.terminate()
        status = self.process.wait(TIMEOUT)
        if status:
            print("vit serve ended with %d: %s" % (status, self.said()))
        self.log.close()
        return status


def make_two_towers(folder):
    """A small model that compares pictures with words; its crop leaves the middle of a picture."""
    shutil.copytree(os.path.join(GOLDEN, "hf_clip"), folder)
    add_tokenizer(folder)
    return folder


def make_evil_classifier(folder):
    """The model in the box, with labels that would be dangerous in HTML."""
    shutil.copytree(CLASSIFIER, folder)
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["id2label"].update({str(i): EVIL_LABELS[i % len(EVIL_LABELS)] for i in range(10)})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return folder


def make_photos(folder):
    """Pictures to be indexed; the name and the caption of one are hostile, and so is the name of a file to be dropped."""
    os.makedirs(folder)
    for name in SAMPLES:
        shutil.copy(os.path.join(PICTURES, name), folder)
    name = "%s & '\"$(touch evil)`.png" % SCRIPT.replace("/", "")
    shutil.copy(os.path.join(PICTURES, "horse.png"), os.path.join(folder, name))
    with open(os.path.join(folder, name[:-4] + ".txt"), "w", encoding="utf-8") as file:
        file.write("caption " + SCRIPT)
    return name


def run_vit(folder, *arguments):
    subprocess.run([VIT, *arguments], cwd=folder, env=environment(), check=True, capture_output=True, timeout=TIMEOUT)
