# SPDX-License-Identifier: GPL-2.0
"""Pictures by gnuplot."""
import os
import shutil
import subprocess
import sys

# Okabe and Ito's: they can be told apart with each kind of colour blindness.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
TERMINAL = "svg size 900,480 dynamic noenhanced background 'white'"


def colour(i):
    return COLOURS[i % len(COLOURS)]


def cell(value):
    return "?" if value is None else f"{value:.6g}"


def table(rows):
    lines = ["\t".join(f'"{c}"' if isinstance(c, str) else cell(c)
                       for c in row) for row in rows]
    return "$data << END\n" + "\n".join(lines) + "\nEND\n"


def draw(directory, name, title, ylabel, rows, commands):
    if not any(isinstance(c, (int, float)) for row in rows for c in row):
        return
    path = os.path.join(directory, f"{name}.svg")
    script = (f"set terminal {TERMINAL}\nset output '{path}'\n"
              f"set title \"{title}\"\nset ylabel '{ylabel}'\n"
              "set datafile separator tab\nset datafile missing '?'\n"
              "set grid ytics\nset key outside bottom center horizontal\n"
              "set yrange [0:*]\n" + table(rows) + commands)
    subprocess.run(["gnuplot"], text=True, check=True, input=script)
    print(path)


def bars(names, form="%.0f", columns=1):
    """Clustered bars, each with its value; with columns=3 each has the lowest
    and the highest sample behind it."""
    parts = []
    errors = columns == 3
    font = {1: 9, 2: 9, 3: 9, 4: 7}.get(len(names), 6)
    for i, name in enumerate(names):
        first = 2 + i * columns
        using = ":".join(str(first + k) for k in range(columns))
        parts.append(f"$data using {using}:xtic(1) title '{name}' "
                     f"lc rgb '{colour(i)}'")
    for i in range(len(names)):
        value = 2 + i * columns
        # Above the bar, or above the highest sample.
        top = value + columns - 1
        offset = (i - (len(names) - 1) / 2) / (len(names) + 1)
        parts.append(f"$data using ($0{offset:+g}):{top}:"
                     f"(sprintf('{form}', ${value})) with labels "
                     f"offset 0,0.6 font ',{font}' notitle")
    style = "errorbars gap 1 lw 1" if errors else "clustered gap 1"
    return ("set style data histogram\n"
            f"set style histogram {style}\n"
            "set style fill solid 0.9 noborder\n"
            "set offsets graph 0, 0, 0.06, 0\n"
            "set xtics rotate by -20\n"
            "plot " + ", ".join(parts))


def require():
    if not shutil.which("gnuplot"):
        sys.exit("no gnuplot: run 'make setup' as root")
