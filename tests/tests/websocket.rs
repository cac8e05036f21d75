//! WebSockets between programs, against a peer that others have written, and against hostile ones.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use sema_tests::serving::{Server, python};
use sema_tests::{Scratch, built, fixtures, outcome, runtime, semac_in};

const ECHO: &str = r#"
(http/serve
  (http/router
    [[:ws "/echo" (fn (connection)
       (let loop ()
         (let ((message ((:recv connection))))
           (if (nil? message) nil (begin ((:send connection) message) (loop))))))]
     [:ws "/raises" (fn (connection) ((:recv connection)) (error "boo"))]])
  {:port 0 :host "127.0.0.1"})
"#;

const GREETING: &str = "GET /echo HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn echo() -> (Scratch, Server) {
    let scratch = built(ECHO);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    (scratch, server)
}

#[test]
fn greetings_are_checked() {
    let (_scratch, server) = echo();
    let mut stream = server.connect();
    stream.write_all(GREETING.as_bytes()).unwrap();
    // An empty end, masked.
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    assert!(
        text.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{text}"
    );
    assert!(answer.ends_with(b"\r\n\r\n\x88\x00"), "{text}");
    for (from, to) in [
        ("version: 13", "version: 12"),
        ("upgrade: websocket", "upgrade: other"),
        ("keep-alive, Upgrade", "close"),
        ("ZQ==", ""),
        ("GET", "POST"),
    ] {
        let request = GREETING
            .replace(from, to)
            .replace("host: a\r\n", "host: a\r\nconnection: close\r\n");
        let answer = server.raw(request);
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 404"),
            "{to}: {answer}"
        );
    }
}

#[test]
fn rules_that_are_broken_close_the_connection() {
    let (_scratch, server) = echo();
    for (frame, code) in [
        (&[0x81, 0x01, b'a'][..], 1002),         // not masked
        (&[0xf1, 0x80, 0, 0, 0, 0], 1002),       // reserved bits
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),       // unknown kind
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007), // not UTF-8
        (&[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009), // a terabyte
        (&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002), // 1005 is never sent
    ] {
        let mut stream = server.connect();
        stream
            .write_all(&[GREETING.as_bytes(), frame].concat())
            .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap()
            + 4;
        assert_eq!(bytes[end], 0x88, "{frame:x?}");
        assert_eq!(
            u16::from_be_bytes([bytes[end + 2], bytes[end + 3]]),
            code,
            "{frame:x?}"
        );
    }
}

#[test]
fn both_ends_are_programs() {
    let (_scratch, server) = echo();
    let client = built(&format!(
        r#"
(define url "ws://127.0.0.1:{}")
(define c (ws/connect (string-append url "/echo")))
(println (ws/connected? c) (ws/recv-timeout c 20))
(for-each (fn (message) (ws/send c message) (println (ws/recv c)))
          (list "text" "" (bytevector 0 255) {{:a 1}} {{:text "t"}} {{:binary (bytevector 1)}} {{:json [1]}}))
(let ((long (string/repeat "é" 200000)))
  (ws/send c long)
  (println (= (:text (ws/recv c)) long)))
(ws/ping c "there?")
(ws/close c)
(println (ws/recv c) (ws/recv c) (ws/connected? c))
(println (try (ws/send c "x") (catch condition (:message condition))))
(define got
  (with-open (d (ws/connect (string-append url "/raises")))
    (async/await (ws/listen d {{:on-open (fn (d) (ws/send d "go"))
                               :on-close (fn (d info) info)}}))))
(println got)
(println (try (ws/connect (string-append url "/none")) (catch condition (list (:type condition)))))
"#,
        server.port
    ));
    let got = outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(
        got.stdout,
        "#t :timeout\n{:text \"text\"}\n{:text \"\"}\n{:binary #u8(0 255)}\n{:text \"{\\\"a\\\":1}\"}\n{:text \"t\"}\n{:binary #u8(1)}\n{:text \"[1]\"}\n\
         #t\n{:close {:code 1000 :reason \"\"}} nil #f\nws/send: the connection is closed\n\
         {:code 1011 :reason \"\"}\n(:eval)\n"
    );
    assert_eq!(
        server.error(),
        "http/serve: handler for :get /raises raised: boo"
    );
}

/// A client in Python against our server.
const CLIENT: &str = r#"
import asyncio, sys, websockets
url = sys.argv[1]
async def main():
    async with websockets.connect(url, max_size=None) as ws:
        for message in ["hello", b"\x00\xff", "é" * 100000, b"x" * 3000000, ""]:
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(["a", "b", "c"])
        assert await ws.recv() == "abc"
        await asyncio.wait_for(await ws.ping(), 5)
        await ws.close(4001, "bye")
        assert (ws.close_code, ws.close_reason) == (4001, "bye")
    async with websockets.connect(url, max_size=None) as ws:
        try:
            await ws.send("x" * 17000000)
            await ws.recv()
            assert False, "a message of 17 MB is taken"
        except websockets.ConnectionClosedError as error:
            assert error.rcvd.code == 1009, error
asyncio.run(main())
print("ok")
"#;

/// A server in Python for our client.
const SERVER: &str = r#"
import asyncio, sys, websockets
async def handle(ws):
    async for message in ws:
        if message == "close":
            await ws.close(4000, "done")
            return
        if message == "ping":
            await asyncio.wait_for(await ws.ping(), 5)
        await ws.send(["[", message, "]"] if isinstance(message, str) else message)
async def main():
    async with websockets.serve(handle, "127.0.0.1", 0, subprotocols=["v1"]) as server:
        print("Listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"#;

#[test]
fn peers_that_others_have_written() {
    let Some(python) = python(Path::new(env!("CARGO_TARGET_TMPDIR")), &["websockets"]) else {
        return;
    };
    let (scratch, server) = echo();
    scratch.write("client.py", CLIENT);
    let mut client = Command::new(&python);
    client
        .arg(scratch.file("client.py"))
        .arg(format!("ws://127.0.0.1:{}/echo", server.port));
    assert_eq!(outcome(&mut client, b"").succeeded().stdout, "ok\n");

    scratch.write("server.py", SERVER);
    let peer = Server::start(Command::new(&python).arg(scratch.file("server.py")));
    let client = built(&format!(
        r#"
(define c (ws/connect "ws://127.0.0.1:{}/" {{:subprotocols ["v0" "v1"]}}))
(for-each (fn (message) (ws/send c message) (println (ws/recv c))) (list "text" "ping" (bytevector 1)))
(ws/send c "close")
(println (ws/recv c) (ws/recv c))
"#,
        peer.port
    ));
    let got = outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(
        got.stdout,
        "{:text \"[text]\"}\n{:text \"[ping]\"}\n{:binary #u8(1)}\n{:close {:code 4000 :reason \"done\"}} nil\n"
    );
}

#[test]
fn the_chat() {
    let scratch = Scratch::new();
    let mut build = semac_in(&fixtures("network"));
    build
        .args(["build", "chat.sema", "-o"])
        .arg(scratch.file("app"))
        .arg("--runtime")
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let server = Server::start(Command::new(scratch.file("app")).env("PORT", "0"));
    let client = built(&format!(
        r#"
(define (join) (ws/connect "ws://127.0.0.1:{}/chat"))
(define (next c) (println (:text (ws/recv c))))
(define a (join)) (next a)
(define b (join)) (next a) (next b)
(ws/send a "hello") (next a) (next b)
(ws/close a) (next b)
"#,
        server.port
    ));
    let got = outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(
        got.stdout,
        "{\"joined\":1}\n{\"joined\":2}\n{\"joined\":2}\n{\"from\":1,\"text\":\"hello\"}\n{\"from\":1,\"text\":\"hello\"}\n{\"left\":1}\n"
    );
}
