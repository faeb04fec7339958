#!/bin/sh
# SPDX-License-Identifier: MIT
# The scheduler.
exec "${TENON_BUILD:-build}/unit/sched"
