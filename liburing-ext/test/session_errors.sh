#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# Errors while a session runs: see session_errors.c.
. "$(dirname "$0")/program.inc"
exec "$program" uring ioctl pre-fault populate
