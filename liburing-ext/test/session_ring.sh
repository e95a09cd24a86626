#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# A session in the caller's ring: see session_ring.c.
. "$(dirname "$0")/program.inc"
exec "$program"
