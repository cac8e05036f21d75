#!/usr/bin/env python3
"""Which builtins of a specification there are.

  inventory.py --semac SEMAC SPECIFICATION     writes a page to standard output

The specification is a table with tabs between its columns, of which the first line names `name`, `module`, `kind` and
`suggested_runtime_tier`. Functions are compared with what `semac doc --list --json` lists; forms and macros are the
compiler's and not counted.
"""
import argparse
import collections
import csv
import json
import pathlib
import subprocess

TIERS = ["core", "std", "net", "full"]
NO_FUNCTIONS = {"macro", "special-form", "value", "kind"}


def listed(semac):
    """The tier of each builtin, by name."""
    text = subprocess.run([semac, "doc", "--list", "--json"], check=True, capture_output=True, text=True).stdout
    return {name: entry["tier"] for entry in json.loads(text) for name in [entry["name"], *entry["aliases"]]}


def count(done, total):
    return f"{done}/{total}" if total else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--semac", default="dist/semac")
    parser.add_argument("specification", type=pathlib.Path)
    arguments = parser.parse_args()
    builtins = listed(arguments.semac)
    with arguments.specification.open(newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = [row for row in table if row["kind"] not in NO_FUNCTIONS]
    totals, done = collections.Counter(), collections.Counter()
    missing = collections.defaultdict(list)
    for row in rows:
        key = (row["module"], row["suggested_runtime_tier"])
        totals[key] += 1
        if row["name"] in builtins:
            done[key] += 1
        else:
            missing[key].append(row["name"])
    print("# Inventory\n")
    print("Made by `make inventory`: the functions of the specification that semac has, by family and tier.")
    print("What semac has beyond them is in [differences.md](differences.md).\n")
    print("| family | " + " | ".join(TIERS) + " |")
    print("|---|" + "---:|" * len(TIERS))
    for family in sorted({family for family, _ in totals}):
        cells = [count(done[family, tier], totals[family, tier]) for tier in TIERS]
        print(f"| {family} | " + " | ".join(cells) + " |")
    sums = [count(sum(n for (_, t), n in done.items() if t == tier), sum(n for (_, t), n in totals.items() if t == tier)) for tier in TIERS]
    print("| all | " + " | ".join(sums) + " |")
    for tier in TIERS[:2]:
        names = sorted(name for (_, t), found in missing.items() if t == tier for name in found)
        if names:
            print(f"\nMissing in tier {tier}: " + ", ".join(f"`{name}`" for name in names) + ".")
    known = {row["name"] for row in table}
    beyond = sorted(name for name in builtins if name not in known)
    print(f"\nBeyond the specification ({len(beyond)}): " + ", ".join(f"`{name}`" for name in beyond) + ".")


if __name__ == "__main__":
    main()
