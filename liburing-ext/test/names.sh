#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The headers, the version scripts, the libraries and the manual name the same
# functions.
. "$(dirname "$0")/library.inc"

# names: the functions that declarations on stdin are of
names() {
	tr '\n' ' ' | grep -oE '[a-z_]+\(' | tr -d '(' | sort
}
# in_map LIBRARY, in_library LIBRARY: its symbols, as wanted and as they are
in_map() {
	grep -oE '^[[:space:]]+[a-z_]+;' "$ext_dir/src/$1.map" | tr -d '\t; ' | sort
}
in_library() {
	nm -D --defined-only "$build_dir/$1.so" |
		awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort
}

# Definitions of inline functions begin with their type, too, on a line of its own.
awk '/^(int|__u64|size_t|void|const char) .*\(/ { on = 1 } on; /;$/ { on = 0 }' \
	"$ext_dir"/include/*.h | names >"$scratch_dir/calls"
awk '/^LIBURING_KVM_INLINE/ { on = 1 } on; /\)$/ { on = 0 }' \
	"$ext_dir"/include/*.h | names |
	sort - "$scratch_dir/calls" >"$scratch_dir/header"
in_map liburing-kvm >"$scratch_dir/calls-map"
in_library liburing-kvm >"$scratch_dir/calls-library"
in_map liburing-kvm-ffi >"$scratch_dir/map"
in_library liburing-kvm-ffi >"$scratch_dir/library"
(cd "$ext_dir/man" && ls ./*.3) | sed 's|^./||; s|\.3$||' | sort >"$scratch_dir/man"

found_any() {
	[ -s "$scratch_dir/calls" ] &&
		[ "$(wc -l <"$scratch_dir/header")" -gt "$(wc -l <"$scratch_dir/calls")" ]
}
has_synopsis() {
	while read -r name; do
		sed -n '/^.SH SYNOPSIS/,/^.SH DESCRIPTION/p' \
			"$ext_dir/man/$name.3" | grep -q "$name(" ||
			{ echo "$name.3 does not declare it"; return 1; }
	done <"$scratch_dir/header"
}

check "functions were found in the headers" found_any
check "liburing-kvm: headers = version script" \
	diff "$scratch_dir/calls" "$scratch_dir/calls-map"
check "liburing-kvm: headers = symbols" \
	diff "$scratch_dir/calls" "$scratch_dir/calls-library"
check "liburing-kvm-ffi: headers = version script" \
	diff "$scratch_dir/header" "$scratch_dir/map"
check "liburing-kvm-ffi: headers = symbols" \
	diff "$scratch_dir/header" "$scratch_dir/library"
check "headers = manual pages" diff "$scratch_dir/header" "$scratch_dir/man"
check "each page declares its function" has_synopsis

# Every errno that a page of working sets lists is one that their tests provoke.
errors_tested() {
	sed -n '/^\.SH ERRORS/,/^\.SH [^E]/s/^\.B -\(E[A-Z0-9]*\)$/\1/p' \
		"$ext_dir"/man/kvm_working_set_*.3 | sort -u >"$scratch_dir/errors"
	[ -s "$scratch_dir/errors" ] || return 1
	while read -r error; do
		cat "$ext_dir"/test/working_set*.c | grep -qw "$error" ||
			{ echo "no test of working sets names $error"; return 1; }
	done <"$scratch_dir/errors"
}
check "errors of working sets have tests" errors_tested
if command -v mandoc >/dev/null; then
	check "mandoc has nothing to say" mandoc -T lint -W style "$ext_dir"/man/*.[357]
else
	skip "mandoc has nothing to say" "no mandoc"
fi
done_testing
