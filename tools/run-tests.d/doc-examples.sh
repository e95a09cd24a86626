#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# The blocks of code in README.md and Documentation/: C compiles and agrees with the
# headers, and commands name what there is.  Programs and commands of which the result
# matters run elsewhere: 'tested' names by what.
exec python3 "$(dirname "$0")/doc-examples.d/check"
