#!/usr/bin/env python3
"""Runs programs at every optimisation level: what they print, to standard error too, and how they end must
not depend on it.

  differential.py SEMAC PROGRAM.sema...     reads PROGRAM.in if there is one
  differential.py SEMAC --cases DIRECTORY   all conformance cases of a directory
  differential.py SEMAC --cases DIRECTORY --area lists --id map

A program whose output differs between two runs at the same level is left out: it shows times, random
numbers or the like.
"""
import argparse, concurrent.futures, difflib, json, os, pathlib, re, shutil, subprocess, sys, tempfile

LEVELS = ["-O0", "-O1", "-O2"]


def run(semac, level, case, folder, timeout):
    """The outcome of one run in a fresh folder of always the same name."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder / "home")
    for name, text in case["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / "program.sema").write_bytes(case["source"].encode("utf-8", "surrogatepass"))
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder / "home")}
    try:
        done = subprocess.run(
            [semac, "run", level, "program.sema"], cwd=folder, env=environment,
            input=case["input"], capture_output=True, timeout=timeout,
        )
        return f"status {done.returncode}\n" + (done.stdout + done.stderr).decode(errors="replace")
    except subprocess.TimeoutExpired:
        return "too slow"


def compare(semac, case, scratch, timeout):
    """None if all levels agree, else what differs; "unsteady" if one level disagrees with itself."""
    folder = pathlib.Path(scratch) / str(case["number"])
    outcomes = [run(semac, level, case, folder, timeout) for level in LEVELS]
    result = None
    if len(set(outcomes)) > 1:
        if any(run(semac, "-O0", case, folder, timeout) != outcomes[0] for _ in range(3)):
            result = "unsteady"
        else:
            other = 1 if outcomes[1] != outcomes[0] else 2
            lines = difflib.unified_diff(
                outcomes[0].splitlines(), outcomes[other].splitlines(), "-O0", LEVELS[other], lineterm="", n=1)
            result = "\n".join(list(lines)[:24])
    shutil.rmtree(folder, ignore_errors=True)
    return result


def programs(paths):
    for path in map(pathlib.Path, paths):
        given = path.with_suffix(".in")
        yield {"id": path.name, "source": path.read_text(), "files": {},
               "input": given.read_bytes() if given.exists() else b""}


def cases(directory, area, wanted):
    for path in sorted(pathlib.Path(directory).glob("*.jsonl")):
        for line in path.read_text().splitlines():
            case = json.loads(line)
            if area in (None, case["area"]) and re.search(wanted, case["id"]):
                yield {"id": case["id"], "source": case["src"], "files": case.get("files") or {},
                       "input": (case.get("stdin") or "").encode()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("semac")
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--cases", help="folder with .jsonl files")
    parser.add_argument("--area")
    parser.add_argument("--id", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=float, default=60)
    arguments = parser.parse_args()
    work = list(programs(arguments.programs))
    if arguments.cases:
        work.extend(cases(arguments.cases, arguments.area, arguments.id))
    for number, case in enumerate(work):
        case["number"] = number
    semac = os.path.abspath(arguments.semac)
    different = unsteady = 0
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = pool.map(lambda case: compare(semac, case, scratch, arguments.timeout), work)
        for case, result in zip(work, results):
            if result == "unsteady":
                unsteady += 1
            elif result:
                different += 1
                print(f"{case['id']}\n{result}\n")
    print(f"{len(work)} programs at {', '.join(LEVELS)}: {different} differ, {unsteady} differ between runs")
    return 1 if different else 0


sys.exit(main())
