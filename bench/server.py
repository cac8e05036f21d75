#!/usr/bin/env python3
"""Measures servers and clients of the network tier against others, all in one run on the loopback interface.

  bench/server.py --semac SEMAC [--runtime RUNTIME] [--seconds 3] [--connections 10000] [--requests 200000]

Peers that are not installed (wrk, node, nginx, a Python with aiohttp) are left out with a message. Ratios compare what ran in the
same minute; the figures alone say little on a machine that others use as well.
"""
import argparse
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

# Bytes of the server at most (docs/adr/0015-network.md).
LARGEST = 4_500_000
# How often each server has its turn.
ROUNDS = 3

HELLO = r"""
(define app (http/router [[:get "/" (fn (request) (http/ok {:hello "world" :n 42}))] [:static "/files" "files"]]))
(http/serve app {:port (string->number (env "PORT")) :host "127.0.0.1" :workers (string->number (or (env "WORKERS") "1")) :max-connections 50000 :header-timeout 600000})
"""

NODE = r"""
const http = require("http");
http.createServer((request, response) => {
  const text = JSON.stringify({ hello: "world", n: 42 });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}).listen(Number(process.env.PORT), "127.0.0.1");
"""

AIOHTTP = r"""
import os
from aiohttp import web
async def hello(request):
    return web.json_response({"hello": "world", "n": 42})
app = web.Application()
app.router.add_get("/", hello)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)
"""

NGINX = """daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events { worker_connections 20000; }
http { access_log off; sendfile on; keepalive_requests 1000000;
server { listen 127.0.0.1:%d; root %s; } }
"""

CLIENT = r"""
(define url (env "SERVER"))
(define start (time-ms))
(define lengths (async/pool-map (fn (n) (string-length (:body (http/get url)))) (range 1000) 50))
(println (- (time-ms) start) (apply + lengths))
"""

NODE_CLIENT = r"""
(async () => {
  const url = process.env.SERVER;
  const start = performance.now();
  let next = 0, total = 0;
  const work = async () => { while (next < 1000) { next++; total += (await (await fetch(url)).text()).length; } };
  await Promise.all(Array.from({ length: 50 }, work));
  console.log(Math.round(performance.now() - start), total);
})();
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def missing(what):
    print(f"skipped: there is no {what}")


class Running:
    """A server that runs within a `with`."""

    def __init__(self, command, folder, **variables):
        self.port = free_port()
        environment = dict(os.environ, PORT=str(self.port), **variables)
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        end = time.time() + 20
        while time.time() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.01)
        sys.exit("a server does not start")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def load(url, seconds, connections=64):
    """Requests a second, and the time within which 99 of 100 are answered."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or re.search(r"Socket errors:.*[1-9]", said):
        print(said)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), milliseconds(re.search(r"^\s+99%\s+(\S+)", said, re.M)[1])


def row(name, rate, late, base=None):
    ratio = f"{rate / base:6.2f} x" if base else ""
    print(f"  {name:24} {rate:9.0f}/s   p99 {late:8.2f} ms  {ratio}")


def rates(program, folder, given, python):
    """Each server in turn, several times; the median counts. One processor less or more for a moment changes single rounds by a third."""
    contenders = [("Sema, 1 worker", [program], "1"), ("Sema, 2 workers", [program], "2")]
    if shutil.which("node"):
        contenders.insert(0, ("Node http", ["node", "server.js"], ""))
    else:
        missing("node")
    if python:
        contenders.append(("aiohttp", [python, "server.py"], ""))
    for connections in [64, 4, 1]:
        rounds = {name: [] for name, _, _ in contenders}
        for _ in range(ROUNDS):
            for name, command, workers in contenders:
                with Running(command, folder, WORKERS=workers) as server:
                    load(server.url(), 1, connections)
                    rounds[name].append(load(server.url(), given.seconds, connections))
        print(f"JSON of two entries, {connections} connections kept, median of {ROUNDS} rounds")
        middle = {name: tuple(statistics.median(part) for part in zip(*seen)) for name, seen in rounds.items()}
        base = middle.get("Node http", (None, None))[0]
        for name, (rate, late) in middle.items():
            row(name, rate, late, base)


def static(program, folder, given):
    print("a file of 1 MB, 16 connections kept")
    base = None
    if shutil.which("nginx"):
        port = free_port()
        with open(os.path.join(folder, "nginx.conf"), "w") as file:
            file.write(NGINX % (port, os.path.join(folder, "files")))
        nginx = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        base, late = load(f"http://127.0.0.1:{port}/large.bin", given.seconds, 16)
        row("nginx", base, late)
        nginx.terminate()
        nginx.wait()
    else:
        missing("nginx")
    with Running([program], folder) as server:
        row("Sema", *load(server.url("/files/large.bin"), given.seconds, 16), base)


def clients(program, client, folder):
    print("1,000 requests, 50 at once, of a client")
    with Running([program], folder) as server:
        environment = dict(os.environ, SERVER=server.url())

        def best(command):
            times = []
            for _ in range(5):
                said = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
                times.append(float(said.split()[0]))
            return min(times)

        base = None
        if shutil.which("node"):
            base = best(["node", "client.js"])
            print(f"  {'Node fetch':24} {base:9.0f} ms")
        ours = best([client])
        print(f"  {'Sema':24} {ours:9.0f} ms  " + (f"{base / ours:6.2f} x" if base else ""))


def idle(program, folder, given):
    count = given.connections
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < count + 100:
        print(f"skipped: only {most} descriptors are allowed, idle connections need {count + 100}")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Running([program], folder) as server:
        before = server.resident()
        peers = []
        for _ in range(count):
            peer = socket.create_connection(("127.0.0.1", server.port))
            peer.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            peers.append(peer)
            peer.recv(4096)
        busy = server.resident()
        time.sleep(4)
        quiet = server.resident()
        print(f"{count} connections that have had an answer: {(busy - before) / count:.1f} KB each at once, {(quiet - before) / count:.1f} KB each when quiet")
        for peer in peers:
            peer.close()


def memory(program, folder, given):
    with Running([program], folder) as server:
        each = []
        seconds = 0
        rate, _ = load(server.url(), 2)
        for _ in range(4):
            span = max(1, round(given.requests / 4 / rate))
            load(server.url(), span)
            seconds += span
            each.append(server.resident())
        print(f"resident over some {rate * seconds:.0f} requests: " + ", ".join(f"{size} KB" for size in each))


def first_answer(program, folder):
    """From the start of the process to the first answer; what starting a process that does nothing takes is told as well."""
    times, empty = [], []
    for _ in range(40):
        port = free_port()
        environment = dict(os.environ, PORT=str(port))
        begin = time.perf_counter()
        process = os.posix_spawn(program, [program], environment, file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port)) as peer:
                    peer.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                    peer.recv(100)
                break
            except OSError:
                pass
        times.append(time.perf_counter() - begin)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        begin = time.perf_counter()
        process = os.posix_spawn("/bin/true", ["true"], os.environ)
        os.waitpid(process, 0)
        empty.append(time.perf_counter() - begin)
    times.sort()
    empty.sort()
    print(f"start to first answer: {times[len(times) // 2] * 1000:.2f} ms (best {times[0] * 1000:.2f}); start and end of a process that does nothing: {empty[len(empty) // 2] * 1000:.2f} ms")


def aiohttp(folder):
    """A Python that has aiohttp, made here if it can be."""
    place = os.path.join(folder, "python")
    python = os.path.join(place, "bin/python")
    made = subprocess.run([sys.executable, "-m", "venv", place], capture_output=True).returncode == 0
    quiet = ["--quiet", "--disable-pip-version-check"]
    if made and subprocess.run([python, "-m", "pip", "install", *quiet, "aiohttp"], capture_output=True).returncode == 0:
        return python
    missing("Python with aiohttp")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--semac", required=True)
    parser.add_argument("--runtime", help="the runtime to build with, instead of the one semac chooses")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--requests", type=int, default=200000)
    given = parser.parse_args()
    if not shutil.which("wrk"):
        missing("wrk")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        write = lambda name, text: open(os.path.join(folder, name), "w").write(text)
        os.mkdir(os.path.join(folder, "files"))
        with open(os.path.join(folder, "files/large.bin"), "wb") as file:
            file.write(os.urandom(1 << 20))
        for name, text in [("hello.sema", HELLO), ("client.sema", CLIENT), ("server.js", NODE), ("client.js", NODE_CLIENT), ("server.py", AIOHTTP)]:
            write(name, text)
        programs = []
        for name in ["hello", "client"]:
            program = os.path.join(folder, name)
            more = ["--runtime", os.path.abspath(given.runtime)] if given.runtime else []
            subprocess.run([os.path.abspath(given.semac), "build", f"{name}.sema", "-o", program, *more], cwd=folder, check=True, stderr=subprocess.DEVNULL)
            programs.append(program)
        hello, client = programs
        size = os.path.getsize(hello)
        print(f"a server of {size} bytes (at most {LARGEST})")
        first_answer(hello, folder)
        rates(hello, folder, given, aiohttp(folder))
        static(hello, folder, given)
        clients(hello, client, folder)
        idle(hello, folder, given)
        memory(hello, folder, given)
    if size > LARGEST:
        sys.exit(f"the server is {size - LARGEST} bytes too large")


main()
