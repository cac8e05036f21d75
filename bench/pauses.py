#!/usr/bin/env python3
"""How long the garbage collector holds a program up, and what it costs in time and memory.

    bench/pauses.py [--semac PATH] [--live N,...] [--rounds N]

A program keeps a hash map of N entries (a vector, a string and a list each) alive and replaces entries
in turn. The table shows the live data at the end, the resident set at its largest and how many times the
live data that is, the longest pause, the longest step of the program (which includes what the system
took), and the share of time that went to pauses.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from executable import ROOT, add_options, build

PROGRAM = ROOT / "fixtures" / "scaling" / "pauses.sema"


def run(executable, live, rounds):
    """What the program prints, and its largest resident set in bytes."""
    with subprocess.Popen([executable, str(live), str(rounds)], stdout=subprocess.PIPE,
                          text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"the program ended with status {process.returncode}")
    figures = dict(line.split() for line in output.splitlines())
    return {name: float(text) for name, text in figures.items()}, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--live", default="1000,10000,100000,400000")
    parser.add_argument("--rounds", type=int, default=1_000_000)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        executable = build(options, PROGRAM, directory)
        heads = ["live MB", "resident", "ratio", "pause ms", "step ms", "in pauses", "seconds"]
        print(f"{'entries':>10}" + "".join(f"{head:>11}" for head in heads))
        for live in map(int, options.live.split(",")):
            figures, resident = run(executable, live, options.rounds)
            bytes_live = figures["live-bytes"]
            seconds = figures["seconds"]
            print(f"{live:>10}{bytes_live / 1e6:>11.1f}{resident / 1e6:>11.1f}"
                  f"{resident / bytes_live:>11.2f}"
                  f"{figures['longest-pause-ns'] / 1e6:>11.2f}"
                  f"{figures['longest-step-ns'] / 1e6:>11.2f}"
                  f"{figures['total-pause-ns'] / 1e9 / seconds:>11.0%}{seconds:>11.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
