#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 600
# A guest that is restored from a file takes no stage-2 fault on its memory; a working
# set has its ranges mapped first, and a file that is none is told, and does no harm.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

STATE = tempfile.mkdtemp() + "/state"
SET = STATE + ".set"


def restored(accel, machine="microvm"):
    return Vm(accel, machine, "64M", ["-incoming", "exec:cat " + STATE])


def restore(machine):
    save(STATE, machine)
    with restored("map-memory=on", machine) as vm:
        vm.running()
        equal("status", vm.settled()["status"], "completed")
        equal("faults", vm.verified(), 0)


def working_set(text, error):
    with open(SET, "w") as file:
        file.write(text)
    with restored("map-memory=on,map-memory-working-set=" + SET) as vm:
        vm.running()
        equal("status", vm.settled()["status"], "completed")
        equal("faults", vm.verified(), 0)
        true("'%s' in '%s'" % (error, vm.errors()),
             error in vm.errors() if error else not vm.errors())
        return vm.settled()


def good_set():
    """It is mapped, and found mapped afterwards as part of all memory."""
    info = working_set(GOOD, "")
    true("present: %d" % info["present"], info["present"] >= 16 * MIB)


def start_with_set():
    with Vm().ready() as vm:
        with open(SET, "w") as file:
            file.write(GOOD)
        vm.qmp("map-memory-start", working_set=SET)
        equal("status", vm.settled()["status"], "completed")
        reply = vm.qmp.try_("map-memory-start", working_set=SET + ".none")
        true("a file that is not there: %s" % reply, "No such file" in
             reply.get("error", {}).get("desc", ""))
        vm.qmp("map-memory-start")
        equal("status", vm.settled()["status"], "completed")


GOOD = set_of((32 * MIB, 16 * MIB), (0x7000, PAGE), (24 * MIB, MIB))
plan = Plan()
for machine in "microvm", "q35":
    plan.test("%s: a restore" % machine, restore, machine)
save(STATE)
plan.test("a working set", good_set)
plan.test("a working set of another guest", working_set,
          set_of((1 << 40, MIB), (32 * MIB, 1 << 30)), "")
plan.test("a file that is no working set", working_set, "no set\n",
          "not a working set")
plan.test("map-memory-start with a working set", start_with_set)
plan.end()
END
