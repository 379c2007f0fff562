# SPDX-License-Identifier: BSD-2-Clause
# Sourced by examples/quickstart.sh and tests/run.sh: installs Debian packages, and only those that are missing.
#
#     need_tool cmake cmake        a command, and the package that has it
#     need_library jansson libjansson-dev    a pkg-config module, and its package
#     need_file /usr/include/stdio.h libc6-dev
#     install_missing

missing=

need_tool() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need_library() { pkg-config --exists "$1" 2>/dev/null || missing="$missing $2"; }
need_file() { [ -e "$1" ] || missing="$missing $2"; }

# As root, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; }
apt_update() { as_root apt-get update -q; }

install_missing() {
    [ -n "$missing" ] || return 0
    echo "== Installing:$missing"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This is not Debian: install what these Debian packages hold, and run this again." >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
        echo "Neither root nor sudo: have someone run  apt-get install$missing" >&2
        return 1
    fi
    # A fresh machine has no package lists, and an old one has lists that name files no longer there.
    set -- /var/lib/apt/lists/*Packages*
    if [ ! -e "$1" ]; then
        apt_update || return 1
    fi
    # shellcheck disable=SC2086  # a list of words is meant
    apt_install $missing || { apt_update && apt_install $missing; } || return 1
    missing=
}

# Formats of pictures that a build may do without.
need_format_packages() {
    need_file /usr/include/gif_lib.h libgif-dev
    need_library libtiff-4 libtiff-dev
    need_library libavif libavif-dev
    need_library libde265 libde265-dev
    need_library libjxl libjxl-dev
}

# What building the project takes.
need_build_packages() {
    need_tool cmake cmake
    need_tool make make
    need_tool cc gcc
    need_file /usr/include/stdio.h libc6-dev
    need_tool pkg-config pkgconf
    need_library openblas libopenblas-dev
    need_library jansson libjansson-dev
    need_library nettle nettle-dev
    need_library libpng libpng-dev
    need_library libarchive libarchive-dev
    need_library sqlite3 libsqlite3-dev
    need_library libpq libpq-dev
    need_library libcurl libcurl4-gnutls-dev
    need_file /usr/include/lbfgs.h liblbfgs-dev
    need_file /usr/include/microhttpd.h libmicrohttpd-dev
    need_library libjpeg libjpeg62-turbo-dev
    need_library libwebp libwebp-dev
    need_file /usr/include/unistr.h libunistring-dev
}
