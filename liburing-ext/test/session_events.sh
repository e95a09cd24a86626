#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The descriptor for poll(): see session_events.c.
. "$(dirname "$0")/program.inc"
exec "$program"
