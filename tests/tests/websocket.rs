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
        ("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!!!"),
        (
            "key: ",
            "key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-key: ",
        ),
        ("GET", "POST"),
    ] {
        let request = GREETING
            .replace(from, to)
            .replace("host: a\r\n", "host: a\r\nconnection: close\r\n");
        let answer = server.raw(request);
        let expected = match to {
            "POST" => "HTTP/1.1 404",
            _ => "HTTP/1.1 426",
        };
        assert!(answer.starts_with(expected), "{to}: {answer}");
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
         {:code 1011 :reason \"\"}\n(:io)\n"
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

const ENDS: &str = r#"
(define live 0)
(define (alive work)
  (set! live (+ live 1))
  (try (work)
    (catch condition (set! live (- live 1)) (throw condition)))
  (set! live (- live 1)))
(http/serve
  (http/router
    [[:get "/live" (fn (request) (http/ok live))]
     [:ws "/pushes" (fn (c)
       ((:send c) "first")
       (alive (fn () (async/sleep 600000))))]
     ;; It hears of the end, and has time for it.
     [:ws "/hears" (fn (c)
       ((:send c) "first")
       (alive (fn () (if (nil? ((:recv c))) (async/sleep 2500) nil) (println-error "has tidied up"))))]
     [:ws "/large" (fn (c) ((:send c) (string/repeat "x" 10000000)) ((:recv c)))]
     [:ws "/kicks" (fn (c) ((:recv c)) ((:close c) 4001 "log in again") (async/sleep 1500) (println-error "goes on"))]
     [:any "/cookie" (fn (request)
       (assoc (http/websocket (fn (c) ((:send c) "hi")))
              :headers {"set-cookie" ["a=1" "b=2"] "connection" "close" "content-length" "5"}))]])
  {:port 0 :host "127.0.0.1"})
"#;

/// Waits until a path is answered with this text.
#[track_caller]
fn eventually(server: &Server, path: &str, wanted: &str) {
    let begin = std::time::Instant::now();
    while server.get(path).1 != wanted {
        assert!(begin.elapsed().as_secs() < 20, "never {wanted}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn functions_end_with_their_clients() {
    let scratch = built(ENDS);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let clients = [(); 3].map(|()| server.upgrade("/pushes").0);
    eventually(&server, "/live", "3");
    let [mut polite, other, last] = clients;
    polite.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    drop((polite, other));
    eventually(&server, "/live", "1");
    drop(last);
    eventually(&server, "/live", "0");
    // Whoever receives hears of the end, and is not stopped.
    let (mut stream, _) = server.upgrade("/hears");
    stream.read_exact(&mut [0; 7]).unwrap();
    drop(stream);
    assert_eq!(server.error(), "has tidied up");
}

#[test]
fn the_end_has_a_code_and_a_reason() {
    let scratch = built(ENDS);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let client = built(&format!(
        r#"
(define url "ws://127.0.0.1:{}")
(define c (ws/connect (string-append url "/kicks")))
(ws/send c "x")
(println (ws/recv c))
(define e (ws/connect (string-append url "/pushes")))
(define (failure . end) (try (apply ws/close (cons e end)) (catch condition (:message condition))))
(println (failure 1001) (failure 5000) (failure 4000 5) (failure 4000 (string/repeat "x" 124)))
(ws/close e 3000 (string/repeat "x" 123))
(println (try (ws/send e "x") (catch condition (:type condition))))
(println (try (ws/connect "ws://user:secret@127.0.0.1:1/x") (catch condition (:message condition))))
"#,
        server.port
    ));
    let got = outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(
        got.stdout,
        "{:close {:code 4001 :reason \"log in again\"}}\n\
         expected 1000 or a code from 3000 to 4999 for ws/close, got int \
         expected 1000 or a code from 3000 to 4999 for ws/close, got int \
         expected string of at most 123 bytes as the reason for ws/close, got int \
         expected string of at most 123 bytes as the reason for ws/close, got string\n:io\n\
         ws/connect ws://***@127.0.0.1:1/x: Connection refused (os error 111)\n"
    );
    assert_eq!(server.error(), "goes on");
}

#[test]
fn greetings_are_answered_with_fields_of_the_handler() {
    let scratch = built(ENDS);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let (_stream, head) = server.upgrade("/cookie");
    let lines: Vec<&str> = head.lines().collect();
    for wanted in ["set-cookie: a=1", "set-cookie: b=2", "connection: Upgrade"] {
        assert!(lines.contains(&wanted), "{head}");
    }
    assert!(
        !head.contains("close") && !head.contains("content-length"),
        "{head}"
    );
    let plain = server.raw("GET /pushes HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(
        plain.starts_with("HTTP/1.1 426 ") && plain.contains("\r\nupgrade: websocket\r\n"),
        "{plain}"
    );
}

#[test]
fn listening_outlives_what_its_functions_raise() {
    let (_scratch, server) = echo();
    let client = built(&format!(
        r#"
(define url "ws://127.0.0.1:{}/echo")
(define c (ws/connect url))
(define listening
  (ws/listen c {{:on-message (fn (c message) (if (= message "bad") (error "no") (println message)) (if (= message "last") (ws/close c) nil))
                :on-error (fn (c condition) (println "error" (:message condition)))
                :on-close (fn (c info) (println (:code info)))}}))
(for-each (fn (message) (ws/send c message)) (list "first" "bad" "last"))
(async/await listening)
(define d (ws/connect url))
(define failing (ws/listen d {{:on-message (fn (d message) (error "no"))}}))
(ws/send d "x")
(println (try (async/await failing) (catch condition (:message condition))) (ws/connected? d))
"#,
        server.port
    ));
    let got = outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(got.stdout, "first\nerror no\nlast\n1000\nno #f\n");
}

#[test]
fn messages_for_clients_that_do_not_read_are_counted() {
    let scratch = built(ENDS);
    let mut command = Command::new(scratch.file("app"));
    let server = Server::start(command.env("SEMAC_HEAP_MB", "64"));
    let _clients: Vec<_> = (0..6).map(|_| server.upgrade("/large").0).collect();
    for _ in 0..3 {
        let said = server.error();
        assert!(
            said.contains("raised: ws/send: out of memory: what is on its way"),
            "{said}"
        );
    }
}
