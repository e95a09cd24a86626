#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G --hugepages-2m 40
# test-timeout: 600
# A guest that is booted with map-memory=on takes no stage-2 fault on its RAM, on each
# machine and with each firmware, and above 4 GiB; without it, it does.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *


def pages_of(mib):
    """What a pass has at least, in a machine with so much memory."""
    return (mib - 8) * MIB // PAGE


def off(machine):
    with Vm(machine=machine).ready() as vm:
        result, faults = vm.command_and_faults("w")
        true("a pass touches all memory", result.pages >= pages_of(64))
        true("faults without mapping: %d" % faults, faults >= result.pages * 9 // 10)
        equal("status", vm.info()["status"], "none")


def on(machine, accel="", memory="64M", arguments=()):
    with Vm("map-memory=on" + accel, machine, memory, arguments).ready() as vm:
        equal("path", vm.all_mapped()["path"], "uring")
        result, faults = vm.command_and_faults("w")
        true("a pass touches all memory", result.pages >= pages_of(64))
        equal("faults", faults, 0)
        equal("errors", vm.errors(), "")


def waits(machine):
    """Nothing of the firmware's boot is left to chance: the first job has ended."""
    with Vm("map-memory=on,map-memory-wait=on", machine).ready() as vm:
        true("jobs", vm.info()["jobs"] >= 1)
        vm.settled()
        equal("faults", vm.command_and_faults("w")[1], 0)


def above_4g():
    on("q35", "", "128M", ["-machine", "max-ram-below-4g=64M"])


def two_nodes():
    arguments = []
    for node in 0, 1:
        arguments += ["-object", "memory-backend-ram,id=m%d,size=32M" % node,
                      "-numa", "node,memdev=m%d" % node]
    on("q35", arguments=arguments)


def background():
    """Threads have the policy only while they map: one is caught at that."""
    with Vm("map-memory=on,map-memory-background=on", memory="256M").ready() as vm:
        def caught():
            if vm.info()["status"] == "completed":
                vm.qmp("map-memory-start")
            return os.SCHED_IDLE in vm.policies()

        wait_until("a thread has the policy SCHED_IDLE", caught)
        vm.all_mapped()
        equal("policies", vm.policies(), {os.SCHED_OTHER})
        equal("faults", vm.command_and_faults("w")[1], 0)


def transparent_huge_pages():
    huge_pages("always")
    on("microvm")
    huge_pages("never")


def backend(kind, options):
    on("microvm", "", "64M", ["-object", "%s,id=ram,size=64M%s" % (kind, options),
                              "-machine", "memory-backend=ram"])


plan = Plan()
for machine in MACHINES:
    plan.test("%s: faults without mapping" % machine, off, machine)
    plan.test("%s: none with it" % machine, on, machine)
    plan.test("%s: the guest waits" % machine, waits, machine)
plan.test("a rate", on, "microvm", ",map-memory-rate=200M")
plan.test("a thread context", on, "microvm", ",map-memory-context=tc", "64M",
          ["-object", "thread-context,id=tc,cpu-affinity=1"])
plan.test("in the background", background)
plan.test("RAM above 4 GiB", above_4g)
plan.test("two NUMA nodes", two_nodes)
plan.test("transparent huge pages", transparent_huge_pages)
for kind, options in (
        ("memory-backend-ram", ""), ("memory-backend-ram", ",prealloc=on"),
        ("memory-backend-memfd", ""), ("memory-backend-memfd", ",hugetlb=on"),
        ("memory-backend-file", ",mem-path=/dev/shm/ram,share=on"),
        ("memory-backend-file", ",mem-path=/dev/shm/ram,share=off")):
    plan.test(kind + options, backend, kind, options)
plan.end()
END
