#!/bin/sh
# SPDX-License-Identifier: MIT
# The scheduling core's services to guests and control tools.
exec "${TENON_BUILD:-build}/unit/sched_ops"
