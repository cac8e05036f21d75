#!/usr/bin/env python3
"""What agents cost: a round with a call of a tool, an agent that waits, the first request, pieces of a stream, a file.

    bench/agents.py [--semac PATH] [--rounds N] [--agents N] [--chunks N]

Providers are functions of the program, or servers of this script at this machine. A stream is compared with Node's
`fetch`, if there is Node. Times are the best of several runs; where work is measured, processor time is shown as well, for
on a busy machine the clock says little.
"""

import argparse
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from executable import add_options, build

ROOT = Path(__file__).resolve().parent.parent

ROUNDS = """
(define (provider request)
  (if (< count {rounds})
      (begin (set! count (+ count 1)) call)
      "done"))
(define count 0)
(define call {{:content "" :tool-calls [{{:id "1" :name "add" :arguments {{:a 1 :b 2}}}}]}})
(llm/define-provider :own {{:complete provider}})
(deftool add "Adds." {{:a {{:type :number}} :b {{:type :number}}}} (fn (a b) (+ a b)))
(defagent bot {{:tools [add] :max-turns {rounds}}})
(define (run) (set! count 0) (let ((start (time/now))) (agent/run bot "go") (- (time/now) start)))
(println (* 1000000 (/ (apply min (map (fn (i) (run)) (range {runs}))) {rounds})))
"""

WAITING = """
(llm/define-provider :own {{:complete (fn (request) (async/sleep 500) "done")}})
(deftool add "Adds." {{:a {{:type :number}} :b {{:type :number}}}} (fn (a b) (+ a b)))
(defagent bot {{:tools [add]}})
(async/all (map (fn (i) (async/spawn (fn () (agent/run bot "go")))) (range {agents})))
(for-each (fn (line) (if (string/starts-with? line "VmHWM") (println line))) (file/read-lines "/proc/self/status"))
"""

FIRST = """
(llm/configure :own {{:api-key "k" :base-url "http://127.0.0.1:{port}/v1"}})
(println (llm/complete "hello"))
"""

STREAM = """
(llm/configure :own {{:api-key "k" :base-url "http://127.0.0.1:{port}/v1"}})
(define count 0)
(define (run) (let ((start (time/now))) (llm/stream "go" (fn (piece) (set! count (+ count 1)))) (- (time/now) start)))
(println (* 1000 (apply min (map (fn (i) (run)) (range {runs})))) count)
"""

FETCH = """
async function run() {
  const start = performance.now();
  const response = await fetch(process.argv[2], { method: "POST", body: "{}" });
  const decoder = new TextDecoder();
  let rest = "", text = "", count = 0;
  for await (const bytes of response.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice(5).trim();
      if (data === "[DONE]") continue;
      const piece = JSON.parse(data).choices[0].delta.content;
      text += piece;
      count += 1;
    }
  }
  return [performance.now() - start, count];
}
const runs = [];
for (let i = 0; i < Number(process.argv[3]); i += 1) runs.push(await run());
console.log(Math.min(...runs.map((run) => run[0])), runs.reduce((sum, run) => sum + run[1], 0));
"""


def program(options, folder, name, text):
    source = Path(folder) / f"{name}.sema"
    source.write_text(text)
    return build(options, source, folder)


def output(command):
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def work(command_of):
    """Output and processor seconds of one run: what six runs in one process take more than one does, in fifths."""
    took = []
    for runs in (1, 6):
        command = command_of(runs)
        before = processor_seconds()
        printed = output(command)
        took.append(processor_seconds() - before)
    return printed, (took[1] - took[0]) / 5


def serve(answer):
    """A server that gives `answer` to each request and notes when it has come."""
    listener = socket.create_server(("127.0.0.1", 0))
    times = []

    def run():
        while True:
            connection, _ = listener.accept()
            with connection:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                times.append(time.monotonic())
                length = int(re.search(rb"content-length: (\d+)", received.lower()).group(1))
                received = received.split(b"\r\n\r\n", 1)[1]
                while len(received) < length:
                    received += connection.recv(65536)
                connection.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1], times


def response(kind, body):
    head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def rounds(options, folder):
    def command(runs):
        return [program(options, folder, f"rounds{runs}", ROUNDS.format(rounds=options.rounds, runs=runs))]

    printed, seconds = work(command)
    return float(printed), 1e6 * seconds / options.rounds


def memory(options, folder):
    peaks = []
    for agents in (1, options.agents):
        path = program(options, folder, f"waiting{agents}", WAITING.format(agents=agents))
        peaks.append(int(output([path]).split()[1]))
    return (peaks[1] - peaks[0]) / (options.agents - 1)


def first_request(options, folder):
    reply = b'{"model":"m","choices":[{"message":{"content":"hi"}}]}'
    port, times = serve(response("application/json", reply))
    path = program(options, folder, "first", FIRST.format(port=port))
    took = []
    for _ in range(20):
        start = time.monotonic()
        assert output([path]) == "hi\n"
        took.append(times[-1] - start)
    return 1000 * min(took)


def stream(options, folder):
    event = b'data: {"id":"1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
    port, _ = serve(response("text/event-stream", options.chunks * event + b"data: [DONE]\n\n"))
    printed, seconds = work(
        lambda runs: [program(options, folder, f"stream{runs}", STREAM.format(port=port, runs=runs))]
    )
    milliseconds, count = printed.split()
    assert int(count) == 6 * options.chunks, count
    ours = float(milliseconds), 1000 * seconds
    node = shutil.which("node")
    if node is None:
        return ours, None
    script = Path(folder) / "fetch.mjs"
    script.write_text(FETCH)
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    printed, seconds = work(lambda runs: [node, script, url, str(runs)])
    milliseconds, count = printed.split()
    assert int(count) == 6 * options.chunks, count
    return ours, (float(milliseconds), 1000 * seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--chunks", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clock, processor = rounds(options, folder)
        print(f"round with a call of a tool: {clock:.1f} us, of the processor {processor:.1f} us (limit 30)")
        print(f"agent that waits, of {options.agents}: {memory(options, folder):.1f} KB (limit 60)")
        print(f"first request after exec: {first_request(options, folder):.2f} ms (limit 5)")
        ours, theirs = stream(options, folder)
        compared = "no Node here" if theirs is None else f"Node's fetch {theirs[0]:.0f} ms, {theirs[1]:.0f} ms"
        print(f"stream of {options.chunks} pieces: {ours[0]:.0f} ms, of the processor {ours[1]:.0f} ms ({compared})")
        example = build(options, ROOT / "fixtures/agents/assistant.sema", folder)
        print(f"agent example: {Path(example).stat().st_size / 1e6:.2f} MB (limit 5)")


if __name__ == "__main__":
    main()
