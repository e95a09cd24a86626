#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# In a postcopy migration pages are mapped as they arrive; none is requested from the
# source because of that.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *


def postcopy(machine, memory, accel, command):
    """The switch is made at once: most pages arrive after it."""
    source, destination, uri = pair(accel, machine, ("postcopy-ram",), memory)
    with source.ready(), destination:
        source.command("f")
        source.qmp("migrate-set-parameters", max_bandwidth=4 * MIB)
        if command:
            source.send(command)
        source.qmp("migrate", uri=uri)
        wait_until("RAM is sent", lambda: source.qmp(
            "query-migrate").get("ram", {}).get("transferred", 0) > MIB)
        source.qmp("migrate-start-postcopy")
        destination.running()
        source.qmp("migrate-set-parameters", max_postcopy_bandwidth=0)
        status = source.migrated()
        equal("migration", status["status"], "completed")
        yield source, destination, status


def idle(machine):
    for _, destination, status in postcopy(machine, "32M", "map-memory=on", ""):
        info = destination.settled()
        equal("status", info["status"], "completed")
        equal("failed", info["failed"], 0)
        requests = status["ram"]["postcopy-requests"]
        true("pages requested: %d" % requests, requests < 256)
        equal("faults", destination.verified(), 0)


def load():
    """The guest goes through its memory, and waits for pages."""
    for _, destination, status in postcopy("q35", "32M", "map-memory=on", "l"):
        true("pages requested", status["ram"]["postcopy-requests"] > 0)
        load_verified(destination)
        equal("status", destination.settled()["status"], "completed")


plan = Plan()
for machine in "microvm", "q35":
    plan.test("%s: pages are mapped as they arrive" % machine, idle, machine)
plan.test("a guest that waits for pages", load)
plan.end()
END
