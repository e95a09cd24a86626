#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 3G
# test-timeout: 1200
# Migrations of a guest that writes, switched over at random moments: the guest finds
# every word as it was.  QEMU_TEST_SEED has the moments of an earlier run.
export PYTHONPATH=${0%/*} PYTHONDONTWRITEBYTECODE=1
exec python3 - <<'END'
import random

from qemu_vm import *

ROUNDS = 12
# Of the source, while the guest writes.
MAX_LOOKS = 150


def look(source, number):
    for _ in range(number):
        source.qmp("query-migrate")


def switch(source, kind):
    """Ends a migration that goes on because its bandwidth is low."""
    if kind == "postcopy":
        source.qmp("migrate-start-postcopy")
        source.qmp("migrate-set-parameters", max_postcopy_bandwidth=0)
    else:
        source.full_speed()


def moment(kind, machine, looks):
    source, destination, uri = pair("map-memory=on", machine, MIGRATIONS[kind])
    with source.ready(), destination:
        source.command("f")
        source.send("l")
        source.qmp("migrate-set-parameters", max_bandwidth=4 * MIB,
                   downtime_limit=2000)
        source.qmp("migrate", uri=uri)
        wait_until("the migration begins", lambda: source.qmp("query-migrate"),
                   lambda info: info.get("status") == "active")
        look(source, looks)
        switch(source, kind)
        arrived(source, destination)
        load_verified(destination)
        equal("status", destination.settled()["status"], "completed")
        destination.verified()
        equal("errors", destination.errors(), "")


seed = os.environ.get("QEMU_TEST_SEED") or str(random.randrange(1 << 32))
print("# QEMU_TEST_SEED=" + seed)
generator = random.Random(seed)
plan = Plan()
for number in range(ROUNDS):
    for kind in MIGRATIONS:
        machine = generator.choice(sorted(MACHINES))
        looks = generator.randrange(MAX_LOOKS)
        plan.test("%s, %s, after %d looks" % (kind, machine, looks),
                  moment, kind, machine, looks)
plan.end()
END
