#!/usr/bin/env python3
"""Times programs that read and write data, beside programs of others that do the same.

    bench/formats.py [--semac PATH] [--runs N] [--only NAME,...] [--scale FACTOR]

The data is made anew, always the same: mixed JSON (10 MB), JSON lines (50 MB), a log (50 MB), a table in CSV (100 MB), an access log
(200 MB), temperatures of stations (100 MB, the one billion row challenge with a hundredth of its rows), each times the factor.
Each program of bench/formats, and fixtures/log-analyser, is built and run in turn with what else there is:

    python   NAME.py
    cjson    NAME.lua, under Lua 5.4 with lua-cjson
    rg       ripgrep, on one thread, without mapping the file
    openssl  openssl dgst
    sema     the reference implementation: `sema`, or what the variable SEMA names

Who prints something else than semac ends the run. What is missing is installed if that can be done without asking, else left out.
Times are whole processes, the fastest run of each, in seconds; ratios say how many times faster semac is.
Memory is the most that semac's program had resident, in MB.
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
SOURCES = {"log-analyser": ROOT / "fixtures" / "log-analyser" / "main.sema"}
ARGUMENTS = {"log-analyser": ["access.log"]}
PEERS = ["python", "cjson", "rg", "openssl", "sema"]
# Who prints the same in another form: the last word is compared, or nothing.
LAST_WORD = {"openssl"}
SILENT = {("json-encode", "cjson")}
WORDS = ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
         "sigma tau upsilon phi chi psi omega naïve café").split()
STATUSES = ["200"] * 17 + ["304", "404", "500"]
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
    paths = [f"/{generator.choice(WORDS[:20])}/{number}" for number in range(200)]
    access = lambda number: (f"10.0.{number % 7}.{generator.randrange(250)} - - [29/Nov/2026:{number // 4000 % 24:02}:15:00 +0000] "
                             f"\"GET {generator.choice(paths)} HTTP/1.1\" {generator.choice(STATUSES)} {generator.randrange(90000)}")
    write(directory / "access.log", 200e6 * scale, "", access, "\n", "\n")
    stations = [f"{first.title()} {second}" for first in WORDS for second in WORDS[:16]]
    reading = lambda number: f"{generator.choice(stations)};{generator.uniform(-40, 45):.1f}"
    write(directory / "stations.txt", 100e6 * scale, "", reading, "\n", "\n")


def has_cjson():
    lua = shutil.which("lua5.4")
    return lua and subprocess.run([lua, "-e", "require('cjson')"], capture_output=True).returncode == 0


def install_peers():
    """Installs what is missing, and says what is still not there."""
    found = {"ripgrep": lambda: shutil.which("rg"), "lua-cjson": has_cjson, "openssl": lambda: shutil.which("openssl")}
    missing = [name for name, is_there in found.items() if not is_there()]
    if missing:
        packages = [*missing, *(["lua5.4"] if "lua-cjson" in missing else [])]
        subprocess.run(["sh", ROOT / "tools" / "install.sh", *packages], stdout=subprocess.DEVNULL)
    for name in missing:
        if not found[name]():
            print(f"{name} is not installed: left out")


def peers(name, reference):
    """Commands of others that do the work of a program."""
    arguments = ARGUMENTS.get(name, [])
    commands = {"python": [sys.executable, HERE / f"{name}.py"]}
    if (HERE / f"{name}.lua").exists() and has_cjson():
        commands["cjson"] = ["lua5.4", HERE / f"{name}.lua"]
    if name == "regex-lines" and shutil.which("rg"):
        commands["rg"] = ["rg", "--no-mmap", "-j1", "-c", PATTERN, "log.txt"]
    if name == "sha256" and shutil.which("openssl"):
        commands["openssl"] = ["openssl", "dgst", "-sha256", "log.txt"]
    if reference and "json-" in name:
        commands["sema"] = [reference, "--no-llm", HERE / f"{name}.sema", *arguments]
    return commands


def comparable(name, who, output):
    """The output of one program as semac's would be, or None if it is not compared."""
    if (name, who) in SILENT:
        return None
    return output.split()[-1] + b"\n" if who in LAST_WORD else output


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
    sources = {**{path.stem: path for path in HERE.glob("*.sema")}, **SOURCES}
    install_peers()
    reference = os.environ.get("SEMA") or shutil.which("sema")
    print(f"{'seconds':<14} {'semac':>8} {'MB':>6}" + "".join(f"{who:>17}" for who in PEERS))
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        make_data(directory, options.scale)
        for name in sorted(chosen or sources):
            executable = build(options, sources[name], directory)
            commands = {"semac": [executable, *ARGUMENTS.get(name, [])], **peers(name, reference)}
            best, memory = {}, 0
            for _ in range(options.runs):
                for who, command in commands.items():
                    seconds, output, megabytes = run(command, directory)
                    if who == "semac":
                        expected, memory = output, max(memory, megabytes)
                    elif comparable(name, who, output) not in (None, expected):
                        sys.exit(f"{name}: semac printed {expected[:500]}, {who} printed {output[:500]}")
                    best[who] = min(seconds, best.get(who, seconds))
            others = "".join(f"{best[who]:8.3f} {best[who] / best['semac']:7.2f}x" if who in best else " " * 17
                             for who in PEERS)
            print(f"{name:<14} {best['semac']:8.3f} {memory:6.1f}{others}".rstrip(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
