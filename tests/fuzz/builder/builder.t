#!/bin/sh
# SPDX-License-Identifier: MIT
# Kernels altered at random, through the domain builder. More of them, and others:
#     ROUNDS=20000 SEED=12345 make test T=fuzz/builder/builder
build="${TENON_BUILD:-build}"
set -- "$build/linux/vmlinuz" "$build/linux/vmlinuz-cloud"
# Plain images come several times, for headers and notes can be reached best there.
for image in minios/hello minios/hello minios/hello minios/hello; do set -- "$@" "$build/$image"; done
for sample in plain plain plain plain gzip xz lzma zstd lz4 bz-gzip bz-xz bz-lzma bz-zstd bz-lz4; do
    set -- "$@" "$build/toolstack/samples/$sample"
done
exec "$build/fuzz/builder-fuzz" "${ROUNDS:-1000}" "${SEED:-1}" "${LARGE_EVERY:-100}" "$@"
