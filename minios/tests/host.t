#!/bin/sh
# SPDX-License-Identifier: MIT
# MiniOS's files that need no hypervisor, on the host under sanitizers: see host/host.c.
set -eu
out=${TENON_BUILD:-build}/minios/host-test
mkdir -p "$(dirname "$out")"
kernel=minios/kernel
${CC:-gcc} -std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
    -I hypercall-abi -D__XEN_INTERFACE_VERSION__=0x00040e00 -I minios/include -I minios/tests/host \
    -o "$out" minios/tests/host/host.c \
    $kernel/ramdisk.c $kernel/console_ring.c $kernel/range.c $kernel/printk.c $kernel/words.c
ASAN_OPTIONS=detect_leaks=0 exec "$out"
