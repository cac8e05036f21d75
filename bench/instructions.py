#!/usr/bin/env python3
"""Counts the machine instructions of the benchmark programs and compares them with recorded counts.

    bench/instructions.py [--semac PATH] [--record] [--only NAME,...] [--jobs N]

Counts do not depend on what else the machine does, so this is the check for regressions of speed that
runs with the tests (`make instructions`). valgrind counts: an interpreter's instructions are close to
its time, though not the same. A program that needs more than its recorded count in instructions.txt
and the tolerance is a failure; one that needs clearly fewer asks for a new record (`--record`).
The program in three modules (`modules`) is compared with the same in one file (`one-file`), too, and
the pages that hello touches are counted: more of them means that tools/start-functions.txt is out of date.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import modules
from executable import PROGRAMS, ROOT, add_semac, build, build_command, is_expected

RECORD = ROOT / "bench" / "instructions.txt"
# Counts differ a little between releases of Rust's compiler and of valgrind.
TOLERANCE = 0.05
# Page faults of hello at most, linked with musl (docs/adr/0003-runtime-executables.md).
FAULTS = 30
# A million rows: too many to count.
LEFT_OUT = {"rows"}
HEADER = ("# Machine instructions of the benchmark programs, start to exit, in thousands; written by\n"
          "# `bench/instructions.py --record`, compared by `make instructions`.\n")


def count(command, directory, is_right):
    """Instructions of one run in thousands; `is_right` judges its output."""
    log = directory / f"{Path(command[0]).name}-{os.path.basename(directory)}.log"
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
         f"--log-file={log}", *command],
        cwd=directory, capture_output=True, stdin=subprocess.DEVNULL, env={})
    if done.returncode != 0 or not is_right(done.stdout):
        raise RuntimeError(f"{command[0]} failed or printed something else: "
                           f"{done.stderr.decode(errors='replace')[:500]}")
    return int(re.search(r"I +refs: +([\d,]+)", log.read_text()).group(1).replace(",", "")) // 1000


def measure(name, options, directory):
    """Builds and counts the program; `hello` is the start, `build-hello` the compiler,
    `modules` and `one-file` the same program."""
    place = directory / name
    place.mkdir()
    hello = ROOT / "fixtures" / "programs" / "hello.sema"
    if name == "build-hello":
        return count(build_command(options, hello, place / "program"), place, lambda output: True)
    if name == "hello":
        return count([build(options, hello, place)], place, b"Hello, world!\n".__eq__)
    if name in ("modules", "one-file"):
        main = modules.MODULES / "main.sema"
        source = main if name == "modules" else modules.write_one_file(place)
        expected = main.with_suffix(".out").read_bytes()
        return count([build(options, source, place)], place, expected.__eq__)
    return count([build(options, PROGRAMS / f"{name}.sema", place)], place, partial(is_expected, name))


def page_faults(options, directory):
    """Fewest page faults of twenty starts of hello: the kernel may have to read the file at first."""
    place = directory / "faults"
    place.mkdir()
    program = build(options, ROOT / "fixtures" / "programs" / "hello.sema", place)

    def start():
        silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        process = os.posix_spawn(program, [program], {}, file_actions=silent)
        return os.wait4(process, 0)[2].ru_minflt

    return min(start() for _ in range(20))


def is_musl():
    """Whether runtimes for this machine are linked with musl."""
    host = re.search(r"host: (.*)", subprocess.run(["rustc", "-vV"], capture_output=True, text=True).stdout)[1]
    musl = host.replace("-gnu", "-musl")
    script = ["sh", str(ROOT / "tools" / "runtime-target.sh"), host, musl]
    return subprocess.run(script, capture_output=True, text=True).stdout.strip() == musl


def recorded():
    if not RECORD.exists():
        return {}
    lines = (line.split() for line in RECORD.read_text().splitlines() if not line.startswith("#"))
    return {name: int(thousands) for name, thousands in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_semac(parser)
    parser.add_argument("--record", action="store_true", help="write the counts instead of comparing")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("instructions: skipped, there is no valgrind")
        return 0
    names = sorted({path.stem for path in PROGRAMS.glob("*.sema")} - LEFT_OUT)
    names = [name for name in options.only.split(",") if name] or [
        "build-hello", "hello", "modules", "one-file", *names]
    before = recorded()
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(options.jobs) as pool:
        counts = dict(zip(names, pool.map(lambda one: measure(one, options, Path(directory)), names)))
        faults = page_faults(options, Path(directory)) if "hello" in names and is_musl() else 0
    if options.record:
        text = "".join(f"{name} {number}\n" for name, number in sorted({**before, **counts}.items()))
        RECORD.write_text(HEADER + text)
    worse = []
    for name, number in counts.items():
        old = before.get(name)
        ratio = number / old if old else None
        print(f"{name:16} {number:>12,}" + (f" {ratio:7.3f}" if ratio else "     new"))
        if ratio is None or ratio > 1 + TOLERANCE:
            worse.append(name)
        elif ratio < 1 - TOLERANCE:
            print(f"{'':16} faster by more than the tolerance: record it")
    if faults:
        print(f"hello takes {faults} page faults, at most {FAULTS}")
    if faults > FAULTS:
        worse.append("page faults of hello")
    if {"modules", "one-file"} <= counts.keys():
        ratio = counts["modules"] / counts["one-file"]
        print(f"three modules take {ratio:.3f} of one file, at most {modules.LIMIT}")
        if ratio > modules.LIMIT:
            return 1
    if worse and not options.record:
        print(f"instructions: more than recorded, or not recorded: {', '.join(worse)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
