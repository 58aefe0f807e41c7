#!/usr/bin/env python3
"""Boot an image in QEMU and pass its console on (TAP).

usage: boot.py IMAGE CPUS MEGABYTES CPU [COMMAND LINE]

Ends with 0 only if the image says that all went well (isa-debug-exit, see
arch/x86_64/boot/boot.h).
"""
import subprocess
import sys

PASS = 33
SECONDS = 280


def main():
    image, cpus, megabytes, cpu = sys.argv[1:5]
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", cpu, "-m", megabytes, "-smp", cpus,
               "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
               "-kernel", image, "-append", " ".join(sys.argv[5:])]
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=SECONDS,
                                check=False).returncode
    except subprocess.TimeoutExpired:
        print("Bail out! no end after %d seconds" % SECONDS)
        status = -1
    if status != PASS:
        print("# QEMU ended with %d; to repeat: %s" % (status, " ".join(command)))
    return status != PASS


sys.exit(main())
