#!/usr/bin/env python3
"""The laws of the machine contract on every kind of PC (TAP).

usage: matrix.py IMAGE

Every suite runs on a few machines (arch/x86_64/boot/meson.build); here all combinations of
CPUs, RAM and CPU model run the suites that the machine itself decides about. One line each.
"""

import itertools
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SUITES = "suite=context,cpu,frames,names,pte,root,tlb,user,usercopy"
CPUS = ["1", "2", "4"]
RAM = ["64", "512", "4096"]
# All protections and none of SMAP, SMEP and UMIP; then each of the first two alone. Without
# NX nothing runs (trials.py).
MACHINES = list(itertools.product(CPUS, RAM, ["max", "qemu64"]))
MACHINES += [("2", "512", "max,-smap,-umip"), ("2", "512", "max,-smep")]


def wrong(output, status):
    """None, or what is not as it should be."""
    count = re.search(r"^# \d+ CPUs: (\d+) passed, 0 failed", output, re.M)
    if status == 0 and count and int(count.group(1)) > 40:
        return None
    return output or "nothing was printed"


def main():
    fine = True
    print("1..%d" % len(MACHINES))
    for number, machine in enumerate(MACHINES, 1):
        run = subprocess.run([sys.executable, "-B", os.path.join(HERE, "boot.py"), sys.argv[1],
                              *machine, SUITES], stdout=subprocess.PIPE, check=False)
        problem = wrong(run.stdout.decode(errors="replace"), run.returncode)
        print("%sok %d - CPUs, MiB, model: %s" % ("not " if problem else "", number, " ".join(machine)))
        for line in problem.splitlines()[-30:] if problem else []:
            print("# | " + line)
        sys.stdout.flush()
        fine = fine and not problem
    return not fine


sys.exit(main())
