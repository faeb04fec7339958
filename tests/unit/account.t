#!/bin/sh
# SPDX-License-Identifier: MIT
# The hypervisor's memory by domain, and poisoned freed memory.
exec "${TENON_BUILD:-build}/unit/account"
