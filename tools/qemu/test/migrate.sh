#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# The destination of a migration has mapped what arrives: the guest takes no stage-2
# fault there on memory that it had before, and finds every word as it was.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *


def migrate(source, destination, uri):
    source.qmp("migrate", uri=uri)
    arrived(source, destination)


def idle(machine, accel="map-memory=on", capabilities=(), faultless=True):
    source, destination, uri = pair(accel, machine, capabilities)
    with source.ready(), destination:
        source.command("f")
        migrate(source, destination, uri)
        if faultless:
            destination.settled()
        result, faults = destination.command_and_faults("v")
        equal("words that are wrong", result.wrong, 0)
        if faultless:
            equal("faults", faults, 0)
            equal("status", destination.info()["status"], "completed")
        else:
            true("faults without mapping: %d" % faults,
                 faults >= result.pages * 9 // 10)
        equal("errors", destination.errors(), "")


def arrives():
    """Before the end, RAM that has arrived is mapped, and is found mapped later."""
    source, destination, uri = pair("map-memory=on", "microvm", memory="96M")
    with source.ready(), destination:
        source.command("f")
        source.qmp("migrate-set-parameters", max_bandwidth=8 * MIB)
        source.qmp("migrate", uri=uri)
        wait_until("RAM is mapped as it arrives",
                   lambda: destination.info()["mapped"] >= 24 * MIB)
        equal("run state", destination.qmp("query-status")["status"], "inmigrate")
        source.full_speed()
        arrived(source, destination)
        info = destination.settled()
        true("found mapped at the end: %d" % info["present"],
             info["present"] >= 24 * MIB)
        destination.verified()


def untouched():
    """What the source never had is not allocated."""
    source, destination, uri = pair("map-memory=on", "microvm", memory="128M")
    with source.ready(), destination:
        migrate(source, destination, uri)
        info = destination.settled()
        true("mapped: %d" % info["mapped"], info["mapped"] < 32 * MIB)
        true("skipped: %d" % info["skipped"], info["skipped"] > 96 * MIB)


def load(machine, capabilities=()):
    """The guest writes meanwhile, and checks what it wrote."""
    source, destination, uri = pair("map-memory=on", machine, capabilities)
    with source.ready(), destination:
        source.command("f")
        source.send("l")
        source.qmp("migrate-set-parameters", downtime_limit=2000)
        migrate(source, destination, uri)
        load_verified(destination)


plan = Plan()
plan.test("faults without mapping", idle, "microvm", "", (), False)
for machine in MACHINES:
    plan.test("%s: none with it" % machine, idle, machine)
    plan.test("%s: the guest waits" % machine, idle, machine,
              "map-memory=on,map-memory-wait=on")
plan.test("multifd", idle, "q35", "map-memory=on", ("multifd",))
plan.test("RAM is mapped as it arrives", arrives)
plan.test("RAM that was never touched is left alone", untouched)
for machine in MACHINES:
    plan.test("%s: a guest that writes" % machine, load, machine)
plan.test("a guest that writes, multifd", load, "q35", ("multifd",))
plan.end()
END
