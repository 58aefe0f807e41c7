#!/usr/bin/env python3
"""Which behaviour of the seed systems is shown by which test, and where that runs.

docs/seeds.txt lists the behaviours by id. A test shows a behaviour by naming its id: in the
comment above a test, in the head comment of a file of tests (then the file as a whole shows
it), or in a comment of a scenario. As a lint this program looks for ids that nobody knows and
for ids listed twice or not in order; with --write it makes docs/seeds.md.
"""

import os
import re
import sys

import tree

LIST = "docs/seeds.txt"
PAGE = "docs/seeds.md"
ID = re.compile(r"\b(?:LUN|DRG|WNX|CAM|ALM)-B?\d\d\b")
SYSTEMS = [("LUN", "Lunaix"), ("DRG", "DragonOS"), ("WNX", "Weenix"), ("CAM", "Camellia"),
           ("ALM", "ALMOS-MKH and ALMOS-MK")]

# A comment, and the test that stands right behind it.
ABOVE_TEST = re.compile(r"/\*((?:(?!\*/).)*)\*/\s*(?:static void\s+(\w+)\(void \*\*state\)|\w*RACE\((\w+))",
                        re.S)
HEAD = re.compile(r"\A/\*(.*?)\*/", re.S)


def listed(top, findings):
    """id -> behaviour, in the order of the list."""
    rows = {}
    for number, line in enumerate(tree.read(top, LIST).splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, _, text = line.partition(" ")
        if not ID.fullmatch(name) or not text:
            findings.add(LIST, number, "expected an id and a behaviour")
        elif name in rows:
            findings.add(LIST, number, "%s is listed twice" % name)
        rows[name] = text
    return rows


def boot_suites(top):
    """Kind of suites -> which of them the booted PC runs too; None: all but those of the simulator."""
    text = tree.read(top, "tests/boot/meson.build")
    lists = {name: re.findall(r"'(\w+)'", names)
             for name, names in re.findall(r"^(\w+) = \[(.*?)\]", text, re.S | re.M)}
    block = re.search(r"^boot_kinds = \{(.*?)^\}", text, re.S | re.M)
    kinds = {}
    for kind, names in re.findall(r"'(\w+)': (.*?),\n", block.group(1)):
        kinds[kind] = None if names.startswith("test_kinds") else \
            lists.get(names, re.findall(r"'(\w+)'", names))
    return kinds


def is_booted(path, booted):
    _, kind, suite = path.split("/")[:3]
    suite = re.sub(r"^test_|\.c$", "", suite)
    if booted.get(kind, []) is None:
        return not suite.startswith("sim_")
    return suite in booted.get(kind, [])


def place(path, booted):
    """Where the tests of a file run."""
    if path.endswith(".vm"):
        return "sim, x86-64"
    if path.startswith(("tests/boot/", "arch/x86_64/")):
        return "x86-64"
    if path.startswith("tests/linux/"):
        return "sim beside Linux"
    return "sim, x86-64" if path.startswith("tests/") and is_booted(path, booted) else "sim"


def shown_in_c(text):
    """(ids, name of the test or None for the file)."""
    head = HEAD.match(text)
    if head:
        yield ID.findall(head.group(1)), None
    for match in ABOVE_TEST.finditer(text):
        yield ID.findall(match.group(1)), match.group(2) or match.group(3)


def shown(top):
    """id -> list of (path, test or None)."""
    found = {}
    for path in tree.files(top, ["tests", "fuzz", "scenarios", "arch/x86_64/boot/demo"],
                           (".c", ".vm")):
        text = tree.read(top, path)
        if path.endswith(".vm"):
            comments = "\n".join(re.findall(r"#.*", text))
            pairs = [(ID.findall(comments), None)]
        else:
            pairs = shown_in_c(text)
        for ids, test in pairs:
            for name in ids:
                entry = (path, test)
                if entry not in found.setdefault(name, []):
                    found[name].append(entry)
    return found


def unknown_ids(top, rows, findings):
    for path in tree.files(top, ["tests", "fuzz", "scenarios", "src", "include", "arch", "tools"],
                           (".c", ".h", ".vm")):
        findings.looked_at += 1
        for number, line in enumerate(tree.read(top, path).splitlines(), 1):
            for name in ID.findall(line):
                if name not in rows:
                    findings.add(path, number, "%s is not in %s" % (name, LIST))


def cell(entries, booted):
    tests = []
    for path, test in entries:
        tests.append("`%s`: %s" % (path, test) if test else "`%s`" % path)
    places = sorted({place(path, booted) for path, _ in entries}, key=len, reverse=True)
    if "sim, x86-64" in places and "sim" in places:
        places.remove("sim")
    return "<br>".join(tests), ", ".join(places)


def page(rows, found, booted):
    done = sum(1 for name in rows if name in found)
    lines = [
        "# What the seed systems do, and the tests that show it",
        "",
        "Five kernels are the model for the memory and fork side of this one. Each row is one of",
        "their behaviours or, with B in its number, a mistake found there that must not be made",
        "here, and the tests that name it. This page is made by `tests/lint/seeds.py --write` from",
        "`docs/seeds.txt` and the tests.",
        "",
        "%d of %d rows have a test." % (done, len(rows)),
    ]
    for prefix, system in SYSTEMS:
        lines += ["", "## %s" % system, "", "| id | behaviour or mistake | tests | where |",
                  "| --- | --- | --- | --- |"]
        for name, text in rows.items():
            if not name.startswith(prefix):
                continue
            tests, where = cell(found[name], booted) if name in found else ("not yet", "")
            lines.append("| %s | %s | %s | %s |" % (name, text, tests, where))
    return "\n".join(lines) + "\n"


def main():
    top = tree.root()
    findings = tree.Findings()
    rows = listed(top, findings)
    unknown_ids(top, rows, findings)
    if "--write" in sys.argv:
        with open(os.path.join(top, PAGE), "w", encoding="utf-8") as file:
            file.write(page(rows, shown(top), boot_suites(top)))
    findings.finish()


main()
