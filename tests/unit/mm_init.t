#!/bin/sh
# SPDX-License-Identifier: MIT
# Start-up of memory management on several memory maps.
exec "${TENON_BUILD:-build}/unit/mm_init"
