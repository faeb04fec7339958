#!/bin/sh
# SPDX-License-Identifier: MIT
# The library routines: strings, formatted text, bitmaps, options.
exec "${TENON_BUILD:-build}/unit/lib"
