#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the packages of a release in a fresh Debian, runs their tests (debian/tests), removes them, and looks at what they
# leave behind: sh tests/install/walk_packages.sh FOLDER [SUITE], as root, with debootstrap and a mirror. Exits with 77 where
# there is no fresh Debian to be had.
set -eu
packages=$(cd "$1" && pwd)
suite=${2:-bookworm}
source=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck disable=SC1091
. "$source/tests/install/fresh_debian.sh"
fresh_debian "$suite"

mkdir "$root/packages" "$root/tests"
cp "$packages"/*.deb "$root/packages"
rm -f "$root"/packages/*-dbgsym_*
cp "$source/debian/tests/command" "$source/debian/tests/library" "$source/debian/tests/python" "$root/tests"
in_it sh -c 'find / -xdev -path /proc -prune -o -path /var -prune -o -path /tmp -prune -o -print | sort >/before.txt'
# The Python module first: it needs neither a compiler nor the command.
in_it sh -c 'apt-get install -y -q --no-install-recommends /packages/python3-libvit_*.deb /packages/libvit0.1_*.deb \
    /packages/libvit-data_*.deb liblbfgs0' >/dev/null
in_it sh /tests/python
in_it sh -c 'apt-get install -y -q --no-install-recommends /packages/*.deb gcc libc6-dev pkgconf' >/dev/null
in_it python3 -m libvit --version >/dev/null
in_it sh /tests/command
in_it sh /tests/library
# What is only recommended, by the names that these libraries have in Debian 12 and 13: a model from the hub, and a classifier.
in_it apt-get install -y -q --no-install-recommends liblbfgs0 libcurl3-gnutls >/dev/null 2>&1 ||
    in_it apt-get install -y -q --no-install-recommends liblbfgs0 libcurl3t64-gnutls >/dev/null
python3 -B "$source/tests/install/walk_classifier.py" "$source" --root "$root" libvit
in_it apt-get purge -y -q --autoremove python3-libvit libvit0.1 libvit-dev libvit-tools libvit-data liblbfgs0 gcc libc6-dev \
    pkgconf >/dev/null
in_it sh -c 'find / -xdev -path /proc -prune -o -path /var -prune -o -path /tmp -prune -o -print | sort >/after.txt'
left=$(in_it sh -c 'comm -13 /before.txt /after.txt | grep -i vit || true')
[ -z "$left" ] || { echo "purging leaves behind: $left" >&2; exit 1; }
echo "$suite: installed, used and purged"
