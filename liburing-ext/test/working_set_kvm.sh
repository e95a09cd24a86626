#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# debug: none its kernel has no soft-dirty pages
# testvm:
# Working sets of real guests, see working_set_kvm.c, and of the host's pages on the
# distribution's kernel, which knows soft-dirty pages.
. "$(dirname "$0")/library.inc"

for program in working_set_kvm working_set_sources; do
	check "$program: all cases pass" "$build_dir/programs/$program"
	grep -E '^not ok|SKIP' "$scratch_dir/output" | sed 's/^/# /'
done
no_skips() {
	! "$build_dir/programs/working_set_sources" | grep SKIP
}
check "soft-dirty pages are tested" no_skips
done_testing
