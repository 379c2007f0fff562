#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What `cmake --install` puts somewhere, used from outside: test_install.sh SOURCE BUILD VERSION
set -eu
source=$1
build=$2
version=$3
here=$source/tests/install
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# run WHAT COMMAND...: shows what COMMAND printed only if it fails.
run() {
    what=$1
    shift
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "$what"
    }
    echo "ok: $what"
}

# Into one folder, then moved to another: nothing may know where it was.
run "installs" cmake --install "$build" --prefix "$work/first"
prefix=$work/moved
mv "$work/first" "$prefix"
library=$(dirname "$(find "$prefix" -name libvit.a)")
model=$prefix/share/libvit/models/vit-tiny-cifar10
picture=$source/examples/images/horse.png

# uses WHAT PROGRAM: the consumer must say ok.
uses() {
    [ "$(LD_LIBRARY_PATH='' "$2" "$version" "$picture" "$model")" = ok ] || fail "$1: $("$2" "$version" "$picture" "$model")"
    echo "ok: $1"
}

# ---------------------------------------------------------------- find_package

for kind in shared static; do
    run "find_package, $kind: configures" cmake -S "$here/consumer" -B "$work/$kind" -DKIND=$kind "-DCMAKE_PREFIX_PATH=$prefix"
    run "find_package, $kind: builds" cmake --build "$work/$kind"
    uses "find_package, $kind: runs" "$work/$kind/consumer"
done
readelf -d "$work/static/consumer" | grep -q 'NEEDED.*libvit' && fail "the static consumer needs libvit.so"
readelf -d "$work/shared/consumer" | grep -q 'NEEDED.*libvit\.so' || fail "the shared consumer does not need libvit.so"

# ---------------------------------------------------------------- pkg-config

export PKG_CONFIG_PATH="$library/pkgconfig"
for name in libvit libvitio libvittext; do
    [ "$(pkg-config --modversion $name)" = "$version" ] || fail "$name.pc has another version"
done
# shellcheck disable=SC2046  # words are meant
run "pkg-config, shared: builds" cc "$here/consumer/consumer.c" -o "$work/by-pc" $(pkg-config --cflags --libs libvitio libvittext) \
    "-Wl,-rpath,$library"
uses "pkg-config, shared: runs" "$work/by-pc"

# A prefix that has the archives alone.
cp -r "$prefix" "$work/archives"
find "$work/archives" -name 'libvit*.so*' -delete
export PKG_CONFIG_PATH="$work/archives${library#"$prefix"}/pkgconfig"
# shellcheck disable=SC2046
run "pkg-config, static: builds" cc "$here/consumer/consumer.c" -o "$work/by-pc-static" \
    $(pkg-config --static --cflags --libs libvitio libvittext)
uses "pkg-config, static: runs" "$work/by-pc-static"

# ---------------------------------------------------------------- headers

for header in "$prefix"/include/vit/*.h; do
    name=vit/$(basename "$header")
    printf "#include <%s>\nextern int consumer;\n" "$name" >"$work/header.c"
    cp "$work/header.c" "$work/header.cpp"
    run "$name as C99" cc -std=c99 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only "-I$prefix/include" "$work/header.c"
    run "$name as C++" c++ -std=c++11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only "-I$prefix/include" \
        "$work/header.cpp"
done
[ "$(find "$prefix/include" -type f | wc -l)" -eq "$(find "$prefix/include/vit" -name '*.h' | wc -l)" ] ||
    fail "something else is among the headers"

# ---------------------------------------------------------------- symbols

for shared in "$library"/lib*.so; do
    nm -D --defined-only "$shared" | awk '{print $3}' >>"$work/symbols"
    foreign=$(nm -g --defined-only "${shared%.so}.a" 2>/dev/null | awk 'NF == 3 && $3 !~ /^vit_/ {print $3}')
    [ -z "$foreign" ] || fail "${shared%.so}.a defines" $foreign
done
sort -u "$work/symbols" >"$work/exported"
cat "$prefix"/include/vit/*.h | tr '\n' ' ' | grep -oE 'VIT_API[^;(]*\(' | grep -oE 'vit_[a-z0-9_]+ *\($' | tr -d ' (' |
    sort -u >"$work/declared"
grep -v '^vit_[a-z]' "$work/exported" >"$work/log" && fail "exported: $(cat "$work/log")"
diff "$work/declared" "$work/exported" >"$work/log" || fail "declared (<) and exported (>) differ: $(cat "$work/log")"
echo "ok: exported symbols are the public functions"

# ---------------------------------------------------------------- the command, and its page

run "the command finds its model" "$prefix/bin/vit" classify "$picture"
[ "$(find "$prefix/bin" -type f | wc -l)" -eq 1 ] || fail "more than one program is installed"

# What makes the expected file of a checkpoint is installed, and `vit verify` prints a command that
# finds it, wherever the tree stands.
mkdir "$work/a place" "$work/stub"
cp -r "$prefix/bin" "$prefix/share" "$work/a place"
cp -r "$model" "$work/mine"
"$work/a place/bin/vit" verify "$work/mine" >"$work/log" 2>&1 &&
    fail "verify passes without an expected file"
sed -n 's/^vit: to write it: //p' "$work/log" >"$work/command"
[ -s "$work/command" ] || fail "verify does not say how the file is made: $(cat "$work/log")"
cat >"$work/stub/python3" <<'END'
#!/bin/sh
mkdir -p "$3/bin"
for name in pip python; do
    printf '#!/bin/sh\nfor word; do printf "%%s\\n" "$word"; done >%s.words\n' "$name" >"$3/bin/$name"
    chmod +x "$3/bin/$name"
done
END
chmod +x "$work/stub/python3"
(cd "$work" && PATH=$work/stub:$PATH sh "$work/command") ||
    fail "the command cannot be run: $(cat "$work/command")"
packages=$(sed -n 3p "$work/pip.words")
script=$(sed -n 1p "$work/python.words")
reference="$work/a place/share/libvit/models/reference"
[ "$packages" = "$reference/requirements.txt" ] && [ -f "$packages" ] ||
    fail "no packages: $packages"
[ "$script" = "$reference/make_expected.py" ] && [ -f "$script" ] || fail "no script: $script"
[ "$(sed -n 2p "$work/python.words")" = "$work/mine" ] ||
    fail "another model: $(cat "$work/python.words")"
for module in $(sed -n 's/^ *import \(reference_[a-z_]*\)$/\1/p' "$script"); do
    [ -f "$reference/$module.py" ] || fail "$module.py is not installed"
done
sample="$work/a place/share/libvit/$(sed -n 's/.*PROJECT \/ "\([^"]*\)".*/\1/p' "$script")"
[ -f "$sample" ] || fail "the script's picture is not installed: $sample"
echo "ok: verify finds what makes the expected file"

page=$prefix/share/man/man1/vit.1
[ -f "$page" ] || fail "no man page"
if command -v groff >/dev/null 2>&1; then
    groff -man -Tutf8 -wall -z "$page" >"$work/log" 2>&1
    [ ! -s "$work/log" ] || fail "groff on the man page: $(cat "$work/log")"
    echo "ok: groff has nothing to say about the man page"
fi
# No path of the machine that built it.
if grep -rqF -e "$build" -e "$work/first" "$prefix"; then
    fail "names a folder of the build:" $(grep -rlF -e "$build" -e "$work/first" "$prefix")
fi
echo "ok: no folder of the build is named"
