#!/bin/sh
# SPDX-License-Identifier: MIT
# What the boot loader gives: multiboot, memory map, command line.
exec "${TENON_BUILD:-build}/unit/boot"
