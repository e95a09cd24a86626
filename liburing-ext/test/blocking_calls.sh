#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# The blocking calls on KVM, see blocking_calls.c.
. "$(dirname "$0")/program.inc"
exec "$program"
