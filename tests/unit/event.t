#!/bin/sh
# SPDX-License-Identifier: MIT
# Event channels.
exec "${TENON_BUILD:-build}/unit/event"
