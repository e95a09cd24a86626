#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 4G --hugepages-2m 128 --hugepages-1g 1 --cpu phys-bits=46
# test-timeout: 600
# Guests far larger than the machine, whose DIMMs all show the same huge pages: every byte
# is mapped, with entries as large as the pages, also with as many DIMMs as there can be;
# the progress adds up at every look, and a job ends in its middle when it is told to.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from aliased import *
from qemu_vm import *

GIB = 1024 * MIB
# Where their number does not matter.
DIMMS = 16
SIZES = {"2m": 256 * MIB, "1g": GIB}
# Of bytes a second: for so many the job takes minutes.
SLOW = {"2m": 20 * MIB, "1g": 256 * MIB}
# With this one even a huge page takes an hour.
STOPPED = 1


def done(info):
    return info["mapped"] + info["present"]


def completed(vm):
    return vm.qmp.event("MAP_MEMORY_COMPLETED")["info"]


def all_mapped(vm, pages, dimms, info):
    """All is, in huge pages what can be, and the figures say so."""
    equal("status", info["status"], "completed")
    equal("left", info["remaining"], 0)
    equal("failed and skipped", (info["failed"], info["skipped"]), (0, 0))
    equal("huge entries", pages.entries_of(vm), dimms * pages.size // pages.page_size)
    for kind in PAGE_SIZES:
        if kind != pages.kind:
            equal("entries of " + kind, vm.stat("pages_" + kind), 0)
    equal("faults", vm.faults(), 0)
    check_dimms_are_mapped(vm, pages, dimms)


def whole(pages):
    with guest_of_dimms(pages, MAX_DIMMS) as vm:
        vm.qmp("map-memory-start")
        info = completed(vm)
        all_mapped(vm, pages, MAX_DIMMS, info)
        equal("bytes that are mapped, and those that the entries map", info["mapped"],
              mapped_bytes(vm))
        equal("the figures and the event's", vm.info(), info)
        equal("jobs", info["jobs"], 1)
        equal("errors", vm.errors(), "")


def runs(pages):
    """Beside the firmware, which changes slots."""
    with guest_of_dimms(pages, DIMMS, "map-memory=on", stopped=False) as vm:
        vm.ready()
        info = vm.settled()
        faults = vm.command_and_faults("w")[1]
        equal("faults", faults, 0)
        equal("status", info["status"], "completed")
        equal("huge entries", pages.entries_of(vm),
              DIMMS * pages.size // pages.page_size)
        equal("errors", vm.errors(), "")


def start_slowly(vm, pages):
    """Returns the first figures that tell of a whole DIMM."""
    vm.qmp("map-memory-set-rate", rate=SLOW[pages.kind])
    vm.qmp("map-memory-start")
    return wait_until("some is mapped", vm.info,
                      lambda info: done(info) > (BASE_MIB + 8) * MIB)


def progress(pages):
    """Each look has the same sum, and no step back from the one before."""
    with guest_of_dimms(pages, DIMMS) as vm:
        info = start_slowly(vm, pages)
        total = done(info) + info["remaining"]
        equal("status", info["status"], "active")
        steps = [done(info)]
        for rate in SLOW[pages.kind] * 10, 0:
            vm.qmp("map-memory-set-rate", rate=rate)
            wanted = steps[-1] + GIB // 2
            while info["remaining"] and (not rate or done(info) < wanted):
                info = vm.info()
                equal("bytes that are done and left", done(info) + info["remaining"],
                      total)
                true("progress: %d after %d" % (done(info), steps[-1]),
                     done(info) >= steps[-1])
                steps.append(done(info))
        all_mapped(vm, pages, DIMMS, completed(vm))
        equal("all that was to do", total, mapped_bytes(vm))
        true("looks in the middle: %s" % steps, len(set(steps)) > 2)


def stopped_in_the_middle(vm, pages):
    """The job still runs, but gets no further."""
    start_slowly(vm, pages)
    vm.qmp("map-memory-set-rate", rate=STOPPED)


def cancel(pages):
    """What was done stays, and a second job does the rest."""
    with guest_of_dimms(pages, DIMMS) as vm:
        stopped_in_the_middle(vm, pages)
        vm.qmp("map-memory-cancel")
        first = completed(vm)
        equal("status", first["status"], "cancelled")
        mapped, huge = mapped_bytes(vm), pages.entries_of(vm)
        true("in the middle: %d entries" % huge,
             0 < huge < DIMMS * pages.size // pages.page_size)
        true("all that was done is mapped", done(first) <= mapped)
        equal("a second look", vm.info(), first)
        equal("threads of the job", vm.threads_of_jobs(), [])
        vm.qmp("map-memory-set-rate", rate=0)
        vm.qmp("map-memory-start")
        info = completed(vm)
        all_mapped(vm, pages, DIMMS, info)
        equal("jobs", info["jobs"], 2)
        equal("bytes of the second job", done(info) - done(first), mapped_bytes(vm))


def quits(pages):
    """In the middle; no VM is left."""
    with guest_of_dimms(pages, DIMMS) as vm:
        stopped_in_the_middle(vm, pages)
        vm.qmp("quit")
        equal("exit status", vm.process.wait(LIMIT), 0)
        wait_until("no VM is left", lambda: not glob.glob(
            "/sys/kernel/debug/kvm/%d-*" % vm.process.pid))
        equal("errors", vm.errors(), "")


def two(pages):
    with guest_of_dimms(pages, DIMMS) as one, \
            guest_of_dimms(pages, DIMMS) as other:
        for vm in one, other:
            start_slowly(vm, pages)
        for vm in one, other:
            equal("status", vm.info()["status"], "active")
        for vm in one, other:
            vm.qmp("map-memory-set-rate", rate=0)
        for vm in one, other:
            all_mapped(vm, pages, DIMMS, completed(vm))


def plug(pages):
    """A DIMM more; what was mapped before is not looked at."""
    dimms = DIMMS - 1
    with guest_of_dimms(pages, dimms, "map-memory=on", free_slots=1) as vm:
        before = vm.settled()
        vm.qmp("object-add", qom_type="memory-backend-file", **pages.backend(dimms))
        vm.qmp("device_add", driver="pc-dimm", memdev="m%d" % dimms)
        info = wait_until("the DIMM is mapped", vm.settled,
                          lambda info: info["jobs"] > before["jobs"])
        all_mapped(vm, pages, DIMMS, info)
        equal("bytes that are done", done(info) - done(before), pages.size)


plan = Plan()
for kind, size in SIZES.items():
    with HugePages(kind, size) as pages:
        plan.test("%d GiB in pages of %s" % (MAX_DIMMS * size // GIB, kind),
                  whole, pages)
        what = "%d GiB in pages of %s: " % (DIMMS * size // GIB, kind)
        for name, test in (
                ("the progress", progress), ("cancel", cancel), ("quit", quits),
                ("two guests at once", two), ("the guest runs", runs),
                ("one DIMM more", plug)):
            plan.test(what + name, test, pages)
plan.end()
END
