#!/usr/bin/env python3
"""The layers of the library, and the rule that includes go down only.

This list is the rule: a file of src/<layer>/ includes its own layer and lower ones.
check may read every layer and nobody includes check. Public headers belong to layers
too, so a lower layer cannot reach up through include/anymm/.
"""

import re

import tree

LAYERS = ["base", "phys", "swap", "pt", "kstack", "object", "space", "reclaim", "fault", "user",
          "call", "exec", "proc", "check"]

PUBLIC_HEADERS = {
    "arch.h": "base", "compiler.h": "base", "err.h": "base", "list.h": "base",
    "lock.h": "base", "platform.h": "base", "stats.h": "base", "types.h": "base",
    "commit.h": "phys", "frame.h": "phys", "slab.h": "phys",
    "swap.h": "swap",
    "pt.h": "pt",
    "kstack.h": "kstack",
    "object.h": "object", "region.h": "object",
    "space.h": "space",
    "reclaim.h": "reclaim",
    "fault.h": "fault",
    "usercopy.h": "user",
    "call.h": "call",
    "exec.h": "exec",
    "fs_context.h": "proc", "handle.h": "proc", "process.h": "proc", "resource.h": "proc",
    "signal.h": "proc",
    "check.h": "check",
}

# Public headers may name types of the layers above in prototypes, but include only these.
FREESTANDING = {
    "float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def layer_of_include(kind, name):
    """The layer a header belongs to; None: not one of ours."""
    folder, _, file = name.partition("/")
    if kind == "<" and folder == "anymm":
        return PUBLIC_HEADERS.get(file, "?")
    if kind == '"' and folder in LAYERS:
        return folder
    return None


def check_include(findings, path, number, layer, kind, name):
    target = layer_of_include(kind, name)
    if target == "?":
        findings.add(path, number, "<%s> is not in the list of public headers" % name)
    elif target is not None:
        if LAYERS.index(target) > LAYERS.index(layer):
            findings.add(path, number, "layer %s includes %s of the higher layer %s"
                         % (layer, name, target))
    elif path == "include/anymm/arch.h" and kind == "<" and name.startswith("arch/"):
        pass
    elif kind == "<" and name not in FREESTANDING:
        findings.add(path, number, "<%s> is neither ours nor a freestanding header" % name)
    elif kind == '"':
        findings.add(path, number, '"%s": private headers are named "layer/file.h"' % name)


def main():
    top = tree.root()
    findings = tree.Findings()
    for path in tree.files(top, ["src", "include"], (".c", ".h")):
        findings.looked_at += 1
        parts = path.split("/")
        layer = parts[1] if parts[0] == "src" else PUBLIC_HEADERS.get(parts[-1], "?")
        if layer not in LAYERS:
            findings.add(path, 1, "belongs to no layer of tests/lint/layers.py")
            continue
        for number, line in enumerate(tree.read(top, path).splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                check_include(findings, path, number, layer, match.group(1), match.group(2))
    findings.finish()


main()
