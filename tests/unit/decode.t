#!/bin/sh
# SPDX-License-Identifier: MIT
# The instruction decoder.
exec "${TENON_BUILD:-build}/unit/decode"
