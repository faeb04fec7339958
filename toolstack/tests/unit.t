#!/bin/sh
# SPDX-License-Identifier: MIT
# The toolstack's unit tests; prints TAP. Built by `make test`.
build="${TENON_BUILD:-build}/toolstack"
exec "$build/unit-test" "$build/samples"
