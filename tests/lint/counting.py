#!/usr/bin/env python3
"""Shows that tests/tally.py counts every case, and nothing missing as passed (TAP)."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TALLY = os.path.join(os.path.dirname(HERE), "tally.py")


def test(name, result, stdout=""):
    return {"name": name, "result": result, "stdout": stdout, "env": {},
            "command": ["tests/test_" + name, "suite"]}


# what it is about, the log (None: there is none), programs required, line in the tally
CASES = [
    ("no log", None, [], "0 1"),
    ("a TAP file", "1..2\nok 1 - x\nok 2 - y\n", [], "2 0"),
    ("a TAP file that ends early", "1..2\nok 1 - x\n", [], "1 1"),
    ("a file that is not TAP", "ok\n", [], "0 1"),
    ("an empty log", [], [], "0 1"),
    ("a program without cases", [test("a", "OK")], [], "1 0"),
    ("a failed program", [test("a", "FAIL")], [], "0 1"),
    ("cases", [test("a", "OK", "1..2\nok 1 - x\nok 2 - y\n")], [], "2 0"),
    ("a failed case", [test("a", "FAIL", "1..2\nok 1 - x\nnot ok 2 - y\n")], [], "1 1"),
    ("a crash between cases", [test("a", "ERROR", "1..3\nok 1 - x\n")], [], "1 2"),
    ("a crash after the last case", [test("a", "ERROR", "1..1\nok 1 - x\n")], [], "1 1"),
    ("a skipped case", [test("a", "SKIP", "1..1\nok 1 # SKIP x\n")], [], "0 1"),
    ("no cases at all", [test("a", "SKIP", "1..0\n")], [], "0 1"),
    ("two groups", [test("a", "OK", "1..1\nok 1 - x\n1..1\nok 1 - y\n")], [], "2 0"),
    ("a required program", [test("a", "OK")], ["test_a"], "1 0"),
    ("a required program that did not run", [test("a", "OK")], ["test_b"], "1 1"),
]


def tally_of(log, programs):
    with tempfile.TemporaryDirectory() as top:
        folder = top
        if isinstance(log, str):
            folder = os.path.join(top, "log")
            with open(folder, "w", encoding="utf-8") as file:
                file.write(log)
        elif log is not None:
            os.makedirs(os.path.join(top, "meson-logs"))
            with open(os.path.join(top, "meson-logs", "testlog.json"), "w",
                      encoding="utf-8") as file:
                file.writelines(json.dumps(entry) + "\n" for entry in log)
        path = os.path.join(top, "tally")
        subprocess.run([sys.executable, "-B", TALLY, folder, "text", path] + programs,
                       stdout=subprocess.DEVNULL, check=True)
        with open(path, encoding="utf-8") as file:
            return file.read().strip()


def main():
    print("1..%d" % len(CASES))
    for number, (about, log, programs, wanted) in enumerate(CASES, 1):
        got = tally_of(log, programs)
        print("%sok %d - %s" % ("" if got == wanted else "not ", number, about))
        if got != wanted:
            print("# wanted %s, got %s" % (wanted, got))


main()
