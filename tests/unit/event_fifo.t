#!/bin/sh
# SPDX-License-Identifier: MIT
# FIFO events.
exec "${TENON_BUILD:-build}/unit/event_fifo"
