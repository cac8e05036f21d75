"""What the benchmarks share: building a program, and knowing whether its output is right."""

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "fixtures" / "bench"


def add_semac(parser):
    parser.add_argument("--semac", default=str(ROOT / "dist" / "semac"))


def add_options(parser):
    add_semac(parser)
    parser.add_argument("--runtime", help="the runtime to build with, if not semac's own")


def build(options, source, directory):
    """Builds `source` in `directory`; the path of the executable. Raises CalledProcessError if that fails."""
    executable = Path(directory) / Path(source).stem
    subprocess.run(build_command(options, source, executable), check=True, capture_output=True)
    return executable


def build_command(options, source, executable):
    command = [Path(options.semac).resolve(), "build", source, "-o", executable]
    runtime = getattr(options, "runtime", None)
    return command + ["--runtime", runtime] if runtime else command


def is_expected(name, output):
    """Whether a program of fixtures/bench printed what it should: NAME.out, or what has the hash in NAME.sha256."""
    whole = PROGRAMS / f"{name}.out"
    if whole.exists():
        return output == whole.read_bytes()
    return hashlib.sha256(output).hexdigest() == (PROGRAMS / f"{name}.sha256").read_text().strip()
