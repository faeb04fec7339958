#!/bin/sh
# SPDX-License-Identifier: MIT
# Grant tables: rules, references, the death of either side, random operations against a count.
exec "${TENON_BUILD:-build}/unit/grant"
