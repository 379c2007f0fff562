#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# From a checkout on Debian 12 to labels and a vector of a sample picture: sh examples/quickstart.sh
# Installs the Debian packages that are missing (as root, or with sudo), builds into build/, runs the command there.
set -eu
cd "$(dirname "$0")/.."
. cmake/debian.sh

need_build_packages
install_missing

# Prints a command line, and runs it.
run() {
    echo "\$ $*"
    "$@"
}

echo "== Building into build/"
run cmake -S . -B build -DCMAKE_BUILD_TYPE=Release
run cmake --build build --parallel "$(nproc)"

echo
echo "== What is in the picture? The default model knows ten everyday classes."
run build/bin/vit classify -k 3 examples/images/cat.jpg

echo
echo "== The picture as a vector, for search and clustering"
run build/bin/vit embed --format npy -o build/cat.npy examples/images/cat.jpg
ls -l build/cat.npy

echo
echo "Done. To type vit in place of build/bin/vit, either:"
echo "  export PATH=\"$PWD/build/bin:\$PATH\"    in this terminal"
echo "  cmake --install build    for all users, into /usr/local (as root, or with sudo)"
echo "Next: vit --help; a model of your own: -m FOLDER; the tests, some 10 minutes: sh tests/run.sh"
