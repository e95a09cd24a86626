#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The rate limit: see session_rate.c.
. "$(dirname "$0")/program.inc"
exec "$program"
