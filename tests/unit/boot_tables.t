#!/bin/sh
# SPDX-License-Identifier: MIT
# The ACPI tables and Domain-0's kernel image, right and damaged.
exec "${TENON_BUILD:-build}/unit/boot_tables"
