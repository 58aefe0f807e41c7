#!/usr/bin/env python3
"""clang-format decides the format; this says where it disagrees."""

import re
import subprocess
import sys

import tree


def main():
    top = tree.root()
    findings = tree.Findings()
    paths = tree.files(top, ["include", "src", "arch", "tools", "tests", "fuzz", "bench"],
                       (".c", ".h"))
    findings.looked_at = len(paths)
    if paths:
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file"] + paths,
                             cwd=top, stderr=subprocess.PIPE, text=True, check=False)
        lines = {}
        for path, line in re.findall(r"^(\S+?):(\d+):\d+: error", run.stderr, re.M):
            lines.setdefault(path, []).append(int(line))
        for path, where in sorted(lines.items()):
            findings.add(path, where[0], "clang-format disagrees in %d places; try: "
                         "clang-format -i %s" % (len(where), path))
        if run.returncode != 0 and not findings.count:
            sys.exit(run.stderr)
    findings.finish()


main()
