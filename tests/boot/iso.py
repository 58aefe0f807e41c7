#!/usr/bin/env python3
"""Make a disc that GRUB boots the image from; try it (TAP).

usage: iso.py make IMAGE DISC
       iso.py try IMAGE ANYMM SCENARIO

Tried are the image alone, and with a scenario as module, whose output shall end with
what the simulator prints. GRUB writes to the same serial line before.
"""

import os
import shutil
import subprocess
import sys
import tempfile

PASS = 33  # of isa-debug-exit, see arch/x86_64/boot/boot.h
SECONDS = 200

MENU = """serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry anymm {
	multiboot2 /boot/anymm.elf %s
	%s
	boot
}
"""


def make(image, disc, module=None):
    with tempfile.TemporaryDirectory() as folder:
        boot = os.path.join(folder, "boot")
        os.makedirs(os.path.join(boot, "grub"))
        shutil.copy(image, os.path.join(boot, "anymm.elf"))
        options, line = "", ""
        if module:
            shutil.copy(module, os.path.join(boot, "module"))
            options, line = "name=%s check=step" % module, "module2 /boot/module"
        with open(os.path.join(boot, "grub", "grub.cfg"), "w", encoding="ascii") as menu:
            menu.write(MENU % (options, line))
        run = subprocess.run(["grub-mkrescue", "-o", disc, folder], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
        if run.returncode:
            sys.exit("grub-mkrescue: " + run.stdout.decode(errors="replace"))


def boot(disc):
    run = subprocess.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "8",
         "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
         "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-cdrom", disc],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=SECONDS, check=False)
    return run.returncode == PASS, run.stdout


def report(number, name, disc, wanted):
    passed, output = boot(disc)
    fine = passed and output.endswith(wanted)
    print("%s %d - %s" % ("ok" if fine else "not ok", number, name))
    if not fine:
        print("# %r" % output[-2000:])
    sys.stdout.flush()
    return fine


def attempt(image, anymm, scenario):
    print("1..2")
    simulated = subprocess.run([anymm, "run", scenario], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        disc = os.path.join(folder, "anymm.iso")
        make(image, disc)
        fine = report(1, "GRUB boots the image from a disc", disc, b"ok\n")
        make(image, disc, scenario)
        return report(2, "and with a scenario as module", disc, simulated) and fine


def main():
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    elif not attempt(*sys.argv[2:]):
        sys.exit(1)


main()
