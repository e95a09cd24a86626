# SPDX-License-Identifier: GPL-2.0
"""The aims, and what a run has to say about them.

What is about one scenario, kind of memory or peer in particular is here; what there
is no aim for is listed below the table.
"""
from results import SMALL_PAGE, ratio, text

# Those whose figures stand in the table.
SCENARIOS = ("prepare", "scale", "latency", "scattered", "mixed", "submit",
             "worker-memory", "limits")


def one(results, figure="instructions_per_page", **where):
    where.setdefault("scenario", "prepare")
    where.setdefault("workers", 1)
    return results.value(figure, **where)


def verdict(value, limit, most=True):
    if value is None:
        return "not measured"
    return "met" if (value <= limit if most else value >= limit) else "missed"


def target(lines, what, value, limit, form="{:,.1f}", most=True):
    sign = "≤" if most else "≥"
    lines.append([what, text(value, form), f"{sign} {form.format(limit)}",
                  verdict(value, limit, most)])


def over(results, memory):
    """How much more than populating alone, in percent."""
    where = {"memory": memory, "state": "untouched"}
    quotient = ratio(one(results, peer="ioctl", **where),
                     one(results, peer="populate", **where))
    return None if quotient is None else (quotient - 1) * 100


def speed_up(results, state):
    where = {"memory": "4k", "state": state}
    if state == "untouched":
        where |= {"peer": "uring", "seconds_part": "scaling-seconds"}
    else:
        part = "resident-scaling-seconds"
        where |= {"scenario": "scale", "peer": "ioctl", "seconds_part": part,
                  "seconds_bytes": max((e["seconds_bytes"] for e in
                                        results.find(seconds_part=part)),
                                       default=None)}
    return ratio(one(results, "seconds_median", **where),
                 one(results, "seconds_median", **where | {"workers": 2}))


def given(results):
    where = {"scenario": "limits", "peer": "zeroing"}
    return ratio(one(results, "seconds_median", **where),
                 one(results, "seconds_median", **where | {"workers": 2}))


def slowed(results):
    """The worst of a vCPU's median faults beside jobs, in idle ones."""
    faults = [e for e in results.find(scenario="latency", layout="median-fault")
              if e.get("seconds_median")]
    idle = [e["seconds_median"] for e in faults if e["peer"] == "idle"]
    beside = [e["seconds_median"] for e in faults if e["peer"] != "idle"]
    return max(beside) / idle[0] if idle and beside else None


def inflation(results):
    where = {"instructions_part": "workers-instructions", "memory": "4k",
             "state": "resident", "peer": "ioctl"}
    quotient = ratio(one(results, workers=16, **where), one(results, **where))
    return None if quotient is None else (quotient - 1) * 100


def spread_out(results, layout):
    """Untouched pages, against populating them and then pre-faulting them."""
    where = {"scenario": "scattered", "state": "untouched", "layout": layout}
    return ratio(one(results, peer="ioctl", **where),
                 one(results, peer="populate+pre-fault", **where))


def worst_mixture(results):
    return max((entry["instructions_per_page"]
                for entry in results.find(scenario="mixed", peer="ioctl")
                if entry.get("instructions_per_page")), default=None)


def huge_entry(results, memory):
    """From one size of guest to the next, between the two largest."""
    guests = sorted((entry["entries"], entry["instructions"])
                    for entry in results.find(scenario="scale", memory=memory,
                                              peer="ioctl", workers=1)
                    if entry.get("entries") and entry.get("instructions"))
    if len(guests) < 2:
        return None
    (fewer, less), (more, most) = guests[-2:]
    return (most - less) / (more - fewer)


def traffic_of(results, name):
    found = results.traffic(scenario="prepare", peer="ioctl", memory="4k",
                            state="resident", workers=1)
    return found[0][name] if found else None


def lines_beside_entries(results):
    """Eight bytes each are the host's entry and KVM's."""
    found = traffic_of(results, "lines")
    return None if found is None else found - 2 * 8 / 64


def helper_memory(results):
    value = results.value("kernel_bytes_a_helper", scenario="worker-memory",
                          workers=16)
    return None if value is None else value / 1024


def large_kinds(results):
    """In the order of the program that measured."""
    return [memory for memory in results.kinds
            if results.page_size(memory) > SMALL_PAGE and
            results.find(scenario="prepare", memory=memory)]


def lines(results):
    found = []
    target(found, "instructions a resident 4 KiB page (ioctl)",
           one(results, memory="4k", state="resident", peer="ioctl"), 45)
    target(found, "its atomic operations", traffic_of(results, "atomics"), 0.02,
           "{:.3f}")
    target(found, "its cache lines beside those of the two entries",
           lines_beside_entries(results), 0.1, "{:.3f}")
    target(found, "instructions a page in RESIDENT mode, the worst mixture with others",
           worst_mixture(results), 60)
    target(found, "instructions an untouched 4 KiB page (ioctl)",
           one(results, memory="4k", state="untouched", peer="ioctl"), 8400)
    for memory in large_kinds(results):
        target(found, f"{memory}: instructions a resident entry, in large guests",
               huge_entry(results, memory), 150)
    target(found, "4k: more than populating alone, %", over(results, "4k"), 0.6,
           "{:.2f}")
    for memory in large_kinds(results):
        target(found, f"{memory}: more than populating alone, %",
               over(results, memory), 2, "{:.2f}")
    target(found, "a resident page by io_uring in RESIDENT mode, submit to completion",
           one(results, "instructions", scenario="submit", state="resident",
               layout="1-range", peer="uring-submit-to-completion"), 3000, "{:,.0f}")
    # No more can be asked of mapping than the machine gave to zeroing.
    by_machine = given(results)
    resident = min(1.9, by_machine or 1.9)
    for state, aim in (("untouched", 1.7), ("resident", resident)):
        target(found, f"2 workers against 1, seconds, {state} 4 KiB pages",
               speed_up(results, state), aim, "{:.2f}", False)
    found.append(["the same, zeroing alone: what the machine gave",
                  text(by_machine, "{:.2f}"), "-", "-"])
    target(found, "16 workers against 1, more instructions, %",
           inflation(results), 3)
    target(found, "a running vCPU's median fault beside a job, times idle",
           slowed(results), 1.5, "{:.2f}")
    for layout in ("ranges-of-1-every-2nd", "ranges-of-1-every-16th"):
        target(found, f"{layout}, untouched, against populate+pre-fault",
               spread_out(results, layout), 0.9, "{:.2f}")
    target(found, "kernel memory a helper holds, KiB",
           helper_memory(results), 64)
    return found


HEAD = ["figure", "measured", "aim", ""]


def without(results):
    """What was measured and has no aim."""
    aimed = ["4k"] + large_kinds(results)
    return ([f"memory of the kind {memory}"
             for memory in results.memories() if memory not in aimed] +
            [f"the scenario {name}" for name in results.scenarios
             if name not in SCENARIOS])
