#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The layout of all C files is clang-format's: sh tests/format.sh --check says where it is not, --fix makes it so.
# A table that reads better as it is stands between clang-format off and on; generated tables are left out.
set -eu
cd "$(dirname "$0")/.."

# Other versions lay out some lines otherwise.
tool=$(command -v clang-format-14 || command -v clang-format || true)
case $("${tool:-false}" --version 2>/dev/null) in
*"version 14."*) ;;
*)
    echo "tests/format.sh needs clang-format 14 (apt-get install clang-format-14)" >&2
    exit 2
    ;;
esac

generated='^(text/[a-z/]*html_entities|vit/families/timm_architectures|vit/model/imagenet_names)\.c$'
# Those that git knows; without git or its folder (a released archive), those that no build made.
files=$({ git ls-files '*.c' '*.h' 2>/dev/null || find . -path './build*' -prune -o -name '*.[ch]' -print | sed 's|^\./||'; } |
    grep -vE "$generated")
jobs=$(nproc)

# Where the last word of a comment just fits and its end does not, clang-format gives the end a line of its own: the word
# goes there too.
join_ends() {
    echo "$files" | xargs perl -0pi -e 's{^(?=.{118,120}$)(.*) (\S+)\n( *) \*/$}{$1\n$3 * $2 */}mg'
}

case ${1-} in
--fix)
    echo "$files" | xargs -n 40 -P "$jobs" "$tool" -i
    join_ends
    ;;
--check)
    # What cannot be broken may be longer: a string.
    echo "$files" | xargs awk 'length > 120 && !/"/ { print FILENAME ":" FNR ": longer than 120"; bad = 1 } END { exit bad }' &&
        echo "$files" | xargs -n 40 -P "$jobs" "$tool" --dry-run --Werror || {
        echo "Not laid out as .clang-format says. To mend it: sh tests/format.sh --fix" >&2
        exit 1
    }
    ;;
*)
    echo "usage: tests/format.sh --check | --fix" >&2
    exit 2
    ;;
esac
