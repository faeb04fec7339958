#!/bin/sh
# SPDX-License-Identifier: MIT
# Options and decisions of the protections against transient execution, and the patching of code.
exec "${TENON_BUILD:-build}/unit/spec"
