#!/usr/bin/env python3
"""Times the programs of fixtures/bench as executables built by semac.

    bench/programs.py [--semac PATH] [--runs N] [--only NAME,...] [--json FILE]

Each program is built, its output compared with NAME.out, and run N times in turn with its twins: the
same program under the reference implementation (`sema`, if installed) and in Lua (`lua5.4` or `lua`,
if installed). The table shows the fastest run of each in seconds, and how many times faster semac is.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "fixtures" / "bench"


def timed(command, directory, expected, limit):
    """Seconds of one run, or a word that says why there are none."""
    start = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, timeout=limit,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "slow"
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        return "failed"
    return elapsed if done.stdout == expected else "wrong"


def contenders(name, executable):
    """Name and command of everything that can run the program."""
    found = {"semac": [executable]}
    reference = shutil.which("sema")
    if reference:
        found["sema"] = [reference, "--no-llm", PROGRAMS / f"{name}.sema"]
    lua = shutil.which("lua5.4") or shutil.which("lua")
    twin = PROGRAMS / f"{name}.lua"
    if lua and twin.exists():
        found["lua"] = [lua, twin]
    return found


def measure(name, options, directory):
    expected = (PROGRAMS / f"{name}.out").read_bytes()
    executable = directory / name
    start = time.perf_counter()
    built = subprocess.run([options.semac, "build", PROGRAMS / f"{name}.sema", "-o", executable],
                           capture_output=True, text=True)
    build_seconds = time.perf_counter() - start
    if built.returncode != 0:
        return {"name": name, "semac": "unbuilt", "stderr": built.stderr}
    row = {"name": name, "build": build_seconds, "bytes": executable.stat().st_size}
    commands = contenders(name, executable)
    for _ in range(options.runs):
        for who, command in commands.items():
            if isinstance(row.get(who), str):
                continue
            seconds = timed(command, directory, expected, options.limit)
            row[who] = seconds if isinstance(seconds, str) else min(seconds, row.get(who, math.inf))
    return row


def cell(value):
    return "" if value is None else value if isinstance(value, str) else f"{value:.3f}"


def ratio(row, who):
    mine, other = row.get("semac"), row.get(who)
    if isinstance(mine, float) and isinstance(other, float):
        return other / mine
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--semac", default=str(ROOT / "dist" / "semac"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of one run")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args()
    options.semac = str(Path(options.semac).resolve())

    names = sorted(path.stem for path in PROGRAMS.glob("*.sema"))
    chosen = [name for name in options.only.split(",") if name]
    unknown = set(chosen) - set(names)
    if unknown:
        parser.error(f"no such programs: {', '.join(sorted(unknown))}")
    rows = []
    print(f"{'':<16} {'semac':>8} {'sema':>8} {'lua':>8} {'vs sema':>8} {'vs lua':>8}")
    with tempfile.TemporaryDirectory() as directory:
        for name in chosen or names:
            row = measure(name, options, Path(directory))
            rows.append(row)
            ratios = [ratio(row, who) for who in ("sema", "lua")]
            texts = ["" if one is None else f"{one:.2f}x" for one in ratios]
            cells = [cell(row.get(who)) for who in ("semac", "sema", "lua")]
            print(f"{name:<16} " + " ".join(f"{text:>8}" for text in cells + texts), flush=True)
    for who in ("sema", "lua"):
        ratios = [one for one in (ratio(row, who) for row in rows) if one]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"geometric mean: {mean:.2f} times faster than {who} ({len(ratios)} programs)")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if any(isinstance(row.get("semac"), str) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
