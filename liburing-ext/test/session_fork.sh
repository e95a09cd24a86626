#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# Sessions in a child: see session_fork.c.
. "$(dirname "$0")/program.inc"
exec "$program"
