#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The limits of the process: see session_limits.c.
. "$(dirname "$0")/program.inc"
exec "$program"
