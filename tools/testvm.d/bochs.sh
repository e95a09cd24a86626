# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # they are shared with tools/testvm
#
# The machine with Intel VMX and EPT, emulated by Bochs.  It boots from a CD
# that holds all its files.  Three serial ports lead out, each into a file: the
# kernel's log, the command's output, and tar archives of files.

# With two it can stand still.
machine_cpus=1
# It can go on for ever after a SIGTERM.
machine_stop=KILL

machine_check()
{
	local tool

	[ "$cpus" = 1 ] && [ "$numa" = 1 ] && [ -z "$icount" ] &&
		[ "$threads" = single ] ||
		bad_usage "--vmx has one CPU, no --numa, --icount and --parallel"
	for tool in bochs-bin genisoimage strip; do
		command -v "$tool" >/dev/null ||
			cannot "no $tool: run 'make setup' as root"
	done
	cd_files=(/usr/lib/ISOLINUX/isolinux.bin
		/usr/lib/syslinux/modules/bios/ldlinux.c32)
	roms=(/usr/share/bochs/BIOS-bochs-latest
		/usr/share/bochs/VGABIOS-lgpl-latest)
	for tool in "${cd_files[@]}" "${roms[@]}"; do
		[ -e "$tool" ] || cannot "no $tool: run 'make setup' as root"
	done
}

machine_start()
{
	local cd=$run_dir/cd

	mkdir "$cd"
	"$TOP/tools/testvm.d/mkfiles" "$cd/files" "$run_dir/command" \
		"$modules/kvm.ko" "$modules/kvm-intel.ko" "${files[@]}" ||
		cannot "cannot copy the files"
	cp "${cd_files[@]}" "$cd"
	ln -s "$image" "$cd/vmlinuz"
	ln -s "$boot/initramfs" "$cd/initrd"
	# The kernel warns of a single CPU that says it has hyper-threads.
	# Bochs would go through a reboot, but ends at a triple fault.
	cat >"$cd/isolinux.cfg" <<-END
		DEFAULT testvm
		PROMPT 0
		LABEL testvm
		  KERNEL vmlinuz
		  INITRD initrd,files
		  APPEND $cmdline reboot=t clearcpuid=ht
	END
	genisoimage -quiet -f -o "$run_dir/cd.iso" -b isolinux.bin -c boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table "$cd" ||
		cannot "cannot make the CD"
	rm -r "$cd"

	# Address, type, reset value, reserved and ignored bits: a revision of the
	# microcode that no kernel takes for one with a broken deadline timer.
	echo '08b 0 ffffffff 00000000 00000000 00000000 ffffffff ffffffff' \
		>"$run_dir/msrs"
	# Bochs keeps no more than 2 GiB in memory, and the rest in a file.
	# 'ips' says how many instructions a second of the machine's time has:
	# its clock goes by what it executes.
	cat >"$run_dir/bochsrc" <<-END
		cpu: model=${cpu:-corei7_haswell_4770}, ips=100000000, reset_on_triple_fault=0, msrs=$run_dir/msrs
		memory: guest=$mib, host=$((mib < 2048 ? mib : 2048))
		romimage: file=${roms[0]}
		vgaromimage: file=${roms[1]}
		ata0-master: type=cdrom, path=$run_dir/cd.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=$run_dir/kernel.log
		com2: enabled=1, mode=file, dev=$run_dir/files.tar
		com3: enabled=1, mode=file, dev=$run_dir/output
		log: $run_dir/machine.log
		panic: action=fatal
		error: action=ignore
		info: action=ignore
		clock: sync=none, time0=utc
		display_library: term
		speaker: enabled=0
	END
	# It has a debugger, which waits for a command.
	echo c >"$run_dir/debugger"
	TERM=vt100 bochs-bin -q -f "$run_dir/bochsrc" -rc "$run_dir/debugger" \
		</dev/null >/dev/null 2>"$run_dir/screen" &
	machine_pid=$!
	drain_screen >/dev/null 2>&1 &
}

# Its screen is a terminal of its own, which it says the name of.  Bochs stands
# still once nobody reads there.
drain_screen()
{
	local name

	while [ -z "${name:-}" ]; do
		sleep 0.1
		kill -0 "$machine_pid" || return
		name=$(sed -n 's,.*connected to screen "\(/dev/pts/[0-9]*\)".*,\1,p' \
			"$run_dir/screen")
	done
	stty -F "$name" raw -echo
	cat "$name"
}

# An archive ends early where the machine has died.
machine_fetch()
{
	[ ! -e "$run_dir/output" ] || cat "$run_dir/output"
	[ ! -s "$run_dir/files.tar" ] ||
		tar -C "$run_dir" -x -f "$run_dir/files.tar" --ignore-zeros \
			2>>"$run_dir/machine.log" || true
	rm -f "$run_dir"/{cd.iso,files.tar,output,screen,bochsrc,msrs,debugger}
}
