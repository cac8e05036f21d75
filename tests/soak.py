#!/usr/bin/env python3
"""Mixed load on a server, with faults, for a while: no answer may be lost or wrong, and memory must stay.

  tests/soak.py SEMAC [SECONDS]

Threads ask for small and large answers, upload, read events, speak WebSocket; others send half a head, cut bodies off, reset connections
and make handlers raise. Every answer of the first kind is compared. At the end the server is asked to end, and must do so with status 0.
"""
import argparse
import base64
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = r"""
(define app
  (http/router
    [[:get "/small/:n" (fn (request) (http/text (:n (:params request))))]
     [:get "/large" (fn (request) (http/text (string/repeat "0123456789" 20000)))]
     [:post "/length" (fn (request) (http/ok (string-length (:body request))))]
     [:get "/waits" (fn (request) (async/sleep 20) (http/text "waited"))]
     [:get "/events" (fn (request) (http/stream (fn (send) (for-range (n 0 20) (send (number->string n)) (async/sleep 1)))))]
     [:get "/self/:n" (fn (request)
       (http/text (:body (http/get (string-append base "/small/" (:n (:params request)))))))]
     [:get "/raises" (fn (request) (error "on purpose"))]
     [:ws "/echo" (fn (connection)
       (let loop () (let ((m ((:recv connection)))) (if (nil? m) nil (begin ((:send connection) m) (loop))))))]]))
(define base nil)
(http/serve app {:port 0 :host "127.0.0.1" :header-timeout 2000 :body-timeout 2000 :grace 3000
                 :on-listen (fn (info) (set! base (:url info)))})
"""


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.settimeout(20)
    return peer


def ask(peer, method, path, body=b""):
    peer.sendall(f"{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    return answer(peer)


def answer(peer):
    data = b""
    while b"\r\n\r\n" not in data:
        part = peer.recv(65536)
        if not part:
            raise EOFError(data)
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"content-length: (\d+)", head)
    while length and len(body) < int(length[1]) or not length and not body.endswith(b"0\r\n\r\n"):
        part = peer.recv(65536)
        if not part:
            raise EOFError(data)
        body += part
    return int(head.split()[1]), body


def well(port, turn):
    """A conversation whose answers are known."""
    peer = connect(port)
    for _ in range(random.randrange(1, 20)):
        kind = random.randrange(7)
        if kind == 0:
            number = str(random.random()).encode()
            assert ask(peer, "GET", f"/small/{number.decode()}") == (200, number)
        elif kind == 1:
            assert ask(peer, "GET", "/large") == (200, b"0123456789" * 20000)
        elif kind == 2:
            length = random.randrange(200000)
            assert ask(peer, "POST", "/length", b"x" * length) == (200, str(length).encode())
        elif kind == 3:
            assert ask(peer, "GET", "/waits") == (200, b"waited")
        elif kind == 4:
            status, body = ask(peer, "GET", "/events")
            assert status == 200 and re.findall(rb"data: (\d+)\n\n", body) == [b"%d" % n for n in range(20)]
        elif kind == 5:
            assert ask(peer, "GET", "/self/7") == (200, b"7")
        else:
            assert ask(peer, "GET", "/raises")[0] == 500
    peer.close()


def socket_talk(port, turn):
    peer = connect(port)
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall(f"GET /echo HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n".encode())
    stream = peer.makefile("rb")
    while stream.readline() != b"\r\n":
        pass
    for _ in range(10):
        content = os.urandom(random.randrange(2000))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
        length = struct.pack("!B", 0x80 | len(content)) if len(content) < 126 else struct.pack("!BH", 0xFE, len(content))
        peer.sendall(b"\x82" + length + mask + masked)
        _, size = stream.read(2)
        size = struct.unpack("!H", stream.read(2))[0] if size == 126 else size
        assert stream.read(size) == content
    if random.random() < 0.5:
        peer.sendall(b"\x88\x80\0\0\0\0")
        assert stream.read(2) == b"\x88\x00"
    peer.close()


def fault(port, turn):
    peer = connect(port)
    kind = random.randrange(5)
    if kind == 0:
        peer.sendall(b"GET /small/1 HTTP/1.1\r\nhos")
        time.sleep(random.random())
    elif kind == 1:
        peer.sendall(b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc")
    elif kind == 2:
        peer.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif kind == 3:
        peer.sendall(os.urandom(300) + b"\r\n\r\n")
    else:
        peer.sendall(b"GET /events HTTP/1.1\r\nhost: a\r\n\r\n")
        peer.recv(100)
    peer.close()


def resident(process):
    with open(f"/proc/{process}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("semac")
    parser.add_argument("seconds", nargs="?", type=float, default=600)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "soak.sema")
        with open(source, "w") as file:
            file.write(PROGRAM)
        server = subprocess.Popen([given.semac, "run", source], stderr=subprocess.PIPE, text=True)
        port = int(server.stderr.readline().rsplit(":", 1)[1])
        threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
        end = time.time() + given.seconds
        counts = {well: 0, socket_talk: 0, fault: 0}
        problems = []

        def load(work):
            turn = 0
            while time.time() < end and not problems:
                turn += 1
                try:
                    work(port, turn)
                    counts[work] += 1
                except Exception as problem:
                    if work is not fault:
                        problems.append(f"{work.__name__}: {problem!r:.300}")

        threads = [threading.Thread(target=load, args=(work,)) for work in [well] * 4 + [socket_talk] * 2 + [fault] * 3]
        for thread in threads:
            thread.start()
        # What is needed at all has been allocated after a fifth of the time.
        time.sleep(given.seconds / 5)
        early = resident(server.pid)
        for thread in threads:
            thread.join()
        late = resident(server.pid)
        server.send_signal(signal.SIGTERM)
        status = server.wait(20)
        print(", ".join(f"{work.__name__} {count}" for work, count in counts.items()), f"resident {early} KB, then {late} KB, status {status}")
        if late > 1.3 * early + 4096:
            problems.append("memory grows")
        if status != 0:
            problems.append("the server does not end as it should")
        for problem in problems:
            print(problem)
        sys.exit(1 if problems else 0)


main()
