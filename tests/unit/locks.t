#!/bin/sh
# SPDX-License-Identifier: MIT
# The lock order and its checks.
exec "${TENON_BUILD:-build}/unit/locks"
