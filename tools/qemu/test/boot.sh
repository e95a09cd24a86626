#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G --hugepages-2m 40
# test-timeout: 600
# A guest that is booted with map-memory=on takes no stage-2 fault on its RAM, on each
# machine and with each firmware, and above 4 GiB; without it, it does.  KVM gets its
# jobs as they were asked for.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

TRACING = "/sys/kernel/tracing"
JOBS = TRACING + "/instances/qemu-boot"
# See <linux/kvm_map_memory.h>.
KVM_MAP_MEMORY_BACKGROUND = 1 << 2


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


def flags_of_jobs(vm):
    """Of all jobs that KVM has been given for the VM."""
    with open(JOBS + "/trace") as file:
        return [int(flags, 16) for flags in re.findall(
            r"kvm_map_memory_submit: .* vm %d .* flags 0x(\w+)" % vm.process.pid,
            file.read())]


def background(value):
    """A thread has another policy only while it maps, but a trace has every job."""
    if not os.path.ismount(TRACING):
        subprocess.run(["mount", "-t", "tracefs", "none", TRACING], check=True)
    os.mkdir(JOBS)
    try:
        with open(JOBS + "/events/kvmmmu/kvm_map_memory_submit/enable", "w") as file:
            file.write("1")
        with Vm("map-memory=on,map-memory-background=" + value).ready() as vm:
            vm.all_mapped()
            equal("faults", vm.command_and_faults("w")[1], 0)
            flags = flags_of_jobs(vm)
            true("KVM has been given jobs", flags)
            equal("in the background", {bool(f & KVM_MAP_MEMORY_BACKGROUND)
                                        for f in flags}, {value == "on"})
    finally:
        os.rmdir(JOBS)


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
for value in "on", "off":
    plan.test("map-memory-background=" + value, background, value)
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
