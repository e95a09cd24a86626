#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# test-timeout: 1800
# The release tarball and the Debian packages: without git the same as from it, twice
# the same, and lintian has nothing to say.  'make check-packages' installs them.
top=$(cd "$(dirname "$0")/../.." && pwd)
version=$(cat "$top/VERSION")
mkdir -p "$top/build/packages-test"
dir=$(mktemp -d "$top/build/packages-test/XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
tap_output=$dir/output
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"
cd "$top" || exit 1

tarball=build/dist/kvm-map-memory-$version.tar.xz
without_git=$dir/kvm-map-memory-$version

unpack()
{
	tar -C "$dir" -xJf "$tarball" && [ ! -e "$without_git/.git" ]
}

# packages DIR: their checksums, and that of the source
packages()
{
	(cd "$1" && sha256sum ./*.deb ./*.tar.xz)
}

same_packages()
{
	diff <(packages "$dir/first") <(packages "$without_git/build/deb")
}

complete()
{
	local name

	for name in kvm-map-memory-dkms kvm-map-memory-doc kvm-prefault liburing-kvm1 \
			liburing-kvm-dev; do
		ls "$dir/first/${name}_${version}"_*.deb || return 1
	done
}

lintian_silent()
{
	# root is who runs the tests, and no names of people are wanted.
	lintian --no-cfg --allow-root --fail-on error,warning,info \
		--display-info "$dir/first"/*.changes
}

versions_agree()
{
	grep -qF "PACKAGE_VERSION=\"$version\"" \
		<(dpkg-deb --fsys-tarfile \
			"$dir/first/kvm-map-memory-dkms_${version}_all.deb" |
			tar -xO "./usr/src/kvm-map-memory-$version/dkms.conf") &&
		dpkg-deb --fsys-tarfile "$dir/first/kvm-prefault_${version}_amd64.deb" |
		tar -C "$dir" -x ./usr/bin/kvm-prefault &&
		"$dir/usr/bin/kvm-prefault" --version | grep -F "$version"
}

other_version_refused()
{
	echo 99.0.0 >"$without_git/VERSION"
	! "$without_git/tools/dist"
}

echo "TAP version 13"
check "packages build" tools/build-packages "$dir/first"
check "all packages are there" complete
check "lintian has nothing to say" lintian_silent
check "all have the version of the file VERSION" versions_agree
check "the release tarball unpacks" unpack
check "packages build without git" "$without_git/tools/build-packages"
check "they are the same, bit for bit" same_packages
check "the tarball without git is the same" \
	cmp "$tarball" "$without_git/$tarball"
check "a version that debian/changelog does not have is refused" other_version_refused
done_testing
