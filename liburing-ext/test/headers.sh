#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The headers compile alone and with others, as C and as C++.
. "$(dirname "$0")/library.inc"

cc=${CC:-cc}
cxx=${CXX:-c++}
strict="-Wall -Wextra -pedantic -Werror -O2 -c -o /dev/null"

# shellcheck disable=SC2086
compiles() {
	language=$1 compiler=$2 standard=$3
	shift 3
	for header; do
		echo "#include <$header>"
	done | $compiler $strict $includes -std="$standard" -x "$language" -
}

# It includes nothing of liburing.
# shellcheck disable=SC2086
strictly() {
	echo "#include <$1>" |
		$cc $strict -Wpedantic -Wstrict-prototypes $includes -std=c99 -x c -
}

# Newer versions of liburing.h need it in strict C; so do their users.
compiles c "$cc" c11 liburing.h 2>/dev/null ||
	includes="$includes -D_GNU_SOURCE"

for standard in c99 c11 gnu11; do
	for header in "$ext_dir"/include/*.h; do
		header=$(basename "$header")
		check "$header alone as $standard" \
			compiles c "$cc" $standard "$header"
	done
	check "kvm_map_memory.h alone as $standard" \
		compiles c "$cc" $standard linux/kvm_map_memory.h
done
check "before linux/kvm.h" compiles c "$cc" c11 liburing_kvm.h linux/kvm.h
check "after linux/kvm.h" compiles c "$cc" c11 linux/kvm.h liburing_kvm.h
check "twice" compiles c "$cc" c11 liburing_kvm.h liburing_kvm.h
check "kvm_working_set.h, strictly" strictly kvm_working_set.h
check "kvm_working_set.h with the others" compiles c "$cc" c11 \
	kvm_working_set.h linux/kvm.h liburing_kvm.h kvm_working_set.h
check "after liburing.h" compiles c "$cc" c11 liburing.h liburing_kvm.h
check "both, one way" compiles c "$cc" c11 liburing_kvm.h kvm_prefault_session.h
# In strict C liburing.h has to be the first of all.
check "both, the other way" compiles c "$cc" gnu11 kvm_prefault_session.h liburing_kvm.h
if command -v "$cxx" >/dev/null; then
	for standard in c++11 c++17 c++20; do
		check "as $standard" \
			compiles c++ "$cxx" $standard linux/kvm.h liburing_kvm.h \
			kvm_working_set.h
		check "kvm_prefault_session.h alone as $standard" \
			compiles c++ "$cxx" $standard kvm_prefault_session.h
	done
else
	skip "as C++" "no $cxx"
fi
if command -v clang >/dev/null; then
	check "with clang" compiles c clang c11 linux/kvm.h liburing_kvm.h \
		kvm_prefault_session.h
else
	skip "with clang" "no clang"
fi
# shellcheck disable=SC2086
links_cxx() {
	echo '#include <kvm_prefault_session.h>
	      int main()
	      {
		struct kvm_prefault_session_options options;

		kvm_prefault_session_options_init(&options, -1, nullptr, 0);
		return kvm_prefault_session_choose(&options, nullptr, 0) != -22;
	      }' | $cxx -Wall -Wextra -pedantic -Werror $includes -x c++ - -x none \
		-o "$scratch_dir/cxx" "$build_dir/liburing-kvm.a" -luring &&
		"$scratch_dir/cxx"
}
if command -v "$cxx" >/dev/null; then
	check "a program in C++ links and runs" links_cxx
fi
# shellcheck disable=SC2086
sources() {
	for source in "$ext_dir"/src/*.c; do
		$1 $strict $includes -fPIC "$source" || return 1
	done
}
check "the library's sources" sources "$cc"
done_testing
