#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The test of NULL arguments tests what the libraries export: test_exported.sh TEST_NULLS LIBRARY...
set -eu
test=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$test" --list | sort >"$work/tested"
[ -s "$work/tested" ] || {
    echo "FAILED: $test --list prints nothing" >&2
    exit 1
}
for library; do
    nm -D --defined-only "$library" | awk '$3 ~ /^vit_/ {print $3}'
done | sort >"$work/exported"
diff "$work/tested" "$work/exported" || {
    echo "FAILED: test_nulls.c tests (<) other functions than are exported (>)" >&2
    exit 1
}
echo "ok: $(wc -l <"$work/exported") functions"
