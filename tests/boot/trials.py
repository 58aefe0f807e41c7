#!/usr/bin/env python3
"""Trials of the booted PC, each judged by what it prints and how it ends (TAP).

usage: trials.py TRIAL_IMAGE IMAGE [BREAK]

Sound machines must pass, machines broken on purpose must be noticed, and machines on
which nothing can run must say why. What a trial printed is shown if it fails. With BREAK
(see trial/trial.h) the sound machines of the stress are broken too, so something fails.
"""

import re
import subprocess
import sys

PASS, FAIL = 33, 35  # of isa-debug-exit, see arch/x86_64/boot/boot.h
NO_LONG_MODE = 3     # entry.S knows only one way out
SECONDS = 500      # a busy host makes CPUs wait long for each other


class Machine:
    """Options of one start, with those that most trials use."""

    def __init__(self, line, cpus=2, ram=128, cpu="max"):
        self.line, self.cpus, self.ram, self.cpu = line, cpus, ram, cpu

    def command(self, image):
        return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", self.cpu, "-m", str(self.ram),
                "-smp", str(self.cpus), "-display", "none", "-serial", "stdio",
                "-monitor", "none", "-no-reboot",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                "-kernel", image, "-append", self.line]

    def boot(self, image):
        """(status, output)"""
        try:
            run = subprocess.run(self.command(image), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as late:
            return None, (late.stdout or b"").decode(errors="replace")
        return run.returncode, run.stdout.decode(errors="replace")


# name, machine, status, what the output must hold, in this order
TRIALS = [
    ("lies of a loader are named", Machine("mode=bootmap", cpus=1), PASS, ["ok 1 ", "ok 23 ", "ok"]),
    ("no way out of ring 3 takes the kernel along", Machine("mode=sysret"), PASS, ["ok 10 ", "ok"]),
    ("the same on another CPU model", Machine("mode=sysret", cpu="qemu64"), PASS, ["ok 10 ", "ok"]),
    ("no context of user memory takes the kernel along", Machine("mode=contexts"), PASS,
     ["ok 1 - of 4000 contexts", "ok"]),
    ("the same without XSAVE", Machine("mode=contexts", cpu="qemu64"), PASS,
     ["ok 1 - of 4000 contexts", "ok"]),
    ("exceptions in each other end", Machine("mode=nested", cpus=1), FAIL,
     ["CPU 0: invalid opcode", "CPU 0: page fault", "CPU 0: page fault",
      "4 exceptions in each other; the last: vector 14"]),
    ("a stack that overflows is reported", Machine("mode=overflow"), FAIL,
     ["CPU 0: double fault", "in ring 0", "cr2 ffffff", "sink_deeper+"]),
    ("the same on another CPU", Machine("mode=overflow cpu=1"), FAIL,
     ["CPU 1: double fault", "in ring 0", "cr2 ffffff", "sink_deeper+"]),
    ("a thread's stack ends at its guard", Machine("mode=guard"), FAIL,
     ["CPU 0: double fault", "fall_deeper+", "the stack of thread 2 has run into its guard"]),
    ("the same on another CPU", Machine("mode=guard cpu=1"), FAIL,
     ["CPU 1: double fault", "fall_deeper+", "the stack of thread 2 has run into its guard"]),
    ("threads that fork in the kernel run on their stacks", Machine("mode=kthreads"), PASS,
     ["one thread: 1 ", "a fork: 2 ", "forks of forks: 64 ", "ok 9 - a hostile outermost link: 4 ",
      "every frame of the stacks came back", "ok"]),
    ("the same on one CPU of another model", Machine("mode=kthreads", cpus=1, cpu="qemu64"), PASS,
     ["ok 10 ", "ok"]),
    ("100000 children come and go on four CPUs", Machine("mode=churn", cpus=4), PASS,
     ["ok 1 - 100000 children came and went on 4 CPUs", "every code was told once",
      "after each batch everything was as before", "every frame came back", "ok"]),
    ("and on one of another model", Machine("mode=churn cycles=20000", cpus=1, cpu="qemu64"), PASS,
     ["ok 1 - 20000 children came and went on 1 CPU", "every frame came back", "ok"]),
    ("a fork bomb of 30000 processes on four CPUs", Machine("mode=bomb", cpus=4, ram=4096), PASS,
     ["ok 1 - 30000 processes in one tree, made by 4 CPUs", "ok 3 - 30000 processes",
      "ok 4 - all but the first are gone", "every frame came back", "ok"]),
    ("10000 rounds against a writer", Machine("mode=stress rounds=10000"), PASS,
     ["no stale access in 10000 rounds", "every write has arrived", "every frame came back", "ok"]),
    ("1000 rounds on a CPU with fewer features", Machine("mode=stress rounds=1000", cpu="qemu64"),
     PASS, ["no stale access in 1000 rounds", "every frame came back", "ok"]),
    ("300 rounds against three writers", Machine("mode=stress rounds=300", cpus=4), PASS,
     ["no stale access in 300 rounds", "every frame came back", "ok"]),
    ("one INVLPG left out is noticed", Machine("mode=stress break=skip-invlpg"), FAIL,
     ["the machine is broken", "not ok 1 - stale access: CPU 1", "FAILED"]),
    ("another one", Machine("mode=stress break=skip-invlpg after=733"), FAIL,
     ["the machine is broken", "not ok 1 - stale access: CPU 1", "FAILED"]),
    ("one flush of a space left out is noticed", Machine("mode=stress break=skip-flush"), FAIL,
     ["the machine is broken", "not ok 1 - ", "child", "FAILED"]),
    ("one interrupt not sent is noticed", Machine("mode=stress break=skip-ipi patience=5"), FAIL,
     ["the machine is broken", "not ok 1 - nothing goes on", "FAILED"]),
]

DEMO = ["a tree of 31 processes", "a stack has grown by 64 pages",
        "7 programs have kept their vector registers", "4 threads had stacks of their own",
        "2 processes of 4 threads ended by the word of one", "14 processes were killed",
        "a stack has overflowed 12 times", "14 frames were refused", "a program was interrupted 4 times",
        "4 processes have become another program 20 times each", "CPUs that programs have run on: "]
FRAMES = ["frames were free before the first program, and are again\n", "ok\n"]

# The same for the image that runs scenarios, and without one the demonstration.
BOOTS = [
    ("the demonstration on 1 CPU", Machine("", cpus=1), PASS, ["1 CPU,", *DEMO, "1\n", *FRAMES]),
    ("on 2 CPUs", Machine("mode=demo"), PASS, ["2 CPUs,", *DEMO, *FRAMES]),
    ("on 4 CPUs with fewer features", Machine("", cpus=4, cpu="qemu64"), PASS,
     ["4 CPUs,", *DEMO, *FRAMES]),
    ("on 4 CPUs with 256-bit registers", Machine("", cpus=4), PASS, ["4 CPUs,", *DEMO, *FRAMES]),
    ("on 1 CPU that saves with FXSAVE", Machine("", cpus=1, cpu="qemu64"), PASS,
     ["1 CPU,", *DEMO, "1\n", *FRAMES]),
    ("on a small PC", Machine("", ram=16), PASS, ["2 CPUs,", *DEMO, *FRAMES]),
    ("in 8 MiB it says what it lacks", Machine("", ram=8), FAIL,
     ["anymm: the demonstration needs ", " KiB of free RAM, "]),
    ("and in 6", Machine("", ram=6), FAIL, ["anymm: the demonstration needs "]),
    ("too little RAM", Machine("", ram=4), FAIL, ["anymm: too little RAM"]),
    ("even less", Machine("", ram=2), FAIL, ["anymm: too little RAM"]),
    ("a CPU without NX", Machine("", cpu="qemu64,-nx"), FAIL, ["anymm: this CPU has no NX"]),
    ("a CPU without PGE", Machine("", cpu="qemu64,-pge"), FAIL, ["anymm: this CPU has no PGE"]),
    ("a CPU without 64 bits", Machine("", cpu="qemu32"), NO_LONG_MODE,
     ["anymm: this CPU has no 64-bit mode"]),
]


def wrong(status, output, wanted_status, wanted):
    """None, or what is not as it should be."""
    if status is None:
        return "no end after %d seconds" % SECONDS
    if status != wanted_status:
        return "QEMU ended with %d, not %d" % (status, wanted_status)
    at = 0
    for part in wanted:
        at = output.find(part, at)
        if at < 0:
            return "'%s' is missing" % part
    return None


def shell(command):
    return " ".join(word if re.fullmatch(r"[\w./,=:-]+", word) else "'%s'" % word for word in command)


def break_stress(trial, kind):
    """The trial on a machine that forgets one thing, if it is the stress on a sound one."""
    machine = trial[1]
    if machine.line.startswith("mode=stress") and "break=" not in machine.line:
        machine.line += " break=%s patience=5" % kind
    return trial


def report(number, trial, image):
    name, machine, wanted_status, wanted = trial
    status, output = machine.boot(image)
    problem = wrong(status, output, wanted_status, wanted)
    print("%s %d - %s" % ("not ok" if problem else "ok", number, name))
    if problem:
        print("# %s; to repeat: %s" % (problem, shell(machine.command(image))))
        for line in output.splitlines()[-40:]:
            print("# | " + line)
    sys.stdout.flush()
    return problem is None


def main():
    trial_image, image, *broken = sys.argv[1:]
    trials = [break_stress(t, broken[0]) for t in TRIALS] if broken else TRIALS
    cases = [(t, trial_image) for t in trials] + [(b, image) for b in BOOTS]
    print("1..%d" % len(cases))
    results = [report(number, trial, where) for number, (trial, where) in enumerate(cases, 1)]
    return not all(results)


sys.exit(main())
