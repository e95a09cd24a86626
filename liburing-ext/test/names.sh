#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The header, the version script, the library and the manual name the same
# functions.
. "$(dirname "$0")/library.inc"

awk '/^LIBURING_KVM_INLINE/ { on = 1 } on; /\)$/ { on = 0 }' \
	"$ext_dir/include/liburing_kvm.h" |
	tr '\n' ' ' | grep -oE '[a-z_]+\(' | tr -d '(' | sort >"$scratch_dir/header"
grep -oE '^[[:space:]]+[a-z_]+;' "$ext_dir/src/liburing-kvm-ffi.map" |
	tr -d '\t; ' | sort >"$scratch_dir/map"
nm -D --defined-only "$build_dir/liburing-kvm-ffi.so" |
	awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort >"$scratch_dir/library"
(cd "$ext_dir/man" && ls ./*.3) | sed 's|^./||; s|\.3$||' | sort >"$scratch_dir/man"

found_any() {
	[ -s "$scratch_dir/header" ]
}
has_synopsis() {
	while read -r name; do
		sed -n '/^.SH SYNOPSIS/,/^.SH DESCRIPTION/p' \
			"$ext_dir/man/$name.3" | grep -q "$name(" ||
			{ echo "$name.3 does not declare it"; return 1; }
	done <"$scratch_dir/header"
}

check "functions were found in the header" found_any
check "header = version script" diff "$scratch_dir/header" "$scratch_dir/map"
check "header = symbols of the library" diff "$scratch_dir/header" "$scratch_dir/library"
check "header = manual pages" diff "$scratch_dir/header" "$scratch_dir/man"
check "each page declares its function" has_synopsis
if command -v mandoc >/dev/null; then
	check "mandoc has nothing to say" mandoc -T lint -W style "$ext_dir"/man/*.[37]
else
	skip "mandoc has nothing to say" "no mandoc"
fi
done_testing
