# SPDX-License-Identifier: BSD-2-Clause
# Sourced: a fresh Debian in a folder, which goes with the script. As root, with debootstrap and a mirror.
#
#     fresh_debian trixie     $root is the folder; exits with 77, saying why, where there is none to be had
#     in_it apt-get update    runs a command in it

in_it() {
    chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
}

fresh_debian() {
    root=$(mktemp -d)
    trap 'umount "$root/proc" 2>/dev/null || true; rm -rf "$root" "$root.log"' EXIT
    trap 'exit 130' INT TERM
    # The mirror that this machine uses, so that it works behind a proxy of packages too.
    mirror=$(sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p; s/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list \
        /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    if ! debootstrap --variant=minbase "$1" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1; then
        echo "skipped: debootstrap $1: $(tail -n 1 "$root.log")"
        exit 77
    fi
    chmod 755 "$root" # as mktemp made it, only root comes in
    [ ! -e /etc/apt/apt.conf.d ] || cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    # Files of settings that are there twice are nobody's to decide here.
    echo 'Dpkg::Options { "--force-confdef"; "--force-confold"; };' >"$root/etc/apt/apt.conf.d/95unasked"
    cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
    mount -t proc proc "$root/proc" 2>/dev/null || true
    in_it apt-get update -q >/dev/null
}
