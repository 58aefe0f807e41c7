#!/usr/bin/env python3
"""The scripts that judge a booted image fail when they shall (TAP).

Each runs with an emulator that only pretends: it prints what the case says and ends as the
case says. So a case that fails, a wrong ending, and output that differs have to be noticed.
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PASS, FAIL = 33, 35  # of isa-debug-exit, see arch/x86_64/boot/boot.h

TAP = "ok 1 - a: b\n1..1\n# 1 CPUs: 1 passed, 0 failed, 0 left out\n# ok\n"
MANY = TAP.replace("1 passed", "44 passed")

# script, arguments behind the images, what the emulator prints, how it ends, what the simulator
# prints, whether the script shall pass
CASES = [
    ("boot.py", ["1", "64", "max"], TAP, PASS, "", True),
    ("boot.py", ["1", "64", "max"], TAP, FAIL, "", False),
    ("boot.py", ["1", "64", "max"], TAP, 0, "", False),
    ("matrix.py", [], MANY, PASS, "", True),
    ("matrix.py", [], TAP, PASS, "", False),
    ("matrix.py", [], MANY.replace("0 failed", "1 failed"), FAIL, "", False),
    ("matrix.py", [], "", PASS, "", False),
    ("compare.py", ["ANYMM", "a.vm"], "one\nok\n", PASS, "one\nok\n", True),
    ("compare.py", ["ANYMM", "a.vm"], "two\nok\n", PASS, "one\nok\n", False),
    ("compare.py", ["ANYMM", "a.vm"], "one\nok\n", FAIL, "one\nok\n", False),
    ("compare.py", ["ANYMM", "a.vm"], "", PASS, "", False),
    ("trials.py", ["IMAGE"], "ok\n", PASS, "", False),
    ("trials.py", ["IMAGE"], "", FAIL, "", False),
]


def program(folder, name, text, status):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nprintf '%%s' '%s'\nexit %d\n" % (text, status))
    os.chmod(path, 0o755)
    return path


def passes(script, words, text, status, simulated):
    with tempfile.TemporaryDirectory() as folder:
        program(folder, "qemu-system-x86_64", text, status)
        anymm = program(folder, "anymm", simulated, 0)
        command = [sys.executable, "-B", os.path.join(HERE, script), "IMAGE"]
        command += [anymm if word == "ANYMM" else word for word in words]
        path = folder + os.pathsep + os.environ["PATH"]
        run = subprocess.run(command, env=dict(os.environ, PATH=path), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, check=False)
    return run.returncode == 0


def main():
    fine = True
    print("1..%d" % len(CASES))
    for number, (script, words, text, status, simulated, wanted) in enumerate(CASES, 1):
        is_right = passes(script, words, text, status, simulated) == wanted
        print("%sok %d - %s %s" % ("" if is_right else "not ", number, script,
                                   "accepts" if wanted else "refuses"))
        fine = fine and is_right
    return not fine


sys.exit(main())
