#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The binary interface of the shared libraries, as libabigail sees it: functions, their parameters, every type behind them.
#
#     sh tests/api/abi.sh FOLDER [--write]
#
# Builds the libraries in FOLDER, with what a debugger wants to know and without optimising. They must have the interface that
# tests/api/abi.tar.xz records, in every respect; --write records a new one, which goes into the commit that makes it.
# Where git has a release's tag (v0.1.0), they must also take every program that was built with the last of these: nothing goes or
# changes, something may come. A struct that uses what it kept in reserve is named in tests/api/abi.abignore, as libabigail has it:
#
#     [suppress_type]
#     name = vit_session_options
#
# Exits with 77 where libabigail is not installed.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
record=$source/tests/api/abi.tar.xz
accepted=$source/tests/api/abi.abignore
command -v abidiff >/dev/null 2>&1 || { echo "skipped: no libabigail here (apt-get install abigail-tools)"; exit 77; }

libraries=$(cd "$source/tests/api/symbols" && ls ./*.txt | sed 's|./lib\(.*\).txt|\1|')
# shellcheck disable=SC2086  # a list of words is meant
{
    cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=OFF &&
        cmake --build "$build" --parallel "$(nproc)" --target $libraries
} >"$build/abi.log" 2>&1 || { tail -n 40 "$build/abi.log"; exit 1; }

# Types of which the public headers say nothing are nobody's business.
headers=$(for folder in "$source"/*/include; do echo "--headers-dir $folder"; done)
library() { find "$build" -name "lib$1.so.*.*.*"; }

rm -rf "$build/new" "$build/recorded" "$build/tagged"
mkdir "$build/new" "$build/recorded" "$build/tagged"
for name in $libraries; do
    # shellcheck disable=SC2086
    abidw $headers --drop-private-types --drop-undefined-syms --exported-interfaces-only --no-elf-needed --no-corpus-path \
        --no-comp-dir-path --no-show-locs --no-parameter-names --out-file "$build/new/lib$name.abi" "$(library "$name")"
done
if [ "${2-}" = --write ]; then
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c -C "$build/new" . | xz -9 >"$record"
    echo "recorded: $record"
    exit 0
fi

failed=
# compare FOLDER OPTION...: with the interfaces in this folder.
compare() {
    old=$1
    shift
    for name in $libraries; do
        [ -e "$old/lib$name.abi" ] || continue
        abidiff --drop-private-types "$@" "$old/lib$name.abi" "$build/new/lib$name.abi" || failed=yes
    done
}

tar -x -J -C "$build/recorded" -f "$record"
compare "$build/recorded"
[ -z "$failed" ] || {
    echo "FAILED: the interface is another one than tests/api/abi.tar.xz records. If it is meant to:" >&2
    echo "    sh tests/api/abi.sh $1 --write" >&2
    exit 1
}
tag=$(git -C "$source" describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)
if [ -z "$tag" ] || ! git -C "$source" show "$tag:tests/api/abi.tar.xz" >"$build/tagged.tar.xz" 2>/dev/null; then
    echo "as recorded; no release's tag to compare with"
    exit 0
fi
tar -x -J -C "$build/tagged" -f "$build/tagged.tar.xz"
set -- --no-added-syms
[ ! -e "$accepted" ] || set -- "$@" --suppressions "$accepted"
compare "$build/tagged" "$@"
[ -z "$failed" ] || { echo "FAILED: programs that were built with $tag may break" >&2; exit 1; }
echo "as recorded; programs that were built with $tag go on working"
