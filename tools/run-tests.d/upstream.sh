# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernel's own KVM selftests: as good as on the distribution's modules.
# test-timeout: 1800

exec "$(dirname "$0")/../check-upstream"
