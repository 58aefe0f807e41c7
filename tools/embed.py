#!/usr/bin/env python3
"""Write assembly that puts a file into a program's constants, between two symbols.

usage: embed.py FILE SYMBOL

The first line changes with the file, so that the assembly is made again.
"""
import hashlib
import os
import sys

path, symbol = sys.argv[1:]
with open(path, "rb") as file:
    print("/* %s */" % hashlib.sha256(file.read()).hexdigest())
print("\t.section .rodata\n\t.balign 4096\n\t.globl %s, %s_end" % (symbol, symbol))
print('%s:\n\t.incbin "%s"\n%s_end:' % (symbol, os.path.abspath(path), symbol))
print('\t.section .note.GNU-stack, "", @progbits')
