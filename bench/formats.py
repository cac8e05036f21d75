#!/usr/bin/env python3
"""Times programs that read and write text formats, beside the same programs in Python.

    bench/formats.py [--semac PATH] [--runs N] [--only NAME,...] [--scale FACTOR]

The data is made anew, always the same: mixed JSON (10 MB), JSON lines (50 MB), a log (50 MB), a table in CSV (100 MB), each times
the factor. Each program of bench/formats is built and run in turn with its twin NAME.py; both must print the same. Times are whole
processes, the fastest run of each, in seconds; the ratio says how many times faster semac is. Memory is the most that the
program had resident, in MB. With ripgrep installed the scan of lines is compared with `rg --no-mmap -j1 -c`.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from executable import ROOT, add_options, build

HERE = ROOT / "bench" / "formats"
WORDS = ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
         "sigma tau upsilon phi chi psi omega naïve café").split()
PATTERN = r"(\w+)@(\w+)\.com"


def text(generator, words):
    return " ".join(generator.choice(WORDS) for _ in range(words))


def entry(generator, number):
    return {"id": number, "name": text(generator, 2), "active": generator.random() < 0.5,
            "score": round(generator.random() * 1000, 3), "tags": [generator.choice(WORDS) for _ in range(3)],
            "note": text(generator, 8) + ("\n\"quoted\"" if number % 10 == 0 else ""), "parent": None,
            "at": {"x": generator.randrange(10000), "y": -round(1 + generator.random(), 6)}}


def write(path, size, header, line, joint, end):
    with open(path, "w", encoding="utf-8") as out:
        out.write(header)
        written, number = 0, 0
        while written < size:
            one = (joint if number else "") + line(number)
            written += out.write(one)
            number += 1
        out.write(end)


def make_data(directory, scale):
    generator = random.Random(1)
    dump = lambda number: json.dumps(entry(generator, number), ensure_ascii=False)
    write(directory / "data.json", 10e6 * scale, "[", dump, ",\n", "]\n")
    write(directory / "lines.json", 50e6 * scale, "", dump, "\n", "\n")
    log = lambda number: (f"2026-11-{number % 28 + 1:02}T12:00:00Z {generator.choice(WORDS)} "
                          f"{text(generator, 6)} " + (f"{generator.choice(WORDS[:20])}@example.com" if number % 7 == 0 else "-"))
    write(directory / "log.txt", 50e6 * scale, "", log, "\n", "\n")
    row = lambda number: (f"{number},{text(generator, 2)},{generator.random():.4f},"
                          f"\"{text(generator, 3)}, {number}\",{generator.randrange(1000)}")
    write(directory / "table.csv", 100e6 * scale, "id,name,score,note,count\n", row, "\n", "\n")


def run(command, directory):
    """Seconds, output and megabytes of one run."""
    start = time.perf_counter()
    done = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    output = done.stdout.read()
    _, status, usage = os.wait4(done.pid, 0)
    done.returncode = status
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - start, output, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name]
    names = [path.stem for path in sorted(HERE.glob("*.sema")) if not chosen or path.stem in chosen]
    print(f"{'seconds':<16} {'semac':>8} {'MB':>6} {'python':>8} {'ratio':>7} {'rg':>7}")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_data(directory, options.scale)
        for name in names:
            commands = {"semac": [build(options, HERE / f"{name}.sema", directory)],
                        "python": [sys.executable, HERE / f"{name}.py"]}
            if name == "regex-lines" and shutil.which("rg"):
                commands["rg"] = ["rg", "--no-mmap", "-j1", "-c", PATTERN, "log.txt"]
            best, outputs, memory = {}, {}, 0
            for _ in range(options.runs):
                for who, command in commands.items():
                    seconds, outputs[who], megabytes = run(command, directory)
                    best[who] = min(seconds, best.get(who, seconds))
                    memory = max(memory, megabytes) if who == "semac" else memory
            if len(set(outputs.values())) > 1:
                sys.exit(f"{name}: the outputs differ: {outputs}")
            rg = f"{best['rg']:7.3f}" if "rg" in best else ""
            print(f"{name:<16} {best['semac']:8.3f} {memory:6.1f} {best['python']:8.3f} "
                  f"{best['python'] / best['semac']:6.2f}x {rg}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
