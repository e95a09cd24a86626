#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# Sessions leave no memory, and use nothing that is freed or not written to, by valgrind.
# It does not know userfaultfd, so session_control.c is for the sanitizers alone.
. "$(dirname "$0")/library.inc"

if ! command -v valgrind >/dev/null; then
	skip "valgrind" "no valgrind: run 'make setup' as root"
	done_testing
fi
if ! [ -r /dev/kvm ]; then
	skip "valgrind" "no /dev/kvm"
	done_testing
fi

# One run: to begin takes valgrind ten seconds there.
check "every path of KVM" valgrind -q --leak-check=full --show-leak-kinds=all \
	--errors-for-leak-kinds=all --error-exitcode=9 \
	"$build_dir/programs/session_counts" uring ioctl pre-fault
done_testing
