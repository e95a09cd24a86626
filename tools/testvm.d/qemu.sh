# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # they are shared with tools/testvm
#
# The machine with AMD SVM, emulated by QEMU.

machine_cpus=2
machine_stop=TERM

machine_check()
{
	[ "${#files[@]}" = 0 ] || bad_usage "--file goes with --vmx"
	command -v qemu-system-x86_64 >/dev/null ||
		cannot "no qemu-system-x86_64: run 'make setup' as root"
}

# Starts it and sets 'machine_pid'.
machine_start()
{
	local accel nodes=() node

	if [ -n "$icount" ]; then
		cpus=1
		accel=(-accel 'tcg,thread=single' -icount 'shift=0,sleep=off')
	else
		accel=(-accel "tcg,thread=$threads")
	fi

	if [ "$numa" -gt 1 ]; then
		[ $((cpus % numa)) = 0 ] ||
			bad_usage "--cpus $cpus does not divide by --numa $numa"
		for ((node = 0; node < numa; node++)); do
			nodes+=(-object
				"memory-backend-ram,id=mem$node,size=$((mib / numa))M"
				-numa "node,nodeid=$node,memdev=mem$node")
		done
		# A node is a socket, or the kernel warns of an impossible topology.
		for ((node = 0; node < numa; node++)); do
			nodes+=(-numa "cpu,node-id=$node,socket-id=$node")
		done
	fi

	# The command's output comes out of QEMU's stdout.  Its stdin stays open
	# and silent: at an end of file QEMU would close the port and drop the
	# output.
	mkfifo "$run_dir/stdin"
	exec 8<>"$run_dir/stdin"
	rm -f "$run_dir/stdin"

	qemu-system-x86_64 \
		-nodefaults -no-user-config -display none -no-reboot \
		-machine q35,usb=off,vmport=off,hpet=off "${accel[@]}" \
		-cpu "max${cpu:+,$cpu}" \
		-smp "cpus=$cpus,sockets=$numa,cores=$((cpus / numa)),threads=1" \
		-m "${mib}M" "${nodes[@]}" \
		-kernel "$image" -initrd "$boot/initramfs" \
		-append "$cmdline" ${plugin:+-plugin "$plugin"} \
		-serial "file:$run_dir/kernel.log" \
		-device virtio-serial-pci \
		-chardev stdio,id=output,signal=off \
		-device virtserialport,chardev=output,name=testvm.output \
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,$(
			)multidevs=remap" \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=build,path=$build,security_model=none,$(
			)multidevs=remap" \
		-device virtio-9p-pci,fsdev=build,mount_tag=build \
		<&8 8<&- 2>"$run_dir/machine.log" &
	machine_pid=$!
}

# Files and output have come already.
machine_fetch()
{
	:
}
