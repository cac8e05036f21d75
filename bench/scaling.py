#!/usr/bin/env python3
"""What operations on collections cost as the collections grow, from 10^2 to 10^6 elements.

    bench/scaling.py [--semac PATH] [--json FILE] [--limit RATIO]

The table shows nanoseconds of one operation at 10^2 elements, and for the larger sizes how many times
as long it takes. Caches alone make a random access to 10^6 elements several times as expensive as one
to 10^2; what is linear in the size would show as 10, 100, 1000 and 10000. Exits with status 1 if a
ratio is above the limit.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from executable import ROOT, add_options, build

PROGRAM = ROOT / "fixtures" / "scaling" / "collections.sema"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--json", help="write the nanoseconds to this file")
    parser.add_argument("--limit", type=float, default=200.0)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        executable = build(options, PROGRAM, directory)
        output = subprocess.run([executable], check=True, capture_output=True, text=True).stdout

    table = {}
    for line in output.splitlines():
        name, size, nanoseconds = line.rsplit(" ", 2)
        table.setdefault(name, {})[int(size)] = float(nanoseconds)
    sizes = sorted({size for row in table.values() for size in row})
    first = sizes[0]
    heads = [f"{first} (ns)"] + [f"{size}" for size in sizes[1:]]
    print(f"{'':<30}" + "".join(f"{head:>12}" for head in heads))
    worst = 0.0
    for name, row in table.items():
        ratios = [row[size] / max(row[first], 0.1) for size in sizes[1:]]
        worst = max([worst, *ratios])
        print(f"{name:<30}{row[first]:>12.1f}" + "".join(f"{ratio:>11.1f}x" for ratio in ratios))
    if options.json:
        Path(options.json).write_text(json.dumps(table, indent=1) + "\n")
    if worst > options.limit:
        print(f"a ratio is above {options.limit:.0f}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
