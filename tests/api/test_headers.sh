#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The public headers, as C99, C++11 and C++17: each alone, after each other one (itself too), and all together, forwards
# and backwards. They are found by their place, so that none is forgotten: test_headers.sh SOURCE CC [CXX]
set -eu
source=$1
cc=$2
cxx=${3-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

headers=$(cd "$source" && ls ./*/include/vit/*.h | sed 's|.*/include/||')
paths=$(cd "$source" && ls -d ./*/include | sed "s|^[.]|-I$source|")
failed=
tried=0

# compile HEADER...: with these headers, in this order.
compile() {
    {
        printf '#include <%s>\n' "$@"
        echo 'extern int translation_unit;'
    } >"$work/unit"
    # shellcheck disable=SC2086  # words are meant
    $compiler -std="$standard" -pedantic-errors -Wall -Wextra -Werror -fsyntax-only $paths -x "$language" "$work/unit" || {
        echo "FAILED: as $standard, in this order: $*" >&2
        failed=yes
    }
    tried=$((tried + 1))
}

# compile_all COMPILER LANGUAGE STANDARD
compile_all() {
    compiler=$1 language=$2 standard=$3
    backwards=
    for header in $headers; do
        compile "$header"
        for other in $headers; do
            compile "$other" "$header"
        done
        backwards="$header $backwards"
    done
    # shellcheck disable=SC2086
    compile $headers
    # shellcheck disable=SC2086
    compile $backwards
}

compile_all "$cc" c c99
if [ -n "$cxx" ]; then
    compile_all "$cxx" c++ c++11
    compile_all "$cxx" c++ c++17
fi
[ -z "$failed" ] || exit 1
echo "ok: $(echo "$headers" | wc -l) headers, $tried orders"
[ -n "$cxx" ] || {
    echo "skipped: there is no C++ compiler here (apt-get install g++)"
    exit 77
}
