# SPDX-License-Identifier: GPL-2.0
"""What the figures of a small machine say about 64 workers and 12 TiB."""
from results import SMALL_PAGE, text

# Assumed, not measured: what turns counts into time.
INSTRUCTIONS_PER_SECOND = 3e9
LINE_TRANSFER_SECONDS = 100e-9

WORKERS = 64
GUEST_BYTES = 12 * 2**40

# By the size of pages, as hugetlb has them: what a worker takes at a time, and the
# holds of mmu_lock for it, read from the sources.
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


def line_writes(results, entry, line):
    """An entry of the page tables, of one of the hot lines of a bench's entry."""
    return (line["shared_writes"] / entry["pages"] *
            results.page_size(entry["memory"]) / SMALL_PAGE)


def hottest_line(results, memory):
    """Of the largest guest that several CPUs were watched with."""
    found = results.traffic(many_cpus=True, memory=memory, peer="ioctl")
    if not found:
        return None
    largest = max(found, key=lambda entry: entry["bytes"])
    return max(line_writes(results, largest, line) for line in largest["hot_lines"])


def print_inputs(results, costs, helper):
    print("Measured:\n")
    print("| input | instructions | writes to the hottest line |\n|---|---:|---:|")
    for memory, cost in costs.items():
        name = "a resident 4 KiB page" if memory == "4k" else \
            f"an entry of {memory}, from the growth with the guest's size"
        print(f"| {name} | {text(cost)} "
              f"| {text(hottest_line(results, memory), '{:,.5f}')} |")
    print("| starting a helper, one after the other "
          f"| {text(helper, '{:,.0f}')} | - |\n")


def row(name, kind, cost, helper, writes):
    entries = GUEST_BYTES / kind["chunk"] * kind["entries"]
    work = entries * cost / INSTRUCTIONS_PER_SECOND
    serial = WORKERS * (helper or 0) / INSTRUCTIONS_PER_SECOND
    line = None if writes is None else entries * writes * LINE_TRANSFER_SECONDS
    hold = kind["entries"] * cost / kind["holds"] / INSTRUCTIONS_PER_SECOND
    together = None if line is None else serial + max(work / WORKERS, line)
    return [name, f"{hold * 1e6:,.2f}", f"{work:,.3f}", f"{work / WORKERS:,.4f}",
            text(line, "{:,.4f}"), f"{serial * 1e3:,.2f}", text(together, "{:,.4f}"),
            text(work / line if line else None, "{:,.0f}")]


def write(results):
    costs = inputs(results)
    helper = helper_cost(results)
    print_inputs(results, costs, helper)
    print(f"Calculated from them for {WORKERS} workers and 12 TiB:\n")
    head = ["memory", "longest hold, µs", "work, s", f"work / {WORKERS}, s",
            "the hottest line, s", "helpers' start, ms", "all, s",
            "workers until the line binds"]
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for memory, cost in costs.items():
        name = "4k resident" if memory == "4k" else memory
        print("| " + " | ".join(row(name, CHUNKS[results.page_size(memory)], cost,
                                    helper, hottest_line(results, memory))) + " |")
    print()
    others = [memory for memory in results.memories() if memory not in costs]
    if others:
        print("Not calculated, for lack of figures by the guest's size: "
              f"{', '.join(others)}.\n")
