#!/bin/sh
# SPDX-License-Identifier: MIT
# The allocators of frames and of small objects.
exec "${TENON_BUILD:-build}/unit/mm_alloc"
