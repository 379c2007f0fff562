#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What the shared libraries export is what symbols/*.txt lists: test_symbols.sh LIST LIBRARY [LIST LIBRARY]...
# A name that comes is added to its list, in order. A name that goes breaks programs: it goes with a new SOVERSION only.
# Debian's list says since which version each name is there.
set -eu
failed=
debian=$(cd "$(dirname "$0")/../.." && pwd)/debian/libvit0.1.symbols
while [ $# -gt 0 ]; do
    list=$1 library=$2
    shift 2
    nm -D --defined-only "$library" | awk '{print $3}' | LC_ALL=C sort | diff "$list" - || {
        echo "FAILED: $library exports other names (>) than $list says (<). If it is meant to:" >&2
        echo "    nm -D --defined-only $library | awk '{print \$3}' | LC_ALL=C sort >$list" >&2
        failed=yes
    }
    awk -v library="$(basename "$list" .txt)" '
        /^[^ ]/ { here = index($1, library ".so.") == 1 }
        here && /^ / { sub(/@.*/, "", $1); print $1 }' "$debian" | diff "$list" - || {
        echo "FAILED: $debian has other names (>) than $list (<): add them as ' NAME@Base VERSION'" >&2
        failed=yes
    }
done
[ -z "$failed" ]
