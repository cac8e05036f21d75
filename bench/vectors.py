#!/usr/bin/env python3
"""How long a search in a vector store takes.

    bench/vectors.py [--semac PATH] [--count N] [--width N] [--runs N]

A program fills a store with N vectors of random numbers and searches it. Both the time on the clock and the
processor time of the program are shown, for one search: on a busy machine the first says little.
"""

import argparse
import resource
import subprocess
import tempfile
from pathlib import Path

from executable import add_options, build

PROGRAM = """
(define width {width})
(define count {count})
(define state 12345)
(define (random)
  (set! state (modulo (+ (* state 1103515245) 12345) 2147483648))
  (- (/ state 2147483648.0) 0.5))
(define numbers (embedding/list->embedding (map (fn (i) (random)) (range (* 64 width)))))
(define (vector-at start) (bytevector-copy numbers (* 8 start) (* 8 (+ start width))))
(vector-store/create "v")
(let loop ((i 0))
  (if (< i count)
      (begin
        (vector-store/add "v" (str i) (vector-at (modulo (* i 7919) (* 63 width))) i)
        (loop (+ i 1)))))
(define query (vector-at 17))
(vector-store/search "v" query 10)
(define start (time/now))
(let loop ((i 0))
  (if (< i {searches})
      (begin (vector-store/search "v" query 10) (loop (+ i 1)))))
(if (> {searches} 0) (println (/ (* 1000 (- (time/now) start)) {searches})))
"""


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(options, searches):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "search.sema"
        source.write_text(PROGRAM.format(width=options.width, count=options.count, searches=searches))
        program = build(options, source, folder)
        before = processor_seconds()
        output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        return output.strip(), processor_seconds() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add_options(parser)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    _, without = measure(options, 0)
    clock, with_searches = measure(options, options.runs)
    processor = 1000 * (with_searches - without) / options.runs
    print(f"{options.count} vectors of {options.width} numbers: {float(clock):.1f} ms a search on the clock, "
          f"{processor:.1f} ms of processor time")


if __name__ == "__main__":
    main()
