#!/usr/bin/env python3
"""Names the conformance cases that fail although they passed before.

  conformance_open.py OPEN REPORT...            print the failures of the reports that OPEN does not list
  conformance_open.py --record OPEN REPORT...   write the ids of all failures to OPEN

OPEN has one id per line. The reports are what the runner of the cases writes with --json.
"""
import argparse
import json
import pathlib


def failures(reports):
    for report in reports:
        with open(report, encoding="utf-8") as file:
            yield from json.load(file)["failures"]


def show(failure):
    print(f"newly failing: {failure['id']}: {failure['why']}, exit status {failure.get('exit')}")
    for key in ("expected", "got", "stderr"):
        for line in (failure.get(key) or "").splitlines()[:12]:
            print(f"  {key}: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write OPEN instead of comparing with it")
    parser.add_argument("open", type=pathlib.Path)
    parser.add_argument("reports", nargs="+")
    arguments = parser.parse_args()
    found = list(failures(arguments.reports))
    if arguments.record:
        arguments.open.write_text("".join(f"{id}\n" for id in sorted({failure["id"] for failure in found})))
        return
    known = set(arguments.open.read_text().splitlines())
    for failure in found:
        if failure["id"] not in known:
            show(failure)


if __name__ == "__main__":
    main()
