#!/usr/bin/env python3
"""The template for a new machine compiles, and each law says what is missing for it.

Argument: a program of contract suites compiled against arch/template. Every case has to
fail, with the name of the law and of the function that a porter writes next.
"""

import os
import re
import subprocess
import sys


def main():
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    run = subprocess.run([sys.argv[1]], env=env, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    passed = re.findall(r"^ok \d+ - (\S+)", run.stdout, re.M)
    failed = re.findall(r"^not ok \d+ - (\S+)", run.stdout, re.M)
    missing = re.findall(r"[A-Z]\d+: arch_\w+ is not written yet", run.stdout)
    for name in passed:
        print("%s holds for a machine that has nothing" % name)
    if passed or not failed or len(missing) < len(failed):
        print(run.stdout)
        sys.exit(1)
    print("%d laws fail, first for: %s" % (len(failed), ", ".join(sorted(set(missing)))))


main()
