#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every function that the library exports is called by its test, so that a new one is not forgotten: test_called.sh TEST.c LIBRARY
set -eu
test=$1 library=$2
nm -D --defined-only "$library" | awk '$3 ~ /^vit_/ {print $3}' | {
    failed=
    while read -r name; do
        grep -q "\b$name(\|REFUSES($name," "$test" || {
            echo "FAILED: $test does not call $name" >&2
            failed=yes
        }
    done
    [ -z "$failed" ]
}
