#!/usr/bin/env python3
"""Which behaviour of the seed systems is shown by which test, and where that runs.

docs/seeds.txt lists the behaviours by id. A test shows a behaviour by naming its id: in the
comment above a test, in the head comment of a file of tests (then the file as a whole shows
it), or in a comment of a scenario. A line that begins with = names a mechanism of theirs in
whose place something else stands here. As a lint this program looks for ids that nobody knows,
for ids without a test and for ids listed twice; with --write it makes docs/seeds.md.
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

# Where a test runs: in the simulator, on a booted PC, beside the Linux of the host.
PLACES = ["sim", "x86-64", "Linux"]

# A comment, and the test that stands right behind it.
ABOVE_TEST = re.compile(r"/\*((?:(?!\*/).)*)\*/\s*(?:static void\s+(\w+)\(void \*\*state\)|\w*RACE\((\w+))",
                        re.S)
HEAD = re.compile(r"\A/\*(.*?)\*/", re.S)


def listed(top, findings):
    """id -> behaviour, in the order of the list."""
    rows = {}
    for number, line in enumerate(tree.read(top, LIST).splitlines(), 1):
        if not line or line.startswith(("#", "=")):
            continue
        name, _, text = line.partition(" ")
        if not ID.fullmatch(name) or not text:
            findings.add(LIST, number, "expected an id and a behaviour")
        elif name in rows:
            findings.add(LIST, number, "%s is listed twice" % name)
        rows[name] = text
    return rows


def replaced(top, rows, findings):
    """(ids, their mechanism, ours) of each line that begins with =."""
    for number, line in enumerate(tree.read(top, LIST).splitlines(), 1):
        if not line.startswith("="):
            continue
        parts = [part.strip() for part in line[1:].split("|")]
        ids = parts[0].split()
        if len(parts) != 3 or not ids or not all(parts):
            findings.add(LIST, number, "expected: = ids | their mechanism | ours")
            continue
        for name in ids:
            if name not in rows:
                findings.add(LIST, number, "%s is in no row" % name)
        yield ids, parts[1], parts[2]


def quoted(text):
    return re.findall(r"'(\w+)'", text)


def boot_suites(top):
    """kind -> the suites of it that a booted PC runs too; None: all but the simulator's."""
    text = tree.read(top, "tests/boot/meson.build")
    lists = {name: quoted(inside)
             for name, inside in re.findall(r"^(\w+) = \[(.*?)\]", text, re.M | re.S)}
    kinds = re.search(r"^boot_kinds = \{(.*?)^\}", text, re.M | re.S).group(1)
    booted = {}
    for kind, value in re.findall(r"^\s*'(\w+)': (.*?),$", kinds, re.M):
        if value.startswith("["):
            booted[kind] = quoted(value)
        else:
            booted[kind] = lists.get(value)
    return booted


def places(path, booted):
    """Where the tests of a file run."""
    parts = path.split("/")
    if path.endswith(".vm"):
        return {"sim", "x86-64"}
    if path.startswith(("tests/boot/", "arch/x86_64/")):
        return {"x86-64"}
    if path.startswith("tests/linux/"):
        return {"sim", "Linux"}
    suite = re.sub(r"^test_|\.c$", "", parts[-1])
    if parts[0] != "tests" or parts[1] not in booted or suite.startswith("sim_"):
        return {"sim"}
    suites = booted[parts[1]]
    return {"sim", "x86-64"} if suites is None or suite in suites else {"sim"}


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


def ids_without_test(top, rows, findings):
    found = shown(top)
    for name in rows:
        if name not in found:
            findings.add(LIST, 1, "%s has no test" % name)


def cell(entries, booted):
    tests = []
    for path, test in entries:
        tests.append("`%s`: %s" % (path, test) if test else "`%s`" % path)
    where = set().union(*(places(path, booted) for path, _ in entries))
    return "<br>".join(tests), ", ".join(sorted(where, key=PLACES.index))


def count(names, found):
    return sum(1 for name in names if name in found)


def page(rows, replacements, found, booted):
    mistakes = [name for name in rows if "-B" in name]
    behaviours = [name for name in rows if "-B" not in name]
    lines = [
        "# What the seed systems do, and the tests that show it",
        "",
        "Five kernels are the model for the memory and fork side of this one. Each row is one of",
        "their behaviours or, with B in its number, a mistake found there that must not be made",
        "here, and the tests that name it. This page is made by `tests/lint/seeds.py --write` from",
        "`docs/seeds.txt` and the tests.",
        "",
        "%d of %d behaviours and %d of %d mistakes have a test." %
        (count(behaviours, found), len(behaviours), count(mistakes, found), len(mistakes)),
        "A test runs in the simulator (sim), on a booted PC (x86-64), or both.",
        "",
        "## Done another way",
        "",
        "Where one of their mechanisms has another one in its place, the tests of the rows show what",
        "it was for.",
        "",
        "| there | here | rows |",
        "| --- | --- | --- |",
    ]
    for ids, theirs, ours in replacements:
        lines.append("| %s | %s | %s |" % (theirs, ours, ", ".join(ids)))
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
    replacements = list(replaced(top, rows, findings))
    unknown_ids(top, rows, findings)
    ids_without_test(top, rows, findings)
    if "--write" in sys.argv:
        with open(os.path.join(top, PAGE), "w", encoding="utf-8") as file:
            file.write(page(rows, replacements, shown(top), boot_suites(top)))
    findings.finish()


main()
