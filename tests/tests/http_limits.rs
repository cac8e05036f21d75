//! What clients cannot use up: time, places and memory of a server, and its end.

#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use sema_tests::serving::Server;
use sema_tests::{Scratch, built};

const APP: &str = r#"
(define running 0)
(define app
  (http/router
    [[:get "/never" (fn (request)
       (set! running (+ running 1))
       (try (begin (async/sleep 600000) (http/text "late"))
         (catch condition (set! running (- running 1)) (throw condition))))]
     [:get "/running" (fn (request) (http/text (number->string running)))]
     [:get "/large" (fn (request) (http/text (string/repeat "x" 20000000)))]
     [:get "/stream" (fn (request)
       (http/stream (fn (send) (let loop () (send (string/repeat "x" 100000)) (loop)))))]
     [:get "/quiet" (fn (request)
       (http/stream (fn (send) (send "first") (async/sleep 2500) (send "last"))))]
     [:get "/busy" (fn (request) (let loop ((n 0)) (loop (+ n 1))))]
     [:ws "/waits" (fn (connection)
       (let loop ()
         (let ((message ((:recv connection))))
           (if (nil? message) (println "told the end") (loop)))))]
     [:ws "/leaves" (fn (connection) nil)]
     [:ws "/raises" (fn (connection) (error "broken"))]]))
(http/serve app (merge {:port 0 :host "127.0.0.1"} (read (or (env "OPTIONS") "{}"))))
(println "ended")
"#;

fn app(options: &str) -> (Scratch, Server) {
    let scratch = built(APP);
    let server = Server::start(Command::new(scratch.file("app")).env("OPTIONS", options));
    (scratch, server)
}

/// A connection that asks for this, and reads nothing yet.
fn ask(server: &Server, path: &str) -> TcpStream {
    let mut stream = server.connect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// A WebSocket, after the greeting.
fn websocket(server: &Server, path: &str) -> TcpStream {
    let mut stream = server.connect();
    let greeting = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(greeting.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{head:?}");
    stream
}

/// A masked frame with a payload of zeros, which the mask (of zeros) leaves as it is.
fn frame(opcode: u8, length: u8) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
    frame.resize(frame.len() + usize::from(length), 0);
    frame
}

const PING: u8 = 9;

/// Waits until something is so.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(15), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Reads until the end: how it is.
fn end_of(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).err();
    (bytes, error.map(|error| error.kind()))
}

fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap()
}

#[test]
fn handlers_have_their_time_also_when_the_client_is_gone() {
    let (_scratch, server) = app("{:handler-timeout 500}");
    let answer = {
        let mut stream = ask(&server, "/never");
        let mut room = [0; 12];
        stream.read_exact(&mut room).unwrap();
        String::from_utf8_lossy(&room).into_owned()
    };
    assert_eq!(answer, "HTTP/1.1 503");
    for _ in 0..50 {
        drop(ask(&server, "/never"));
    }
    eventually("handlers are stopped", || server.get("/running").1 == "0");
}

#[test]
fn what_runs_for_clients_that_are_gone_keeps_their_places() {
    let (_scratch, server) = app("{:handler-timeout 1500 :max-connections 3}");
    let begin = Instant::now();
    for _ in 0..3 {
        drop(ask(&server, "/never"));
    }
    assert_eq!(server.get("/running").0, 200);
    assert!(
        begin.elapsed() > Duration::from_millis(1200),
        "a fourth was let in after {:?}",
        begin.elapsed()
    );
}

#[test]
fn who_takes_nothing_is_left() {
    let (_scratch, server) = app("{:send-timeout 1000 :max-connections 4}");
    let mut stuck: Vec<TcpStream> = ["/large", "/stream", "/large", "/stream"]
        .iter()
        .map(|path| ask(&server, path))
        .collect();
    // There is a place again.
    assert_eq!(server.get("/running").0, 200);
    for stream in &mut stuck {
        std::thread::sleep(Duration::from_millis(100));
        let (_, error) = end_of(stream);
        assert_eq!(error, Some(ErrorKind::ConnectionReset));
    }
}

#[test]
fn whoever_takes_slowly_what_comes_slowly_is_not() {
    let (_scratch, server) = app("{:send-timeout 1000}");
    let mut quiet = ask(&server, "/quiet");
    let mut slow = ask(&server, "/large");
    let mut room = vec![0; 2_000_000];
    for _ in 0..8 {
        slow.read_exact(&mut room).unwrap();
        std::thread::sleep(Duration::from_millis(400));
    }
    let mut events = Vec::new();
    while !events.ends_with(b"data: last\n\n\r\n") {
        let mut byte = [0];
        quiet.read_exact(&mut byte).unwrap();
        events.extend(byte);
    }
}

#[test]
fn pings_take_no_memory() {
    let (_scratch, server) = app("{}");
    let mut stream = websocket(&server, "/waits");
    let before = resident(server.id());
    let pings = frame(PING, 125).repeat(1000);
    for _ in 0..200 {
        stream.write_all(&pings).unwrap();
    }
    let after = resident(server.id());
    assert!(after < before + 10_000, "{before} KB, then {after} KB");
}

#[test]
fn a_websocket_is_a_connection() {
    let (_scratch, server) = app("{:max-connections 2}");
    let first = websocket(&server, "/waits");
    let _second = websocket(&server, "/waits");
    let mut third = ask(&server, "/running");
    third
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut room = [0; 12];
    let error = third.read_exact(&mut room).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    drop(first);
    third
        .set_read_timeout(Some(Duration::from_secs(15)))
        .unwrap();
    third.read_exact(&mut room).unwrap();
    assert_eq!(&room, b"HTTP/1.1 200");
}

#[test]
fn a_client_that_goes_on_talking_does_not_keep_a_websocket() {
    let (_scratch, server) = app("{}");
    let mut stream = websocket(&server, "/leaves");
    let begin = Instant::now();
    while stream.write_all(&frame(PING, 1)).is_ok() {
        assert!(
            begin.elapsed() < Duration::from_secs(12),
            "it is still open"
        );
        std::thread::sleep(Duration::from_millis(400));
    }
}

#[test]
fn websockets_say_why_they_end() {
    let (_scratch, mut server) = app("{}");
    let code = |stream: &mut TcpStream| {
        let mut frame = [0; 4];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(frame[..2], [0x88, 2]);
        u16::from_be_bytes([frame[2], frame[3]])
    };
    assert_eq!(code(&mut websocket(&server, "/leaves")), 1000);
    assert_eq!(code(&mut websocket(&server, "/raises")), 1011);
    let mut waits = websocket(&server, "/waits");
    server.terminate();
    assert_eq!(code(&mut waits), 1001);
    waits.write_all(&frame(8, 0)).unwrap();
    let (status, output) = server.ended();
    assert!(status.success(), "{status}");
    assert_eq!(output, "told the end\nended\n");
}

#[test]
fn the_end_comes_without_descriptors() {
    let scratch = built(APP);
    let command = format!("ulimit -n 24; exec {}", scratch.file("app").display());
    let mut server = Server::start(
        Command::new("sh")
            .args(["-c", &command])
            .env("OPTIONS", "{:grace 500}"),
    );
    let _held: Vec<TcpStream> = (0..40).map(|_| ask(&server, "/never")).collect();
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    let (status, output) = server.ended();
    assert!(status.success(), "{status}");
    assert_eq!(output, "ended\n");
}

#[test]
fn the_end_comes_when_a_handler_computes() {
    let (_scratch, mut server) = app("{:grace 500}");
    let _busy = ask(&server, "/busy");
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    assert_eq!(
        server.error(),
        "http/serve: the program computes and did not end within :grace; it is ended"
    );
    let (status, _) = server.ended();
    assert_eq!(status.signal(), Some(15));
}
