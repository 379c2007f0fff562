#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs tests on AMX's own instructions where the processor has none: in Bochs, a processor in software, under Debian's kernel, which
# has to permit the unit as it does on a real one.
#     sh tests/amx.sh BOCHS [BUILD]
# BOCHS is a checkout of https://github.com/bochs-emu/Bochs of 2026. It stays as it is: a copy is mended (tests/amx/mend_bochs.py) and
# built. BUILD is build-tests/amx unless given. VIT_TEST_AMX="vit/linear/test_amx ..." takes those tests alone.
# Bochs runs some 70 million instructions a second, so all takes about half an hour. vit/linear/test_gemm would take as long again: it
# goes through all levels, the unit in plain C among them.
# Exit status: 0 all passed, 1 something failed, 77 this machine cannot do it, and why.
set -u
if [ $# -eq 0 ]; then
    sed -n '3,10s/^# \{0,1\}//p' "$0"
    exit 2
fi
bochs=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/.." || exit 1
. cmake/debian.sh
build=${2:-build-tests/amx}
mkdir -p "$build/debs" || exit 1
build=$(cd "$build" && pwd)
tests=${VIT_TEST_AMX:-base/test_cpu vit/linear/test_amx vit/linear/test_trusted vit/linear/test_tiles vit/encoder/test_golden
    vit/encoder/test_precision vit/model/test_model_pack vit/encoder/test_sessions vit/model/test_model_once
    vit/encoder/test_invariance}
# shellcheck disable=SC2086,SC2116  # one space between them, whatever the lines above have
tests=$(echo $tests)
model=$PWD/models/vit-tiny-cifar10

need_tool g++ g++
need_tool make make
need_tool python3 python3
need_tool cpio cpio
need_tool xz xz-utils
need_tool xorriso xorriso
install_missing || exit 77

# Packages whose files are of use here are unpacked, not installed.
make_packages() {
    [ ! -e "$build/packages" ] || return 0
    kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
    (cd "$build/debs" && apt-get -q download "$kernel" busybox-static isolinux syslinux-common) || return 1
    for package in "$build"/debs/*.deb; do
        dpkg-deb -x "$package" "$build/packages.new" || return 1
    done
    mv "$build/packages.new" "$build/packages"
}

make_bochs() {
    [ ! -x "$build/bochs/bochs" ] || return 0
    rm -rf "$build/bochs" && cp -a "$bochs/bochs" "$build/bochs" && python3 tests/amx/mend_bochs.py "$build/bochs" || return 1
    (cd "$build/bochs" && CXXFLAGS="-O2 -fno-strict-aliasing -fwrapv" ./configure --enable-cpu-level=6 --enable-x86-64 --enable-avx \
        --enable-evex --enable-amx --enable-pci --enable-monitor-mwait --with-nogui --disable-plugins --disable-docbook &&
        make -j "$(nproc)")
}

# A file and the libraries that it needs, at the same place below the root.
put() {
    for file in "$1" $(ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'); do
        mkdir -p "$root$(dirname "$file")" && cp -L "$file" "$root$file" || return 1
    done
}

# What the machine starts with: busybox, the command, the tests, and the models that these read.
make_root() {
    root=$build/root
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root$PWD/tests/data" "$root$model" &&
        cp "$build"/packages/bin/busybox "$root/bin/" && cp -a tests/data/golden "$root$PWD/tests/data/" &&
        cp -a "$model/." "$root$model/" || return 1
    for name in sh mount grep dirname sleep poweroff; do
        ln -s busybox "$root/bin/$name" || return 1
    done
    paths=
    for test in $tests; do
        paths="$paths tests/$test" && put "$build/build/tests/$test" || return 1
    done
    put "$build/build/bin/vit" &&
        sed "s|BUILD|$build/build|g; s|MODEL|$model|g; s|TESTS|${paths# }|g" tests/amx/init >"$root/init" && chmod +x "$root/init" &&
        (cd "$root" && find . | cpio -o -H newc --quiet | xz -T 0 -1 --check=crc32) >"$build/initrd"
}

make_disc() {
    disc=$build/disc/isolinux
    modules=$build/packages/usr/lib/syslinux/modules/bios
    rm -rf "$build/disc" && mkdir -p "$disc" && cp "$build"/packages/boot/vmlinuz-* "$build/disc/vmlinuz" &&
        cp "$build/initrd" "$build/disc/initrd" &&
        cp "$build/packages/usr/lib/ISOLINUX/isolinux.bin" "$modules/ldlinux.c32" "$disc/" || return 1
    # clearcpuid: with these two string instructions the kernel stops in Bochs before it starts a program.
    cat >"$disc/isolinux.cfg" <<END
DEFAULT test
LABEL test
  KERNEL /vmlinuz
  APPEND initrd=/initrd console=ttyS0 mitigations=off no5lvl nokaslr tsc=reliable idle=halt lapic=notscdeadline nohz=off highres=off panic=-1 lpj=4000000 no_timer_check clearcpuid=erms,fsrm
END
    xorriso -as mkisofs -quiet -o "$build/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table "$build/disc"
    cat >"$build/bochsrc" <<END
config_interface: textconfig
display_library: nogui
memory: guest=2048, host=2048
romimage: file="$build/bochs/bios/BIOS-bochs-latest"
vgaromimage: file="$build/bochs/bios/VGABIOS-lgpl/VGABIOS-lgpl-latest.bin"
cpu: model=sapphire_rapids, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
clock: sync=none, time0=utc
ata0: enabled=true, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path="$build/disc.iso", status=inserted
boot: cdrom
com1: enabled=true, mode=file, dev=$build/console.txt
log: $build/bochs.log
panic: action=fatal
error: action=report
END
}

step() {
    echo "== $1"
    shift
    "$@" >"$build/step.log" 2>&1 || { tail -n 30 "$build/step.log"; exit 1; }
}

step "packages: a kernel, busybox, isolinux" make_packages
step "Bochs" make_bochs
step "the project, configured" cmake -S . -B "$build/build" -DCMAKE_BUILD_TYPE=Release
step "the project, built" cmake --build "$build/build" --parallel "$(nproc)"
step "what the machine starts with" make_root
step "its disc" make_disc
echo "== Bochs runs; what its machine says is in $build/console.txt"
rm -f "$build/console.txt"
"$build/bochs/bochs" -q -f "$build/bochsrc" </dev/null >"$build/bochs.out" 2>&1
sed -n '/^== vit info/,$p' "$build/console.txt" | tr -d '\r'
passed=$(grep -c '^== status 0' "$build/console.txt")
wanted=$(echo "$tests" | wc -w)
echo "== $passed of $wanted passed"
[ "$(grep -c '^multiplier *tiles/amx' "$build/console.txt")" -eq 2 ] || { echo "the unit was not used"; exit 1; }
[ "$passed" -eq "$wanted" ]
