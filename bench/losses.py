# SPDX-License-Identifier: GPL-2.0
"""Where another way to leave the guest without faults takes less."""
from results import text

OURS = ("vcpu", "ioctl", "uring")
OTHERS = ("touch", "pre-fault", "populate+pre-fault")


def label(entry):
    words = [entry["memory"], entry.get("state"), entry.get("layout")]
    if entry["scenario"] == "scale":
        words.append("2 MiB" if entry["memory"] == "hugetlb-2m" else "1 GiB")
        words[-1] += " entries"
    return ", ".join(word for word in words if word)


def alike(entry):
    return (entry["scenario"], entry["memory"], entry.get("state"),
            entry.get("layout"), entry["workers"],
            entry["instructions_bytes"])


def prepared(entry):
    return (entry.get("instructions") and
            (entry.get("faults_left") == 0 or entry["scenario"] == "scale"))


def found(results):
    groups = {}
    for entry in results.entries:
        if entry["scenario"] in ("prepare", "scattered", "scale") and \
                entry["workers"] == 1 and prepared(entry):
            groups.setdefault(alike(entry), []).append(entry)
    for group in groups.values():
        others = [e for e in group if e["peer"] in OTHERS]
        if not others:
            continue
        best = min(others, key=lambda e: e["instructions"])
        for entry in group:
            if entry["peer"] in OURS and \
                    entry["instructions"] > best["instructions"]:
                yield entry, best


def write(results):
    lines = []
    for entry, best in found(results):
        units = entry.get("entries") if entry["scenario"] == "scale" else \
            entry.get("pages")
        more = entry["instructions"] / best["instructions"] * 100 - 100
        lines.append(f"| {label(entry)} | {entry['peer']} "
                     f"| {text(entry['instructions'] / units)} "
                     f"| {best['peer']} "
                     f"| {text(best['instructions'] / units)} "
                     f"| {more:.1f} |")
    if not lines:
        print("Nowhere in this run.\n")
        return
    print("| | ours | instructions | least of the others | instructions "
          "| more, % |")
    print("|---|---|---:|---|---:|---:|")
    print("\n".join(dict.fromkeys(lines)))
    print()
