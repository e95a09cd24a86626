# SPDX-License-Identifier: GPL-2.0
"""What the figures of a small machine say about 64 workers and 12 TiB."""
from results import SMALL_PAGE, text

# Assumed, not measured: what turns counts into time.
INSTRUCTIONS_PER_SECOND = 3e9
LINE_TRANSFER_SECONDS = 100e-9

WORKERS = 64
GUEST_BYTES = 12 * 2**40

# Read from the sources.  Of writes to lines that all workers share: the job's
# cursor, once a chunk; the word of mmu_lock, twice a hold; the VM's count of
# mapped pages, once a run of up to 64; that of tables, once a new one.
# Memory not there yet needs a second hold, and the word of mmap_lock twice.
# By the size of pages, as hugetlb has them.
CHUNKS = {
    SMALL_PAGE: {"chunk": 2 * 2**20, "entries": 512, "holds": 1},
    2 * 2**20: {"chunk": 32 * 2**20, "entries": 16, "holds": 1},
    2**30: {"chunk": 2**30, "entries": 1, "holds": 1},
}


def entry_cost(results, memory):
    """Instructions an entry, from the growth with the guest's size."""
    found = [e for e in results.find(scenario="scale", memory=memory,
                                     peer="ioctl") if e.get("instructions")]
    found.sort(key=lambda e: e["entries"])
    if len(found) < 2:
        return None
    first, last = found[0], found[-1]
    return ((last["instructions"] - first["instructions"]) /
            (last["entries"] - first["entries"]))


def workers_run(results, workers):
    return results.value("instructions", scenario="prepare", peer="ioctl",
                         memory="4k", state="resident", workers=workers,
                         instructions_part="workers-instructions")


def helper_cost(results):
    """The most of any number: a job may be over before all have started."""
    one = workers_run(results, 1)
    costs = [(many - one) / (workers - 1) for workers in (2, 4, 8, 16)
             if one and (many := workers_run(results, workers))]
    return max(costs, default=None)


def inputs(results):
    page = results.value("instructions_per_page", scenario="prepare",
                         peer="ioctl", memory="4k", state="resident",
                         workers=1, instructions_part="workers-instructions")
    costs = {memory: entry_cost(results, memory)
             for memory in results.memories()}
    costs["4k"] = page
    return {memory: cost for memory, cost in costs.items() if cost and
            results.page_size(memory) in CHUNKS}


def print_inputs(costs, helper):
    print("Measured, as instructions:\n")
    print("| input | instructions |\n|---|---:|")
    for memory, cost in costs.items():
        if memory == "4k":
            print(f"| a resident 4 KiB page | {text(cost)} |")
        else:
            print(f"| an entry of {memory}, from the growth with the guest's "
                  f"size | {text(cost, '{:,.0f}')} |")
    print("| starting a helper, by the VMM's thread, one after the other "
          f"| {text(helper, '{:,.0f}')} |\n")


def row(name, kind, cost, helper):
    chunks = GUEST_BYTES / kind["chunk"]
    work = chunks * kind["entries"] * cost / INSTRUCTIONS_PER_SECOND
    serial = WORKERS * (helper or 0) / INSTRUCTIONS_PER_SECOND
    lock_writes = 2 * kind["holds"]
    line = chunks * lock_writes * LINE_TRANSFER_SECONDS
    hold = kind["entries"] * cost / kind["holds"] / INSTRUCTIONS_PER_SECOND
    together = serial + max(work / WORKERS, line)
    return [name, f"{chunks:,.0f}", f"{lock_writes}", f"{hold * 1e6:,.2f}",
            f"{work:,.3f}", f"{work / WORKERS:,.4f}", f"{line:,.4f}",
            f"{serial * 1e3:,.2f}", f"{together:,.4f}",
            f"{work / line:,.0f}"]


def write(results):
    costs = inputs(results)
    helper = helper_cost(results)
    print_inputs(costs, helper)
    print(f"Calculated from them for {WORKERS} workers and 12 TiB:\n")
    head = ["memory", "chunks", "writes to mmu_lock a chunk",
            "longest hold, µs", "work, s", "work / 64, s",
            "mmu_lock's line, s", "helpers' start, ms", "all, s",
            "workers until the line binds"]
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for memory, cost in costs.items():
        name = "4k resident" if memory == "4k" else memory
        print("| " + " | ".join(row(name, CHUNKS[results.page_size(memory)],
                                    cost, helper)) + " |")
    print()
    others = [memory for memory in results.memories() if memory not in costs]
    if others:
        print("Not calculated, for lack of figures by the guest's size: "
              f"{', '.join(others)}.\n")
