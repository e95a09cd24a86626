#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# A DIMM that the guest ejects, at any time: the rest stays mapped or is mapped, nothing
# is told as an error, and another DIMM in its place is mapped in full.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

DIMM = 128 * MIB


def vm_with_slots():
    vm = Vm("map-memory=on", "q35", "64M,slots=2,maxmem=512M").ready()
    vm.settled()
    return vm


def is_gone(vm):
    """The DIMM, and after that its memory, which a job may have been about to map."""
    vm.qmp.event("DEVICE_DELETED")
    vm.qmp("object-del", id="m1")
    equal("DIMMs", vm.qmp("query-memory-devices"), [])


def rest_is_mapped(vm):
    info = vm.all_mapped()
    equal("faults", vm.command_and_faults("w")[1], 0)
    return info


def eject(vm):
    vm.qmp("device_del", id="d1")
    equal("command", vm.command("e").command, "e")
    is_gone(vm)


def mapped():
    with vm_with_slots() as vm:
        vm.plug(DIMM)
        before = vm.settled()
        equal("bytes of the DIMM", vm.resident(DIMM), DIMM)
        eject(vm)
        after = rest_is_mapped(vm)
        equal("jobs", after["jobs"], before["jobs"])


def being_mapped():
    with vm_with_slots() as vm:
        vm.qmp("map-memory-set-rate", rate=MIB)
        before = vm.info()
        vm.plug(DIMM)
        wait_until("the DIMM is being mapped", lambda: vm.resident(DIMM))
        equal("status", vm.info()["status"], "active")
        eject(vm)
        vm.qmp("map-memory-set-rate", rate=0)
        after = rest_is_mapped(vm)
        equal("jobs interrupted", after["interrupted"], before["interrupted"] + 1)
        true("the DIMM was in the middle", after["mapped"] - before["mapped"] < DIMM)


def at_once():
    """Mostly before the slots have settled, so before there is a job for the DIMM."""
    with vm_with_slots() as vm:
        vm.send("e")
        vm.plug(DIMM)
        equal("command", vm.result().command, "e")
        is_gone(vm)
        rest_is_mapped(vm)


def another():
    """It may get the address of the first one in the host."""
    with vm_with_slots() as vm:
        vm.plug(DIMM)
        vm.settled()
        eject(vm)
        vm.plug(DIMM)
        rest_is_mapped(vm)
        equal("bytes of the DIMM", vm.resident(DIMM), DIMM)


plan = Plan()
plan.test("a DIMM that is mapped", mapped)
plan.test("one that is being mapped", being_mapped)
plan.test("one that has just been plugged", at_once)
plan.test("another one is plugged afterwards", another)
plan.end()
END
