# SPDX-License-Identifier: GPL-2.0
"""The aims, and what a run has to say about them.

What is about one scenario, kind of memory or peer in particular is here; what there
is no aim for is listed below the table.
"""
from results import SMALL_PAGE, ratio, text

# Those whose figures stand in the table.
SCENARIOS = ("prepare", "scale", "latency", "scattered", "worker-memory",
             "limits")


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


def spread_out(results, state, layout):
    where = {"scenario": "scattered", "state": state, "peer": "ioctl"}
    return ratio(one(results, layout=layout, **where),
                 one(results, layout="contiguous", **where))


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
           one(results, memory="4k", state="resident", peer="ioctl"), 800)
    target(found, "instructions an untouched 4 KiB page (ioctl)",
           one(results, memory="4k", state="untouched", peer="ioctl"), 8400)
    for memory in large_kinds(results):
        target(found, f"{memory}: more than populating alone, %",
               over(results, memory), 2, "{:.2f}")
    for state in ("untouched", "resident"):
        target(found, f"2 workers against 1, seconds, {state} 4 KiB pages",
               speed_up(results, state), 1.7, "{:.2f}", False)
    found.append(["the same, zeroing alone: what the machine gave",
                  text(given(results), "{:.2f}"), "-", "-"])
    target(found, "16 workers against 1, more instructions, %",
           inflation(results), 10)
    target(found, "a running vCPU's median fault beside a job, times idle",
           slowed(results), 1.5, "{:.2f}")
    for layout in ("ranges-of-1-every-2nd", "ranges-of-1-every-16th"):
        for state in ("untouched", "resident"):
            target(found, f"{layout}, {state}, times contiguous",
                   spread_out(results, state, layout), 3, "{:.2f}")
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
