#!/usr/bin/env python3
"""What it costs to split a program into modules: nothing, it should be.

    bench/modules.py [--semac PATH] [--runs N]

Builds the program of fixtures/modules, and the same in one file, which is made by putting the modules in
the places of their imports. Both run in turn. Then a program of ten modules is built: shows the size of its archive.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from executable import ROOT, add_semac, build, build_command

MODULES = ROOT / "fixtures" / "modules"
IMPORT = re.compile(r'^\(import "([^"]+)"[^)]*\)\n', re.MULTILINE)
# How many times the instructions, or the time, of the one file the modules may take.
LIMIT = 1.05

PART = """\
(import "part-{previous}.sema")

(define (scale-{n} x) (* x {n}))

(define (classify-{n} value)
  (match value
    ([:pair a b] (+ (scale-{n} a) b))
    ({{:id id}} (classify-{previous} id))
    (_ (if (number? value) (helper-{previous} value) 0))))

(define (helper-{n} x)
  (let ((results (map (fn (k) (+ k x)) (list 1 2 3 {n}))))
    (foldl + 0 (filter (fn (r) (> r {n})) results))))
"""
FIRST = """\
(define (classify-0 value) (if (number? value) value 0))
(define (helper-0 x) (+ x 1))
"""


def one_file(name):
    """The text of a module with the modules that it imports in the places of the imports."""
    text = (MODULES / name).read_text()
    return IMPORT.sub(lambda match: one_file(match.group(1)), text)


def write_one_file(directory):
    """Writes the program of fixtures/modules as one file; its path. Each module is imported once."""
    path = Path(directory) / "one.sema"
    path.write_text(one_file("main.sema"))
    return path


def write_ten(directory):
    """Writes a program of ten modules, each of which calls the one before; the path of the entry."""
    (directory / "part-0.sema").write_text(FIRST)
    for n in range(1, 9):
        (directory / f"part-{n}.sema").write_text(PART.format(n=n, previous=n - 1))
    entry = directory / "ten.sema"
    entry.write_text('(import "part-8.sema")\n'
                     "(println (classify-8 [:pair 1 2]) (classify-8 {:id 5}) (helper-8 3))\n")
    return entry


def seconds(program):
    begin = time.perf_counter()
    done = subprocess.run([program], check=True, capture_output=True)
    return time.perf_counter() - begin, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_semac(parser)
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        programs = {"modules": build(options, MODULES / "main.sema", directory),
                    "one file": build(options, write_one_file(directory), directory)}
        times = {name: [] for name in programs}
        outputs = set()
        for _ in range(options.runs):
            for name, program in programs.items():
                taken, output = seconds(program)
                times[name].append(taken)
                outputs.add(output)
        if len(outputs) != 1:
            print("modules: the outputs differ")
            return 1
        best = {name: min(taken) for name, taken in times.items()}
        for name, taken in times.items():
            print(f"{name:10} {best[name] * 1000:8.1f} ms, median {statistics.median(taken) * 1000:.1f} ms")
        ratio = best["modules"] / best["one file"]
        print(f"{'ratio':10} {ratio:8.3f}, at most {LIMIT}")
        ten = directory / "ten"
        ten.mkdir()
        command = build_command(options, write_ten(ten), ten / "program")
        report = subprocess.run([*command, "--json", "--strip-debug"], check=True, capture_output=True)
        plain = json.loads(report.stdout)["archive_bytes"]
        report = subprocess.run([*command, "--json"], check=True, capture_output=True)
        print(f"ten modules: an archive of {json.loads(report.stdout)['archive_bytes']} bytes, "
              f"{plain} without debug information")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
