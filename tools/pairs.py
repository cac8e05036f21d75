#!/usr/bin/env python3
"""Which instructions follow which, over the benchmark programs.

    tools/pairs.py SEMAC RUNTIME [NAME ...]

RUNTIME is built with the feature `count-pairs` and without optimisation. Shares are averaged over the
programs, so that a long-running one does not drown the others. Prints the most frequent single
instructions and pairs.
"""

import collections
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent.parent / "fixtures" / "bench"
ROWS = 40


def counts(semac, runtime, program, directory):
    executable = Path(directory) / program.stem
    subprocess.run([semac, "build", program, "--runtime", runtime, "-o", executable],
                   check=True, capture_output=True)
    done = subprocess.run([executable], capture_output=True, text=True, errors="replace")
    pairs = collections.Counter()
    for line in done.stderr.splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == "pair":
            pairs[words[2], words[3]] += int(words[1])
    return pairs


def main():
    semac, runtime, *names = sys.argv[1:]
    programs = [PROGRAMS / f"{name}.sema" for name in names] or sorted(PROGRAMS.glob("*.sema"))
    singles, shares = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as directory:
        for program in programs:
            pairs = counts(semac, runtime, program, directory)
            total = sum(pairs.values())
            if not total:
                print(f"{program.stem}: no counts", file=sys.stderr)
                continue
            for (first, second), count in pairs.items():
                shares[first, second] += count / total / len(programs)
                singles[second] += count / total / len(programs)
    for title, table in (("instruction", singles), ("pair", shares)):
        print(f"\n{title:40} share")
        for key, share in table.most_common(ROWS):
            name = key if isinstance(key, str) else " ".join(key)
            print(f"{name:40} {100 * share:5.2f} %")


if __name__ == "__main__":
    main()
