#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# Bad input of sessions, see session_input.c.
. "$(dirname "$0")/program.inc"
exec "$program"
