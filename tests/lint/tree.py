"""What every lint shares: the list of source files, and how findings are reported.

A lint is a program that takes the root of the tree, prints one line per finding
("file:line: what is wrong") and exits with 1 if there was any. It exits with 1 too
if it had nothing to look at, so that a moved folder cannot silence it.
"""

import os
import re
import sys

SKIPPED_FOLDERS = {".git", ".github", "__pycache__", "recorded", "corpus"}


def root():
    if len(sys.argv) < 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("usage: %s ROOT_OF_THE_TREE" % sys.argv[0])
    return sys.argv[1]


def files(top, folders, endings):
    """Paths relative to top, sorted; folders are relative to top, "" is everything."""
    found = []
    for folder in folders:
        for where, inner, names in os.walk(os.path.join(top, folder)):
            inner[:] = [n for n in inner
                        if n not in SKIPPED_FOLDERS and not n.startswith("build")]
            for name in names:
                if name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(where, name), top))
    return sorted(set(found))


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    """Comments and strings become blanks; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, blank, text, flags=re.S)


class Findings:
    def __init__(self):
        self.count = 0
        self.looked_at = 0

    def add(self, path, line, what):
        self.count += 1
        print("%s:%d: %s" % (path, line, what))

    def finish(self):
        if self.looked_at == 0:
            print("nothing was looked at: is this the root of the tree?")
        else:
            print("%d looked at, %d found" % (self.looked_at, self.count))
        sys.exit(1 if self.count or not self.looked_at else 0)
