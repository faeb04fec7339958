#!/bin/sh
# SPDX-License-Identifier: MIT
# Shares of CPU time, caps, affinities, and the null scheduler.
exec "${TENON_BUILD:-build}/unit/shares"
