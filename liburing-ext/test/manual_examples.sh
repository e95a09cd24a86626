#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# The programs in the manual pages compile without a warning, and print what they are
# meant to.
. "$(dirname "$0")/library.inc"

cc=${CC:-cc}

# program PAGE: the example of a page, if it is a whole program
program() {
	"$ext_dir/test/example_of_page" "$ext_dir/man/$1" >"$scratch_dir/$1.c"
	grep -q '^int main(' "$scratch_dir/$1.c"
}

# shellcheck disable=SC2086
builds() {
	$cc -std=gnu11 -Wall -Wextra -Wpedantic -Werror -O2 $includes \
		-o "$scratch_dir/$1.program" "$scratch_dir/$1.c" \
		"$build_dir/liburing-kvm.a"
}

# prints PAGE INPUT: exactly the text on stdin
prints() {
	cat >"$scratch_dir/wanted"
	"$scratch_dir/$1.program" <"$2" >"$scratch_dir/printed" &&
		diff "$scratch_dir/wanted" "$scratch_dir/printed"
}

# The example of the file's page is a file.
"$ext_dir/test/example_of_page" "$ext_dir/man/kvm-working-set.5" >"$scratch_dir/file"

found=0
for page in "$ext_dir"/man/*.3; do
	[ ! -h "$page" ] || continue
	page=$(basename "$page")
	program "$page" || continue
	found=$((found + 1))
	check "$page: the program builds" builds "$page"
done
check "programs were found" test "$found" -ge 5

check "kvm_working_set_create.3: the set, and its vector" \
	prints kvm_working_set_create.3 /dev/null <<'END'
kvm-working-set 1 page-size 4096
0x100000000 0x4000
0x7000 0x1000
0x100004000 0x2000
ranges 3 bytes 28672 crc32 0x2c8cfdc5
0x100000000: 16384 bytes
0x7000: 4096 bytes
0x100004000: 8192 bytes
END
check "kvm_working_set_add.3: the ranges" \
	prints kvm_working_set_add.3 /dev/null <<'END'
kvm-working-set 1 page-size 4096
0x3000 0x5000
0x1ff000 0x1000
0x200000 0x2000
0x7ff000 0x1000
ranges 4 bytes 36864 crc32 0x8d19e16e
END
check "kvm_working_set_mappings.3: the error of a file that is no VM" \
	prints kvm_working_set_mappings.3 /dev/null <<'END'
1 range, 4096 bytes: Inappropriate ioctl for device
END
check "kvm_working_set_add_dirty_bitmap.3: the pages present" \
	prints kvm_working_set_add_dirty_bitmap.3 /dev/null <<'END'
kvm-working-set 1 page-size 4096
0x100005000 0x2000
0x100028000 0x1000
ranges 2 bytes 12288 crc32 0xc76b48c1
END
check "kvm_working_set_write.3: reads the file of kvm-working-set.5" \
	prints kvm_working_set_write.3 "$scratch_dir/file" <<'END'
2 ranges, 20480 bytes
END
sed '$d' "$scratch_dir/file" >"$scratch_dir/cut"
check "kvm_working_set_write.3: and what is wrong with a part of it" \
	prints kvm_working_set_write.3 "$scratch_dir/cut" <<'END'
line 4: No data available
END
done_testing
