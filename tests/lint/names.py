#!/usr/bin/env python3
"""The machine contract is one list: include/anymm/arch.h.

Every function it declares is defined by every machine, and nothing else is called
arch_*; every constant its first section lists is defined by every machine, and no
other ARCH_ name. A machine's own helpers carry the machine's name.
"""

import os
import re

import tree

DECLARED = re.compile(r"\b(arch_[a-z0-9_]+)\(")
DEFINED = re.compile(r"^(?:static\s+inline\s[^;()]*?|[^\s;()][^;()]*?\s\**)?(arch_[a-z0-9_]+)\([^;]*?\)\s*\{",
                     re.M | re.S)
CONSTANT = re.compile(r"^ \*   (ARCH_[A-Z0-9_]+)", re.M)
MACRO = re.compile(r"^\s*#\s*define\s+(ARCH_[A-Z0-9_]+)", re.M)


def machines(top):
    found = [m for m in sorted(os.listdir(os.path.join(top, "arch")))
             if os.path.isdir(os.path.join(top, "arch", m, "include", "arch"))]
    return found


def contract_headers(top, machine):
    return tree.files(top, ["arch/%s/include/arch" % machine], (".h",))


def main():
    top = tree.root()
    findings = tree.Findings()
    contract = tree.read(top, "include/anymm/arch.h")
    functions = set(DECLARED.findall(tree.without_comments(contract)))
    constants = set(CONSTANT.findall(contract))
    derived = set(MACRO.findall(contract))
    if not functions or not constants:
        findings.add("include/anymm/arch.h", 1, "no contract found")

    for machine in machines(top):
        findings.looked_at += 1
        defined, macros = set(), set()
        for path in contract_headers(top, machine):
            text = tree.without_comments(tree.read(top, path))
            defined |= set(DEFINED.findall(text))
            macros |= set(MACRO.findall(text))
        where = "arch/%s/include/arch" % machine
        for name in sorted(functions - defined):
            findings.add(where, 1, "%s is in the contract but not defined" % name)
        for name in sorted(constants - macros):
            findings.add(where, 1, "%s is in the contract but not defined" % name)
        for name in sorted(macros - constants):
            findings.add(where, 1, "%s is not in the contract" % name)

    # No file may use or define an arch_ name that the contract does not know.
    for path in tree.files(top, ["arch", "src", "include", "tools", "tests", "fuzz", "bench"],
                           (".c", ".h")):
        text = tree.without_comments(tree.read(top, path))
        for number, line in enumerate(text.splitlines(), 1):
            for name in DECLARED.findall(line):
                if name not in functions:
                    findings.add(path, number, "%s is not in the contract" % name)
            for name in re.findall(r"\bARCH_[A-Z0-9_]+\b", line):
                if name not in constants | derived:
                    findings.add(path, number, "%s is not in the contract" % name)
    findings.finish()


main()
