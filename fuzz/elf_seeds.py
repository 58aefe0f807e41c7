#!/usr/bin/env python3
"""elf_seeds.py FOLDER - writes small program files, the seeds of fuzz_elf.

Some are put together here, with one feature each; some come from the compiler and the
linker that stand around, with the layouts that real programs have. The files are part of
the tree, so this is run again only to add one.
"""

import os
import struct
import subprocess
import sys
import tempfile

LOAD, DYNAMIC, INTERP, NOTE, TLS, STACK = 1, 2, 3, 4, 7, 0x6474e551
X, W, R = 1, 2, 4
EXEC, DYN = 2, 3


def elf(kind, entry, headers, size, phoff=64):
    """Headers: (type, flags, offset, address, bytes in the file, bytes in memory, alignment)."""
    out = bytearray((i * 7 + i // 4096 * 3 + 1) & 255 for i in range(size))
    start = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01" + bytes(9), kind, 62, 1,
                        entry, phoff, 0, 0, 64, 56, len(headers), 0, 0, 0)
    out[:len(start)] = start
    for i, (what, flags, offset, va, in_file, in_memory, align) in enumerate(headers):
        at = phoff + 56 * i
        out[at:at + 56] = struct.pack("<IIQQQQQQ", what, flags, offset, va, va, in_file,
                                      in_memory, align)
    return bytes(out)


def made():
    at = 0x400000
    one = (LOAD, R | X, 0, at, 0x200, 0x200, 4096)
    data = (LOAD, R | W, 0x200, at + 0x1200, 0x80, 0x2000, 4096)
    yield "one-segment", elf(EXEC, at + 0x100, [one], 512)
    yield "data-and-zeros", elf(EXEC, at + 0x100, [one, data], 1024)
    yield "stack-tls-note", elf(EXEC, at + 0x180, [
        one, data, (TLS, R, 0x200, at + 0x1200, 16, 64, 8), (NOTE, R, 0x100, at + 0x100, 16, 16, 4),
        (STACK, R | W, 0, 0, 0, 0, 16)], 1024)
    yield "pie", elf(DYN, 0x100, [(LOAD, R | X, 0, 0, 0x200, 0x200, 4096),
                                  (LOAD, R | W, 0x200, 0x1200, 0x80, 0x2000, 4096),
                                  (DYNAMIC, R | W, 0x200, 0x1200, 16, 16, 8)], 1024)
    yield "pie-2m", elf(DYN, 0x200100, [(LOAD, R | X, 0, 0x200000, 0x200, 0x200, 1 << 21)], 512)
    yield "zeros-only", elf(EXEC, at + 0x100, [
        one, (LOAD, R | W, 0, at + 0x4000, 0, 0x1800, 4096)], 512)
    yield "gaps", elf(EXEC, at + 0x100, [one] + [
        (LOAD, R, 0, at + i * 0x5000, 0x1000, 0x1000, 4096) for i in range(1, 9)], 4096)
    yield "headers-last", elf(EXEC, at + 0x100, [one], 1024, phoff=1024 - 56)
    yield "interpreter", elf(EXEC, at + 0x100, [one, (INTERP, R, 0x1c0, at + 0x1c0, 8, 8, 1)], 512)
    yield "writable-code", elf(EXEC, at + 0x100, [
        (LOAD, R | W | X, 0, at, 0x200, 0x200, 4096)], 512)
    yield "executable-stack", elf(EXEC, at + 0x100, [one, (STACK, R | W | X, 0, 0, 0, 0, 16)], 512)
    yield "overlap", elf(EXEC, at + 0x100, [one, (LOAD, R | W, 0x100, at + 0x100, 8, 8, 4096)], 512)
    yield "header-only", elf(EXEC, at, [], 64)
    yield "empty", b""


PROGRAM = r"""
int data[20] = { 1 }, zeros[3000];
__thread int local = 3;
int
_start(void)
{
	return data[1] + zeros[2999] + local;
}
"""

BUILDS = {
    "gcc-static": ["-static", "-no-pie"],
    "gcc-static-pie": ["-static-pie", "-fPIE"],
    "gcc-packed": ["-static", "-no-pie", "-Wl,-z,noseparate-code"],
    "gcc-writable-code": ["-static", "-no-pie", "-Wl,-N"],
    "gcc-dynamic": ["-pie", "-fPIE", "-Wl,--dynamic-linker=/lib/ld.so"],
}


def compiled():
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "program.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(PROGRAM)
        for name, args in BUILDS.items():
            path = os.path.join(folder, name)
            subprocess.run(["gcc", "-Os", "-s", "-ffreestanding", "-nostdlib", "-Wl,--build-id=none",
                            "-Wl,-z,max-page-size=4096"] + args + ["-o", path, source], check=True)
            with open(path, "rb") as file:
                yield name, file.read()


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for seeds in (made(), compiled()):
        for name, data in seeds:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


main()
