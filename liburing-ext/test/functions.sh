#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The functions, inline and as symbols of the libraries: the same program.
. "$(dirname "$0")/library.inc"

cc=${CC:-cc}
source=$ext_dir/test/functions.c

awk '/^LIBURING_KVM_INLINE/ { on = 1; sub("LIBURING_KVM_INLINE", "") }
     on && /\)$/ { print $0 ";"; on = 0 }
     /^(int|__u64) / { call = 1 } call { print } /;$/ { call = 0 }
     on' "$ext_dir/include/liburing_kvm.h" >"$scratch_dir/declarations.h"
ffi="-DFFI_DECLARATIONS=\"$scratch_dir/declarations.h\""
warnings="-Wall -Wextra -Werror -O2 -D_FORTIFY_SOURCE=2"

# shellcheck disable=SC2086
build() {
	program=$1
	shift
	$cc $warnings $includes -o "$scratch_dir/$program" "$source" "$@"
}

path="-L$build_dir -Wl,-rpath,$build_dir"
check "builds with the header and the static library" build static \
	"$build_dir/liburing-kvm.a"
# shellcheck disable=SC2086
check "builds with the header and the shared library" build shared \
	$path -luring-kvm
check "builds without the header, with the static library" build ffi-static \
	"$ffi" "$build_dir/liburing-kvm-ffi.a"
# shellcheck disable=SC2086
check "builds without the header, with the shared library" build ffi-shared \
	"$ffi" $path -luring-kvm-ffi
for program in static shared ffi-static ffi-shared; do
	check "$program: all cases pass" "$scratch_dir/$program"
	grep -E '^not ok|SKIP' "$scratch_dir/output" | sed 's/^/# /'
done
uses_library() {
	ldd "$scratch_dir/$1" | grep "$build_dir/$2.so.1"
}
check "the shared one really uses liburing-kvm" uses_library shared liburing-kvm
check "and the other liburing-kvm-ffi" uses_library ffi-shared liburing-kvm-ffi
done_testing
