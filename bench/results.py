# SPDX-License-Identifier: GPL-2.0
"""Looking figures up in what 'bench/run' left, and what it says about them."""
import json
import sys

# Those of KVM_MAP_MEMORY; all others are what it is compared with.
OURS = ("vcpu", "ioctl", "uring")
SMALL_PAGE = 4096


class Results:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.entries = self.document["entries"]
        if "description" not in self.document:
            sys.exit(f"{path} does not describe its scenarios: 'bench/keep "
                     f"--describe {path}' adds it")
        description = self.document["description"]
        self.kinds = {kind["name"]: kind
                      for kind in description["memory_kinds"]}
        self.peers = [peer["name"] for peer in description["peers"]]
        measured = {entry["scenario"] for entry in self.entries}
        self.scenarios = {scenario["name"]: scenario
                          for scenario in description["scenarios"]
                          if scenario["name"] in measured}
        unknown = measured - set(self.scenarios)
        if unknown:
            sys.exit(f"{path} does not describe {', '.join(sorted(unknown))}")

    def find(self, **wanted):
        return matching(self.entries, wanted)

    def traffic(self, many_cpus=False, **wanted):
        """What was counted of memory traffic in a machine of one CPU, or in those of
        several, each entry a page."""
        found = [entry for run in self.document.get("traffic", [])
                 if (run["cpus"] > 1) == many_cpus for entry in run["entries"]]
        return [entry | {name: count / entry["pages"] for name, count in
                         entry["counted"].items()}
                for entry in matching(found, wanted)]

    def value(self, figure, **wanted):
        """The first that was measured, or None."""
        for entry in self.find(**wanted):
            if entry.get(figure) is not None:
                return entry[figure]
        return None

    def distinct(self, name, **wanted):
        found = []
        for entry in self.find(**wanted):
            if entry.get(name) not in found:
                found.append(entry.get(name))
        return found

    def page_size(self, memory):
        return self.kinds[memory]["page_size"]

    def memories(self, **wanted):
        """The kinds of memory in these entries, those of small pages first."""
        return sorted(self.distinct("memory", **wanted), key=self.page_size)


def matching(entries, wanted):
    return [entry for entry in entries
            if all(entry.get(name) == value for name, value in wanted.items())]


def figure(entry, metric):
    """An entry's value of a metric, or None."""
    if "quotient_of" in metric:
        return ratio(*(entry.get(name) for name in metric["quotient_of"]))
    return entry.get(metric["name"])


def text(value, form="{:,.1f}"):
    return "-" if value is None else form.format(value)


def ratio(value, base):
    return None if value is None or not base else value / base


def binary(size):
    for unit, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"),
                       (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size:g} B"
