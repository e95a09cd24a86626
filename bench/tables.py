# SPDX-License-Identifier: GPL-2.0
"""A scenario's figures as tables, by its description."""
import itertools

from results import binary, figure, text

# Units of what one of the two clocks measures; others come with both.
CLOCK_UNITS = {"instructions": ("instructions",), "seconds": ("s", "GiB/s")}


def shown(unit, values):
    """A divisor, the unit that it leads to, and the form to print it in."""
    if unit == "s":
        # None of them is a zero for lack of digits.
        if max(values) < 0.01 or 0 < min(values) < 5e-5:
            return 1e-6, "µs", "{:,.1f}"
        return 1e-3, "ms", "{:,.1f}"
    if unit == "bytes":
        return 1024, "KiB", "{:,.1f}"
    if unit == "GiB/s":
        return 1, unit, "{:,.2f}"
    # A count, whose title says of what.
    whole = all(value == int(value) for value in values)
    return 1, None, "{:,.0f}" if whole else "{:,.1f}"


def column(title, form, values):
    """Its head, and a cell for each value."""
    divisor, unit, form = form
    return ([title + (f", {unit}" if unit else "")] +
            [text(None if value is None else value / divisor, form)
             for value in values])


def known(values):
    return [value for value in values if value is not None]


def size(entry):
    sizes = (entry.get(f"{clock}_bytes") for clock in CLOCK_UNITS)
    return "/".join(dict.fromkeys(binary(each) for each in sizes if each))


def key(entry, field):
    value = size(entry) if field == "bytes" else entry.get(field)
    return "" if value is None else str(value)


def by_metric(scenario, entries, clock):
    fields = scenario["rows"]
    columns = [[field if field != "bytes" else "size"] +
               [key(entry, field) for entry in entries] for field in fields]
    if "bytes" not in fields and any(size(entry) for entry in entries):
        columns.append(["size"] + [size(entry) for entry in entries])
    others = [unit for name, units in CLOCK_UNITS.items() for unit in units
              if clock and name != clock]
    found = [(metric, [figure(entry, metric) for entry in entries])
             for metric in scenario["metrics"]
             if metric["in_tables"] and metric["unit"] not in others]
    times = known(value for metric, values in found
                  if metric["unit"] == "s" for value in values)
    for metric, values in found:
        if known(values):
            # Times of a table have one unit, to be compared.
            form = shown(metric["unit"], times if metric["unit"] == "s"
                         else known(values))
            columns.append(column(metric["title"], form, values))
    head, *lines = zip(*columns)
    return list(head), [list(line) for line in lines]


def headline(scenario, entries):
    """The first metric of which there is a value."""
    for metric in scenario["metrics"]:
        if any(figure(entry, metric) is not None for entry in entries):
            return metric
    return scenario["metrics"][0]


def pivot(scenario, entries):
    """Values of the first metric: the names of rows, of columns, and a value for
    each pair, None where there is none."""
    metric = headline(scenario, entries)
    cases, names = {}, {}
    for entry in entries:
        row = tuple(key(entry, field) for field in scenario["rows"])
        name = " ".join(key(entry, field) for field in scenario["columns"])
        names[name] = True
        case = cases.setdefault(row, {})
        if case.get(name) is None:
            case[name] = figure(entry, metric)
    return metric, list(names), {row: [case.get(name) for name in names]
                                 for row, case in cases.items()}


def by_column(scenario, entries):
    metric, names, cases = pivot(scenario, entries)
    values = known(value for case in cases.values() for value in case)
    if not values:
        return scenario["rows"] + names, []
    form = shown(metric["unit"], values)
    columns = [column(name, form, case)
               for name, case in zip(names, zip(*cases.values()))]
    head, *rows = zip(*columns)
    return scenario["rows"] + list(head), [
        list(case) + list(cells) for case, cells in zip(cases, rows)]


def groups(results, scenario):
    """The entries that belong into one table, with the words they share."""
    name = scenario["name"]
    values = [results.distinct(field, scenario=name)
              for field in scenario["tables"]]
    for shared in itertools.product(*values):
        found = results.find(scenario=name,
                             **dict(zip(scenario["tables"], shared)))
        if found:
            yield ", ".join(str(word) for word in shared if word), found


def pictures(results, scenario):
    """For each picture its file's name, its title and the entries."""
    if not scenario["picture"]:
        return
    for caption, entries in groups(results, scenario):
        words = [scenario["name"]] + caption.replace(",", "").split()
        title = ", ".join(word for word in (scenario["title"], caption) if word)
        yield "-".join(words), title, entries


def tables(results, scenario, clock=None):
    """For each table its caption, head and lines; with a clock, of what was
    measured by it alone."""
    for caption, entries in groups(results, scenario):
        if clock:
            entries = [entry for entry in entries
                       if entry.get(f"{clock}_part")]
        if not entries:
            continue
        if scenario["columns"]:
            unit = headline(scenario, entries)["title"]
            caption = ": ".join(word for word in (caption, unit) if word)
            yield caption, *by_column(scenario, entries)
        else:
            yield caption, *by_metric(scenario, entries, clock)
