#!/bin/sh
# SPDX-License-Identifier: MIT
# Frames, types and page tables against a model; OPERATIONS=1000000 for a long run.
exec "${TENON_BUILD:-build}/unit/mm_pages" ${OPERATIONS:-}
