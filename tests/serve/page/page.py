# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the page share: models and an index to serve, and servers."""
import re

from harness import *
from server import Server
from small_clip import add_tokenizer

SAMPLES = ("cat.jpg", "horse.png", "coffee.jpg", "rocket.jpg")
CLASSIFIER = DEFAULT_MODEL

SCRIPT = "<img src=x onerror=\"document.title='evil'\">"  # what labels, names and captions try
EVIL_LABELS = [SCRIPT, "</script><script>document.title='evil'</script>", "\u202egnp.tac", "x" * 300]


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
    run(*arguments, cwd=folder).check_returncode()
