#!/usr/bin/env python3
"""Runs every scenario and every recording and compares how each ends (TAP).

usage: replay.py ANYMM SOURCE_ROOT [--small]

The scenarios are scenarios/*.vm, with every invariant checked after every statement; each
must end "ok". The recordings are scenarios/recorded/*.tar.xz; recordings.txt says what each
must come to. With --small the machine lacks something (addresses as large as Linux has, or
tables that fork shares); a scenario may then end "SKIPPED" with that reason.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import time

EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recordings.txt")
SKIPPED = re.compile(r"SKIPPED .*: the machine does not have (addresses as large|tables that fork "
                     r"can share)$")
RESULTS = re.compile(r"^  results equal +(\d+) of (\d+)$", re.M)
SPACES = re.compile(r"^  spaces with no page besides these +(\d+) of (\d+)$", re.M)
MAPS = re.compile(r"^  maps equal +(\d+) of (\d+)$", re.M)


class Outcome:
    """How one run ended."""

    def __init__(self, anymm, path, check):
        began = time.monotonic()
        run = subprocess.run([anymm, "run", "--check=" + check, path], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        self.seconds = time.monotonic() - began
        self.code = run.returncode
        lines = run.stdout.splitlines()
        self.last = lines[-1] if lines else "(no output)"
        self.results = self.pair(RESULTS, run.stdout)
        self.maps = self.pair(MAPS, run.stdout)
        self.spaces = self.pair(SPACES, run.stdout)

    @staticmethod
    def pair(pattern, text):
        found = pattern.search(text)
        return (int(found.group(1)), int(found.group(2))) if found else (0, 0)

    def is_skipped(self):
        return self.code == 0 and SKIPPED.match(self.last) is not None


def expected_recordings():
    with open(EXPECTED, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                yield words[0], words[1], int(words[2]), int(words[3])


def story_is_good(outcome, small):
    return (outcome.code == 0 and outcome.last.startswith("ok ")) or \
        (small and outcome.is_skipped())


def recording_is_good(outcome, calls, maps, small):
    if small and outcome.is_skipped():
        return True
    if outcome.results != (calls, calls) or outcome.maps != (maps, maps):
        return False
    if outcome.spaces[0] != outcome.spaces[1] or outcome.spaces[1] < maps:
        return False  # pages are compared wherever maps are, and at births
    return story_is_good(outcome, False)


def changed_scenarios(anymm, root):
    """The redis recording with one thing changed each: (what, text, line of the change)."""
    path = os.path.join(root, "scenarios", "recorded", "redis-bgsave.tar.xz")
    text = subprocess.run([anymm, "import", path], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    lines = text.splitlines()

    def change(what, pattern, replacement):
        where = [i for i, line in enumerate(lines) if re.search(pattern, line)]
        i = where[len(where) // 2]
        other = lines[:i] + [re.sub(pattern, replacement, lines[i], count=1)] + lines[i + 1:]
        return what, "\n".join(other) + "\n", i + 1

    yield change("the address of a mapping", r"(mmap .* = 0x\w+)000\t", r"\g<1>800\t")
    yield change("the errno of a call", r"(mprotect .* = )0\t", r"\g<1>ENOMEM\t")
    yield change("a permission in a map", r"^(\t0x\w+\.\.0x\w+ r)w-p( rss=\w+)?$", r"\g<1>--p\2")
    yield change("a flag in a map", r"^(\t0x\w+\.\.0x\w+ rw-p)( rss=.*)$", r"\g<1> locked\2")
    yield change("a resident size", r" rss=(\d+)K", r" rss=1\g<1>K")
    yield change("a file's offset in a map", r"^(\t0x\w+\.\.0x\w+ r-xp 0x)(\w+000) ", r"\g<1>7\2 ")
    yield change("a page that is not there", r"^(resident \d+) 0x", r"\g<1> 0x10000 1 0x")
    yield change("a page that is there", r"^(resident \d+) 0x\w+ \d+ ", r"\g<1> ")
    yield change("a touch where nothing is", r"^(touch \d+) ", r"\g<1> a 0x10000 1 ")
    yield change("a process that does not exist", r"^(munmap) \d+ ", r"\g<1> 1 ")


def check_changed(anymm, root, report):
    """What a replay compares it really compares: each change is found, at its line."""
    for what, text, line in changed_scenarios(anymm, root):
        with tempfile.NamedTemporaryFile("w", suffix=".vm") as file:
            file.write(text)
            file.flush()
            outcome = Outcome(anymm, file.name, "none")
            report(outcome.code == 1 and
                   outcome.last.startswith("FAILED %s:%d:" % (file.name, line)),
                   "fails when changed: " + what, outcome)


NR_CHANGED = 10


def main():
    anymm, root = sys.argv[1:3]
    small = "--small" in sys.argv[3:]
    stories = sorted(glob.glob(os.path.join(root, "scenarios", "*.vm")))
    recordings = list(expected_recordings())
    packed = sorted(os.path.basename(path)[:-len(".tar.xz")] for path in
                    glob.glob(os.path.join(root, "scenarios", "recorded", "*.tar.xz")))
    changed = 0 if small else NR_CHANGED
    print("1..%d" % (len(stories) + len(recordings) + 1 + changed))
    number = 0

    def report(good, name, outcome=None):
        nonlocal number
        number += 1
        print("%sok %d - %s" % ("" if good else "not ", number, name))
        if not good and outcome:
            print("# %s" % outcome.last)
        sys.stdout.flush()

    for path in stories:
        outcome = Outcome(anymm, path, "step")
        report(story_is_good(outcome, small), os.path.basename(path), outcome)
    report(packed == sorted(name for name, *_ in recordings) and len(stories) >= 10,
           "every recording has its line in recordings.txt")
    table = ["%-20s %12s %12s %12s %8s  %s" % ("recording", "results", "maps", "pages of", "seconds",
                                               "ends")]
    for name, check, calls, maps in recordings:
        outcome = Outcome(anymm, os.path.join(root, "scenarios", "recorded", name + ".tar.xz"),
                          check)
        good = recording_is_good(outcome, calls, maps, small)
        report(good, name, outcome)
        table.append("%-20s %5d/%-6d %5d/%-6d %5d/%-6d %8.2f  %s" % (
            name, *outcome.results, *outcome.maps, *outcome.spaces, outcome.seconds,
            outcome.last.split(" ")[0]))
    if changed:
        check_changed(anymm, root, report)
    for line in table:
        print("# " + line)


main()
