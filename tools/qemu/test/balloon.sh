#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# Pages that the guest has put into its balloon stay with the host, whatever is mapped
# afterwards; those that it takes back it faults in, and no others.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

RAM = 64 * MIB
BALLOON = 8 * MIB
DIMM = 128 * MIB
FILE = "/dev/shm/ram"


def vm_with_balloon(arguments=()):
    vm = Vm("map-memory=on", "q35", "64M,slots=2,maxmem=512M",
            ["-device", "virtio-balloon-pci,disable-legacy=on", *arguments]).ready()
    vm.settled()
    return vm


def set_balloon(vm, size):
    """The size is what the guest is to keep of its memory."""
    vm.qmp("balloon", value=size)
    return vm.command("b").pages * PAGE


def inflate(vm):
    """What is left of the RAM in the host."""
    before = vm.resident(RAM)
    true("RAM is allocated: %d" % before, before > RAM - MIB)
    equal("balloon", set_balloon(vm, RAM - BALLOON), BALLOON)
    equal("bytes of the host", vm.resident(RAM), before - BALLOON)
    return before - BALLOON


def stays(vm, resident):
    vm.all_mapped()
    equal("bytes of the host", vm.resident(RAM), resident)
    equal("faults", vm.command_and_faults("w")[1], 0)


def all_is_mapped_again(arguments=()):
    with vm_with_balloon(arguments) as vm:
        resident = inflate(vm)
        jobs = vm.info()["jobs"]
        vm.qmp("map-memory-start")
        stays(vm, resident)
        equal("jobs", vm.info()["jobs"], jobs + 1)


def dimm_is_plugged():
    with vm_with_balloon() as vm:
        resident = inflate(vm)
        vm.plug(DIMM)
        stays(vm, resident)
        equal("bytes of the DIMM", vm.resident(DIMM), DIMM)


def deflated():
    with vm_with_balloon() as vm:
        resident = inflate(vm)
        vm.qmp("map-memory-start")
        stays(vm, resident)
        equal("balloon", set_balloon(vm, RAM), 0)
        equal("bytes of the host", vm.resident(RAM), resident)
        equal("faults", vm.command_and_faults("w")[1], BALLOON // PAGE)
        equal("bytes of the host", vm.resident(RAM), resident + BALLOON)


def shared_memory():
    all_is_mapped_again(["-object", "memory-backend-file,id=ram,size=64M,share=on,"
                         "mem-path=" + FILE, "-machine", "memory-backend=ram"])
    os.unlink(FILE)


plan = Plan()
plan.test("all RAM is mapped again", all_is_mapped_again)
plan.test("the same with shared memory", shared_memory)
plan.test("a DIMM is plugged", dimm_is_plugged)
plan.test("the balloon is deflated", deflated)
plan.end()
END
