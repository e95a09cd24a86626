# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
#
# The kernel's own KVM selftests: as good as on the distribution's modules.  The quick
# tier has those that are about memory.
# test-timeout: 900

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=upstream-memory.inc
. "$here/upstream-memory.inc"
[ "${TEST_TIER:-}" = quick ] || upstream_memory_tests=()
exec "$here/../check-upstream" "${upstream_memory_tests[@]}"
