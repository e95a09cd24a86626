# SPDX-License-Identifier: GPL-2.0
"""Guests far larger than the machine: each DIMM shows the same huge pages."""
import os
import tempfile

from qemu_vm import MIB, PAGE, Vm, true

PAGE_SIZES = {"2m": 2 * MIB, "1g": 1024 * MIB}
DIRECTORIES = {"2m": "/dev/hugepages", "1g": "/dev/hugepages1G"}
# ACPI has no more.
MAX_DIMMS = 256
# Of the guest's own RAM, in small pages.
BASE_MIB = 64


class HugePages:
    """A file of huge pages that are all there.  'with' gives them back."""

    def __init__(self, kind, size):
        self.kind = kind
        self.page_size = PAGE_SIZES[kind]
        self.size = size
        fd, self.path = tempfile.mkstemp(dir=DIRECTORIES[kind])
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError:
            os.unlink(self.path)
            raise
        finally:
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        os.unlink(self.path)

    def backend(self, number):
        """The properties of a DIMM's memory."""
        return {"id": "m%d" % number, "size": self.size, "mem-path": self.path,
                "share": True}

    def entries_of(self, vm):
        """How many entries of this size KVM's page tables have."""
        return vm.stat("pages_" + self.kind)


def guest_of_dimms(pages, dimms, accel="", stopped=True, free_slots=0):
    """A guest with so many of them, which does nothing before 'cont' if it is stopped."""
    slots = dimms + free_slots
    arguments = ["-S"] if stopped else []
    for number in range(dimms):
        properties = ",".join(
            "%s=%s" % (name, "on" if value is True else value)
            for name, value in pages.backend(number).items())
        arguments += ["-object", "memory-backend-file," + properties,
                      "-device", "pc-dimm,memdev=m%d" % number]
    return Vm(accel, "q35", "%dM,slots=%d,maxmem=%dM" % (
        BASE_MIB, slots, BASE_MIB + slots * pages.size // MIB), arguments)


def mapped_bytes(vm):
    """How much KVM's page tables map."""
    return sum(vm.stat("pages_" + kind) * size
               for kind, size in (("4k", PAGE), *PAGE_SIZES.items()))


def check_dimms_are_mapped(vm, pages, dimms):
    """In full, be it in entries of which size it may."""
    rest = mapped_bytes(vm) - dimms * pages.size
    # That is the guest's own RAM, and firmware.
    true("the rest: %d" % rest, (BASE_MIB - 1) * MIB < rest < (BASE_MIB + 2) * MIB)


def page_table_bytes():
    """Of all tables of KVM's in the machine."""
    # Each CPU keeps some of the count to itself until asked for it.
    with open("/proc/sys/vm/stat_refresh", "w", encoding="ascii") as file:
        file.write("1")
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("SecPageTables:"):
                return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no SecPageTables")
