# SPDX-License-Identifier: BSD-2-Clause
"""README.md walked from top to bottom: every command is run, and what it prints is compared with the page.

    walk_readme.py SOURCE BUILD         in a folder of links to the tree, with what is built in BUILD
    walk_readme.py SOURCE --root ROOT   in ROOT, a fresh Debian 12 with the tree SOURCE in /root/libvit
                                        (walk_readme.sh makes it)

STAND_INS says what stands for things that this machine does not have. The output names these stand-ins,
and every command that is replaced or left out. Python's standard library only."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, TESTS)
from hub_server import Hub, Repository  # noqa: E402
from readme import File, steps  # noqa: E402
from small_clip import add_tokenizer  # noqa: E402

STAND_INS = """
https://huggingface.co                 a server of our own that speaks its protocol
facebook/dinov2-small                  tests/data/golden/hf_dinov2_model, there
google/vit-base-patch16-224            tests/data/golden/hf_vit_classifier, there
laion/CLIP-ViT-B-32-laion2B-s34B-b79K  tests/data/golden/hf_clip with a small tokenizer, there
MODEL                                  facebook/dinov2-small, which is this small model
FOLDER                                 a copy of tests/data/golden/hf_vit_classifier
photos/, photo.jpg, list.txt           the pictures of examples/images, one of them, their paths
classes/                               the same pictures, in two folders
psql                                   a script that looks at both ends of a COPY stream
"""
MODELS = {"facebook/dinov2-small": "hf_dinov2_model",
          "google/vit-base-patch16-224": "hf_vit_classifier",
          "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": "hf_clip"}
TEXT = ("a", "photo", "of", "cat", "dog", "car", "on", "beach")  # the words that the page uses
PLACEHOLDERS = {"MODEL": "facebook/dinov2-small", "FOLDER": "folder"}

PSQL = """#!/bin/sh
# A stream of COPY ... BINARY: its signature first, and -1 in place of a row at the end.
cat >psql.input
[ "$(head -c 11 psql.input | od -An -c | tr -d ' ')" = 'PGCOPY\\n377\\r\\n\\0' ] &&
    [ "$(tail -c 2 psql.input | od -An -tx1 | tr -d ' ')" = ffff ]
"""

# In the build tree: what a command becomes, and why. "" leaves it out.
IN_THE_BUILD_TREE = {
    "sh examples/quickstart.sh": ("", "the test quickstart runs it"),
    "sh tests/run.sh": ("", "this is a part of it"),
    "cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build":
        ("", "the test quickstart runs the same"),
    "cmake -S . -B build-static -DVIT_STATIC=ON -DBUILD_TESTING=OFF && cmake --build build-static --target vit_command":
        ("", "it is another build: tests/install/release.sh runs it"),
    "sh cmake/release.sh OUT": ("", "tests/install/release.sh runs it"),
    "cmake --install build":
        ("cmake --install {build} --prefix {prefix} >install.log && "
         "library=$(dirname $(find {prefix} -name libvit.a)) && export PATH={prefix}/bin:$PATH "
         "LD_LIBRARY_PATH=$library PKG_CONFIG_PATH=$library/pkgconfig",
         "into a folder of this test, found by the variables that the installation names"),
    "cmake --build build --target uninstall":
        ("cmake --build {build} --target uninstall >uninstall.log", "in the folder of the build"),
}


# A server goes on behind its command, at a port of its own, until the walk ends; those that ask it find it there.
SERVE = ("{text} --listen 127.0.0.1:0 >serve.log 2>&1 & echo $! >>serve.pids; "
         "until grep -q listening serve.log; do kill -0 $! || {{ cat serve.log; exit 1; }}; sleep 0.1; done; "
         "export VIT_PORT=$(sed -n 's/.*listening on .*:\\([0-9]*\\)$/\\1/p' serve.log)")
ASK = "command -v curl >/dev/null || {{ echo 'no curl: LEFT OUT'; exit 0; }}; {text}"
END_SERVERS = "[ ! -f serve.pids ] || { kill $(cat serve.pids); rm serve.pids serve.log; }"


class Failure(Exception):
    pass


class Place:
    """A folder to walk in. outside is its path here, inside its path for the commands; tools is the same
    of a folder for the stand-ins. What a command exports, and the folder that it goes to, are kept for the
    next command."""

    def __init__(self, outside, inside, tools, prefix, variables):
        self.outside, self.inside, self.tools = outside, inside, tools
        self.prefix, self.variables = prefix, variables
        os.makedirs(os.path.join(tools[0], "bin"))
        with open(os.path.join(tools[0], "state"), "w") as file:
            file.write("cd '%s'\n" % inside)

    def run(self, text):
        """(exit status, everything that it printed)"""
        state = self.tools[1] + "/state"
        keep = "{ export -p; echo \"cd '$PWD'\"; } >" + state
        script = ". %s\n%s\nstatus=$?\n%s\nexit $status\n" % (state, text, keep)
        done = subprocess.run([*self.prefix, "/bin/sh", "-c", script], env=self.variables,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def path(self, *names):
        return os.path.join(self.outside, *names)

    def put_program(self, name, text):
        path = os.path.join(self.tools[0], "bin", name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)


def repository_of(folder):
    """The files of a model, as the hub has them."""
    with tempfile.TemporaryDirectory(prefix="vit-readme-model-") as work:
        copy = os.path.join(work, "model")
        shutil.copytree(folder, copy)
        if folder.endswith("hf_clip"):
            add_tokenizer(copy, TEXT)
        files = {}
        for name in os.listdir(copy):
            with open(os.path.join(copy, name), "rb") as file:
                files[name] = file.read()
    return Repository(files)


BESIDE = "folder", "photos", "photo.jpg", "classes", "list.txt"  # what put_stand_ins makes


def put_stand_ins(place, source):
    """Answers the server, which goes on until it is closed, or until the walk ends."""
    golden = os.path.join(source, "tests", "data", "golden")
    hub = Hub({name: repository_of(os.path.join(golden, case)) for name, case in MODELS.items()})
    place.variables.update({"HF_ENDPOINT": hub.endpoint, "no_proxy": "127.0.0.1,localhost"})
    place.put_program("psql", PSQL)
    shutil.copytree(os.path.join(golden, "hf_vit_classifier"), place.path("folder"))
    shutil.copytree(os.path.join(source, "examples", "images"), place.path("photos"),
                    ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(place.path("photos", "cat.jpg"), place.path("photo.jpg"))
    for number, name in enumerate(sorted(os.listdir(place.path("photos")))):
        os.makedirs(place.path("classes", "ab"[number % 2]), exist_ok=True)
        shutil.copy(place.path("photos", name), place.path("classes", "ab"[number % 2], name))
    with open(place.path("list.txt"), "w") as file:
        for name in sorted(os.listdir(place.path("photos"))):
            file.write("photos/%s\n" % name)
    return hub


def in_the_build_tree(source, build, work):
    """A folder of links to the tree, with build/ for the build."""
    tree, tools = os.path.join(work, "libvit"), os.path.join(work, "stand-ins")
    os.mkdir(tree)
    for name in os.listdir(source):
        if not name.startswith((".", "build")) and name not in BESIDE:  # another walk's, of which this one is a part
            os.symlink(os.path.join(source, name), os.path.join(tree, name))
    os.symlink(build, os.path.join(tree, "build"))
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith("HF_") and k not in ("VIT_MODEL", "LD_LIBRARY_PATH")}
    return Place(tree, tree, (tools, tools), [],
                 {**clean, "PATH": tools + "/bin:" + clean["PATH"], "HOME": work,
                  "HF_HUB_CACHE": tools + "/hub"})


def in_a_root(root):
    """A fresh system. Of the variables here only those are kept that lead to packages."""
    kept = {k: v for k, v in os.environ.items()
            if k.startswith("PIP_") or k.lower().endswith("_proxy")}
    tools = "/root/stand-ins"
    return Place(root + "/root/libvit", "/root/libvit", (root + tools, tools), ["chroot", root],
                 {**kept, "HOME": "/root", "LANG": "C.UTF-8", "HF_HUB_CACHE": tools + "/hub",
                  "PATH": tools + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


def what_is_run(command, replaced, names):
    """The command with stand-ins; says what it is. None: it is left out."""
    print("%4d  %s" % (command.line, command.text))
    if command.text in replaced:
        text, why = replaced[command.text]
        text = text.format(**names)
        print("      %s: %s" % (text or "LEFT OUT", why))
        return text or None
    text = command.text
    for word, stand_in in PLACEHOLDERS.items():
        text = re.sub(r"\b%s\b" % word, stand_in, text)
    if text.startswith("vit serve "):
        text = SERVE.format(text=text)
    if text.startswith("curl "):
        text = ASK.format(text=text.replace("localhost:8080", "localhost:$VIT_PORT"))
    if text != command.text:
        print("      " + text)
    return text


def check(place, command, text, status, printed):
    where = "README.md:%d: %s\n" % (command.line, text)
    if status != 0:
        raise Failure("%sended with status %d, after it printed:\n%s" % (where, status, printed))
    if command.expected is not None and printed.splitlines() != command.expected:
        raise Failure("%sprinted this:\n%s\nThe page shows:\n%s" %
                      (where, printed, "\n".join(command.expected)))
    written = re.search(r"\s-o ([^\s-]\S*)", text)
    for name in command.files + ([written[1]] if written else []):
        if not os.path.exists(place.path(name)):
            raise Failure("%sdid not write %s" % (where, name))


def check_page(commands, replaced):
    """The page has the form that this walk knows."""
    texts = [command.text for command in commands]
    if len(texts) < 16 or not any(command.expected for command in commands):
        raise Failure("README.md has changed its form: few commands are found")
    if set(replaced) - set(texts):
        raise Failure("README.md no longer has: " + ", ".join(set(replaced) - set(texts)))
    builds = [text for text in texts if text.startswith(("cmake ", "sh ")) and text not in replaced]
    if replaced and builds:
        raise Failure("the walk in the build tree, which must stay as it is, does not know what to do "
                      "with: " + ", ".join(builds))


def walk_steps(place, found, replaced, names):
    for step in found:
        if isinstance(step, File):
            with open(place.path(step.name), "w") as file:
                file.write(step.text)
            print("%4d  writes %s" % (step.line, step.name))
            continue
        text = what_is_run(step, replaced, names)
        sys.stdout.flush()
        if text:
            start = time.monotonic()
            check(place, step, text, *place.run(text))
            if time.monotonic() - start > 20:
                print("      %d s" % (time.monotonic() - start))


def walk(place, source, replaced, names):
    with open(os.path.join(source, "README.md"), encoding="utf-8") as file:
        found, others = steps(file.read())
    check_page([step for step in found if not isinstance(step, File)], replaced)
    try:
        walk_steps(place, found, replaced, names)
    finally:
        place.run(END_SERVERS)
    print("\nCode in the text that is no command: " + ", ".join(others))


@contextlib.contextmanager
def kept(path):
    """What stands in the file, or that there is none, is put back at the end."""
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


def walk_in_the_build_tree(source, build):
    replaced = dict(IN_THE_BUILD_TREE)
    if not shutil.which("man"):
        replaced["man vit"] = ("", "there is no man here")
    with tempfile.TemporaryDirectory(prefix="vit-readme-") as work, \
            kept(os.path.join(build, "install_manifest.txt")):
        place = in_the_build_tree(source, build, work)
        put_stand_ins(place, source)
        prefix = os.path.join(work, "prefix")
        walk(place, source, replaced, {"build": build, "prefix": prefix})
        left = [name for _, _, files in os.walk(prefix) for name in files]
        if left:
            raise Failure("uninstall left behind: " + " ".join(left))


def walk_in_a_root(source, root):
    place = in_a_root(root)
    put_stand_ins(place, source)
    walk(place, source, {}, {})
    left = [os.path.join(folder, name) for folder, _, files in os.walk(root + "/usr/local")
            for name in files if "vit" in os.path.join(folder, name)]
    if left:
        raise Failure("uninstall left behind: " + " ".join(left))


def main():
    print("README.md, with stand-ins:\n" + STAND_INS)
    source = os.path.realpath(sys.argv[1])
    if sys.argv[2] == "--root":
        walk_in_a_root(source, os.path.realpath(sys.argv[3]))
    else:
        walk_in_the_build_tree(source, os.path.realpath(sys.argv[2]))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
