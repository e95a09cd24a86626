#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# Migrations that fail while RAM is being mapped, and memory that is plugged meanwhile:
# no process, no VM and no guest that is half alive is left, and no RAM is missed.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
import signal

from qemu_vm import *


def vms():
    return [name for name in os.listdir("/sys/kernel/debug/kvm") if "-" in name]


def half_way(capabilities=()):
    """A migration in the middle, its RAM so far mapped at the destination."""
    source, destination, uri = pair("map-memory=on", "microvm", capabilities, "64M")
    source.ready().command("f")
    source.qmp("migrate-set-parameters", max_bandwidth=4 * MIB)
    source.qmp("migrate", uri=uri)
    wait_until("RAM is mapped as it arrives",
               lambda: destination.info()["mapped"] >= 8 * MIB)
    return source, destination


def destination_ends(destination):
    true("the destination fails", destination.process.wait(LIMIT) != 0)


def source_killed():
    source, destination = half_way()
    with source, destination:
        source.process.kill()
        destination_ends(destination)
    wait_until("no VM is left", lambda: not vms())


def destination_killed():
    source, destination = half_way()
    with source, destination:
        destination.process.kill()
        equal("migration", source.migrated()["status"], "failed")
        source.verified()
    wait_until("no VM is left", lambda: not vms())


def cancelled_at_source():
    source, destination = half_way()
    with source, destination:
        source.qmp("migrate_cancel")
        equal("migration", source.migrated()["status"], "cancelled")
        destination_ends(destination)
        source.verified()


def second_try():
    """The source goes to another destination after the first one is gone."""
    source, first = half_way()
    with source, first:
        first.process.kill()
        source.migrated()
        uri = new_uri()
        with Vm("map-memory=on", "microvm", "64M",
                ["-incoming", uri]) as second:
            source.full_speed()
            source.qmp("migrate", uri=uri)
            arrived(source, second)
            second.settled()
            equal("faults", second.verified(), 0)


def mapping_cancelled():
    """The migration goes on without."""
    source, destination = half_way()
    with source, destination:
        destination.qmp("map-memory-cancel")
        source.full_speed()
        arrived(source, destination)
        equal("status", destination.info()["status"], "cancelled")
        destination.verified()


def stopped():
    """The destination is stopped for a moment, then the source."""
    source, destination = half_way()
    with source, destination:
        for vm in destination, source:
            vm.process.send_signal(signal.SIGSTOP)
            time.sleep(0.5)
            vm.process.send_signal(signal.SIGCONT)
        source.full_speed()
        arrived(source, destination)
        destination.settled()
        equal("faults", destination.verified(), 0)


def plug(rate):
    """A DIMM, when all is mapped, or while RAM is being mapped."""
    accel = "map-memory=on" + (",map-memory-rate=1M" if rate else "")
    with Vm(accel, "q35", "64M,slots=2,maxmem=512M").ready() as vm:
        if rate:
            wait_until("a job runs", lambda: vm.info()["status"] == "active")
        else:
            vm.settled()
        before = vm.info()
        vm.plug(128 * MIB)
        vm.qmp("map-memory-set-rate", rate=0)
        info = vm.all_mapped()
        if rate:
            true("the DIMM is mapped: %s" % info, info["mapped"] >= 128 * MIB)
        else:
            # The rest is not looked at again.
            equal("mapped", info["mapped"] - before["mapped"], 128 * MIB)
            equal("present", info["present"], before["present"])
        equal("faults", vm.command_and_faults("w")[1], 0)


plan = Plan()
plan.test("the source is killed", source_killed)
plan.test("the destination is killed", destination_killed)
plan.test("the source cancels", cancelled_at_source)
plan.test("the source migrates again", second_try)
plan.test("map-memory-cancel in a migration", mapping_cancelled)
plan.test("both are stopped for a moment", stopped)
plan.test("a DIMM is plugged", plug, False)
plan.test("a DIMM is plugged while RAM is being mapped", plug, True)
wait_until("no VM is left", lambda: not vms())
plan.end()
END
