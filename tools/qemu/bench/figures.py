# SPDX-License-Identifier: GPL-2.0
"""The figures of a run: what bench.json has, as text and as pictures."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../../bench"))
from gnuplot import colour, draw  # noqa: E402

# What tells one measurement from another, in the order of the columns.
KEY = ("scenario", "memory", "gib", "kind", "guest", "mode")
# Of a picture, around the moment when the destination runs.
SECONDS_SHOWN = (-1.5, 3)
# Seconds that are milliseconds mostly.
SHORT = ("longest_gap_seconds", "cancelled_seconds")


def shown(curve):
    """The samples that a picture has."""
    return [(seconds, rate) for seconds, rate in curve
            if SECONDS_SHOWN[0] <= seconds <= SECONDS_SHOWN[1]]


def cell(name, figure):
    if figure is None:
        return "-"
    form = "{:,.0f}"
    if name.endswith("_seconds"):
        form = "{:.3f}" if name in SHORT else "{:.2f}"
    values = [form.format(figure[part]) for part in ("median", "low", "high")]
    return values[0] if values[1] == values[2] else "{} ({}-{})".format(*values)


def title(name):
    for suffix, unit in ("_seconds", ", s"), ("_kib", ", KiB"):
        if name.endswith(suffix):
            name = name.removesuffix(suffix) + unit
    return name.replace("_", " ")


def table(entries):
    """Its head, and a line for each of these entries, which are of one scenario."""
    keys = [name for name in KEY[1:] if name in entries[0]]
    figures = dict.fromkeys(name for entry in entries for name in entry
                            if name not in KEY and name != "curve")
    return keys + [title(name) for name in figures], [
        [entry[name] for name in keys] +
        [cell(name, entry.get(name)) for name in figures] for entry in entries]


def migration_name(entry):
    return "migration-%s-%s-%s" % (entry["kind"], entry["memory"], entry["guest"])


def draw_curve(directory, entries):
    """A row for each sample: its time, and in the column of its mode its rate."""
    rows = []
    for i, entry in enumerate(entries):
        for seconds, rate in shown(entry["curve"]):
            rows.append([seconds] + [rate / 1000 if k == i else None
                                     for k in range(len(entries))])
    first = entries[0]
    draw(directory, migration_name(first),
         "A guest that %s, around its migration: %s, %s" % (
             first["guest"], first["kind"], first["memory"]),
         "thousand pages a second", rows,
         "set logscale y\nset yrange [0.01:*]\nset xlabel "
         "'seconds after the destination runs'\nplot " + ", ".join(
             "$data using 1:%d with points pt 7 ps 0.4 lc rgb '%s' "
             "title 'warm-up %s'" % (i + 2, colour(i), entry["mode"])
             for i, entry in enumerate(entries)))


def draw_growth(directory, figure, heading, ylabel, unit, entries):
    """A row for each size, with a column for each kind of pages."""
    memories = sorted({entry["memory"] for entry in entries})
    rows = {}
    for entry in entries:
        row = rows.setdefault(float(entry["gib"]), [None] * len(memories))
        row[memories.index(entry["memory"])] = entry[figure]["median"] / unit
    draw(directory, "terabyte-" + figure.rsplit("_", 1)[0].replace("_", "-"), heading,
         ylabel, [[size] + rows[size] for size in sorted(rows)],
         "set logscale xy\nset autoscale y\nset xlabel 'GiB of the guest'\nplot " +
         ", ".join("$data using 1:%d with linespoints pt 7 lc rgb '%s' "
                   "title 'pages of %s'" % (i + 2, colour(i), memory)
                   for i, memory in enumerate(memories)))


def draw_all(directory, entries):
    directory = os.path.abspath(directory)
    curves = {}
    for entry in entries:
        if "curve" in entry:
            curves.setdefault(migration_name(entry), []).append(entry)
    for found in curves.values():
        draw_curve(directory, found)
    sizes = [entry for entry in entries
             if entry["scenario"] == "terabyte" and entry["mode"] == "one guest"]
    if sizes:
        draw_growth(directory, "completed_seconds", "All memory of a guest mapped",
                    "seconds", 1, sizes)
        draw_growth(directory, "page_tables_kib", "KVM's page tables of it", "MiB", 1024,
                    sizes)
