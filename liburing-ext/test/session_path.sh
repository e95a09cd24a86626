#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# The path that a session takes: see session_path.c.
. "$(dirname "$0")/program.inc"
exec "$program" project
