# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
# test-timeout: 300
exec "$(dirname "$0")/../lint"
