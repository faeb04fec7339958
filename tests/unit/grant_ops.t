#!/bin/sh
# SPDX-License-Identifier: MIT
# Operations on grant tables as a whole.
exec "${TENON_BUILD:-build}/unit/grant_ops"
