#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the project for 64-bit ARM on another processor, and runs its tests in C under qemu-user: sh tests/arm.sh [BUILD]
# Installs the Debian packages that are missing (as root, or with sudo): a cross compiler and qemu. Debian's arm64 libraries go into a
# folder of their own, BUILD/root, so that nothing of this machine changes. BUILD is build-tests/arm unless given.
# The tests run twice: on all instructions that qemu knows (`-cpu max`: dotprod, i8mm, bf16), and on a processor that has none of these
# (cortex-a72). VIT_TEST_ARM="kernels|tiles" takes those tests alone. docs/testing.md says how long it takes.
# Exit status: 0 all passed, 1 something failed, 77 this machine cannot do it, and why.
set -u
cd "$(dirname "$0")/.." || exit 1
. cmake/debian.sh
build=${1:-build-tests/arm}
mkdir -p "$build" || exit 1
build=$(cd "$build" && pwd)

skip() {
    echo "skipped: $*"
    exit 77
}

need_tool aarch64-linux-gnu-gcc crossbuild-essential-arm64
need_tool aarch64-linux-gnu-g++ crossbuild-essential-arm64
need_tool qemu-aarch64-static qemu-user-static
install_missing || skip "no cross compiler or no qemu"

# apt-get for arm64 in a folder: its own lists, its own record of what is installed (nothing), no package is configured.
arm_apt() {
    APT_CONFIG="$build/apt/apt.conf" apt-get -q "$@"
}

prepare_apt() {
    mkdir -p "$build/apt/state/lists/partial" "$build/apt/cache/archives/partial" && : >"$build/apt/status" || return 1
    cat >"$build/apt/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
Dir::State "$build/apt/state";
Dir::State::status "$build/apt/status";
Dir::Cache "$build/apt/cache";
Debug::NoLocking "true";
END
    arm_apt update
}

# Files of packages as they are, no script of theirs is run. Links from / lead into the folder, wherever it is moved.
unpack() {
    mkdir -p "$1/usr/lib" "$1/usr/bin" "$1/usr/sbin" &&
        ln -sfn usr/lib "$1/lib" && ln -sfn usr/bin "$1/bin" && ln -sfn usr/sbin "$1/sbin" || return 1
    for package in "$build"/apt/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1" --keep-directory-symlink || return 1
    done
    find "$1" -type l -lname '/*' | while read -r link; do
        ln -sfnr "$1$(readlink "$link")" "$link" || return 1
    done
    # What update-alternatives would choose.
    libraries=$1/usr/lib/aarch64-linux-gnu
    ln -sfn openblas-pthread/libopenblas.so "$libraries/libopenblas.so" &&
        ln -sfn openblas-pthread/libopenblas.so.0 "$libraries/libopenblas.so.0" &&
        ln -sfn ../openblas-pthread/pkgconfig/openblas.pc "$libraries/pkgconfig/openblas.pc"
}

make_root() {
    [ ! -e "$build/root" ] || return 0
    rm -rf "$build/root.new"
    prepare_apt && arm_apt install -y --download-only libc6-dev libgcc-12-dev libstdc++-12-dev libcmocka-dev libjansson-dev \
        nettle-dev libjpeg62-turbo-dev libpng-dev libopenblas-pthread-dev libwebp-dev libgif-dev libtiff-dev libavif-dev \
        libde265-dev libunistring-dev libarchive-dev libsqlite3-dev libpq-dev libcurl4-gnutls-dev libmicrohttpd-dev &&
        unpack "$build/root.new" && mv "$build/root.new" "$build/root"
}

make_root >"$build/root.log" 2>&1 || {
    cat "$build/root.log"
    skip "no Debian packages for arm64"
}

cmake -S . -B "$build/build" --toolchain "$PWD/cmake/aarch64.cmake" -DVIT_ARM_ROOT="$build/root" -DCMAKE_BUILD_TYPE=Release \
    -DVIT_WERROR=ON && cmake --build "$build/build" --parallel "$(nproc)" || exit 1

# What Python tests run is the command by its path, which this processor cannot: tests in C alone.
# run CPU CTEST-ARGUMENT...: what it says is also kept in BUILD/CPU.log.
run() {
    cpu=$1
    shift
    echo
    echo "== $cpu"
    QEMU_CPU=$cpu nice ctest --test-dir "$build/build" --output-on-failure --no-tests=error --timeout 7200 \
        --parallel "$(nproc)" --output-log "$build/$cpu.log" --label-regex "^(c|fuzz)$" "$@" || failed=yes
}

failed=
if [ -n "${VIT_TEST_ARM-}" ]; then
    run max --tests-regex "^($VIT_TEST_ARM)\$"
    run cortex-a72 --tests-regex "^($VIT_TEST_ARM)\$"
else
    run max
    # `golden` and `precision` at a single level: this processor has no level above NEON, which they take by themselves, and the
    # loops in C are the same instructions on both.
    run cortex-a72 --exclude-regex "^(golden|precision)_(c|neon|dotprod|i8mm)\$"
fi
[ -z "$failed" ]
