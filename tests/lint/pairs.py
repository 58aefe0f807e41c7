#!/usr/bin/env python3
"""Every source file of the library has its test file of the same name, and both are built."""

import os
import re

import tree


def listed(top, path):
    """Names in quotes of a meson.build."""
    if not os.path.exists(os.path.join(top, path)):
        return set()
    return set(re.findall(r"'([^']+)'", tree.read(top, path)))


def main():
    top = tree.root()
    findings = tree.Findings()
    suites = listed(top, "tests/unit/meson.build")
    for path in tree.files(top, ["src"], (".c",)):
        findings.looked_at += 1
        folder, name = os.path.split(path)
        stem = name[:-2]
        if not os.path.exists(os.path.join(top, "tests/unit/test_%s.c" % stem)):
            findings.add(path, 1, "has no tests/unit/test_%s.c" % stem)
        elif stem not in suites:
            findings.add(path, 1, "its suite %s is not listed in tests/unit/meson.build" % stem)
        if name not in listed(top, folder + "/meson.build"):
            findings.add(path, 1, "is not listed in %s/meson.build" % folder)
    for kind in ["unit", "contract", "scenario", "model", "fail", "proc", "race"]:
        names = listed(top, "tests/%s/meson.build" % kind)
        for path in tree.files(top, ["tests/" + kind], (".c",)):
            stem = os.path.basename(path)[:-2]
            if stem.startswith("test_") and stem[5:] not in names:
                findings.add(path, 1, "is not listed in tests/%s/meson.build" % kind)
    findings.finish()


main()
