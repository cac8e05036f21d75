#!/usr/bin/env python3
"""Times the programs of fixtures/bench as executables built by semac.

    bench/programs.py [--semac PATH] [--runs N] [--only NAME,...] [--json FILE]

Each program is built, its output compared with the expected one, and run N times in turn with whatever else
is installed: the same program under the reference implementation (`sema`), its twin NAME.lua under
Lua 5.4 and under LuaJIT's interpreter (`luajit -joff`), its twin NAME.scm under Guile and Chez
Scheme, both compiled beforehand. Times are whole processes, the fastest run of each, in seconds; the
ratios say how many times faster semac is.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from executable import PROGRAMS, add_semac, build, is_expected

PEERS = ["sema", "lua", "luajit", "guile", "chez"]
# What luajit lacks of Lua 5.4.
OPERAND = r"((?:[\w.]+)?\([^()]*(?:\([^()]*\)[^()]*)*\)|\w+)"
LUAJIT_PRELUDE = ("math.tointeger = math.tointeger or function(x) return x end "
                  "table.unpack = table.unpack or unpack ")


def timed(command, directory, is_right, limit):
    """Seconds of one run, or a word that says why there are none; `is_right` judges the output."""
    start = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, timeout=limit,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, "XDG_CACHE_HOME": str(directory)})
    except subprocess.TimeoutExpired:
        return "slow"
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        return "failed"
    return elapsed if is_right(done.stdout) else "wrong"


def for_luajit(source):
    """The program in LuaJIT's Lua 5.1: floor division and shifts become calls."""
    source = re.sub(OPERAND + r" // " + OPERAND, r"math.floor(\1 / \2)", source)
    source = re.sub(OPERAND + r" << " + OPERAND, r"bit.lshift(\1, \2)", source)
    return LUAJIT_PRELUDE + source


def lua_twin(name, directory):
    twin, lua = PROGRAMS / f"{name}.lua", shutil.which("lua5.4")
    return [lua, twin] if lua and twin.exists() else None


def luajit_twin(name, directory):
    twin, luajit = PROGRAMS / f"{name}.lua", shutil.which("luajit")
    if not luajit or not twin.exists():
        return None
    adapted = directory / f"{name}.jit.lua"
    adapted.write_text(for_luajit(twin.read_text()))
    return [luajit, "-joff", adapted]


def scheme_source(name, directory):
    """The twin with its prelude, or None."""
    twin = PROGRAMS / f"{name}.scm"
    if not twin.exists():
        return None
    whole = directory / f"{name}.scm"
    whole.write_text((PROGRAMS / "prelude.scm").read_text() + twin.read_text())
    return whole


def guile_twin(name, directory):
    guile, source = shutil.which("guile"), scheme_source(name, directory)
    if not guile or not source:
        return None
    command = [guile, "-q", "--auto-compile", source]
    # The first run leaves the compiled program in the cache.
    timed(command, directory, bool, 120)
    return command


def chez_twin(name, directory):
    chez = shutil.which("chez") or shutil.which("chezscheme") or shutil.which("scheme")
    source = scheme_source(name, directory)
    if not chez or not source:
        return None
    subprocess.run([chez, "-q"], input=f'(compile-file "{source.name}")', text=True,
                   cwd=directory, capture_output=True)
    return [chez, "--script", source.with_suffix(".so")]


def reference(name, directory):
    sema = shutil.which("sema")
    return [sema, "--no-llm", PROGRAMS / f"{name}.sema"] if sema else None


MAKERS = {"sema": reference, "lua": lua_twin, "luajit": luajit_twin, "guile": guile_twin,
          "chez": chez_twin}


def measure(name, options, directory):
    start = time.perf_counter()
    try:
        executable = build(options, PROGRAMS / f"{name}.sema", directory)
    except subprocess.CalledProcessError as failed:
        return {"name": name, "semac": "unbuilt", "stderr": failed.stderr.decode(errors="replace")}
    build_seconds = time.perf_counter() - start
    row = {"name": name, "build": build_seconds, "bytes": executable.stat().st_size}
    commands = {"semac": [executable]}
    for who in options.peers:
        command = MAKERS[who](name, directory)
        if command:
            commands[who] = command
    is_right = partial(is_expected, name)
    for _ in range(options.runs):
        for who, command in commands.items():
            if isinstance(row.get(who), str):
                continue
            seconds = timed(command, directory, is_right, options.limit)
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
    add_semac(parser)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of one run")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="what to compare with")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args()
    options.peers = [who for who in options.peers.split(",") if who]
    if set(options.peers) - set(PEERS):
        parser.error(f"the peers are {', '.join(PEERS)}")

    names = sorted(path.stem for path in PROGRAMS.glob("*.sema"))
    chosen = [name for name in options.only.split(",") if name]
    unknown = set(chosen) - set(names)
    if unknown:
        parser.error(f"no such programs: {', '.join(sorted(unknown))}")
    rows = []
    everyone = ["semac", *options.peers]
    print(f"{'seconds, times faster':<21} " + " ".join(f"{who:>15}" for who in everyone))
    with tempfile.TemporaryDirectory() as directory:
        for name in chosen or names:
            row = measure(name, options, Path(directory))
            rows.append(row)
            cells = [cell(row["semac"])]
            for who in options.peers:
                times = ratio(row, who)
                cells.append(cell(row.get(who)) + ("" if times is None else f" {times:7.2f}x"))
            print(f"{name:<21} " + " ".join(f"{text:>15}" for text in cells), flush=True)
    for who in options.peers:
        ratios = [one for one in (ratio(row, who) for row in rows) if one]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"geometric mean: {mean:.2f} times faster than {who} ({len(ratios)} programs, "
                  f"slowest {min(ratios):.2f})")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if any(isinstance(row.get("semac"), str) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
