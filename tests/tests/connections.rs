//! Connections of servers: quiet ones, broken ones, those that are half closed.

#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use sema_tests::serving::Server;
use sema_tests::{Scratch, built};

const APP: &str = r#"
(define app
  (http/router
    [[:get "/" (fn (request) (http/text "hello"))]
     [:post "/length" (fn (request) (http/text (number->string (string-length (:body request)))))]
     [:get "/breaks" (fn (request) (http/stream (fn (send) (send "first") (error "broken"))))]
     [:get "/breaks-later" (fn (request) (http/stream (fn (send) (send "first") (async/sleep 50) (error "broken"))))]
     [:get "/pauses" (fn (request) (http/stream (fn (send) (send "one") (async/sleep 2500) (send "two"))))]
     [:get "/waits" (fn (request) (async/sleep 2500) (http/text "waited"))]
     [:get "/large" (fn (request) (http/text (string/repeat "0123456789" 2000000)))]]))
(http/serve app {:port 0 :host "127.0.0.1" :header-timeout 4000 :body-timeout 4000})
"#;

fn app() -> (Scratch, Server) {
    let scratch = built(APP);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    (scratch, server)
}

/// Sends a request on a connection that stays open; the answer up to and with this.
#[track_caller]
fn ask(stream: &mut TcpStream, request: &str, end: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    while !answer.ends_with(end) {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).unwrap();
        assert!(length > 0, "the end came after {answer:?}");
        answer.push_str(std::str::from_utf8(&part[..length]).unwrap());
    }
    answer
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[test]
fn quiet_connections_go_on() {
    let (_scratch, server) = app();
    let mut stream = server.connect();
    for pause in [0, 1500, 2500, 0] {
        std::thread::sleep(Duration::from_millis(pause));
        ask(&mut stream, GET, "hello");
    }
    // A body that comes in two parts, then silence.
    let head = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345";
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    ask(&mut stream, "67890", "10");
    std::thread::sleep(Duration::from_millis(2200));
    ask(&mut stream, GET, "hello");
    // Half of the next request has come with the last one.
    let (half, rest) = GET.split_at(20);
    ask(&mut stream, &format!("{GET}{half}"), "hello");
    std::thread::sleep(Duration::from_millis(2200));
    ask(&mut stream, rest, "hello");
}

#[test]
fn connections_whose_handler_takes_its_time_are_not_quiet() {
    let (_scratch, server) = app();
    let mut stream = server.connect();
    ask(
        &mut stream,
        "GET /waits HTTP/1.1\r\nhost: a\r\n\r\n",
        "waited",
    );
    let events = ask(
        &mut stream,
        "GET /pauses HTTP/1.1\r\nhost: a\r\n\r\n",
        "0\r\n\r\n",
    );
    assert!(events.contains("data: one") && events.contains("data: two"));
    // A client that does not read for a while gets all the same.
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.len(), 20_000_000);
}

#[test]
fn who_sends_slowly_has_no_more_time_for_being_quiet_before() {
    let (_scratch, server) = app();
    let mut stream = server.connect();
    ask(&mut stream, GET, "hello");
    std::thread::sleep(Duration::from_millis(2500));
    let begin = Instant::now();
    let mut sender = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        for byte in GET.bytes() {
            // The server closes the connection at some time.
            if sender.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(700));
        }
    });
    let mut answer = Vec::new();
    // It may be reset: what came after the end is not read.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
    let taken = begin.elapsed();
    assert!(
        taken > Duration::from_secs(3) && taken < Duration::from_secs(8),
        "{taken:?}"
    );
}

#[test]
fn what_breaks_off_is_seen_to() {
    let (_scratch, server) = app();
    for path in ["/breaks", "/breaks-later"] {
        let answer = server.raw(format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        ));
        // What was written before is there, the end is not.
        assert!(
            answer.contains("data: first") && !answer.contains("\r\n0\r\n"),
            "{path}: {answer:?}"
        );
        // Without chunks the end of the connection would be that of the body.
        let mut stream = server.connect();
        stream
            .write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        assert_eq!(
            end.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionReset),
            "{path}: {answer:?}"
        );
    }
    assert_eq!(server.get("/").1, "hello");
}

#[test]
fn half_closed_connections_get_their_answers() {
    let (_scratch, server) = app();
    let mut stream = server.connect();
    stream
        .write_all(b"GET /waits HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("waited"), "{answer}");
    // And one that says nothing and closes.
    let mut stream = server.connect();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
}

/// Bytes that a process has in memory.
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<usize>().unwrap() << 10
}

#[test]
fn quiet_connections_take_little() {
    let scratch = built(&APP.replace(":header-timeout 4000", ":header-timeout 60000"));
    let server = Server::start(&mut Command::new(scratch.file("app")));
    server.get("/");
    let before = resident(server.id());
    // What one connection has given back the next one uses, so they must not come all at once.
    let mut streams = Vec::new();
    for _ in 0..400 {
        let mut stream = server.connect();
        ask(&mut stream, GET, "hello");
        streams.push(stream);
        std::thread::sleep(Duration::from_millis(10));
    }
    let each = resident(server.id()).saturating_sub(before) / streams.len();
    assert!(each <= 8 << 10, "{each} bytes");
    for stream in &mut streams {
        ask(stream, GET, "hello");
    }
}

#[test]
fn a_server_sleeps() {
    let (_scratch, server) = app();
    server.get("/");
    let switches = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", server.id())).unwrap();
        let counts = tasks.map(|task| {
            let path = task.unwrap().path().join("status");
            let status = std::fs::read_to_string(path).unwrap();
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"))
                .unwrap();
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        });
        counts.sum::<u64>()
    };
    std::thread::sleep(Duration::from_millis(500));
    let before = switches();
    std::thread::sleep(Duration::from_secs(2));
    let woken = switches() - before;
    assert!(woken <= 4, "woken {woken} times in two seconds");
}
