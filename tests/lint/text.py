#!/usr/bin/env python3
"""Words that do not belong in the tree: notes to oneself, and paths of one machine."""

import re

import tree

# Spelt in pieces, so that this file does not find itself.
NOTES = re.compile(r"\b(?:%s)\b" % "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]))
PATHS = re.compile(r"(?<![\w.])/(?:%s)/" % "|".join(["wo" + "rk", "ho" + "me", "ro" + "ot"]))
ENDINGS = (".c", ".h", ".S", ".py", ".md", ".build", ".txt", ".sh", ".vm", ".ld", "dev", "run",
           "lcovrc", "floors")


def main():
    top = tree.root()
    findings = tree.Findings()
    for path in tree.files(top, [""], ENDINGS):
        findings.looked_at += 1
        for number, line in enumerate(tree.read(top, path).splitlines(), 1):
            for match in NOTES.findall(line):
                findings.add(path, number, "a note (%s): say it in docs/design.md" % match)
            for match in PATHS.findall(line):
                findings.add(path, number, "a path of one machine (%s)" % match)
            if line != line.rstrip():
                findings.add(path, number, "blanks at the end of the line")
    findings.finish()


main()
