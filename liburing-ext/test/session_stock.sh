#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm: --stock
# The path that a session takes with the distribution's modules: see session_path.c.
name=session_path
. "$(dirname "$0")/program.inc"
exec "$program" stock
