#!/usr/bin/env python3
"""No conditional compilation in the library, apart from the three places named here.

What differs between machines is a constant of the contract (if (ARCH_HAS_...)), so that
both branches always compile, or a file of the machine.
"""

import re

import tree

ALLOWED = {
    ("include/anymm/compiler.h", "#ifndef static_assert"),
    ("include/anymm/compiler.h", "#ifdef NDEBUG"),
    ("include/anymm/lock.h", "#ifdef __clang__"),
}

CONDITIONAL = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*")


def main():
    top = tree.root()
    findings = tree.Findings()
    for path in tree.files(top, ["src", "include", "tools/scenario"], (".c", ".h")):
        findings.looked_at += 1
        text = tree.without_comments(tree.read(top, path))
        for number, line in enumerate(text.splitlines(), 1):
            if CONDITIONAL.match(line) and (path, line.strip()) not in ALLOWED:
                findings.add(path, number, "conditional compilation: " + line.strip())
    findings.finish()


main()
