#!/usr/bin/env python3
"""docs/compat.md holds the table that the rows of tests/compat make.

usage: table.py PROGRAM DOCUMENT [--write]

PROGRAM prints the table. With --write the document gets it; without, a difference is
an error.
"""

import subprocess
import sys

BEGIN = "<!-- table: made by tests/compat/table.py --write -->\n"
END = "<!-- end of table -->\n"


def main():
    program, path = sys.argv[1:3]
    table = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    if old == table:
        return 0
    if "--write" in sys.argv[3:]:
        with open(path, "w", encoding="utf-8") as file:
            file.write(head + BEGIN + table + END + tail)
        return 0
    print("%s does not hold the rows of tests/compat/rows.c" % path)
    print("to write them: %s %s %s --write" % (sys.argv[0], program, path))
    return 1


sys.exit(main())
