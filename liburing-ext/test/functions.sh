#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The functions, inline and as symbols of the library: the same program.
. "$(dirname "$0")/library.inc"

cc=${CC:-cc}
source=$ext_dir/test/functions.c

awk '/^LIBURING_KVM_INLINE/ { on = 1; sub("LIBURING_KVM_INLINE", "") }
     on && /\)$/ { print $0 ";"; on = 0 }
     on' "$ext_dir/include/liburing_kvm.h" >"$scratch_dir/declarations.h"
ffi="-DFFI_DECLARATIONS=\"$scratch_dir/declarations.h\""
warnings="-Wall -Wextra -Werror -O2 -D_FORTIFY_SOURCE=2"

# shellcheck disable=SC2086
build() {
	program=$1
	shift
	$cc $warnings $includes -o "$scratch_dir/$program" "$source" "$@"
}

check "builds with the inline functions" build inline
check "builds against the static library" build static \
	"$ffi" "$build_dir/liburing-kvm-ffi.a"
check "builds against the shared library" build shared \
	"$ffi" -L"$build_dir" -luring-kvm-ffi -Wl,-rpath,"$build_dir"
for program in inline static shared; do
	check "$program: all cases pass" "$scratch_dir/$program"
	grep -E '^not ok|SKIP' "$scratch_dir/output" | sed 's/^/# /'
done
uses_library() {
	ldd "$scratch_dir/shared" | grep "$build_dir/liburing-kvm-ffi.so.0"
}
check "the shared one really uses the library" uses_library
done_testing
