# SPDX-License-Identifier: GPL-2.0
"""Looking figures up in what 'bench/run' left."""
import json


class Results:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.entries = self.document["entries"]

    def find(self, **wanted):
        return [entry for entry in self.entries
                if all(entry.get(name) == value
                       for name, value in wanted.items())]

    def value(self, figure, **wanted):
        """The first that was measured, or None."""
        for entry in self.find(**wanted):
            if entry.get(figure) is not None:
                return entry[figure]
        return None

    def distinct(self, name, **wanted):
        found = []
        for entry in self.find(**wanted):
            if entry[name] not in found:
                found.append(entry[name])
        return found


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
