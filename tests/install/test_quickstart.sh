#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A copy of the tree, on a machine without cmocka, through examples/quickstart.sh: test_quickstart.sh SOURCE
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

mkdir "$work/tree" "$work/bin"
(cd "$source" && tar -cf - --exclude=./.git --exclude='./build*' .) | (cd "$work/tree" && tar -xf -)

# A pkg-config that has never heard of cmocka.
real=$(command -v pkg-config)
cat >"$work/bin/pkg-config" <<END
#!/bin/sh
case " \$* " in *cmocka*) exit 1;; esac
exec "$real" "\$@"
END
chmod +x "$work/bin/pkg-config"

PATH=$work/bin:$PATH PKG_CONFIG=$work/bin/pkg-config sh "$work/tree/examples/quickstart.sh" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "quickstart.sh"
}
grep -q 'cat.jpg' "$work/log" || fail "no picture was classified"
grep -Eq '^  [01]\.[0-9]{4}  [a-z]+$' "$work/log" || fail "no label was printed: $(cat "$work/log")"
[ -s "$work/tree/build/cat.npy" ] || fail "no vector was written"
find "$work/tree/build" -name 'test_*' -type f -perm -u+x | grep -q . && fail "unit tests were built without cmocka"

# What it says about PATH works.
line=$(grep -o 'export PATH="[^"]*"' "$work/log") || fail "it does not say how to type vit"
(cd / && eval "$line" && [ "$(command -v vit)" = "$work/tree/build/bin/vit" ]) ||
    fail "$line does not find vit"

programs=$(find "$work/tree/build" -name vit -type f -perm -u+x)
[ "$(echo "$programs" | wc -l)" -eq 1 ] && [ -n "$programs" ] || fail "not exactly one executable called vit:" $programs
echo "ok: $programs"
