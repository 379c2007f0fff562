# SPDX-License-Identifier: BSD-2-Clause
"""Writes the module by which Python calls the libraries: python_cdef.py OUTPUT COMPILER INCLUDE-FOLDER...

What cffi is told is the public headers, as the preprocessor leaves them: no prototype is written a second time.
"""
import pathlib
import subprocess
import sys
import tempfile

import cffi

HEADERS = ["vit/fit.h", "vit/hub.h", "vit/index.h", "vit/tensors.h"]  # these include the others
NOT_OURS = ["stddef.h", "stdint.h"]  # cffi knows size_t, uint8_t, ...


def preprocess(compiler, folders):
    """The declarations of the headers, without attributes of the compiler."""
    with tempfile.TemporaryDirectory() as blank:
        for name in NOT_OURS:
            (pathlib.Path(blank) / name).touch()
        text = "".join("#include <%s>\n" % header for header in HEADERS)
        return subprocess.run([compiler, "-E", "-P", "-nostdinc", "-D__attribute__(x)=", "-I" + blank,
                               *("-I" + folder for folder in folders), "-xc", "-"],
                              input=text, capture_output=True, text=True, check=True).stdout


def abi(compiler, folders):
    """What the names of the shared libraries end in: "0.1"."""
    text = "#include <vit/version.h>\nVIT_VERSION_MAJOR VIT_VERSION_MINOR\n"
    done = subprocess.run([compiler, "-E", "-P", *("-I" + folder for folder in folders), "-xc", "-"],
                          input=text, capture_output=True, text=True, check=True)
    return ".".join(done.stdout.split()[-2:])


def main(output, compiler, *folders):
    ffi = cffi.FFI()
    ffi.set_source("libvit._cdef", None)
    ffi.cdef(preprocess(compiler, folders))
    ffi.emit_python_code(output)
    with open(output, "a", encoding="utf-8") as file:
        file.write("ABI = %r\n" % abi(compiler, folders))


if __name__ == "__main__":
    main(*sys.argv[1:])
