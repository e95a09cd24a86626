#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# Sessions in the background, see session_background.c.
. "$(dirname "$0")/program.inc"
exec "$program" uring ioctl pre-fault populate
