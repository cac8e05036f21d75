#!/usr/bin/env python3
"""Builds generated programs of growing size: the time must grow like the program.

    bench/build.py [--semac PATH] [--lines N,...] [--runtime PATH]

The programs look like what people write: functions with loops, conditionals, matches and closures that
call each other, records, tables, top-level code. Shows seconds, lines per second and the peak of memory.
Then come single expressions of unusual size.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FUNCTION = """\
;; Number {n} of many.
(define (process-{n} items limit)
  (let loop ((rest items) (count 0) (found '()))
    (cond
      ((or (null? rest) (> count limit))
       (reverse found))
      ((< (first rest) {small})
       (loop (cdr rest) (+ count 1) found))
      (else
       (let* ((value (* (first rest) {factor}))
              (label (string-append "item-" (number->string value))))
         (loop (cdr rest)
               (+ count 1)
               (cons {{:id value :label label :kind :k{kind}}} found)))))))

(define (classify-{n} value)
  (match value
    ([:pair a b] (+ a b {n}))
    ([:one a] (* a 2))
    ({{:id id}} id)
    (_ (if (number? value) (helper-{previous} value) 0))))

(define (helper-{n} x)
  (define offset {n})
  (define (adjust y)
    (if (even? y) (+ y offset) (- y offset)))
  (let ((results (map (fn (k) (adjust (+ k x))) (list 1 2 3 {small}))))
    (foldl + 0 (filter (fn (r) (> r 0)) results))))

(define-record-type shape-{n}
  (make-shape-{n} width height)
  shape-{n}?
  (width shape-{n}-width)
  (height shape-{n}-height))

(define (area-{n} shape)
  (try
    (* (shape-{n}-width shape) (shape-{n}-height shape))
    (catch e
      (println f"no area: ${{(:message e)}}")
      0)))

(define table-{n}
  '((alpha {n} "one") (beta {small} "two")))
"""
LINES = FUNCTION.count("\n") + 1


def program(lines):
    parts = ["(define (helper-start x) x)"]
    for n in range(lines // LINES):
        previous = "start" if n == 0 else n - 1
        parts.append(FUNCTION.format(n=n, previous=previous, small=n % 90 + 4, factor=n % 7 + 2, kind=n % 12))
    last = lines // LINES - 1
    parts.append(f"(println (classify-{last} 7) (length (process-{last} '(5 600 700) 10)))")
    return "\n".join(parts) + "\n"


def large(kind, n):
    """A program with one part of unusual size."""
    if kind == "cond":
        cases = "\n".join(f"    ((= x {i}) {i * 3})" for i in range(n))
        return f"(define (f x)\n  (cond\n{cases}\n    (else 0)))\n(println (f {n - 1}))\n"
    if kind == "case":
        cases = "\n".join(f"    ((key{i} {i}) {i * 3})" for i in range(n))
        return f"(define (f x)\n  (case x\n{cases}\n    (else 0)))\n(println (f {n - 1}))\n"
    if kind == "list":
        return f"(define xs (list {' '.join(str(i) for i in range(n))}))\n(println (length xs))\n"
    if kind == "quoted":
        return f"(define xs '({' '.join(str(i) for i in range(n))}))\n(println (length xs))\n"
    if kind == "let":
        binds = "\n".join(f"   (v{i} (+ x {i}))" for i in range(n))
        return f"(define (f x)\n  (let* ({binds})\n    (+ {' '.join(f'v{i}' for i in range(n))})))\n(println (f 1))\n"
    if kind == "plain-let":
        binds = "\n".join(f"   (v{i} (g x {i}))" for i in range(n))
        return f"(define (g a b) (if (> a 100000) (g b a) (+ a b)))\n(define (f x)\n  (let ({binds})\n    (+ {' '.join(f'v{i}' for i in range(n))})))\n(println (f 1))\n"
    if kind == "nested-loops":
        return "(define (f x)\n  " + "".join(f"(let loop{i} ((a{i} x) (b{i} 0)) (if (= b{i} 1) (+ a{i} b{i}) (loop{i} " for i in range(n)) + "x" + "".join(f" (+ b{i} 1))))" for i in reversed(range(n))) + ")\n(println (f 1))\n"
    if kind == "defines":
        binds = "\n".join(f"  (define v{i} (list x {i}))\n  (define (g{i} y) (list y v{i} {'(g%d y)' % (i - 1) if i else 0}))" for i in range(n))
        return f"(define (f x)\n{binds}\n  (length (g{n - 1} 1)))\n(println (f 1))\n"
    if kind == "nested":
        return f"(define (f x)\n  {'(+ 1 ' * n}x{')' * n})\n(println (f 1))\n"
    if kind == "nested-calls":
        return f"(define (g a b) (if (> a 100000) (g b a) (+ a b)))\n(define (f x)\n  {'(g 1 ' * n}x{')' * n})\n(println (f 1))\n"
    if kind == "nested-ifs":
        return f"(define (f x)\n  {'(if (> x 5) (list 1 ' * n}x{') 2)' * n})\n(println (f 1))\n"
    if kind == "nested-lets":
        return "(define (f x)\n  " + "".join(f"(let ((v{i} (list x {i}))) " for i in range(n)) + f"(length (list v0 v{n - 1}))" + ")" * n + ")\n(println (f 1))\n"
    if kind == "nested-lambdas":
        return "(define (f x)\n  " + "(fn (y) " * n + "x" + ")" * n + ")\n(println (fn? (f 1)))\n"
    if kind == "match":
        cases = "\n".join(f"    ([:k{i} a] (+ a {i}))" for i in range(n))
        return f"(define (f x)\n  (match x\n{cases}\n    (_ 0)))\n(println (f [:k{n - 1} 1]))\n"
    raise ValueError(kind)


LARGE = [("cond", 10000), ("case", 10000), ("list", 20000), ("quoted", 20000), ("let", 2000), ("plain-let", 2000), ("defines", 1000), ("nested-loops", 40),
         ("nested", 240), ("nested-calls", 240), ("nested-ifs", 120), ("nested-lets", 240), ("nested-lambdas", 200),
         ("match", 2000)]


def measured(options, source):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "program.sema"
        path.write_text(source)
        command = [options.semac, "build", str(path), "-o", str(Path(directory) / "program")]
        if options.runtime:
            command += ["--runtime", options.runtime]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status != 0:
            return None, errors.decode(errors="replace")[-600:]
        done = subprocess.run([str(Path(directory) / "program")], capture_output=True, text=True)
        return (seconds, usage.ru_maxrss / 1024), done.stdout.strip()[-60:] + done.stderr[-300:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--semac", default="dist/semac")
    parser.add_argument("--runtime")
    parser.add_argument("--lines", default="25000,50000,100000")
    parser.add_argument("--large", action="store_true", help="only the parts of unusual size")
    parser.add_argument("--kind", help="only this kind of part")
    parser.add_argument("--scale", type=float, default=1, help="sizes of the parts, multiplied by this")
    options = parser.parse_args()
    if not options.large and not options.kind:
        print(f"{'lines':>8} {'seconds':>8} {'lines/s':>9} {'peak MB':>8}  output")
        for lines in map(int, options.lines.split(",")):
            figures, output = measured(options, program(lines))
            if figures is None:
                sys.exit(output)
            print(f"{lines:8} {figures[0]:8.2f} {lines / figures[0]:9.0f} {figures[1]:8.0f}  {output}")
    print(f"{'part':>14} {'size':>6} {'seconds':>8} {'peak MB':>8}  output")
    for kind, size in LARGE:
        if options.kind in (None, kind):
            size = int(size * options.scale)
            figures, output = measured(options, large(kind, size))
            if figures is None:
                print(f"{kind:>14} {size:6} failed: {output}")
            else:
                print(f"{kind:>14} {size:6} {figures[0]:8.2f} {figures[1]:8.0f}  {output}")


main()
