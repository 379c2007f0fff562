#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What `cmake --install` puts somewhere, used from outside: test_install.sh SOURCE BUILD VERSION
set -eu
source=$1
build=$2
version=$3
here=$source/tests/install
work=$(mktemp -d)

# `--target uninstall` needs the list of what is installed: what stood in it before is put back at the end.
manifest=$build/install_manifest.txt
[ ! -f "$manifest" ] || cp -p "$manifest" "$work/manifest"
put_back() {
    rm -f "$manifest"
    [ ! -f "$work/manifest" ] || cp -p "$work/manifest" "$manifest"
    rm -rf "$work"
}
trap put_back EXIT

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

# said TEXT WHAT: the last command that `run` ran has printed TEXT.
said() {
    grep -qF -e "$1" "$work/log" || fail "$2: $(cat "$work/log")"
    echo "ok: $2"
}

# ---------------------------------------------------------------- installing and uninstalling

# Into the root of a package: the commands to come are not for this machine.
run "installs for a package" env DESTDIR="$work/package" cmake --install "$build" --prefix /usr
grep -q -e ldconfig -e LD_LIBRARY_PATH -e 'export PATH' "$work/log" &&
    fail "speaks of this machine: $(cat "$work/log")"
[ -x "$work/package/usr/bin/vit" ] || fail "nothing is in the package"
run "uninstalls a package" env DESTDIR="$work/package" cmake --build "$build" --target uninstall
[ -z "$(find "$work/package" ! -type d)" ] || fail "left behind:" $(find "$work/package" ! -type d)

# Where the system looks for libraries, as a stand-in for ldconfig says. It must be run, or be asked for.
mkdir "$work/bin"
cat >"$work/bin/ldconfig" <<'END'
#!/bin/sh
[ $# -gt 0 ] || exit "$LDCONFIG_STATUS"
printf '%s: (from somewhere)\n\tlibvit.so.0.1 -> libvit.so.0.1.0\n' "$LDCONFIG_FOLDER"
END
chmod +x "$work/bin/ldconfig"
export LDCONFIG_FOLDER="$work/system/lib" LDCONFIG_STATUS=0
installs_to() { run "$1" env PATH="$work/bin:$PATH" cmake --install "$build" --prefix "$work/$2"; }
installs_to "installs where libraries are looked for" system
LDCONFIG_FOLDER=$(dirname "$(find "$work/system" -name libvit.a)")
installs_to "installs there again" system
said "ldconfig has run" "ldconfig is run"
LDCONFIG_STATUS=1
installs_to "installs there as someone who may not run it" system
said "run as root: ldconfig" "ldconfig is asked for"
touch "$work/system/bin/other" "$work/system/share/doc/libvit/notes.txt"
run "uninstalls" cmake --build "$build" --target uninstall
[ "$(find "$work/system" -type f | sort)" = "$work/system/bin/other
$work/system/share/doc/libvit/notes.txt" ] ||
    fail "left behind, or too much is gone:" $(find "$work/system" -type f)
[ -z "$(find "$work/system" -type d -name '*vit*' ! -path '*/share/doc/libvit')" ] ||
    fail "folders of libvit are left"
cmake --build "$build" --target uninstall >"$work/log" 2>&1 && fail "uninstalls what is not installed"
said "Nothing was installed" "nothing is uninstalled twice"

# Into one folder, then moved to another: nothing may know where it was.
run "installs" cmake --install "$build" --prefix "$work/first"
library=$(dirname "$(find "$work/first" -name libvit.a)")
said "LD_LIBRARY_PATH=$library" "says how libraries are found"
said "export PATH=\"$work/first/bin:\$PATH\"" "says how the command is found"
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
# Before 1.0 a minor version may break programs: it has a soname of its own. Hosts may unload the library while threads wait in it.
for built in $(find "$work" -name 'libvit*.so' ! -path '*/package/*'); do
    readelf -d "$built" | grep -q "SONAME.*\.so\.0\.1\]" || fail "$built: another soname"
    readelf -d "$built" | grep -q NODELETE || fail "$built can be unloaded"
done

# ---------------------------------------------------------------- pkg-config

export PKG_CONFIG_PATH="$library/pkgconfig"
for name in libvit libvitio libvittext libvitpipe libvitindex libvithub libvitfit; do
    [ "$(pkg-config --modversion $name)" = "$version" ] || fail "$name.pc has another version"
done
# shellcheck disable=SC2046  # words are meant
run "pkg-config, shared: builds" cc "$here/consumer/consumer.c" -o "$work/by-pc" $(pkg-config --cflags --libs libvitindex libvitio libvittext libvithub) \
    "-Wl,-rpath,$library"
uses "pkg-config, shared: runs" "$work/by-pc"
# shellcheck disable=SC2046
run "pkg-config, shared, without rpath: builds" cc "$here/consumer/consumer.c" -o "$work/by-path" \
    $(pkg-config --cflags --libs libvitindex libvitio libvittext libvithub)
[ "$(LD_LIBRARY_PATH=$library "$work/by-path" "$version" "$picture" "$model")" = ok ] ||
    fail "LD_LIBRARY_PATH does not find the libraries"
echo "ok: LD_LIBRARY_PATH finds the libraries"

# The programs among the pages, each compiled by the command in its first comment.
for example in "$prefix"/share/doc/libvit/examples/*.c; do
    command=$(sed -n 's/^ \*     \(cc .*\)$/\1/p' "$example")
    [ -n "$command" ] || fail "$(basename "$example") does not say how it is compiled"
    cp "$example" "$work"
    run "$(basename "$example"): $command" sh -c "cd '$work' && $command"
done
run "classify, of the pages: runs" env LD_LIBRARY_PATH="$library" "$work/classify" "$model" "$picture"
said horse "and knows a horse"
LD_LIBRARY_PATH="$library" "$work/embed_folder" "$model" "$(dirname "$picture")" >"$work/log" 2>&1 &&
    fail "embed_folder, of the pages: does not tell that a file failed"
said "horse.png: 192 numbers" "embed_folder, of the pages: runs, past a file that is no picture"
if "$prefix/bin/vit" index --quiet --db "$work/samples.db" "$(dirname "$picture")" 2>"$work/log"; then
    run "search, of the pages: runs" env LD_LIBRARY_PATH="$library" "$work/search" "$work/samples.db" "$picture"
    said "1.0000  $picture" "and finds the picture itself"
else
    said "without SQLite" "the example of an index is left out"
fi

# A prefix that has the archives alone.
cp -r "$prefix" "$work/archives"
find "$work/archives" -name 'libvit*.so*' -delete
export PKG_CONFIG_PATH="$work/archives${library#"$prefix"}/pkgconfig"
# shellcheck disable=SC2046
run "pkg-config, static: builds" cc "$here/consumer/consumer.c" -o "$work/by-pc-static" \
    $(pkg-config --static --cflags --libs libvitindex libvitio libvittext libvithub)
uses "pkg-config, static: runs" "$work/by-pc-static"

# ---------------------------------------------------------------- headers

# All that these libraries have, as it is (tests/api compiles it), and nothing else.
mkdir "$work/headers"
for library_folder in base vit io text pipeline index hub fit; do
    cp "$source/$library_folder"/include/vit/*.h "$work/headers"
done
diff -r "$work/headers" "$prefix/include/vit" >"$work/log" || fail "other headers than the source's: $(cat "$work/log")"
[ "$(find "$prefix/include" -type f | wc -l)" -eq "$(find "$work/headers" -type f | wc -l)" ] ||
    fail "something else is among the headers"
echo "ok: the headers are the source's"

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
if command -v man >/dev/null 2>&1; then
    [ "$(PATH=$prefix/bin:$PATH MANPATH='' man -w vit 2>/dev/null)" -ef "$page" ] ||
        fail "man vit does not find the page"
    echo "ok: man vit finds the page by PATH"
else
    echo "skipped: there is no man here, so man vit is not tried"
fi
if command -v python3 >/dev/null 2>&1; then
    run "the pages that vit names are installed" python3 -B "$here/test_pages.py" "$prefix/bin/vit" \
        "$prefix/share/doc/libvit"
else
    echo "skipped: there is no python3 here, so the links of the installed pages are not followed"
fi
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
