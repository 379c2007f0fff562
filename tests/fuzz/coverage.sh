#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# How much the fuzz entries reach: sh tests/fuzz/coverage.sh [NAME...]
# Feeds the entries of these names, or all, with their seeds, with 1,500 damaged copies of them, and with what fuzz.sh kept in
# build-tests/corpus or $VIT_CORPUS, in a build that counts (Clang's coverage of lines). Prints for each source file how many of
# its lines were reached by any of them, the least first, and leaves build-tests/coverage/lines.txt, where a line that was not has a
# count of 0.
set -eu
cd "$(dirname "$0")/../.."

build=${VIT_COVERAGE_BUILD:-build-tests/coverage}
corpus=${VIT_CORPUS:-build-tests/corpus}
mkdir -p "$build"
cmake -S . -B "$build" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DVIT_JXL=ON \
    -DCMAKE_C_FLAGS="-O1 -fprofile-instr-generate -fcoverage-mapping" >"$build/build.log" 2>&1
cmake --build "$build" --target fuzzers --parallel "$(nproc)" >>"$build/build.log" 2>&1
here=$build/tests/fuzz
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.seeds | sed 's/.*\///; s/[.]seeds//')

objects=
rm -rf "$build/profiles" && mkdir "$build/profiles"
for name; do
    entry=$here/fuzz_$name
    seeds=$(tr ',' ' ' <"$here/$name.seeds")
    export LLVM_PROFILE_FILE="$build/profiles/$name-%p"
    # shellcheck disable=SC2086  # names without spaces
    "$entry" $seeds >/dev/null 2>&1 || echo "$name: a seed breaks it" >&2
    # shellcheck disable=SC2086
    "$entry" --damaged 0 1500 $seeds >/dev/null 2>&1 || echo "$name: a damaged seed breaks it" >&2
    if [ -d "$corpus/$name" ]; then
        find "$corpus/$name" -type f -print0 | xargs -0 -r -n 2000 "$entry" >/dev/null 2>&1 ||
            echo "$name: something in its corpus breaks it" >&2
    fi
    llvm-profdata merge -sparse -o "$build/profiles/$name.merged" "$build/profiles/$name"-*
    rm "$build/profiles/$name"-*
    objects="$objects -object $entry"
done
llvm-profdata merge -sparse -o "$build/profiles/all" "$build"/profiles/*.merged
# shellcheck disable=SC2086
llvm-cov show $objects -instr-profile="$build/profiles/all" >"$build/lines.txt" 2>/dev/null
# shellcheck disable=SC2086
llvm-cov report $objects -instr-profile="$build/profiles/all" 2>/dev/null |
    awk '/[.]c / && !/^tests/ {printf "%7s %5d lines, %4d not reached  %s\n", $10, $8, $9, $1}' | sort -n
