# SPDX-License-Identifier: BSD-2-Clause
"""Two copies of the library in one process do not meet, and nothing is left of either when all is closed.

LIBVIT is the shared library. The same work is done by each copy, in turn and then together: the same bits.
"""
import ctypes
import os
import shutil
import sys
import tempfile
import unittest

SOURCE = os.environ["VIT_SOURCE"]
LIBVIT = os.path.realpath(os.environ["LIBVIT"])
MODEL = os.path.join(SOURCE, "tests", "data", "golden", "hf_vit_classifier").encode()
WIDTH, PIXELS = 48, 3 * 48 * 48


class Copy:
    """One loaded library, and a model with a session that it has opened."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.model, self.session = ctypes.c_void_p(), ctypes.c_void_p()

    def check(self, status):
        assert status == 0, status

    def open(self):
        options = (ctypes.c_uint32 * 16)(2)  # two threads
        self.check(self.library.vit_model_open(MODEL, None, ctypes.byref(self.model), None))
        self.check(self.library.vit_session_create(self.model, options, ctypes.byref(self.session), None))

    def encode(self):
        pixels, result = (ctypes.c_float * PIXELS)(*(i % 7 / 7 for i in range(PIXELS))), (ctypes.c_float * WIDTH)()
        self.check(self.library.vit_encode(self.session, pixels, ctypes.c_size_t(1), 0, result, None))
        return bytes(result)

    def close(self):
        self.library.vit_session_free(self.session)
        self.library.vit_model_free(self.model)


def left():
    """Descriptors, threads, and mappings of files, of this process."""
    with open("/proc/self/maps") as maps:
        files = sorted(line.split(None, 5)[5].strip() for line in maps if line.count("/"))
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), [name for name in files if "golden" in name]


class Copies(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vit-copies-")
        self.addCleanup(shutil.rmtree, self.folder)
        other = os.path.join(self.folder, "another.so")
        shutil.copy(LIBVIT, other)
        self.copies = [Copy(LIBVIT), Copy(other)]

    def test_side_by_side(self):
        one, two = self.copies
        self.assertNotEqual(ctypes.cast(one.library.vit_encode, ctypes.c_void_p).value,
                            ctypes.cast(two.library.vit_encode, ctypes.c_void_p).value)
        one.open()
        alone = one.encode()
        two.open()
        self.assertEqual({one.encode(), two.encode(), one.encode()}, {alone})
        one.close()
        self.assertEqual(two.encode(), alone)
        two.close()

    def test_nothing_is_left(self):
        for copy in self.copies:  # what is made once in a process is made now
            copy.open()
            copy.encode()
            copy.close()
        before = left()
        self.assertEqual(before[2], [])
        for _ in range(5):
            for copy in self.copies:
                copy.open()
                copy.encode()
            self.assertGreater(left()[0], before[0])
            for copy in self.copies:
                copy.close()
            self.assertEqual(left(), before)

    def test_loaded_again(self):
        """dlclose keeps the library, as its threads may be anywhere in it; loading it again gives the same one."""
        copy = self.copies[0]
        handle = copy.library._handle
        ctypes.CDLL(None).dlclose(ctypes.c_void_p(handle))
        again = Copy(LIBVIT)
        again.open()
        self.assertTrue(again.encode())
        again.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
