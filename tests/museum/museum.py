"""Removes every flush of the library, one at a time, and shows that the machine notices; and
every call that keeps a write to a file from being lost, and every call that counts.

museum.py PROGRAM SRC ADDR2LINE: TAP, one test per call of a flush function that the program
has found, and one per call in the sources that it has not.
"""
import os
import re
import subprocess
import sys

FLUSHES = ["gather_page", "gather_table", "gather_space", "gather_flush", "gather_end",
           "shootdown_space", "shootdown_everything", "platform_shootdown",
           "arch_tlb_flush_page", "arch_tlb_flush_asid", "arch_tlb_flush_all", "rmap_flush",
           "replicas_empty", "replicas_empty_all"]

# Left out in the same way: what keeps a write, or a page, from being lost. Here the scenes
# themselves may be the ones who notice.
KEEPERS = ["leaf_keep_dirty", "rmap_collect_dirty", "rmap_begin_loss", "object_has_page",
           "swapped_cut", "swapped_drop", "pt_note_pins", "pt_wire", "swap_get_again"]

# The lock between looking at an entry and filling a replica from it: let go of too early. Others
# who look at entries under it have reasons of their own.
LOCKS = ["pt_look_locked"]

# Counts that are taken, and what takes a failed fork back. Whatever stops the run has noticed, if
# it says so: the machine, a check of the library's own, an invariant, or the books of a scene. A
# crash says nothing.
COUNTS = ["frame_get", "object_get", "space_get", "swap_get", "resource_get", "namespace_get",
          "namespace_put", "rmap_insert", "account_discharge", "process_discard", "thread_discard",
          "body_drop", "space_discard", "home_remove"]

# Calls inside gather.c, which the linker does not see: gather_flush is told apart by who calls
# it; gather_page in gather_table is left out with each call of gather_table. Nor inside rmap.c,
# where the flushes of which rmap_flush consists are left out one by one.
INSIDE = {("pt/gather.c", "gather_page"), ("pt/gather.c", "gather_flush"),
          ("object/rmap.c", "rmap_flush"), ("object/rmap.c", "rmap_begin_loss"),
          ("pt/table.c", "leaf_keep_dirty"), ("proc/resource.c", "resource_get"),
          ("proc/namespace.c", "namespace_get"), ("proc/body.c", "body_drop"),
          ("space/space.c", "space_discard"), ("proc/process.c", "process_discard")}


def places(program, addr2line, addresses):
    """File below src/ and line of each call, from the address it returns to."""
    wanted = ["0x%x" % (address - 1) for address in addresses]
    out = subprocess.run([addr2line, "-e", program] + wanted, capture_output=True, text=True,
                         check=True).stdout
    found = []
    for line in out.splitlines():
        path, number = line.split(" ")[0].rsplit(":", 1)
        found.append((os.path.normpath(path).split("/src/")[-1], number))
    return found


def calls(src):
    """(file, line, function) of every call of a flush function in the sources."""
    pattern = re.compile(r"^\s+(?:return |view = )?(%s)\(" % "|".join(FLUSHES + KEEPERS + LOCKS) +
                         r"|^\s+(?![\s*/]).*\b(%s)\(" % "|".join(COUNTS))
    for folder, _, names in os.walk(src):
        for name in sorted(names):
            if not name.endswith(".c"):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as text:
                for number, line in enumerate(text, 1):
                    match = pattern.match(line)
                    if match:
                        yield (os.path.relpath(path, src), str(number),
                               match.group(1) or match.group(2))


def read(program):
    sites, results = {}, {}
    run = subprocess.run([program], capture_output=True, text=True, check=False)
    if run.returncode:
        print("Bail out! the scenes fail with every flush in place: " + run.stderr[:300])
        sys.exit(1)
    for line in run.stdout.splitlines():
        words = line.split(" ", 4)
        if words[0] == "site":
            sites[int(words[1])] = (words[2], int(words[3], 16), int(words[4], 16))
        elif words[0] == "result":
            _, number, status, text = line.split(" ", 3)
            results[int(number)] = (int(status), text)
    return sites, results


def is_spared(path, function):
    return function in LOCKS and path != "pt/replica.c"


def is_noticed(function, status, text):
    """The run without the call ended as it must: stopped by the machine, or by the scene."""
    if function in COUNTS:
        return status != 0 and text != "" and not text.startswith("AddressSanitizer")
    return status != 0 and (text.startswith("violation") or
                            function in KEEPERS and (text.startswith("wrong") or ": not true: " in text))


def main(program, src, addr2line):
    sites, results = read(program)
    where = places(program, addr2line, [pc for _, pc, _ in sites.values()])
    outer = places(program, addr2line, [pc or 1 for _, _, pc in sites.values()])
    tried, seen, texts = set(), {}, {}
    number = 0
    for index, (function, _, around) in sorted(sites.items()):
        path, line = where[index]
        if path.startswith("/"):
            (path, line), around = outer[index], 0
        tried.add((path, line))
        if is_spared(path, function):
            continue
        status, text = results[index]
        name = "%s:%s %s" % (path, line, function)
        if around:
            name += ", called from %s:%s" % outer[index]
            tried.add(outer[index])
        # A call that the compiler has made twice is one call: one of the two is enough.
        seen[name] = seen.get(name, False) or is_noticed(function, status, text)
        texts.setdefault(name, []).append(text if status else "nothing noticed")
    for name, noticed in seen.items():
        number += 1
        print("%s %d - %s" % ("ok" if noticed else "not ok", number, name))
        print("\n".join("# " + text for text in texts[name]))
    for path, line, function in calls(src):
        if ((path, line) not in tried and (path, function) not in INSIDE
                and not is_spared(path, function)):
            number += 1
            print("not ok %d - %s:%s %s is called in no scene" % (number, path, line, function))
    print("1..%d" % number)


main(*sys.argv[1:])
