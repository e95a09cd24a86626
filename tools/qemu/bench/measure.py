# SPDX-License-Identifier: GPL-2.0
"""Measure the patched QEMU, in the test machine.

usage: measure.py --json FILE MIB SCENARIO...

MIB is the size of the guest, with 'terabyte' that of the largest one.  Times are seconds
of the machine's clock; a fault is a stage-2 fault of the vCPU.  The guest is that of
tools/qemu/guest.
"""
import argparse
import fcntl
import json
import os
import select
import tempfile
import time

from aliased import (MAX_DIMMS, PAGE_SIZES, HugePages, check_dimms_are_mapped,
                     guest_of_dimms, page_table_bytes)
import qemu_vm
from qemu_vm import (LIMIT, MIB, MIGRATIONS, Failure, Vm, equal, huge_pages, pair, save,
                     set_of, wait_until)

KVM_CREATE_VM = 0xae01
KVM_CREATE_VCPU = 0xae41

MEMORIES = {"4k": "never", "thp": "always"}
PREALLOC = ("-object", "memory-backend-ram,id=ram,size=%dM,prealloc=on",
            "-machine", "memory-backend=ram")
# The options, and the path that is expected.
BOOTS = {
    "nothing": ("", (), None),
    "prealloc": ("", PREALLOC, None),
    "beside the guest": ("map-memory=on", (), "uring"),
    "before the guest": ("map-memory=on,map-memory-wait=on", (), "uring"),
}
# With the distribution's modules: what can be done without KVM_MAP_MEMORY.
STOCK_BOOTS = {
    "nothing": BOOTS["nothing"],
    "prealloc": BOOTS["prealloc"],
    "prealloc, pre-fault": ("map-memory=fallback,map-memory-wait=on", PREALLOC,
                            "pre-fault"),
}
TOUCHES = {"touches all": "w", "touches 1/16": "s"}
WORKLOADS = {"reads": "r", "writes": "c"}
# In milliseconds.
DOWNTIME_LIMIT = 20000
WARM_UPS = {"off": "", "on": "map-memory=on"}
MIGRATION_LIMIT = 60
# Of the guest's memory; the rest of it is never used after the restore.
SET_SHARE = 2
# Guests of 'terabyte' are the largest one, divided by these.
DIVISORS = (64, 16, 4, 1)
# Between two looks at the progress.
LOOK_SECONDS = 0.1
# What is cancelled takes minutes, and is cancelled when a small part of it is done.
CANCELLED_SECONDS = 512
CANCELLED_PART = 64
# Lines of the guest that belong to no curve are longer.
SAMPLE_LENGTH = 3


class Curve:
    """The samples that a guest writes, also of one that migrates."""

    def __init__(self, *vms):
        self.vms = vms
        self.samples = []
        self.last = time.monotonic()
        self.moved = False

    def move(self, source, destination):
        """The guest may have been stopped in the middle of a line."""
        self.moved = True
        while source.serial.arrives(0) and self.take(source):
            pass
        destination.serial.rest = source.serial.rest
        source.serial.rest = b""

    def read(self, seconds):
        """For about that time."""
        end = time.monotonic() + seconds
        socks = {vm.serial.sock: vm for vm in self.vms}
        while (left := end - time.monotonic()) > 0:
            for sock in select.select(list(socks), [], [], left)[0]:
                # The source may have been read to its end meanwhile.
                if socks[sock].serial.arrives(0) and not self.take(socks[sock]):
                    # QEMU has ended, as the source of a migration does.
                    del socks[sock]

    def take(self, vm):
        if vm is not self.vms[0] and not self.moved:
            self.move(self.vms[0], vm)
        data = vm.serial.sock.recv(65536)
        vm.serial.rest += data
        now = time.monotonic()
        *lines, vm.serial.rest = vm.serial.rest.split(b"\n")
        for line in lines:
            if len(line) != SAMPLE_LENGTH:
                raise Failure("no sample: %s" % line)
            pages = 0
            for digit in line:
                pages = pages << 6 | digit - ord("0")
            self.samples.append((now, now - self.last, pages, vm))
            self.last = now
        return bool(data)

    def read_until(self, what, condition):
        """Until the condition, a function, holds."""
        def again():
            self.read(0.02)
            return condition()
        return wait_until(what, again)

    def longest(self, begin):
        """The longest time between two samples, of those that end after 'begin'."""
        return max(length for end, length, _, _ in self.samples if end >= begin)

    def pages(self, vm):
        return sum(pages for _, _, pages, of in self.samples if of is vm)

    def rates(self, zero):
        """Seconds after 'zero', and pages a second until then."""
        return [(round(end - zero, 4), round(pages / length))
                for end, length, pages, _ in self.samples if length > 0]


def boot(size, memory, guest, options):
    huge_pages(MEMORIES[memory])
    accel, arguments, path = options
    begin = time.monotonic()
    with Vm(accel, "microvm", "%dM" % size,
            [word % size if "%d" in word else word for word in arguments]) as vm:
        vm.ready()
        first = time.monotonic()
        result = vm.command(TOUCHES[guest])
        end = time.monotonic()
        if path:
            equal("path", vm.info()["path"], path)
        return {
            "faults": vm.faults(),
            "first_instruction_seconds": first - begin,
            "touched_seconds": end - begin,
            "longest_gap_seconds": result.longest / result.ticks * (end - first),
        }


def switched(curve, source, destination, kind):
    """Runs a migration to the moment when the destination runs."""
    if kind == "postcopy":
        source.qmp("migrate-start-postcopy")
    curve.read_until("the guest runs at the destination", lambda: destination.qmp(
        "query-status")["status"] == "running")
    return time.monotonic()


def ended(curve, source):
    curve.read_until("the migration ends", lambda: source.qmp(
        "query-migrate")["status"] in ("completed", "failed"))
    info = source.qmp("query-migrate")
    if info["status"] != "completed":
        raise Failure("the migration fails")
    return info


def ram(source, name):
    """A figure of its outgoing migration."""
    return source.qmp("query-migrate").get("ram", {}).get(name, 0)


def first_faults(curve, destination, switch, pages):
    """Within a second, and until the guest has been through all of its memory."""
    found = {}

    def both():
        seconds = time.monotonic() - switch
        if "first_second_faults" not in found and seconds >= 1:
            found["first_second_faults"] = destination.faults()
        if "first_pass_faults" not in found and curve.pages(destination) >= pages:
            found["first_pass_faults"] = destination.faults()
            found["first_pass_seconds"] = seconds
        return len(found) == 3

    curve.read_until("the guest has been through all of its memory", both)
    return found


def migration(size, memory, kind, workload, warm_up):
    huge_pages(MEMORIES[memory])
    source, destination, uri = pair(WARM_UPS[warm_up], "q35", MIGRATIONS[kind],
                                    "%dM" % size)
    with source.ready(), destination:
        pages = source.command("f").pages
        source.send(WORKLOADS[workload])
        curve = Curve(source, destination)
        curve.read(2)
        begin = time.monotonic()
        source.qmp("migrate", uri=uri)
        if kind == "postcopy":
            wait_until("RAM is sent", lambda: ram(source, "transferred") > 0)
        elif workload == "writes":
            # All of its memory is dirty again then: by a limit that depends on how fast
            # the machine is it would go on, or would not.
            curve.read_until("RAM was sent once",
                             lambda: ram(source, "dirty-sync-count") > 1)
            source.qmp("migrate-set-parameters", downtime_limit=DOWNTIME_LIMIT)
        switch = switched(curve, source, destination, kind)
        faults = first_faults(curve, destination, switch, pages)
        info = ended(curve, source)
        curve.read(max(0, switch + 3 - time.monotonic()))
        return {
            "downtime_seconds": info["downtime"] / 1000,
            "total_seconds": info["total-time"] / 1000,
            **faults,
            "longest_gap_seconds": curve.longest(begin),
            "curve": curve.rates(switch),
        }


def restore(size, memory, mode, state):
    huge_pages(MEMORIES[memory])
    accel = {"nothing": "", "all": "map-memory=on",
             "the set first": "map-memory=on,map-memory-working-set=" + state +
             ".set"}[mode]
    begin = time.monotonic()
    with Vm(accel, "microvm", "%dM" % size, ["-incoming", "exec:cat " + state]) as vm:
        vm.running()
        running = time.monotonic()
        result, faults = vm.command_and_faults("m")
        end = time.monotonic()
        return {
            "faults": faults,
            "running_seconds": running - begin,
            "set_touched_seconds": end - begin,
            "longest_gap_seconds": result.longest / result.ticks * (end - running),
        }


def boots(size, modes=None):
    # The first one has to read QEMU's files.
    boot(size, "4k", "touches all", BOOTS["nothing"])
    for memory in MEMORIES:
        for guest in TOUCHES:
            for mode, options in (modes or BOOTS).items():
                yield ({"memory": memory, "guest": guest, "mode": mode},
                       boot(size, memory, guest, options))


def stock_boots(size):
    yield from boots(size, STOCK_BOOTS)


def migrations(size):
    # One of them takes some ten seconds; a machine that stands still is noticed soon.
    qemu_vm.LIMIT = MIGRATION_LIMIT
    for memory in MEMORIES:
        for kind in MIGRATIONS:
            for workload in WORKLOADS:
                for warm_up in WARM_UPS:
                    key = {"memory": memory, "kind": kind, "guest": workload,
                           "mode": warm_up}
                    if not any(key.items() <= entry.items() for entry in MEASURED):
                        yield key, migration(size, memory, kind, workload, warm_up)


def restores(size):
    state = tempfile.mkdtemp() + "/state"
    save(state, memory="%dM" % size)
    with open(state + ".set", "w", encoding="ascii") as file:
        file.write(set_of((0, size * MIB // SET_SHARE)))
    for memory in MEMORIES:
        for mode in "nothing", "all", "the set first":
            yield ({"memory": memory, "mode": mode},
                   restore(size, memory, mode, state))


class Progress:
    """Of a guest whose memory is being mapped; it must not go back."""

    def __init__(self, vm):
        self.vm = vm
        self.done = 0
        self.last = time.monotonic()
        self.longest = 0
        vm.qmp("map-memory-start")

    def look(self):
        """Whether there is more to come."""
        info = self.vm.info()
        now, done = time.monotonic(), info["mapped"] + info["present"]
        if done < self.done:
            raise Failure("progress: %d after %d" % (done, self.done))
        if done > self.done:
            self.longest = max(self.longest, now - self.last)
            self.done, self.last = done, now
        return info["status"] == "active"


def completed(vm, status="completed"):
    info = vm.qmp.event("MAP_MEMORY_COMPLETED")["info"]
    equal("status", info["status"], status)


def quit_seconds(vms):
    begin = time.monotonic()
    for vm in vms:
        vm.qmp("quit")
    for vm in vms:
        equal("exit status", vm.process.wait(LIMIT), 0)
    return time.monotonic() - begin


def mapped_to_end(vms, pages, dimms):
    """All memory of these guests, at the same time."""
    tables, begin = page_table_bytes(), time.monotonic()
    running = [Progress(vm) for vm in vms]
    longest = 0
    while running:
        # An event ends the wait.
        select.select([progress.vm.qmp.sock for progress in running], [], [],
                      LOOK_SECONDS)
        for progress in list(running):
            if not progress.look():
                running.remove(progress)
                longest = max(longest, progress.longest)
                completed(progress.vm)
    seconds, tables = time.monotonic() - begin, page_table_bytes() - tables
    for vm in vms:
        check_dimms_are_mapped(vm, pages, dimms)
    huge = sum(pages.entries_of(vm) for vm in vms)
    return {
        "completed_seconds": seconds,
        "longest_standstill_seconds": longest,
        "huge_entries": huge,
        "huge_pages_in_small_entries":
            len(vms) * dimms * pages.size // pages.page_size - huge,
        "page_tables_kib": tables // 1024,
        "quit_seconds": quit_seconds(vms),
    }


def mapped_in_part(vm, pages, dimms):
    """Until it is cancelled; the figures are those of what was done."""
    size, tables = dimms * pages.size, page_table_bytes()
    vm.qmp("map-memory-set-rate", rate=size // CANCELLED_SECONDS)
    progress = Progress(vm)
    wait_until("a part is mapped", lambda: progress.look() and
               progress.done >= size // CANCELLED_PART)
    begin = time.monotonic()
    vm.qmp("map-memory-cancel")
    completed(vm, "cancelled")
    return {
        "cancelled_seconds": time.monotonic() - begin,
        "huge_entries": pages.entries_of(vm),
        "page_tables_kib": (page_table_bytes() - tables) // 1024,
        "quit_seconds": quit_seconds([vm]),
    }


def of_size(pages, dimms, largest):
    """The measurements of guests of one size."""
    with guest_of_dimms(pages, dimms) as vm:
        yield "one guest", mapped_to_end([vm], pages, dimms)
    with guest_of_dimms(pages, dimms) as vm, guest_of_dimms(pages, dimms) as other:
        yield "two guests", mapped_to_end([vm, other], pages, dimms)
    if largest:
        # Others end too soon.
        with guest_of_dimms(pages, dimms) as vm:
            yield "cancelled", mapped_in_part(vm, pages, dimms)


def terabytes(size):
    huge_pages("never")
    for memory, page_size in PAGE_SIZES.items():
        dimm = max(size * MIB // MAX_DIMMS, page_size)
        with HugePages(memory, dimm) as pages:
            for divisor in DIVISORS:
                if size * MIB % (divisor * dimm):
                    continue
                dimms = size * MIB // divisor // dimm
                for mode, figures in of_size(pages, dimms, divisor == 1):
                    yield ({"memory": memory, "gib": "%g" % (size / divisor / 1024),
                            "mode": mode}, figures)


# Also by an earlier attempt at the same round, whose machine has died.
MEASURED = []
SCENARIOS = {"boot": boots, "boot-stock": stock_boots, "migration": migrations,
             "restore": restores, "terabyte": terabytes}


def keep_kvm_in_use():
    """
    The first VM with a vCPU makes KVM patch the kernel's code, and so does the end of
    the last one, which emulators have been seen to miss: this one stays.
    """
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
    return vm, fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", required=True)
    parser.add_argument("mib", type=int)
    parser.add_argument("scenarios", nargs="+", choices=SCENARIOS)
    arguments = parser.parse_args()
    if arguments.scenarios == ["migration"] and os.path.exists(arguments.json):
        with open(arguments.json, encoding="utf-8") as file:
            MEASURED.extend(json.load(file)["entries"])
    keep_kvm_in_use()
    for name in arguments.scenarios:
        for key, figures in SCENARIOS[name](arguments.mib):
            MEASURED.append({"scenario": name, **key, **figures})
            print(name, *key.values(), flush=True)
            # For the next attempt, if this machine dies.
            with open(arguments.json + ".new", "w", encoding="utf-8") as file:
                json.dump({"guest_mib": arguments.mib, "entries": MEASURED}, file)
                file.flush()
                os.fsync(file.fileno())
            os.rename(arguments.json + ".new", arguments.json)


main()
