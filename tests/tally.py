#!/usr/bin/env python3
"""Counts the test cases of one build folder, one by one, and shows what failed.

usage: tally.py BUILD_FOLDER_OR_TAP_FILE TEXT TALLY_FILE [PROGRAM]...

A program that prints TAP counts as its cases; any other as one. A case that was planned
and did not run has failed, a skipped one too, and so has a build without a log, and each
PROGRAM (the start of its file name) that was not among the tests. Adds a line "passed
failed" to the tally file.
"""

import json
import os
import re
import sys

SHOWN_LINES = 30


def load(folder):
    if os.path.isfile(folder):
        with open(folder, encoding="utf-8", errors="replace") as file:
            text = file.read()
        result = "OK" if re.search(r"^1\.\.\d+$", text, re.M) else "FAIL"
        return [{"name": folder, "result": result, "stdout": text, "command": ["the last step"]}]
    path = os.path.join(folder, "meson-logs", "testlog.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def count(test):
    """(passed, failed) cases of one program."""
    lines = test.get("stdout", "").splitlines()
    plan = sum(int(m.group(1)) for m in (re.match(r"1\.\.(\d+)$", x) for x in lines) if m)
    if not plan:
        return (1, 0) if test["result"] == "OK" else (0, 1)
    passed = sum(1 for x in lines if re.match(r"ok \d+(?!.*# SKIP)", x))
    failed = plan - passed
    if test["result"] != "OK" and failed <= 0:
        failed = 1
    return passed, failed


def command(folder, test):
    env = {k: v for k, v in test.get("env", {}).items() if k == "ANYMM_SEED"}
    words = ["%s=%s" % item for item in env.items()]
    here = os.getcwd() + "/"
    for word in test["command"]:
        inside = os.path.join(folder, word)
        path = os.path.realpath(inside if os.path.isfile(inside) else word)
        words.append(os.path.relpath(path) if path.startswith(here) else word)
    return " ".join(words)


def missing(tests, programs):
    """Those of the programs that no test has run."""
    ran = [os.path.basename(word) for test in tests for word in test["command"][:3]]
    return [p for p in programs if not any(name.startswith(p) for name in ran)]


def show(folder, test):
    print("---- %s: %s" % (test["name"], test["result"]))
    for stream in ("stdout", "stderr"):
        lines = test.get(stream, "").splitlines()
        if stream == "stdout":
            lines = [x for x in lines if not x.startswith("ok ")]
        for line in lines[-SHOWN_LINES:]:
            print("    " + line)
    print("to repeat: " + command(folder, test))


def main():
    folder, text, tally = sys.argv[1:4]
    tests = load(folder)
    passed = failed = 0
    if not tests:
        failed = 1
        print("%s: no test ran; the whole log is %s.log" % (text, folder))
    for test in tests or []:
        ok, bad = count(test)
        passed += ok
        failed += bad
        if bad:
            show(folder, test)
    for program in missing(tests or [], sys.argv[4:]):
        failed += 1
        print("%s: no test ran %s" % (text, program))
    print("%s: %d passed, %d failed" % (text, passed, failed))
    with open(tally, "a", encoding="utf-8") as file:
        file.write("%d %d\n" % (passed, failed))


main()
