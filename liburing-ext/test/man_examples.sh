#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# The examples of the manual pages, which 'make lib' has compiled, map all memory.
. "$(dirname "$0")/library.inc"

if ! [ -r /dev/kvm ]; then
	skip "examples" "no /dev/kvm"
	done_testing
fi
has_example() {
	grep -q '^int prefault_guest' "$1"
}
for page in "$ext_dir"/man/*.[37]; do
	name=$(basename "$page")
	grep -q '^\.SH EXAMPLE' "$page" && [ ! -L "$page" ] || continue
	# manual_examples.sh has those that are complete programs.
	! grep -q '^int main(' "$page" || continue
	check "$name: the example is a program" has_example "$page"
	check "$name: it maps everything" "$build_dir/man/$name"
done
done_testing
