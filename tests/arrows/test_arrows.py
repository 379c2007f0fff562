#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The arrows between folders are those that docs/architecture.md shows: test_arrows.py SOURCE BUILD

The table of rooms in docs/architecture.md names a folder in its first column and the folders that it may use in its last. What
a folder does use is derived from the build: the compiler wrote beside each object which headers it read. Both must be equal,
and there must be no circle. Then a wrong include is tried for every pair of folders, with the very command that compiles the
folder's files: the compiler must not find the header. And a header of another library is included by one file of ours.
"""
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


SOURCE, BUILD = (os.path.realpath(path) for path in sys.argv[1:3])
# Headers of C, of POSIX and of the compiler, which any file may include.
SYSTEM = set("""arm_neon.h arpa/inet.h asm/hwcap.h cpuid.h ctype.h dirent.h errno.h fcntl.h float.h immintrin.h
inttypes.h limits.h math.h netinet/in.h pthread.h sched.h setjmp.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h
stddef.h stdint.h stdio.h stdlib.h string.h strings.h sys/auxv.h sys/file.h sys/mman.h sys/socket.h sys/stat.h sys/un.h
time.h unistd.h""".split())
PAGE = os.path.join(SOURCE, "docs", "architecture.md")


def documented():
    """{folder: the folders it may use}, from the rows of the table of rooms."""
    rooms = {}
    for line in read(PAGE).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        folder = re.fullmatch(r"`([a-z_/]+)/`", cells[0])
        if folder and len(cells) == 3 and cells[2] != "-":
            rooms[folder[1]] = set(re.findall(r"`([a-z_/]+)/`", cells[2]))
    return rooms


def headers_by_name():
    """{name: paths} of the project's headers, but for what builds left in the folders that git ignores."""
    names = {}
    for folder, below, files in os.walk(SOURCE):
        below[:] = [name for name in below if not name.startswith((".", "build"))]
        for name in files:
            if name.endswith(".h"):
                names.setdefault(name, []).append(os.path.join(folder, name))
    return names


def room_of(path, rooms):
    """The folder of the table that a file of the project is in; None: it is in none."""
    relative = os.path.relpath(path, SOURCE)
    inside = [room for room in rooms if relative.startswith(room + "/")]
    return max(inside, key=len, default=None)


def commands():
    """{source file: (folder, words of its command)} of what the build compiles."""
    return {os.path.realpath(entry["file"]): (entry["directory"], shlex.split(entry["command"]))
            for entry in json.loads(read(os.path.join(BUILD, "compile_commands.json")))}


def headers_read(directory, command):
    """The project's headers that a compilation read, from the list that the compiler left beside the object."""
    listed = os.path.join(directory, command[command.index("-o") + 1]) + ".d"
    text = read(listed).replace("\\\n", " ")
    paths = {os.path.realpath(os.path.join(directory, word)) for word in text.split(":", 1)[1].split()}
    return {path for path in paths if path.startswith(SOURCE + os.sep) and not path.startswith(BUILD) and path.endswith(".h")}


def includes(path, known, rooms):
    """The headers among `known` that a file names itself; a room's headers are named from its folder."""
    named = set(re.findall(r'^#include [<"]([^>"]+)[>"]', read(path), re.M))
    return {header for header in known
            if room_of(header, rooms) and os.path.relpath(header, os.path.join(SOURCE, room_of(header, rooms))) in named}


class TestArrows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rooms = documented()
        cls.headers = headers_by_name()
        cls.commands = {path: entry for path, entry in commands().items() if room_of(path, cls.rooms)}

    def used(self):
        """{folder: {folder used: an include that shows it}}"""
        arrows = {room: {} for room in self.rooms}
        for source, (directory, command) in self.commands.items():
            known = headers_read(directory, command)
            for file in {source} | known:
                for header in includes(file, known, self.rooms):
                    here, there = room_of(file, self.rooms), room_of(header, self.rooms)
                    if here and there and here != there:
                        arrows[here].setdefault(there, f"{os.path.relpath(file, SOURCE)} includes {os.path.basename(header)}")
        return arrows

    def test_documented_arrows_are_those_of_the_build(self):
        self.assertGreater(len(self.rooms), 8, "the table of rooms was not found")
        for room, arrows in self.used().items():
            with self.subTest(room=room):
                written = glob.glob(os.path.join(SOURCE, room, "*.c"))  # none: headers alone, or files that the build makes
                self.assertTrue([s for s in self.commands if room_of(s, self.rooms) == room] or not written)
                self.assertEqual(set(arrows) - self.rooms[room], set(), f"not in {PAGE}: {arrows}")
                self.assertEqual(self.rooms[room] - set(arrows), set(), f"{PAGE} names what {room}/ does not use")

    def test_a_header_of_others_is_included_by_one_file(self):
        users = {}
        for room in self.rooms:
            for path in glob.glob(os.path.join(SOURCE, room, "*.[ch]")):
                for header in set(re.findall(r"^#include <([^>]+)>", read(path), re.M)) - SYSTEM:
                    users.setdefault(header, set()).add(os.path.relpath(path, SOURCE))
        self.assertIn("jansson.h", users)
        self.assertEqual({header: files for header, files in users.items() if len(files) > 1}, {})

    def test_no_circles(self):
        left = {room: set(arrows) for room, arrows in self.used().items()}
        while left:
            free = [room for room, arrows in left.items() if not arrows & set(left)]
            self.assertTrue(free, f"a circle among {sorted(left)}")
            for room in free:
                del left[room]

    def reachable(self, room):
        """The room, what it may use, and what that may use: whose headers these include."""
        seen, left = set(), [room]
        while left:
            at = left.pop()
            if at not in seen:
                seen.add(at)
                left += self.rooms[at]
        return seen

    def header_of(self, room):
        """A header of the room whose name no other folder has, as it is included."""
        inside = sorted(path for paths in self.headers.values() if len(paths) == 1 or room.endswith("include")
                        for path in paths if room_of(path, self.rooms) == room and not path.endswith("_body.h"))
        return os.path.relpath(inside[0], os.path.join(SOURCE, room)) if inside else None

    def found(self, room, headers):
        """Those of the headers that a file of the room can include: asked of the compiler, with the very command that compiles
        the room's files."""
        source = next(path for path in self.commands if room_of(path, self.rooms) == room)
        directory, command = self.commands[source]
        with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
            for i, header in enumerate(headers):
                file.write(f'#if __has_include("{header}")\nfound {i}\n#endif\n')
            file.flush()
            asked = command[:command.index("-o")] + ["-E", "-P", file.name]
            done = subprocess.run(asked, cwd=directory, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, (room, done.stderr))
        return {headers[int(i)] for i in re.findall(r"found (\d+)", done.stdout)}

    def test_wrong_includes_do_not_compile(self):
        tried = 0
        headers = {room: self.header_of(room) for room in self.rooms}
        with_files = [room for room in self.rooms if any(room_of(path, self.rooms) == room for path in self.commands)]
        for room in with_files:
            allowed = self.reachable(room)
            others = {other: header for other, header in headers.items() if header and other != room}
            found = self.found(room, list(others.values()))
            for other, header in others.items():
                with self.subTest(room=room, header=f"{other}/{header}"):
                    self.assertEqual(header in found, other in allowed)
                    tried += 1
        self.assertGreater(tried, 400)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
