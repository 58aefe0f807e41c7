#!/usr/bin/env python3
"""Write the functions of an image as assembly that the image can be linked with.

usage: symbols.py [IMAGE]     (without one: an empty table)
"""
import subprocess
import sys


def functions(image):
    """(address, name) of everything in the text, in order."""
    out = subprocess.run(["nm", "--numeric-sort", image], check=True,
                         capture_output=True, text=True).stdout
    for line in out.splitlines():
        address, kind, name = line.split()
        if kind in "tT" and int(address, 16) >> 63:
            yield address, name


def main():
    table = list(functions(sys.argv[1])) if len(sys.argv) > 1 else []
    print('\t.section .symbols, "a"\n\t.balign 8\n\t.globl symbols, nr_symbols')
    print("symbols:")
    for i, (address, _) in enumerate(table):
        print(f"\t.quad 0x{address}, name{i}")
    print(f"nr_symbols:\n\t.quad {len(table)}")
    for i, (_, name) in enumerate(table):
        print(f'name{i}:\t.asciz "{name}"')
    print('\t.section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
