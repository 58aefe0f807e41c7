#!/usr/bin/env python3
"""Sizes and shapes: files, functions, head comments.

A file has at most 800 lines unless its head comment gives a reason (the word itself);
a function body at most 60 lines; every C file starts with a comment saying what it is,
every header continues with #pragma once.
"""

import re

import tree

FILE_LINES = 800
BODY_LINES = 60


def bodies(lines):
    """(line of the name, name, lines in the body) for each function definition."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            yield name_before(lines, start), start, number - start - 1
            start = None


def name_before(lines, brace):
    for line in reversed(lines[:brace - 1]):
        match = re.match(r"(\w+)\(", line)
        if match:
            return match.group(1)
        if not line.strip():
            break
    return "?"


def main():
    top = tree.root()
    findings = tree.Findings()
    folders = ["include", "src", "arch", "tools", "tests", "fuzz", "bench"]
    for path in tree.files(top, folders, (".c", ".h")):
        findings.looked_at += 1
        text = tree.read(top, path)
        lines = text.splitlines()
        head = re.match(r"/\*.*?\*/", text, re.S)
        if not head:
            findings.add(path, 1, "no head comment")
        if len(lines) > FILE_LINES and not (head and re.search(r"\breason\b", head.group(0))):
            findings.add(path, len(lines), "%d lines without a reason in the head comment"
                         % len(lines))
        if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
            findings.add(path, 1, "no #pragma once")
        for name, number, length in bodies(lines):
            if length > BODY_LINES:
                findings.add(path, number, "%s has %d lines, more than %d"
                             % (name, length, BODY_LINES))
    findings.finish()


main()
