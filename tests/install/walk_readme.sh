#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# README.md walked from top to bottom in a fresh Debian 12: walk_readme.sh FOLDER, as root.
# `sh tests/run.sh --full` runs it. It makes the system in FOLDER with debootstrap, from where the apt of
# this machine has its packages. It puts a clone of the last commit there, and walk_readme.py runs the
# commands. In the end FOLDER is removed. That takes 4 GB, and the time of `sh tests/run.sh` from nothing,
# which is one of the commands. Exit status 77, with a reason: this machine cannot do it.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
root=$1

skip() {
    echo "skipped: $*"
    exit 77
}

# "URI SUITE" of the parts of Debian 12 that apt knows here.
debian() {
    apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(CODENAME)' \
        'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "main" && $4 ~ /^bookworm/ { print $3, $4 }' | sort -u
}

make_system() {
    mirror=$(debian | awk '$2 == "bookworm" { print $1; exit }')
    [ -n "$mirror" ] || skip "apt knows no Debian 12 here"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" ||
        skip "debootstrap failed"
    debian | sed 's/^/deb /; s/$/ main/' >"$root/etc/apt/sources.list"
    # Proxies, and what else it takes to reach packages from here.
    apt-config dump Acquire | grep -E '^Acquire::(https?::|Retries|Check-Valid-Until)' \
        >"$root/etc/apt/apt.conf.d/90walk" || true
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    for file in /etc/pip.conf /root/.config/pip/pip.conf; do
        [ ! -e "$file" ] || install -D "$file" "$root$file"
    done
    cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null || true
}

copy_tree() {
    if git clone -q --no-hardlinks "$source" "$root/root/libvit"; then
        [ -z "$(git -C "$source" status --porcelain)" ] ||
            echo "Changes that are not committed are not in it."
    else
        echo "This is no git checkout: the files are taken as they are."
        mkdir -p "$root/root/libvit"
        tar -C "$source" -cf - --exclude=./.git --exclude='./build*' . |
            tar -C "$root/root/libvit" -xf -
    fi
}

walk() {
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
    echo "Before the first command: apt-get update, and apt-get install man-db, which a minimal" \
        "system lacks."
    chroot "$root" sh -ec 'apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q man-db' >"$root/apt.log" 2>&1 || {
        cat "$root/apt.log"
        skip "apt-get does not work in the fresh system"
    }
    exec python3 -B "$source/tests/install/walk_readme.py" "$root/root/libvit" --root "$root"
}

if [ "${2-}" = inside ]; then
    walk
fi

[ "$(id -u)" -eq 0 ] || skip "debootstrap and chroot are for root"
command -v debootstrap >/dev/null 2>&1 || skip "no debootstrap here (apt-get install debootstrap)"
unshare --mount --pid --fork true 2>/dev/null || skip "mounting is not allowed here"
[ ! -e "$root" ] || {
    echo "$root is there already: name a folder that is not" >&2
    exit 2
}
mkdir -p "$(dirname "$root")"
walker=
trap 'rm -rf --one-file-system "$root"' EXIT
trap '[ -z "$walker" ] || kill -KILL "$walker"; exit 130' INT TERM
(make_system) >"$root.log" 2>&1 || {
    tail -n 5 "$root.log"
    exit 77
}
copy_tree
# In name spaces of its own, so that nothing stays mounted or goes on running, however this ends.
unshare --mount --pid --fork --kill-child sh "$0" "$root" inside &
walker=$!
wait "$walker"
