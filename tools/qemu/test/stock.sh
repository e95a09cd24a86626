#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --stock --memory 3G
# On the distribution's modules map-memory=on warns once, and the guest runs;
# map-memory=fallback does what such a host can.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *

MEASURE = TOP + "/tools/qemu/bench/measure.py"


def warns(arguments=()):
    with Vm("map-memory=on", arguments=arguments).ready() as vm:
        result, faults = vm.command_and_faults("w")
        true("faults: %d" % faults, faults >= result.pages * 9 // 10)
        lines = vm.errors().splitlines()
        equal("the warnings", len([line for line in lines if "map-memory" in line]), 1)
        true("it says what is missing: %s" % lines, "no KVM_MAP_MEMORY" in lines[0])
        equal("status", vm.info()["status"], "failed")
        error = vm.qmp.try_("map-memory-start")["error"]["desc"]
        true("so does QMP: " + error, "no KVM_MAP_MEMORY" in error)


def fallback(wait, path, faultless):
    with Vm("map-memory=fallback,map-memory-wait=" + wait).ready() as vm:
        info = vm.settled()
        equal("status", info["status"], "completed")
        equal("path", info["path"], path)
        equal("errors", vm.errors(), "")
        result, faults = vm.command_and_faults("w")
        if faultless:
            equal("faults", faults, 0)
        else:
            true("faults: %d" % faults, faults >= result.pages * 9 // 10)


def migration():
    source, destination, uri = pair("map-memory=on", "microvm")
    with source.ready(), destination:
        source.command("f")
        source.qmp("migrate", uri=uri)
        arrived(source, destination)
        destination.verified()
        equal("the warnings", destination.errors().count("KVM_MAP_MEMORY"), 1)


def benchmark():
    """Its boots on these modules: what each of them leaves for the guest to fault in."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([sys.executable, MEASURE, "--json", file.name, "32", "boot-stock"],
                       check=True, stdout=subprocess.DEVNULL)
        entries = json.load(file)["entries"]
    equal("measurements", len(entries), 2 * 2 * 3)
    for entry in entries:
        if entry["mode"] == "prealloc, pre-fault":
            true("next to no faults: %s" % entry, entry["faults"] < 10)
        elif entry["memory"] == "4k":
            true("faults: %s" % entry, entry["faults"] > 300)


plan = Plan()
plan.test("map-memory=on: a warning, and a guest", warns)
plan.test("a destination", migration)
plan.test("map-memory=fallback, and the guest waits", fallback, "on", "pre-fault",
          True)
plan.test("map-memory=fallback", fallback, "off", "populate", False)
plan.test("the benchmark's boots", benchmark)
plan.end()
END
