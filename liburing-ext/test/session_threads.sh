#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# Calls of several threads for one session: see session_threads.c.
. "$(dirname "$0")/program.inc"
exec "$program"
