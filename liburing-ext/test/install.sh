#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# A program built against the installed copy, and what uninstall leaves.
. "$(dirname "$0")/library.inc"

cc=${CC:-cc}
root=$scratch_dir/root
make_target() {
	make -s -C "$ext_dir" BUILD="$scratch_dir/build" DESTDIR="$root" \
		PREFIX=/usr "$@"
}
example=$ext_dir/examples/map-memory.c
session=$ext_dir/examples/prefault-session.c

# pkg-config prefixes the paths in our files, and only in them, with the root.
flags() {
	PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig:$(pkg-config --variable pc_path pkg-config) \
		pkg-config --define-variable=prefix="$root/usr" \
		--define-variable=includedir="$root/usr/include" \
		--define-variable=libdir="$root/usr/lib" "$@"
}
# shellcheck disable=SC2046
builds() {
	$cc -Wall -Wextra -Werror -o "$scratch_dir/program" "$1" \
		$(flags --cflags liburing-kvm) -L"$root/usr/lib" \
		$(flags --libs-only-l liburing-kvm liburing)
}
# shellcheck disable=SC2046
builds_ffi() {
	echo 'int kvm_map_memory_probe(int fd);
	      int main(void) { return kvm_map_memory_probe(-1) != -9; }' |
		$cc -o "$scratch_dir/ffi" -x c - -x none \
		-L"$root/usr/lib" $(flags --libs-only-l liburing-kvm-ffi) &&
		LD_LIBRARY_PATH=$root/usr/lib "$scratch_dir/ffi"
}
soname() {
	for library in liburing-kvm liburing-kvm-ffi; do
		readelf -d "$root/usr/lib/$library.so" | grep -F "[$library.so.1]" ||
			return 1
	done
}
headers_installed() {
	for header in "$ext_dir"/include/*.h; do
		test -s "$root/usr/include/$(basename "$header")" || return 1
	done
}
version() {
	[ "$(flags --modversion liburing-kvm)" = "$(cat "$top_dir/VERSION")" ] &&
	[ "$(flags --modversion liburing-kvm-ffi)" = "$(cat "$top_dir/VERSION")" ]
}
manual() {
	for page in "$ext_dir"/man/*.[357]; do
		name=$(basename "$page")
		test -s "$root/usr/share/man/man${name##*.}/$name" || return 1
	done
}
nothing_left() {
	[ -z "$(find "$root" ! -type d)" ] || { find "$root" ! -type d; false; }
}

check "installs" make_target install
check "the example builds against it with pkg-config" builds "$example"
check "so does that of a session" builds "$session"
sed -n '/^\t\/\* SPDX/,/^[^\t]/s/^\t//p' "$top_dir/Documentation/vmm-guide.rst" \
	>"$scratch_dir/guide.c"
check "so does the program of the guide for VMM authors" \
	builds "$scratch_dir/guide.c"
check "a program links and runs with the library" builds_ffi
check "the libraries have their sonames" soname
check "pkg-config tells the version" version
check "every header is there" headers_installed
check "every manual page is there, aliases too" manual
check "uninstalls" make_target uninstall
check "nothing is left" nothing_left
done_testing
