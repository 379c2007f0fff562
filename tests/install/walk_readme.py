# SPDX-License-Identifier: BSD-2-Clause
"""README.md walked from top to bottom, every command run and what it prints compared with the page:

    walk_readme.py SOURCE BUILD          in a copy of the tree made of links, with what BUILD has built
    walk_readme.py SOURCE --root ROOT    in ROOT, a fresh Debian 12 with the tree in /root/libvit (walk_readme.sh)

What stands for things that this machine does not have is in STAND_INS and written to the output, as is every command that is
replaced or left out. Python's standard library only."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from readme import File, steps  # noqa: E402
from small_clip import WORDS, add_tokenizer  # noqa: E402

STAND_INS = """
facebook/dinov2-small                  tests/data/golden/hf_dinov2_model, in a Hugging Face cache
google/vit-base-patch16-224            tests/data/golden/hf_vit_classifier, there
laion/CLIP-ViT-B-32-laion2B-s34B-b79K  tests/data/golden/hf_clip with a small tokenizer, there
MODEL                                  facebook/dinov2-small, that is the same small model
FOLDER                                 a copy of tests/data/golden/hf_vit_classifier
photos/, photo.jpg, list.txt           the pictures of examples/images, cat.jpg among them, and their paths
hf                                     a script that finds the files to download in that cache
psql                                   a script that takes a COPY stream, and looks at its beginning and its end
"""
MODELS = {"facebook/dinov2-small": "hf_dinov2_model", "google/vit-base-patch16-224": "hf_vit_classifier",
          "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": "hf_clip"}
WORDS_IN_PLACE = {"MODEL": "facebook/dinov2-small", "FOLDER": "folder"}

HF = """#!/bin/sh
# hf download ID FILE...: the files must be in the cache.
[ "$1" = download ] || { echo "hf: what is $1?" >&2; exit 2; }
folder=$HF_HUB_CACHE/models--$(echo "$2" | sed 's,/,--,')/snapshots/golden
shift 2
[ -d "$folder" ] || { echo "hf: no such model" >&2; exit 1; }
for file; do
    [ -f "$folder/$file" ] || { echo "hf: it has no $file" >&2; exit 1; }
done
"""
PSQL = """#!/bin/sh
# A stream of COPY ... BINARY: its signature first, and -1 in place of a row at the end.
cat >psql.input
[ "$(head -c 11 psql.input | od -An -c | tr -d ' ')" = 'PGCOPY\\n377\\r\\n\\0' ] &&
    [ "$(tail -c 2 psql.input | od -An -tx1 | tr -d ' ')" = ffff ]
"""

# In the build tree: what a command becomes, and why. "" leaves it out.
IN_THE_BUILD_TREE = {
    "sh examples/quickstart.sh": ("", "the test quickstart runs it"),
    "cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build": ("", "the test quickstart runs the same"),
    "sh tests/run.sh": ("", "this is a part of it"),
    "cmake --install build": ("cmake --install {build} --prefix {prefix} >install.log && "
                              "library=$(dirname $(find {prefix} -name libvit.a)) && export PATH={prefix}/bin:$PATH "
                              "LD_LIBRARY_PATH=$library PKG_CONFIG_PATH=$library/pkgconfig",
                              "into a folder of this test, found by the variables that the installation names"),
    "cmake --build build --target uninstall": ("cmake --build {build} --target uninstall >uninstall.log",
                                               "in the folder of the build"),
}


class Failure(Exception):
    pass


class Place:
    """A folder to walk in. outside: its path here; inside: its path for the commands. Variables that a command exports, and the
    folder that it goes to, are kept for the next one."""

    def __init__(self, outside, inside, prefix, tools, variables):
        self.outside, self.inside, self.prefix = outside, inside, prefix
        self.tools = tools  # (outside, inside) of the stand-ins
        self.variables = variables
        os.makedirs(os.path.join(tools[0], "bin"), exist_ok=True)
        with open(os.path.join(tools[0], "state"), "w") as file:
            file.write("cd '%s'\n" % inside)

    def run(self, text):
        """(exit status, everything that it printed)"""
        state = self.tools[1] + "/state"
        script = ". %s\n%s\nstatus=$?\n{ export -p; echo \"cd '$PWD'\"; } >%s\nexit $status\n" % (state, text, state)
        done = subprocess.run([*self.prefix, "/bin/sh", "-c", script], env=self.variables, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def path(self, *names):
        return os.path.join(self.outside, *names)

    def put_program(self, name, text):
        path = os.path.join(self.tools[0], "bin", name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)


def put_stand_ins(place, source):
    golden = os.path.join(source, "tests", "data", "golden")
    for name, case in MODELS.items():
        folder = os.path.join(place.tools[0], "hub", "models--" + name.replace("/", "--"))
        shutil.copytree(os.path.join(golden, case), os.path.join(folder, "snapshots", "golden"))
        os.makedirs(os.path.join(folder, "refs"))
        with open(os.path.join(folder, "refs", "main"), "w") as file:
            file.write("golden")
        if case == "hf_clip":
            add_tokenizer(os.path.join(folder, "snapshots", "golden"), ("a", "photo", "of", "cat", "dog", "car", "on", "beach"))
    shutil.copytree(os.path.join(golden, "hf_vit_classifier"), place.path("folder"))
    pictures = os.path.join(source, "examples", "images")
    os.mkdir(place.path("photos"))
    for name in sorted(os.listdir(pictures)):
        if not name.endswith(".md"):
            shutil.copy(os.path.join(pictures, name), place.path("photos"))
    shutil.copy(os.path.join(pictures, "cat.jpg"), place.path("photo.jpg"))
    with open(place.path("list.txt"), "w") as file:
        file.write("".join("photos/%s\n" % name for name in sorted(os.listdir(place.path("photos")))))
    place.put_program("hf", HF)
    place.put_program("psql", PSQL)


def in_the_build_tree(source, build, work):
    """A folder of links to the tree, with build/ for the build."""
    tree = os.path.join(work, "libvit")
    os.mkdir(tree)
    for name in os.listdir(source):
        if not name.startswith((".", "build")):
            os.symlink(os.path.join(source, name), os.path.join(tree, name))
    os.symlink(build, os.path.join(tree, "build"))
    tools = os.path.join(work, "stand-ins")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and k not in ("VIT_MODEL", "LD_LIBRARY_PATH")}
    return Place(tree, tree, [], (tools, tools),
                 {**clean, "PATH": tools + "/bin:" + clean["PATH"], "HF_HUB_CACHE": tools + "/hub", "HOME": work})


def in_a_root(root):
    """A fresh system. Only what leads to packages (PIP_*, *_proxy) is kept of the variables here."""
    kept = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.lower().endswith("_proxy")}
    tools = "/root/stand-ins"
    return Place(root + "/root/libvit", "/root/libvit", ["chroot", root], (root + tools, tools),
                 {**kept, "HOME": "/root", "LANG": "C.UTF-8", "HF_HUB_CACHE": tools + "/hub",
                  "PATH": tools + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


def bare_text(text):
    """A command without the comment behind it."""
    return re.sub(r"\s+#\s.*$", "", text)


def substitute(text):
    for word, stand_in in WORDS_IN_PLACE.items():
        text = re.sub(r"\b%s\b" % word, stand_in, text)
    return text


def check(place, command, text, status, printed):
    where = "README.md:%d: %s" % (command.line, text)
    if status != 0:
        raise Failure("%s\nended with status %d, after it printed:\n%s" % (where, status, printed))
    if command.expected is not None and printed.splitlines() != command.expected:
        raise Failure("%s\nprinted this:\n%s\nThe page shows:\n%s" % (where, printed, "\n".join(command.expected)))
    written = re.search(r"\s-o (\S+)", text)
    for name in command.files + ([written[1]] if written and written[1] != "-" else []):
        if not os.path.exists(place.path(name)):
            raise Failure("%s\ndid not write %s" % (where, name))


def walk(place, source, replaced, names):
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        found, others = steps(file.read())
    commands = [step for step in found if not isinstance(step, File)]
    assert len(commands) > 15 and any(c.expected for c in commands), "README.md has changed its form"
    bare_texts = [bare_text(c.text) for c in commands]
    if not set(replaced) <= set(bare_texts):
        raise Failure("README.md no longer has: " + ", ".join(set(replaced) - set(bare_texts)))
    unknown = [text for text in bare_texts if text.startswith(("cmake ", "sh ")) and text not in replaced]
    if replaced and unknown:
        raise Failure("what does the walk in the build tree, which it must leave as it is, do with: " + ", ".join(unknown))
    for step in found:
        if isinstance(step, File):
            with open(place.path(step.name), "w") as file:
                file.write(step.text)
            print("%4d  writes %s" % (step.line, step.name))
            continue
        bare = bare_text(step.text)
        text = substitute(bare)
        if bare in replaced:
            text, why = replaced[bare]
            text = text.format(**names)
            print("%4d  %s\n      %s: %s" % (step.line, bare, text or "LEFT OUT", why))
            if not text:
                continue
        elif text != bare:
            print("%4d  %s\n      %s" % (step.line, bare, text))
        else:
            print("%4d  %s" % (step.line, text))
        sys.stdout.flush()
        start = time.monotonic()
        status, printed = place.run(text)
        check(place, step, text, status, printed)
        if time.monotonic() - start > 20:
            print("      %d s" % (time.monotonic() - start))
    print("\nCode in the text that is no command: " + ", ".join(others))


@contextlib.contextmanager
def kept(path):
    """What stands in the file is put back at the end."""
    content = None
    if os.path.exists(path):
        with open(path, "rb") as file:
            content = file.read()
    try:
        yield
    finally:
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        elif os.path.exists(path):
            os.remove(path)


def main():
    source = os.path.realpath(sys.argv[1])
    print("README.md, with stand-ins:\n" + STAND_INS)
    if sys.argv[2] == "--root":
        place = in_a_root(os.path.realpath(sys.argv[3]))
        put_stand_ins(place, source)
        walk(place, source, {}, {})
        return
    build = os.path.realpath(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="vit-readme-") as work, kept(os.path.join(build, "install_manifest.txt")):
        place = in_the_build_tree(source, build, work)
        put_stand_ins(place, source)
        replaced = dict(IN_THE_BUILD_TREE)
        if not shutil.which("man"):
            replaced["man vit"] = ("", "there is no man here")
        prefix = os.path.join(work, "prefix")
        walk(place, source, replaced, {"build": build, "prefix": prefix})
        left = [name for _, _, files in os.walk(prefix) for name in files]
        if left:
            raise Failure("uninstall left behind: " + " ".join(left))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
