#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# Working sets and their files: the programs pass, also with sanitizers and valgrind.
. "$(dirname "$0")/library.inc"

cc=${CC:-cc}
programs="working_set working_set_file working_set_sources"

# shellcheck disable=SC2086
sanitized() {
	$cc -O1 -g -Wall -Wextra -Wpedantic -Werror $includes \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-o "$scratch_dir/$1" "$ext_dir/test/$1.c" \
		"$ext_dir"/src/working_set*.c "$ext_dir/src/crc32.c" \
		"$build_dir/sanitized/liburing-kvm.a" -luring
}
# Children that are killed leave what they hold: it looks at the parent alone.
under_valgrind() {
	valgrind -q --error-exitcode=9 --leak-check=full "$build_dir/programs/$1"
}

for program in $programs; do
	check "$program: all cases pass" "$build_dir/programs/$program"
	grep -E '^not ok|SKIP' "$scratch_dir/output" | sed 's/^/# /'
	check "$program: builds with sanitizers" sanitized "$program"
	check "$program: passes with sanitizers" "$scratch_dir/$program"
	if command -v valgrind >/dev/null; then
		check "$program: passes under valgrind" under_valgrind "$program"
	else
		skip "$program: passes under valgrind" "no valgrind"
	fi
done
check "without memory" "$build_dir/programs/working_set_no_memory"
done_testing
