#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# The QMP commands that start, limit and cancel the mapping, the event at its end, and
# what they say when they cannot.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

# Of the job that is to be found in its middle; no test waits for its end.
SLOW = "map-memory=on,map-memory-rate=1M"


def wrong(vm, expected, command, **arguments):
    reply = vm.qmp.try_(command, **arguments)
    true("'%s' says '%s': %s" % (command, expected, reply),
         expected in reply.get("error", {}).get("desc", ""))


def start_when_off():
    with Vm().ready() as vm:
        equal("status", vm.info()["status"], "none")
        vm.qmp("map-memory-start")
        event = vm.qmp.event("MAP_MEMORY_COMPLETED")["info"]
        equal("status of the event", event["status"], "completed")
        info = vm.info()
        equal("the figures and the event's", info, event)
        true("bytes: %d" % (info["mapped"] + info["present"]),
             info["mapped"] + info["present"] >= 63 * MIB)
        equal("faults", vm.command_and_faults("w")[1], 0)


def start_twice():
    """RAM that was allocated once is mapped as far as it is resident."""
    with Vm("map-memory=on").ready() as vm:
        first = vm.settled()
        vm.qmp("map-memory-start")
        second = vm.settled()
        equal("jobs", second["jobs"], first["jobs"] + 1)
        equal("mapped", second["mapped"], first["mapped"])
        true("present", second["present"] >= first["present"] + 63 * MIB)


def event_at_boot():
    """QMP has to be there before the job ends."""
    with Vm(SLOW).ready() as vm:
        vm.qmp("map-memory-set-rate", rate=0)
        event = vm.qmp.event("MAP_MEMORY_COMPLETED")["info"]
        equal("status", event["status"], "completed")
        equal("bytes left", event["remaining"], 0)


def progress_and_rate():
    with Vm(SLOW).ready() as vm:
        info = wait_until("something is mapped", vm.info,
                          lambda info: info["mapped"])
        equal("status", info["status"], "active")
        equal("rate", info["rate"], MIB)
        true("some is left", info["remaining"] > 0)
        wrong(vm, "mapped already", "map-memory-start")
        vm.qmp("map-memory-set-rate", rate=0)
        info = vm.settled()
        equal("status", info["status"], "completed")
        equal("rate", info["rate"], 0)
        equal("faults", vm.command_and_faults("w")[1], 0)


def cancel():
    with Vm(SLOW).ready() as vm:
        vm.qmp("map-memory-cancel")
        event = vm.qmp.event("MAP_MEMORY_COMPLETED")["info"]
        equal("status", event["status"], "cancelled")
        true("not all was mapped", event["mapped"] < 32 * MIB)
        equal("status", vm.info()["status"], "cancelled")
        vm.qmp("map-memory-cancel")
        vm.qmp("map-memory-set-rate", rate=0)
        vm.qmp("map-memory-start")
        equal("status", vm.settled()["status"], "completed")
        equal("faults", vm.command_and_faults("w")[1], 0)


def no_threads_left():
    with Vm(SLOW).ready() as vm:
        vm.qmp("map-memory-cancel")
        vm.qmp.event("MAP_MEMORY_COMPLETED")
        equal("threads of the job", vm.threads_of_jobs(), [])


def quits():
    """QEMU ends in the middle of a job."""
    with Vm(SLOW).ready() as vm:
        vm.qmp("quit")
        equal("exit status", vm.process.wait(LIMIT), 0)


def hmp():
    with Vm("map-memory=on").ready() as vm:
        info = vm.settled()
        text = vm.hmp("info map-memory")
        for line in ("status: completed", "path: uring", "remaining: 0 bytes",
                     "mapped: %d bytes" % info["mapped"],
                     "jobs: %d, 0 interrupted" % info["jobs"]):
            true("'%s' in '%s'" % (line, text), line in text)


plan = Plan()
plan.test("start with map-memory=off", start_when_off)
plan.test("start a second time", start_twice)
plan.test("the event at the end of the boot's job", event_at_boot)
plan.test("progress, and a rate that changes", progress_and_rate)
plan.test("cancel, and start again", cancel)
plan.test("no thread is left of a cancelled job", no_threads_left)
plan.test("quit in the middle of a job", quits)
plan.test("info map-memory", hmp)
plan.end()
END
