#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# Of a virtio-mem device the blocks that are plugged are mapped, at once and without a
# fault, and never any others: the host has allocated as much as is plugged.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

REGION = 96 * MIB
FILE = "/dev/shm/plugged"
KINDS = {
    "memory-backend-ram": "",
    "memory-backend-file": ",share=on,mem-path=" + FILE,
}


# The device has a memory slot only while there are blocks in it.
DYNAMIC = ",dynamic-memslots=on"


def vm_with_device(accel="map-memory=on", kind="memory-backend-ram", arguments=(),
                   options=""):
    return Vm(accel, "q35", "64M,maxmem=1G", [
        "-object", "%s,id=m1,size=%d%s" % (kind, REGION, KINDS[kind]),
        "-device", "virtio-mem-pci,id=d1,memdev=m1" + options, *arguments])


def request(vm, mib):
    """Has the guest plug or unplug what is missing, or too much."""
    vm.qmp("qom-set", path="d1", property="requested-size", value=mib * MIB)
    result = vm.command("p")
    equal("requests refused", result.wrong, 0)
    equal("pages plugged", result.pages, mib * MIB // PAGE)
    device, = vm.qmp("query-memory-devices")
    equal("bytes plugged", device["data"]["size"], mib * MIB)


def all_is_mapped(vm, mib):
    """What is plugged is allocated and mapped, and nothing else."""
    info = vm.all_mapped()
    equal("bytes of the host", vm.resident(REGION), mib * MIB)
    result, faults = vm.command_and_faults("w")
    true("a pass touches all memory", result.pages >= (64 - 8 + mib) * MIB // PAGE)
    equal("faults", faults, 0)
    equal("bytes of the host", vm.resident(REGION), mib * MIB)
    return info


def plug_and_unplug(kind, options=""):
    with vm_with_device(kind=kind, options=options).ready() as vm:
        all_is_mapped(vm, 0)
        for mib in 16, 32, 8, 0:
            request(vm, mib)
            all_is_mapped(vm, mib)
            vm.qmp("map-memory-start")
            all_is_mapped(vm, mib)


def only_new_blocks():
    """The rest of memory is not looked at again."""
    with vm_with_device().ready() as vm:
        request(vm, 16)
        before = all_is_mapped(vm, 16)
        request(vm, 32)
        after = all_is_mapped(vm, 32)
        equal("mapped", after["mapped"] - before["mapped"], 16 * MIB)
        equal("present", after["present"], before["present"])


def plugged_while_mapping():
    with vm_with_device().ready() as vm:
        vm.settled()
        vm.qmp("map-memory-set-rate", rate=MIB)
        request(vm, 16)
        wait_until("blocks are being mapped", lambda: vm.resident(REGION))
        request(vm, 32)
        equal("status", vm.info()["status"], "active")
        vm.qmp("map-memory-set-rate", rate=0)
        all_is_mapped(vm, 32)


def unplugged_while_mapping(options=""):
    with vm_with_device(options=options).ready() as vm:
        before = vm.settled()
        vm.qmp("map-memory-set-rate", rate=MIB)
        request(vm, 16)
        wait_until("blocks are being mapped", lambda: vm.resident(REGION))
        request(vm, 0)
        vm.qmp("map-memory-set-rate", rate=0)
        after = all_is_mapped(vm, 0)
        true("a job was interrupted", after["interrupted"] > before["interrupted"])
        request(vm, 16)
        all_is_mapped(vm, 16)


def started_later():
    with vm_with_device("").ready() as vm:
        request(vm, 16)
        equal("status", vm.info()["status"], "none")
        equal("bytes of the host", vm.resident(REGION), 0)
        vm.qmp("map-memory-start")
        all_is_mapped(vm, 16)
        request(vm, 32)
        all_is_mapped(vm, 32)


def cancelled():
    """Blocks that are plugged meanwhile are mapped by the next start."""
    with vm_with_device().ready() as vm:
        request(vm, 16)
        vm.settled()
        vm.qmp("map-memory-cancel")
        request(vm, 32)
        equal("bytes of the host", vm.resident(REGION), 16 * MIB)
        vm.qmp("map-memory-start")
        all_is_mapped(vm, 32)


def migrated(options=""):
    uri = new_uri()
    with vm_with_device("", options=options).ready() as source, \
            vm_with_device(arguments=["-incoming", uri],
                           options=options) as destination:
        request(source, 16)
        source.command("f")
        source.full_speed()
        source.qmp("migrate", uri=uri)
        arrived(source, destination)
        destination.settled()
        equal("faults", destination.verified(), 0)
        all_is_mapped(destination, 16)
        request(destination, 32)
        all_is_mapped(destination, 32)
        request(destination, 8)
        all_is_mapped(destination, 8)


plan = Plan()
plan.test("blocks are plugged and unplugged", plug_and_unplug, "memory-backend-ram")
plan.test("no others are looked at", only_new_blocks)
plan.test("blocks are plugged while others are being mapped", plugged_while_mapping)
plan.test("blocks are unplugged while they are being mapped", unplugged_while_mapping)
plan.test("map-memory-start", started_later)
plan.test("blocks are plugged after map-memory-cancel", cancelled)
plan.test("migration", migrated)
plan.test("shared memory", plug_and_unplug, "memory-backend-file")
for what, test, arguments in (
        ("blocks are plugged and unplugged", plug_and_unplug, ["memory-backend-ram"]),
        ("blocks are unplugged while they are being mapped", unplugged_while_mapping, []),
        ("migration", migrated, [])):
    what = "a slot that comes and goes: " + what
    if device_has("virtio-mem-pci", "dynamic-memslots"):
        plan.test(what, test, *arguments, DYNAMIC)
    else:
        plan.skip(what, "this QEMU has no dynamic-memslots")
plan.end()
END
