#!/usr/bin/env python3
"""Shows that each lint finds what it is for, in small trees made for the purpose (TAP)."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "/* a file */\n"
NOTE = "TO" + "DO"
HOME = "/ho" + "me/someone/"
CONTRACT = HEAD + """#pragma once
/* 1. Constants.
 *   ARCH_PAGE_SHIFT  log2
 */
static inline int arch_one(void);
"""
MACHINE = HEAD + """#pragma once
#define ARCH_PAGE_SHIFT 12
static inline int
arch_one(void)
{
	return 1;
}
"""

# lint, what the tree is about, files, text that must be reported ("" : nothing is wrong)
CASES = [
    ("layers", "going down", {"src/space/a.c": HEAD + '#include "pt/b.h"\n'}, ""),
    ("layers", "going up", {"src/pt/a.c": HEAD + '#include "space/b.h"\n'}, "a.c:2: layer pt"),
    ("layers", "going up by a public header",
     {"src/phys/a.c": HEAD + "#include <anymm/space.h>\n"}, "a.c:2: layer phys"),
    ("layers", "including check", {"src/proc/a.c": HEAD + '#include "check/a.h"\n'}, "a.c:2:"),
    ("layers", "the C library", {"src/base/a.c": HEAD + "#include <stdlib.h>\n"}, "a.c:2:"),
    ("layers", "a machine's header", {"src/base/a.c": HEAD + "#include <arch/pte.h>\n"}, "a.c:2:"),
    ("layers", "an unknown layer", {"src/misc/a.c": HEAD}, "belongs to no layer"),
    ("layers", "an empty tree", {}, "nothing was looked at"),
    ("names", "a contract kept",
     {"include/anymm/arch.h": CONTRACT, "arch/m/include/arch/a.h": MACHINE}, ""),
    ("names", "a missing function",
     {"include/anymm/arch.h": CONTRACT,
      "arch/m/include/arch/a.h": HEAD + "#define ARCH_PAGE_SHIFT 12\n"}, "arch_one is in the"),
    ("names", "a missing constant",
     {"include/anymm/arch.h": CONTRACT,
      "arch/m/include/arch/a.h": MACHINE.replace("ARCH_PAGE_SHIFT", "PAGE_SHIFT")},
     "ARCH_PAGE_SHIFT is in the"),
    ("names", "an extra function",
     {"include/anymm/arch.h": CONTRACT, "arch/m/include/arch/a.h": MACHINE,
      "arch/m/b.c": "int\narch_two(void)\n{\n\treturn 2;\n}\n"}, "arch_two is not in the"),
    ("conditionals", "none", {"src/base/a.c": HEAD}, ""),
    ("conditionals", "on an OS", {"src/base/a.c": HEAD + "#ifdef __linux__\n#endif\n"}, "a.c:2:"),
    ("text", "plain text", {"README.md": "Words.\n"}, ""),
    ("text", "a note", {"src/a.c": "/* %s: more */\n" % NOTE}, "a.c:1: a note"),
    ("text", "a path", {"README.md": "In %sproject.\n" % HOME}, "README.md:1: a path"),
    ("seeds", "a known id",
     {"docs/seeds.txt": "LUN-01 a thing\n", "tests/a.c": "/* LUN-01: shown */\n"}, ""),
    ("seeds", "an unknown id",
     {"docs/seeds.txt": "LUN-01 a thing\n", "tests/a.c": "/* LUN-02: shown */\n"},
     "a.c:1: LUN-02"),
    ("seeds", "an id without a test",
     {"docs/seeds.txt": "LUN-01 a thing\n", "tests/a.c": HEAD}, "LUN-01 has no test"),
    ("seeds", "something else in the place of what no row has",
     {"docs/seeds.txt": "= LUN-02 | theirs | ours\nLUN-01 a thing\n",
      "tests/a.c": "/* LUN-01: shown */\n"}, "LUN-02 is in no row"),
    ("seeds", "something else that is not said",
     {"docs/seeds.txt": "= LUN-01 | theirs\nLUN-01 a thing\n",
      "tests/a.c": "/* LUN-01: shown */\n"}, "expected: = ids"),
    ("seeds", "an id listed twice",
     {"docs/seeds.txt": "LUN-01 a thing\nLUN-01 it\n", "tests/a.c": HEAD}, "LUN-01 is listed"),
    ("style", "a short file", {"src/base/a.c": HEAD}, ""),
    ("style", "no head comment", {"src/base/a.c": "int a;\n"}, "no head comment"),
    ("style", "a long function",
     {"src/base/a.c": HEAD + "int\nlong_one(void)\n{\n" + "\t;\n" * 61 + "}\n"}, "long_one has 61"),
    ("style", "a long file", {"src/base/a.c": HEAD + "\n" * 800}, "801 lines"),
    ("style", "no pragma", {"src/base/a.h": HEAD}, "no #pragma once"),
    ("pairs", "a pair",
     {"src/base/a.c": HEAD, "src/base/meson.build": "files('a.c')",
      "tests/unit/test_a.c": HEAD, "tests/unit/meson.build": "['a']"}, ""),
    ("pairs", "no test", {"src/base/a.c": HEAD, "src/base/meson.build": "files('a.c')"},
     "has no tests/unit/test_a.c"),
    ("pairs", "an unlisted test",
     {"src/base/a.c": HEAD, "src/base/meson.build": "files('a.c')",
      "tests/unit/test_a.c": HEAD, "tests/unit/meson.build": "[]"}, "suite a is not listed"),
    ("format", "good format", {"src/base/a.c": HEAD + "int a;\n"}, ""),
    ("format", "bad format", {"src/base/a.c": HEAD + "int  a ;\n"}, "a.c:2: clang-format"),
]


def report_of(lint, files):
    with tempfile.TemporaryDirectory() as top:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                file.write(text)
        run = subprocess.run([sys.executable, "-B", os.path.join(HERE, lint + ".py"), top], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return run.returncode, run.stdout


def main():
    print("1..%d" % len(CASES))
    for number, (lint, about, files, wanted) in enumerate(CASES, 1):
        status, text = report_of(lint, files)
        good = (status == 0) if not wanted else (status == 1 and wanted in text)
        print("%sok %d - %s: %s" % ("" if good else "not ", number, lint, about))
        if not good:
            print("# wanted %r, got status %d and:" % (wanted, status))
            print("".join("# %s\n" % line for line in text.splitlines()), end="")


main()
