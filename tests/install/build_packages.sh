#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the packages from the last commit in a fresh Debian, as its users would: the source package, what it says that it needs,
# the tests, lintian: sh tests/install/build_packages.sh OUT [SUITE], as root, with debootstrap and a mirror. OUT, a folder that
# is not there yet, gets the source package and the packages. Exits with 77 where there is no fresh Debian to be had.
set -eu
[ ! -e "$1" ] || { echo "$1 is there already" >&2; exit 1; }
suite=${2:-trixie}
source=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck disable=SC1091
. "$source/tests/install/fresh_debian.sh"
fresh_debian "$suite"

version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$source/debian/changelog")
mkdir "$root/build"
git -C "$source" archive --format=tar --prefix="libvit-$version/" HEAD | tar -x -C "$root/build"
in_it apt-get install -y -q --no-install-recommends dpkg-dev fakeroot lintian >/dev/null
in_it sh -c "cd /build/libvit-$version && apt-get build-dep -y -q --no-install-recommends ./" >/dev/null
# Nobody of any rights builds: what the build writes outside of its folder, or reads of the network, shows.
in_it useradd --system --home-dir /nonexistent builder
in_it chown -R builder /build
in_it su -s /bin/sh -c "cd /build/libvit-$version && DEB_BUILD_OPTIONS=parallel=$(nproc) dpkg-buildpackage -us -uc" builder \
    >"$root.log" 2>&1 || { tail -n 60 "$root.log"; exit 1; }
if grep -E '(warning|error): .*\[-W' "$root.log"; then
    echo "FAILED: the compiler of $suite warns" >&2
    exit 1
fi
grep 'tests passed,' "$root.log"
in_it su -s /bin/sh -c "cd /build && lintian --fail-on error libvit_*.changes" builder
mkdir -p "$1"
find "$root/build" -maxdepth 1 -type f -exec cp {} "$1" \;
echo "$suite: built"
