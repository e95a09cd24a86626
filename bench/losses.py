# SPDX-License-Identifier: GPL-2.0
"""Where another way to leave the guest without faults takes less."""
from results import OURS, SMALL_PAGE, binary, figure, text


def unit_cost(results, entry):
    """The scenario's first metric in instructions."""
    return next((metric for metric in
                 results.scenarios[entry["scenario"]]["metrics"]
                 if metric["unit"] == "instructions" and
                 figure(entry, metric) is not None), None)


def label(results, entry):
    words = [entry["memory"], entry.get("state"), entry.get("layout")]
    if entry.get("entries"):
        words.append(f"{binary(results.page_size(entry['memory']))} entries")
    return ", ".join(word for word in words if word)


def alike(entry):
    return (entry["scenario"], entry["memory"], entry.get("state"),
            entry.get("layout"), entry["workers"],
            entry["instructions_bytes"])


def prepared(entry):
    """Whether no fault is left; scenarios that do not count them check what is
    mapped, or are of one peer."""
    return entry.get("instructions") and not entry.get("faults_left")


def found(results):
    groups = {}
    for entry in results.entries:
        if entry["workers"] == 1 and prepared(entry):
            groups.setdefault(alike(entry), []).append(entry)
    for group in groups.values():
        others = [e for e in group if e["peer"] not in OURS]
        if not others:
            continue
        best = min(others, key=lambda e: e["instructions"])
        for entry in group:
            if entry["peer"] in OURS and \
                    entry["instructions"] > best["instructions"]:
                yield entry, best


def reason(results, entry, more):
    """In a line, as far as the run tells."""
    if (entry.get("layout") or "").startswith("ranges-of-1") and \
            entry["peer"] == "vcpu":
        return "each call looks for its page in the host's tables, before and after " \
            "it faults it in; a vector does so once for a group"
    if results.page_size(entry["memory"]) > SMALL_PAGE:
        if entry["peer"] == "uring":
            return "the fixed cost of a command: few entries, and io-wq's thread"
        if more < entry["instructions"] / 100:
            return "zeroing is more than 99 %; the host's tables are looked at before " \
                "and after an entry is faulted in"
    return "-"


def write(results):
    lines = []
    for entry, best in found(results):
        metric = unit_cost(results, entry)
        more = entry["instructions"] - best["instructions"]
        lines.append(f"| {label(results, entry)} | {entry['peer']} "
                     f"| {text(figure(entry, metric))} "
                     f"| {best['peer']} "
                     f"| {text(figure(best, metric))} "
                     f"| {more / best['instructions'] * 100:.1f} "
                     f"| {more / 1000:,.0f} "
                     f"| {reason(results, entry, more)} |")
    if not lines:
        print("Nowhere in this run.\n")
        return
    print("| | ours | instructions | least of the others | instructions "
          "| more, % | more, thousand | why |")
    print("|---|---|---:|---|---:|---:|---:|---|")
    print("\n".join(dict.fromkeys(lines)))
    print()
