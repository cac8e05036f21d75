#!/usr/bin/env python3
"""Which conformance cases fail although they passed before.

  conformance_open.py OPEN REPORT            prints those failures
  conformance_open.py --pattern OPEN REPORT  prints a regular expression that matches the ids of the first ones
  conformance_open.py --record OPEN REPORT   writes the ids of all failures to OPEN

OPEN has one id per line. The report is what the runner of the cases writes with --json.
"""
import argparse
import json
import pathlib
import re

# More than this many have one cause, and would not fit into a command line.
MOST = 40


def show(failure):
    print(f"newly failing: {failure['id']}: {failure['why']}, exit status {failure.get('exit')}")
    for key in ("expected", "got", "stderr"):
        for line in (failure.get(key) or "").splitlines()[:12]:
            print(f"  {key}: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--pattern", action="store_true")
    output.add_argument("--record", action="store_true")
    parser.add_argument("open", type=pathlib.Path)
    parser.add_argument("report", type=pathlib.Path)
    arguments = parser.parse_args()
    failures = json.loads(arguments.report.read_text())["failures"]
    if arguments.record:
        arguments.open.write_text("".join(f"{id}\n" for id in sorted(failure["id"] for failure in failures)))
        return
    known = set(arguments.open.read_text().splitlines())
    new = [failure for failure in failures if failure["id"] not in known]
    if arguments.pattern:
        if new:
            print("^(" + "|".join(re.escape(failure["id"]) for failure in new[:MOST]) + ")$")
    else:
        for failure in new:
            show(failure)


if __name__ == "__main__":
    main()
