#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the project and runs every test, on Debian 12: sh tests/run.sh
# Installs the Debian packages that are missing (as root, or with sudo). The layout of the code is checked (tests/format.sh).
# Then five builds, with warnings as errors, in
# build-tests/: Clang (built only), Clang with libFuzzer (which replays what tests/fuzz has), GCC with address and
# undefined-behaviour sanitizers, GCC with ThreadSanitizer (the tests of threads only), GCC as released, whose tests run a
# second time as on a processor without vector instructions.
# The binary interface of the libraries is compared with the recorded one (tests/api/abi.sh).
# The builds stay, so that the next run compiles only what has changed. Fails if anything fails; a failing build or suite does
# not keep the others from running.
# sh tests/run.sh --full leaves no test out, and does more, for hours: it walks README.md in a fresh Debian 12, command by
# command (tests/install/walk_readme.sh); it builds for 64-bit ARM, and runs the tests in C under qemu (tests/arm.sh); it builds
# the release twice and installs it (tests/install/release.sh); it builds and installs the packages in a fresh Debian 13
# (tests/install/build_packages.sh); and it has huggingface_hub, from PyPI, use the cache that
# `vit pull` wrote.
set -u
cd "$(dirname "$0")/.." || exit 1
. cmake/debian.sh

need_build_packages
need_format_packages
need_library cmocka libcmocka-dev
need_tool g++ g++
need_tool clang clang
need_file /usr/share/doc/libclang-rt-14-dev libclang-rt-14-dev # the sanitizers and libFuzzer of Clang
need_tool groff groff
need_tool clang-format-14 clang-format-14
# The tests of the command from outside, with what they make tar files with, and an environment for what is on PyPI.
need_tool python3 python3
need_tool zstd zstd
need_file /usr/lib/python3.11/ensurepip/__init__.py python3-venv
[ "${1-}" != --full ] || need_tool debootstrap debootstrap
# Spark's own part is Java's.
[ "${1-}" != --full ] || need_tool java openjdk-17-jre-headless
install_missing || exit 1
# Pages are looked at in a browser, which Node.js drives with packages from npm; these tests are skipped, saying so, where
# they cannot be had.
need_tool chromium chromium
need_tool curl curl # which the pages' lines for a terminal call
need_tool node nodejs
need_tool npm npm
install_missing || echo "No browser or no Node.js here: pages are not looked at in one."
missing=
# huggingface_hub, from PyPI, beside `vit pull`.
[ "${1-}" != --full ] || export VIT_TEST_FULL=1
# Clients of `vit serve` from npm, and Prometheus' opinion of its metrics; those tests are skipped, saying so, without these.
need_tool node nodejs
need_tool npm npm
need_tool promtool prometheus
install_missing || echo "No node, npm or promtool here: vit serve is tested with fewer clients."
missing=

# What the shared libraries look like to programs that are built already.
need_tool abidiff abigail-tools
need_tool xz xz-utils
install_missing || echo "No libabigail here: the binary interface is looked at by its symbols and layouts alone."
missing=

jobs=$(nproc)
failed=
summary=build-tests/summary.txt
mkdir -p build-tests
: >"$summary"

# The sanitizers of GCC 12 cannot place their shadow memory on kernels that randomise addresses widely.
steady=
if setarch "$(uname -m)" -R true 2>/dev/null; then
    steady="setarch $(uname -m) -R"
fi

# build NAME TARGET CMAKE-ARGUMENT...
build() {
    name=$1
    target=$2
    shift 2
    echo
    echo "== $name: building"
    cmake -S . -B "build-tests/$name" -DVIT_WERROR=ON -DVIT_JXL=ON -DVIT_TEST_VENVS="$PWD/build-tests/venvs" \
        "$@" >"build-tests/$name.log" 2>&1 &&
        cmake --build "build-tests/$name" --target "$target" --parallel "$jobs" >>"build-tests/$name.log" 2>&1
    status=$?
    if [ $status -ne 0 ]; then
        cat "build-tests/$name.log"
        echo "$name: the build failed" >>"$summary"
        failed=yes
    fi
    return $status
}

# check NAME BUILD CTEST-ARGUMENT...
check() {
    name=$1
    build=$2
    shift 2
    echo
    echo "== $name: testing"
    log=$PWD/build-tests/$name.ctest.log
    # shellcheck disable=SC2086  # a command prefix of several words
    $steady ctest --test-dir "build-tests/$build" --output-on-failure --no-tests=error --timeout 600 --parallel "$jobs" \
        --output-log "$log" "$@" || failed=yes
    echo "$name: $(grep 'tests passed,' "$log" || echo 'the tests did not run')" >>"$summary"
}

# walk NAME PASSED COMMAND...: exits with 77 where it cannot be tried, and then says why in a line that begins with `skipped`.
walk() {
    name=$1
    passed=$2
    log=build-tests/$1.walk.txt
    shift 2
    echo
    echo "== $name"
    "$@" >"$log" 2>&1
    case $? in
    0) echo "$name: $passed" >>"$summary" ;;
    77) echo "$name: $(grep '^skipped' "$log")" >>"$summary" ;;
    *) failed=yes && echo "$name: failed" >>"$summary" ;;
    esac
    cat "$log"
}

if sh tests/format.sh --check; then
    echo "format: as .clang-format says" >>"$summary"
else
    echo "format: see above" >>"$summary"
    failed=yes
fi
if build clang all -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release; then
    echo "clang: built without a warning" >>"$summary"
fi
build fuzz fuzzers -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DVIT_FUZZ=ON \
    -DVIT_SANITIZE=address,undefined && check fuzz fuzz --label-regex fuzz
# --exclude-regex arguments: what takes a minute or more is left to --full.
# With sanitizers: what other tests let through the same code, and repeats it many times.
often="^(cli_invariance|cli_golden|model_pack_amx|model_once_amx|bulk_crash_points|bulk_shards|serve_page_flows|cli_verify|cli_claims|search_index)\$"
# As released: real clients of the server (schemathesis is one), and the memory of long jobs.
long="^(serve_clients|serve_schema|bulk_memory)\$"
if [ "${1-}" = --full ]; then
    often="^\$"
    long="^\$"
fi
build sanitized all -DCMAKE_BUILD_TYPE=RelWithDebInfo -DVIT_SANITIZE=address,undefined &&
    check sanitized sanitized --label-exclude slow --exclude-regex "$often"
# A thread that waits for its next input when the command gives up is no race.
export TSAN_OPTIONS=report_thread_leaks=0
build threads test_threads -DCMAKE_BUILD_TYPE=RelWithDebInfo -DVIT_SANITIZE=thread &&
    check threads threads --label-regex threads
if build release all -DCMAKE_BUILD_TYPE=Release; then
    check release release --exclude-regex "$long"
    # As on a processor without AVX2: portable C.
    export VIT_CPU=c
    # What is about connections, packages and files, and not about numbers, is not repeated.
    check plain release --label-exclude slow \
        --exclude-regex "^(hub|serve|search|bulk|install|readme|pages|fuzz|damage|arrows|headers|symbols|cli_(hints|signals|claims|people|usage)|.*_(avx2|avx_vnni|avx512|avx512_vnni|amx)\$)"
    unset VIT_CPU
fi
walk ABI "the binary interface is as recorded" sh tests/api/abi.sh build-tests/abi
if [ "${1-}" = --full ]; then
    walk README.md "every command runs in a fresh Debian 12" as_root sh tests/install/walk_readme.sh "$PWD/build-tests/walk"
    walk release "the same bytes twice; the packages installed, used and purged" \
        as_root sh tests/install/release.sh "$PWD/build-tests/release"
    rm -rf build-tests/trixie
    walk "Debian 13" "the packages built from source, installed, used and purged" as_root sh -c \
        'sh tests/install/build_packages.sh build-tests/trixie trixie && sh tests/install/walk_packages.sh build-tests/trixie trixie'
    walk ARM "tests in C pass under qemu, with all instructions and as a Cortex-A72" sh tests/arm.sh
fi

echo
cat "$summary"
[ -z "$failed" ]
