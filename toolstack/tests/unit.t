#!/bin/sh
# SPDX-License-Identifier: MIT
# The toolstack's unit tests; prints TAP. Built by `make test`.
exec "${TENON_BUILD:-build}/toolstack/unit-test"
