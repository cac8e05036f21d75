#!/usr/bin/env python3
"""Measures what starting programs costs: time from spawn to exit, page faults, memory, size.

    bench/startup.py [--runs N] [--json FILE] [NAME=]PROGRAM...

The programs run in turn, so that the machine's moods hit all of them alike; medians are compared
with an empty Rust program that is built with the flags and for the target of the runtime (and, where
that is musl, shown beside one linked with the host's C library). Peak memory is read when the
process exits (by ptrace), because the figure that wait4 gives contains the parent's.
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY_SOURCE = "fn main() {}\n"
FLAGS = [
    "--edition=2024", "-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1", "-Cpanic=abort",
    "-Cstrip=symbols", "-Ctarget-feature=+crt-static", "-Crelocation-model=static",
]
PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 0x40, 6


def empty_programs():
    """Builds the program that does nothing, for the runtime's target and for the host: name and path."""
    directory = ROOT / "target" / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    source = directory / "empty.rs"
    source.write_text(EMPTY_SOURCE)
    version = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    host = next(line.split()[1] for line in version.splitlines() if line.startswith("host:"))
    chosen = subprocess.run(["sh", ROOT / "tools" / "runtime-target.sh", host,
                             host.replace("-gnu", "-musl")],
                            check=True, capture_output=True, text=True).stdout.strip()
    programs = {}
    for name, target in (("empty", chosen), ("empty, host's libc", host)):
        if name == "empty" or target != chosen:
            program = directory / f"empty-{target}"
            if not program.exists():
                subprocess.run(["rustc", *FLAGS, "--target", target, "-o", program, source],
                               check=True)
            programs[name] = str(program)
    return programs


def run_once(program, null):
    """Seconds from spawn to exit, minor page faults, status."""
    actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    begin = time.perf_counter()
    process = os.posix_spawn(program, [program], {}, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    return time.perf_counter() - begin, usage.ru_minflt, os.waitstatus_to_exitcode(status)


def peak_memory(program, null):
    """Peak resident kilobytes: all, and without the pages of files."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    process = os.fork()
    if process == 0:
        os.dup2(null, 1)
        os.dup2(null, 2)
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        os.execve(program, [program], {})
    os.waitpid(process, 0)
    libc.ptrace(PTRACE_SETOPTIONS, process, None, PTRACE_O_TRACEEXIT)
    figures = {}
    passed = None
    while True:
        libc.ptrace(PTRACE_CONT, process, None, passed)
        _, status = os.waitpid(process, 0)
        if not os.WIFSTOPPED(status):
            return figures.get("VmHWM", 0), figures.get("RssAnon", 0)
        if status >> 8 == signal.SIGTRAP | PTRACE_EVENT_EXIT << 8:
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in ("VmHWM", "RssAnon"):
                    figures[name] = int(value.split()[0])
            passed = None
        else:
            passed = os.WSTOPSIG(status)


def system_calls(program, null):
    """Number of system calls; None without strace."""
    if not shutil.which("strace"):
        return None
    trace = subprocess.run(
        ["strace", "-f", "-o", "/dev/stdout", program],
        stdout=subprocess.PIPE, stderr=null, env={}, check=False, text=True,
    )
    return sum("(" in line for line in trace.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--json", type=Path)
    parser.add_argument("programs", nargs="*", metavar="[NAME=]PROGRAM")
    options = parser.parse_args()
    programs = empty_programs()
    for argument in options.programs:
        name, separator, path = argument.rpartition("=")
        programs[name if separator else Path(path).name] = os.path.abspath(path)

    null = os.open(os.devnull, os.O_WRONLY)
    samples = {name: [] for name in programs}
    for round_number in range(options.runs + 5):
        for name, program in programs.items():
            sample = run_once(program, null)
            if round_number >= 5:  # The first ones fill caches.
                samples[name].append(sample)

    results = {}
    for name, program in programs.items():
        times = [sample[0] for sample in samples[name]]
        memory, anonymous = peak_memory(program, null)
        results[name] = {
            "milliseconds": statistics.median(times) * 1e3,
            "best_milliseconds": min(times) * 1e3,
            "page_faults": statistics.median(sample[1] for sample in samples[name]),
            "peak_kilobytes": memory,
            "anonymous_kilobytes": anonymous,
            "system_calls": system_calls(program, null),
            "bytes": os.path.getsize(program),
            "status": samples[name][-1][2],
        }
    base = results["empty"]
    print(f"{'':20}{'ms':>8}{'ratio':>8}{'best':>8}{'faults':>8}{'RSS KB':>8}{'anon KB':>9}"
          f"{'calls':>7}{'bytes':>10}{'status':>8}")
    for name, result in results.items():
        result["ratio"] = result["milliseconds"] / base["milliseconds"]
        print(f"{name:20}{result['milliseconds']:8.3f}{result['ratio']:8.2f}"
              f"{result['best_milliseconds']:8.3f}{result['page_faults']:8.0f}"
              f"{result['peak_kilobytes']:8}{result['anonymous_kilobytes']:9}"
              f"{result['system_calls'] or '-':>7}{result['bytes']:10}{result['status']:8}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
