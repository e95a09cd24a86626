#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# As session_valgrind.sh, for what needs no KVM and so no test machine.
. "$(dirname "$0")/library.inc"

if ! command -v valgrind >/dev/null; then
	skip "valgrind" "no valgrind: run 'make setup' as root"
	done_testing
fi

# clean PROGRAM ARGUMENT...
clean() {
	program=$build_dir/programs/$1
	shift
	valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all \
		--error-exitcode=9 "$program" "$@"
}
check "bad input" clean session_input
check "populate" clean session_counts populate
check "events" clean session_events
check "a child" clean session_fork
done_testing
