# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
exec "$(dirname "$0")/../lint"
