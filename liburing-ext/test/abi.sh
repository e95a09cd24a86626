#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The library has the ABI of abi/liburing-kvm.abi, and changes are noticed.  After a
# change that is meant, 'make -C liburing-ext abi' writes the file.
. "$(dirname "$0")/library.inc"

if ! command -v abidiff >/dev/null; then
	skip "the ABI" "no abidiff: run 'make setup' as root"
	done_testing
fi

same_abi() {
	abidiff --suppressions "$ext_dir/abi/suppressions" --exported-interfaces-only \
		"$ext_dir/abi/liburing-kvm.abi" "$1"
}
# build NAME INCLUDE MAP: a library of the sources with other headers, other symbols
# shellcheck disable=SC2046
build() {
	${CC:-cc} -g -O2 -fPIC -shared -I"$2" -I"$top_dir/include/uapi" \
		-Wl,-soname,liburing-kvm.so.1 -Wl,--version-script="$3" \
		-o "$scratch_dir/$1" $(find "$ext_dir/src" -name '*.c' ! -name ffi.c) \
		-luring
}
# An abidiff that fails reports no difference: 4 is a change, 8 one that breaks programs.
reports() {
	same_abi "$scratch_dir/$1" >"$scratch_dir/report"
	[ $(($? & 4)) != 0 ] && grep -F "$2" "$scratch_dir/report"
}

map=$ext_dir/src/liburing-kvm.map
check "the library has the ABI that is kept" same_abi "$build_dir/liburing-kvm.so"

mkdir "$scratch_dir/include"
cp "$ext_dir"/include/*.h "$scratch_dir/include"
sed -i 's/^	__u32 nr_workers;/	__u64 nr_workers;/' \
	"$scratch_dir/include/kvm_prefault_session.h"
check "a library with another structure builds" \
	build structure.so "$scratch_dir/include" "$map"
check "the other structure is reported" reports structure.so "__u32 nr_workers"

grep -v kvm_prefault_session_cancel "$map" >"$scratch_dir/map"
check "a library without a function builds" \
	build function.so "$ext_dir/include" "$scratch_dir/map"
check "the missing function is reported" reports function.so \
	"kvm_prefault_session_cancel"
done_testing
