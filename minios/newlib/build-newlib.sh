#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds newlib for MiniOS from Debian's newlib-source tarball, with the host's own gcc and binutils:
#   build-newlib.sh TARBALL OUT CC
# unpacks and builds in OUT.new, and puts OUT/x86_64-elf (include/, lib/libc.a, lib/libm.a) in place when all
# is well. What it says goes to OUT.log; on failure the end of that file is shown. Two at a time wait for each
# other, and the second finds the work done: equal source, script and compiler are not built twice.
set -eu

tarball=$1
out=$2
cc=$3
jobs=$(nproc)

# The jobserver and flags of a surrounding make (-rR above all) must not reach newlib's own makefiles.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES || true

mkdir -p "$out.new"
new=$(cd "$out.new" && pwd)
log=$out.log
exec 9>"$out.lock"
flock 9
key=$({ cat "$tarball" "$0"; "$cc" --version; } | sha256sum)
if [ -f "$out/.done" ] && [ "$key" = "$(cat "$out/.key" 2>/dev/null)" ]; then
    touch "$out/.done"
    exit 0
fi
rm -rf "$new"
mkdir -p "$new/src" "$new/obj"

gcc_include=$("$cc" -print-file-name=include)
# No host headers, nothing that says "Linux", no red zone (event upcalls push on the running stack), frame
# pointers for backtraces.
target_cflags="-O2 -nostdinc -isystem $gcc_include -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ \
-U__unix -Uunix -D__DYNAMIC_REENT__ -ffreestanding -mno-red-zone -fno-pic -fno-pie -fno-stack-protector \
-fcf-protection=none -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -ffunction-sections \
-fdata-sections -mcmodel=small"

# One chain of &&: `set -e` does not reach into a function that `if` tests.
build() {
    tar --no-same-owner --strip-components=1 -xf "$tarball" -C "$new/src" &&
    cd "$new/obj" &&
    "$new/src/configure" --target=x86_64-elf --prefix="$new" \
        CC_FOR_TARGET="$cc" AR_FOR_TARGET=ar AS_FOR_TARGET=as LD_FOR_TARGET=ld NM_FOR_TARGET=nm \
        RANLIB_FOR_TARGET=ranlib OBJCOPY_FOR_TARGET=objcopy READELF_FOR_TARGET=readelf \
        STRIP_FOR_TARGET=strip MAKEINFO=true CFLAGS_FOR_TARGET="$target_cflags" \
        --disable-multilib --disable-libgloss --disable-newlib-supplied-syscalls \
        --enable-newlib-io-long-long --enable-newlib-io-c99-formats --enable-newlib-retargetable-locking \
        --enable-newlib-long-time_t --disable-newlib-wide-orient --disable-nls &&
    make -j"$jobs" all-target-newlib &&
    make install-target-newlib
}

if ! (build) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "newlib: the build from $tarball failed; the whole log is $log" >&2
    exit 1
fi
rm -rf "$new/obj" "$new/src" "$out"
mv "$new" "$out"
echo "$key" >"$out/.key"
touch "$out/.done"
