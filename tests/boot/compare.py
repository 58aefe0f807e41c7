#!/usr/bin/env python3
"""The booted image says what the simulator says, byte for byte (TAP).

usage: compare.py IMAGE ANYMM SCENARIO...

Each scenario runs in QEMU, as a module of the image, and on the simulator; the output
and the verdict shall be the same. A recording is first made a scenario by ANYMM. The
first case is the image without a module. A table of what the PC said of the recordings ends it, as
"anymm replay" prints it for the simulator; the seconds are those of the emulator.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time

PASS = 33  # of isa-debug-exit, see arch/x86_64/boot/boot.h
SECONDS = 280


def boot(image, *options):
    """(passed, output) of one start of the machine."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "8",
               "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", image, *options]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         timeout=SECONDS, check=False)
    return run.returncode == PASS, run.stdout


def check_mode(scenario):
    """Stories are checked after every step; the simulator does that for recordings elsewhere."""
    return "step" if scenario.endswith(".vm") else "end"


def simulate(anymm, scenario):
    run = subprocess.run([anymm, "run", "--check=" + check_mode(scenario), scenario], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, timeout=SECONDS, check=False)
    return run.returncode == 0, run.stdout


def imported(anymm, scenario, folder):
    """The text to give to the image, and the name the simulator gives it."""
    if scenario.endswith(".vm"):
        return scenario, scenario
    name = os.path.basename(scenario).split(".")[0]
    text = os.path.join(folder, name + ".vm")
    subprocess.run([anymm, "import", scenario, "-o", text], check=True)
    return text, name


def first_difference(simulated, booted):
    pairs = zip(simulated.splitlines() + [b"(end)"], booted.splitlines() + [b"(end)"])
    for number, (left, right) in enumerate(pairs, 1):
        if left != right:
            return "line %d: %r on the simulator, %r on the PC" % (number, left, right)
    return "one output is longer"


class Row:
    """What the PC said of one recording, or the sum of them."""

    HEAD = "%-20s %13s %9s %13s %9s %8s %8s %8s  %s" % (
        "recording", "results equal", "maps", "region sizes", "all pages", "touched", "compared", "seconds",
        "ends")
    PAIRS = [r"results equal", r"maps equal", r"resident sizes equal",
             r"spaces with no page besides these"]

    def __init__(self, name, output="", seconds=0.0):
        lines = output.splitlines()
        self.name = name
        self.pairs = [self.find(pair + r" +(\d+) of (\d+)$", output, (0, 0)) for pair in self.PAIRS]
        self.touched = self.find(r"pages touched +(\d+)$", output, (0,))[0]
        self.compared = self.find(r"pages present as expected +(\d+) of \d+$", output, (0,))[0]
        self.seconds = seconds
        self.ending = lines[-1].split(" ")[0] if lines else "nothing"

    @staticmethod
    def find(pattern, text, otherwise):
        found = re.search(r"^  " + pattern, text, re.M)
        return tuple(int(number) for number in found.groups()) if found else otherwise

    @staticmethod
    def total(rows):
        total = Row("all")
        total.pairs = [tuple(map(sum, zip(*pairs))) for pairs in zip(*(row.pairs for row in rows))]
        total.touched = sum(row.touched for row in rows)
        total.compared = sum(row.compared for row in rows)
        total.seconds = sum(row.seconds for row in rows)
        total.ending = "%d of %d ok" % (sum(row.ending == "ok" for row in rows), len(rows))
        return total

    def __str__(self):
        columns = tuple(number for pair in self.pairs for number in pair)
        return "%-20s %6d/%-6d %4d/%-4d %6d/%-6d %4d/%-4d %8d %8d %8.2f  %s" % (
            (self.name,) + columns + (self.touched, self.compared, self.seconds, self.ending))


def verdict(simulated, booted):
    """None, or what is wrong."""
    if simulated == booted:
        return None if simulated[0] else "fails on both"
    if simulated[1] == booted[1]:
        return "passed on sim: %s, on the PC: %s" % (simulated[0], booted[0])
    return first_difference(simulated[1], booted[1])


def compare(image, anymm, scenario, folder):
    """What is wrong, or None; and the row of a recording, or None."""
    text, name = imported(anymm, scenario, folder)
    simulated = simulate(anymm, scenario)
    began = time.monotonic()
    booted = boot(image, "-initrd", text, "-append", "name=%s check=%s" % (name, check_mode(scenario)))
    row = Row(name, booted[1].decode(errors="replace"), time.monotonic() - began)
    return verdict(simulated, booted), None if scenario.endswith(".vm") else row


def print_table(rows):
    for line in [Row.HEAD, *rows, Row.total(rows)] if rows else []:
        print("# %s" % line)


def report(number, name, wrong):
    """Whether it passed."""
    print("%sok %d - %s" % ("not " if wrong else "", number, name))
    if wrong:
        print("# " + wrong)
    sys.stdout.flush()
    return wrong is None


def main():
    image, anymm, *scenarios = sys.argv[1:]
    print("1..%d" % (1 + len(scenarios)))
    passed, output = boot(image)
    boots = report(1, "the image boots", None if passed and output.endswith(b"ok\n") else repr(output))
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda scenario: compare(image, anymm, scenario, folder), scenarios)
        rows, same = [], []
        for number, (scenario, (wrong, row)) in enumerate(zip(scenarios, results), 2):
            same.append(report(number, scenario, wrong))
            rows += [row] if row else []
    print_table(rows)
    return not (boots and all(same))


sys.exit(main())
