#!/bin/sh
# SPDX-License-Identifier: MIT
# The xenstore daemon's core on the host; prints TAP. Built by `make test`. Arguments: see tests/store/main.c.
exec "${TENON_BUILD:-build}/toolstack/store-test" "$@"
