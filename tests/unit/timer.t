#!/bin/sh
# SPDX-License-Identifier: MIT
# Software timers.
exec "${TENON_BUILD:-build}/unit/timer"
