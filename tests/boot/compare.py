#!/usr/bin/env python3
"""The booted image says what the simulator says, byte for byte (TAP).

usage: compare.py IMAGE ANYMM SCENARIO...

Each scenario runs in QEMU, as a module of the image, and on the simulator; the output
and the verdict shall be the same. A recording is first made a scenario by ANYMM. The
first case is the image without a module.
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile

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


def compare(image, anymm, scenario, folder):
    """None, or what is wrong."""
    text, name = imported(anymm, scenario, folder)
    simulated = simulate(anymm, scenario)
    booted = boot(image, "-initrd", text, "-append", "name=%s check=%s" % (name, check_mode(scenario)))
    if simulated == booted:
        return None
    if simulated[1] == booted[1]:
        return "passed on sim: %s, on the PC: %s" % (simulated[0], booted[0])
    return first_difference(simulated[1], booted[1])


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
        same = [report(number, scenario, wrong)
                for number, (scenario, wrong) in enumerate(zip(scenarios, results), 2)]
    return not (boots and all(same))


sys.exit(main())
