#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# What sessions report: see session_counts.c.
. "$(dirname "$0")/program.inc"
exec "$program" uring ioctl pre-fault populate
