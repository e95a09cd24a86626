# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: none upstream.sh runs these on the distribution's kernel
#
# Those of the kernel's own KVM selftests that are about memory, on the kernel that
# looks for bugs: as good as on the distribution's kernel and modules.
# kernel: debug
# test-timeout: 900

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=upstream-memory.inc
. "$here/upstream-memory.inc"
exec "$here/../check-upstream" --debug "${upstream_memory_tests[@]}"
