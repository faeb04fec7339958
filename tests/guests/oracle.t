#!/bin/sh
# SPDX-License-Identifier: MIT
# Every check of every test guest, on Debian's Xen 4.17 and on Tenon, as TAP for prove.
exec /usr/bin/python3 "$(dirname "$0")/oracle.py" --build "${TENON_BUILD:-build}" --tap
