#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# Pause, resume, cancel, urgent ranges: see session_control.c.
. "$(dirname "$0")/program.inc"
exec "$program" uring ioctl pre-fault populate
