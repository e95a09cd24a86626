# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Whether this machine loads a module that dkms has signed.  Source it.

# Of framework.conf; the default is that of Debian's dkms.
certificate()
{
	local file mok_certificate=

	for file in /etc/dkms/framework.conf /etc/dkms/framework.conf.d/*.conf; do
		# shellcheck source=/dev/null
		[ ! -r "$file" ] || . "$file"
	done
	echo "${mok_certificate:-/var/lib/dkms/mok.pub}"
}

# The variable is four bytes of attributes and one byte.
secure_boot_on()
{
	local variable

	for variable in /sys/firmware/efi/efivars/SecureBoot-*; do
		[ -e "$variable" ] || continue
		[ "$(od -An -tu1 -j4 -N1 "$variable" | tr -d ' ')" != 1 ] || return 0
	done
	grep -qsx Y /sys/module/module/parameters/sig_enforce
}

# reason_not_to_load: in a line, or nothing.  Modules in updates/ that do not load
# would leave the machine without KVM.
reason_not_to_load()
{
	local key

	secure_boot_on || return 0
	key=$(certificate)
	if ! command -v mokutil >/dev/null; then
		echo "Secure Boot is on, and mokutil is missing, install it"
	elif ! mokutil --test-key "$key" 2>/dev/null | grep -q 'already enrolled'; then
		echo "Secure Boot is on, and the key that signed them is not" \
			"enrolled, run 'mokutil --import $key', restart, and run" \
			"'kvm-map-memory-modules build'"
	fi
}
