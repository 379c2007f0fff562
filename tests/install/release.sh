#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the release twice, from two clones in two folders, with another umask, time zone and language: the same bytes. Then
# installs the packages in a fresh Debian: sh tests/install/release.sh FOLDER. Exits with 77 where git has no commit here.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:?where may it work?}
git -C "$source" rev-parse -q --verify HEAD >/dev/null 2>&1 || { echo "skipped: not a clone of git"; exit 77; }
rm -rf "$folder"
mkdir -p "$folder/one" "$folder/two/deeper"
folder=$(cd "$folder" && pwd)
git clone -q "$source" "$folder/one/libvit"
git clone -q "$source" "$folder/two/deeper/clone"
sh "$folder/one/libvit/cmake/release.sh" "$folder/first" >"$folder/first.log" 2>&1 || { tail -n 40 "$folder/first.log"; exit 1; }
(umask 077 && TZ=Asia/Tokyo LC_ALL=C sh "$folder/two/deeper/clone/cmake/release.sh" "$folder/second") \
    >"$folder/second.log" 2>&1 || { tail -n 40 "$folder/second.log"; exit 1; }
cmp "$folder/first/SHA256SUMS" "$folder/second/SHA256SUMS" ||
    { diff "$folder/first/SHA256SUMS" "$folder/second/SHA256SUMS"; exit 1; }
sh "$source/tests/install/walk_packages.sh" "$folder/first"
