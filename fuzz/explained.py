"""Seeds of the fault fuzzer, written down as scenarios, run and end well.

explained.py EXPLAIN_FAULT ANYMM FOLDER: TAP, one test for every fifth file of the folder,
which is a sample; the target itself replays all of them.
"""
import os
import subprocess
import sys
import tempfile


def explained(explain, anymm, path):
    """The last line that the scenario of this input ends with."""
    story = subprocess.run([explain, path], capture_output=True, check=True).stdout
    with tempfile.NamedTemporaryFile(suffix=".vm") as scenario:
        scenario.write(story)
        scenario.flush()
        run = subprocess.run([anymm, "run", "--check=end", scenario.name],
                             capture_output=True, text=True)
    return (run.stdout.splitlines() or [run.stderr.strip()])[-1]


def main(explain, anymm, folder):
    names = sorted(os.listdir(folder))[::5]
    print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        last = explained(explain, anymm, os.path.join(folder, name))
        good = last.startswith(("ok ", "SKIPPED"))
        print(f"{'ok' if good else 'not ok'} {number} {name}")
        if not good:
            print(f"# {last}")


main(*sys.argv[1:])
