#!/bin/sh
# SPDX-License-Identifier: MIT
# Frames: full counts, flushes, descriptors.
exec "${TENON_BUILD:-build}/unit/mm_frames"
