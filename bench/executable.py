"""What the benchmarks of single programs share: the options that say what builds, and building."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def add_options(parser):
    parser.add_argument("--semac", default=str(ROOT / "dist" / "semac"))
    parser.add_argument("--runtime", help="the runtime to build with, if not semac's own")


def build(options, source, directory):
    """Builds `source` in `directory`; the path of the executable."""
    executable = Path(directory) / Path(source).stem
    command = [options.semac, "build", source, "-o", executable]
    if options.runtime:
        command += ["--runtime", options.runtime]
    subprocess.run(command, check=True, capture_output=True)
    return executable
