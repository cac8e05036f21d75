#!/usr/bin/env python3
"""How long the garbage collector holds a program up, and what it costs in time and memory.

    bench/pauses.py [--semac PATH] [--live N,...] [--rounds N] [--depth N,...] [--runs N]

A program keeps a hash map of N entries (a vector, a string and a list each) alive and replaces entries
in turn. The table shows the live data at the end, the resident set at its largest and how many times the
live data that is, the same for the second half of the run (the map has been filled), the longest pause,
the longest step of the program (which includes what the system took), and the share of time that
went to pauses. The second table is of a program that does so with 20,000 entries while its stack
is N calls deep.

Times are wall time, and a pause includes what other processes took of it. So each program runs several
times, and the table shows the run with the shortest longest pause.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from executable import ROOT, add_options, build

SCALING = ROOT / "fixtures" / "scaling"
# Seconds between two looks at the resident set.
INTERVAL = 0.02


def resident(process):
    """The resident set of a running process in bytes, now and at its largest; zeros if it has ended."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0, 0
    figures = dict(line.split(":", 1) for line in status.splitlines())
    return tuple(int(figures.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))


def run(executable, arguments):
    """What the program prints, its largest resident set and that of the second half, in bytes."""
    sizes = []
    with subprocess.Popen([executable, *map(str, arguments)], stdout=subprocess.PIPE,
                          text=True) as process:
        while process.poll() is None:
            sizes.append(resident(process))
            time.sleep(INTERVAL)
        output = process.stdout.read()
    if process.returncode != 0:
        sys.exit(f"the program ended with status {process.returncode}")
    figures = dict(line.split(maxsplit=1) for line in output.splitlines())
    largest = max((most for _, most in sizes), default=0)
    # What comes last is the end of the program.
    steady = max((now for now, _ in sizes[len(sizes) // 2:-2]), default=0)
    return figures, largest, steady


def best(executable, arguments, runs):
    """The run with the shortest longest pause."""
    return min((run(executable, arguments) for _ in range(runs)),
               key=lambda result: int(result[0]["longest-pause-ns"]))


def times(figures):
    """The columns about time."""
    seconds = float(figures["seconds"])
    return (f"{int(figures['longest-pause-ns']) / 1e6:>11.2f}"
            f"{int(figures.get('longest-step-ns', 0)) / 1e6:>11.2f}"
            f"{int(figures['total-pause-ns']) / 1e9 / seconds:>11.0%}{seconds:>11.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--live", default="1000,10000,100000,400000")
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--depth", default="1000,1000000,6000000")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        executable = build(options, SCALING / "pauses.sema", directory)
        heads = ["live MB", "resident", "ratio", "steady", "ratio", "pause ms", "step ms",
                 "in pauses", "seconds"]
        print(f"{'entries':>10}" + "".join(f"{head:>11}" for head in heads))
        for live in map(int, options.live.split(",")):
            figures, largest, steady = best(executable, (live, options.rounds), options.runs)
            data = int(figures["live-bytes"])
            print(f"{live:>10}{data / 1e6:>11.1f}{largest / 1e6:>11.1f}{largest / data:>11.2f}"
                  f"{steady / 1e6:>11.1f}{steady / data:>11.2f}" + times(figures), flush=True)

        executable = build(options, SCALING / "deep-stack.sema", directory)
        heads = ["resident", "pause ms", "in pauses", "seconds"]
        print(f"\n{'depth':>10}" + "".join(f"{head:>11}" for head in heads))
        for depth in map(int, options.depth.split(",")):
            figures, largest, _ = best(executable, (depth, options.rounds), options.runs)
            columns = times(figures)
            print(f"{depth:>10}{largest / 1e6:>11.1f}{columns[:11]}{columns[22:]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
