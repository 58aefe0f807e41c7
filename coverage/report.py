#!/usr/bin/env python3
"""The coverage of src/: a table by file, the totals, and whether they reach the floors.

usage: report.py FLOORS TRACEFILE...

Tracefiles are lcov's. They come from builds of the same sources with different constants,
and are merged by adding: a line, branch or function is covered if any build runs it. A
branch that one build's constants remove does not count there.
"""

import collections
import os
import sys


class File:
    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()
        self.functions = collections.Counter()

    def totals(self):
        return [(sum(1 for n in c.values() if n), len(c))
                for c in (self.lines, self.branches, self.functions)]


def load(path, files):
    current = None
    with open(path, encoding="utf-8") as file:
        for record in file:
            key, _, rest = record.strip().partition(":")
            fields = rest.split(",")
            if key == "SF":
                current = files[os.path.relpath(rest)]
            elif key == "DA":
                current.lines[int(fields[0])] += int(fields[1])
            elif key == "BRDA":
                taken = 0 if fields[3] == "-" else int(fields[3])
                current.branches[tuple(fields[:3])] += taken
            elif key == "FNDA":
                current.functions[fields[1]] += int(fields[0])


def percent(hit, of):
    return 100.0 * hit / of if of else 100.0


def cell(pair):
    return "%5.1f%% %5d/%-5d" % (percent(*pair), *pair)


def read_floors(path):
    with open(path, encoding="utf-8") as file:
        return {name: float(value) for name, value in (line.split() for line in file)}


def main():
    files = collections.defaultdict(File)
    for path in sys.argv[2:]:
        load(path, files)
    sums = [[0, 0], [0, 0], [0, 0]]
    print("%-34s %-19s %-19s %-19s" % ("file", "lines", "branches", "functions"))
    for name in sorted(files):
        totals = files[name].totals()
        print("%-34s %s %s %s" % (name, *[cell(pair) for pair in totals]))
        for whole, part in zip(sums, totals):
            whole[0] += part[0]
            whole[1] += part[1]
    if not sums[0][1]:
        sys.exit("no source file was measured")
    shares = dict(zip(("lines", "branches", "functions"), (percent(*s) for s in sums)))
    low = ["%s %.1f%%, floor %g%%" % (name, shares[name], floor)
           for name, floor in read_floors(sys.argv[1]).items() if shares[name] < floor]
    for line in low:
        print("below its floor: " + line)
    print("coverage: lines %.1f%% branches %.1f%% functions %.1f%%"
          % (shares["lines"], shares["branches"], shares["functions"]))
    sys.exit(1 if low else 0)


main()
