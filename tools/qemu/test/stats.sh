#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make qemu, then tools/run-tests --debug tools/qemu/test/stats.sh
# suite: qemu
# kernel: debug
# testvm: --memory 3G
# test-timeout: 600
# QEMU's query-stats shows the figures of jobs that KVM keeps, with a kernel that has
# them in the binary statistics.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
from qemu_vm import *


def kvm_stats(vm):
    (of_vm,) = vm.qmp("query-stats", target="vm")
    equal("provider", of_vm["provider"], "kvm")
    return {stat["name"]: stat["value"] for stat in of_vm["stats"]
            if stat["name"].startswith("map_memory_")}


def no_job():
    with Vm().ready() as vm:
        stats = kvm_stats(vm)
        true("there are some", stats)
        equal("those that are not zero", [name for name in stats if stats[name]], [])


def completed():
    with Vm("map-memory=on").ready() as vm:
        info, stats = vm.settled(), kvm_stats(vm)
        equal("status", info["status"], "completed")
        equal("jobs", info["jobs"], 1)
        for outcome in "mapped", "present", "skipped":
            equal(outcome, stats["map_memory_bytes_" + outcome], info[outcome])
        equal("jobs that run", stats["map_memory_jobs_running"], 0)
        true("jobs that are done", stats["map_memory_jobs_done"])


plan = Plan()
plan.test("no figure without a job", no_job)
plan.test("the figures of a job are those of query-map-memory", completed)
plan.end()
END
