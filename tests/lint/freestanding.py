#!/usr/bin/env python3
"""The built library needs nothing from outside but what it names, and keeps no state.

Arguments: the archive, and the prefix of the machine's own symbols. The library may
refer to the four memory functions of src/base/mem.h, to platform_* of
include/anymm/platform.h, and to the machine. It has no variables: mutable state hangs
from the root object, which the machine owns.
"""

import re
import subprocess
import sys

MEMORY = {"memcpy", "memmove", "memset", "memcmp"}

# The linker makes these.
LINKER = {"_GLOBAL_OFFSET_TABLE_"}


def output_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def undefined(archive):
    wanted, defined = set(), set()
    for line in output_of("nm", archive).splitlines():
        match = re.match(r"([0-9a-f]*)\s+([A-Za-z])\s+(\S+)$", line)
        if match:
            (wanted if match.group(2) in "Uw" else defined).add(match.group(3))
    return wanted - defined, defined


def variable_sections(archive):
    """Sections that hold variables and are not empty, with the object they are in."""
    member = "?"
    for line in output_of("readelf", "-SW", archive).splitlines():
        match = re.match(r"File: .*\((.*)\)", line)
        if match:
            member = match.group(1)
        match = re.match(r"\s*\[\s*\d+\]\s+(\.(?:data|bss|tdata|tbss)\S*)\s+\S+\s+\S+\s+\S+\s+(\S+)",
                         line)
        if match and int(match.group(2), 16) and not match.group(1).startswith(".data.rel.ro"):
            yield member, match.group(1), int(match.group(2), 16)


def main():
    archive, machine = sys.argv[1:3]
    found = 0
    wanted, defined = undefined(archive)
    if not defined:
        sys.exit("%s defines nothing" % archive)
    for name in sorted(wanted):
        if name in MEMORY | LINKER or name.startswith(("platform_", machine + "_")):
            continue
        print("%s: refers to %s, which is not of the library or its machine" % (archive, name))
        found += 1
    for member, section, size in variable_sections(archive):
        print("%s: %s has %d bytes of variables in %s" % (archive, member, size, section))
        found += 1
    print("%d symbols looked at, %d found" % (len(defined), found))
    sys.exit(1 if found else 0)


main()
