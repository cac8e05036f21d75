//! How servers begin, last and end: signals, what memory that others have does to them, and what handlers leave in the log.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use sema_tests::serving::Server;
use sema_tests::{Scratch, built};

fn start(source: &str) -> (Scratch, Server) {
    let scratch = built(source);
    let server = Server::start(Command::new(scratch.file("app")).env("SEMAC_HEAP_MB", "64"));
    (scratch, server)
}

/// Two handlers that want more memory than there is, and others that want next to nothing. What runs out of it is not the server.
const HUNGRY: &str = r#"
(define kept (make-bytevector 50000000 1))
(define (rows n)
  (let loop ((rows '()) (i 0))
    (if (= (modulo i 1000) 0) (async/sleep 0) nil)
    (if (= i n) rows (loop (cons (list i i i) rows) (+ i 1)))))
(http/serve
  (http/router
    [[:get "/hungry" (fn (request) (http/ok (length (rows 100000000))))]
     [:get "/modest" (fn (request) (http/text "here"))]])
  {:port 0 :host "127.0.0.1"})
"#;

#[test]
fn memory_that_handlers_have_does_not_end_the_server() {
    let (_scratch, server) = start(HUNGRY);
    // Whose task finds that memory is short is chance.
    for _ in 0..4 {
        let hungry: Vec<_> = (0..2)
            .map(|_| {
                let mut stream = server.connect();
                stream
                    .write_all(b"GET /hungry HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                    .unwrap();
                stream
            })
            .collect();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(1) {
            let (status, _) = server.get("/modest");
            assert!([200, 500, 503].contains(&status), "{status}");
        }
        for mut stream in hungry {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
        }
    }
    assert_eq!(server.get("/modest"), (200, "here".to_owned()));
}

const SLOW: &str = r#"
(define drain (string->number (or (env "DRAIN") "0")))
(http/serve
  (http/router
    [[:get "/slow" (fn (request) (async/sleep 700) (http/text "done"))]
     [:get "/quick" (fn (request) (http/text "quick"))]])
  {:port 0 :host "127.0.0.1" :health "/health" :drain-delay drain})
(println "behind")
(async/sleep (string->number (or (env "BEHIND") "0")))
"#;

fn slow(name: &str, value: &str) -> (Scratch, Server) {
    let scratch = built(SLOW);
    let server = Server::start(Command::new(scratch.file("app")).env(name, value));
    (scratch, server)
}

/// The answer to a request that is under way while something happens.
fn meanwhile(server: &Server, act: impl FnOnce()) -> String {
    let mut stream = server.connect();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    act();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn ctrl_c_ends_a_server_in_order() {
    let (_scratch, mut server) = slow("DRAIN", "0");
    let answer = meanwhile(&server, || server.interrupt());
    assert!(answer.ends_with("done"), "{answer}");
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(0), "behind\n"));
}

#[test]
fn the_second_ctrl_c_ends_it_at_once() {
    let (_scratch, mut server) = slow("DRAIN", "0");
    let begin = Instant::now();
    let answer = meanwhile(&server, || {
        server.interrupt();
        std::thread::sleep(Duration::from_millis(100));
        server.interrupt();
    });
    // Perhaps it is still told that its handler is gone.
    assert!(!answer.contains(" 200 "), "{answer}");
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(1), ""));
    assert!(begin.elapsed() < Duration::from_millis(650));
    assert_eq!(server.error(), "Error: evaluation cancelled: HostStop");
}

#[test]
fn ctrl_c_is_heard_behind_a_server() {
    let (_scratch, mut server) = slow("BEHIND", "60000");
    server.terminate();
    std::thread::sleep(Duration::from_millis(500));
    server.interrupt();
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(1), "behind\n"));
    assert_eq!(server.error(), "Error: evaluation cancelled: HostStop");
}

#[test]
fn a_server_that_is_to_end_lets_in_whom_a_balancer_still_sends() {
    let (_scratch, mut server) = slow("DRAIN", "1000");
    assert_eq!(server.get("/health").0, 200);
    server.terminate();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.get("/health").0, 503);
    assert_eq!(server.get("/quick"), (200, "quick".to_owned()));
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(0), "behind\n"));
}

const UPLOADS: &str = r#"
(http/serve
  (http/router
    [[:post "/takes" (fn (request)
       (let loop ((total 0))
         (let ((part (stream/read (:body request) 1000)))
           (if (= (length part) 0) (http/ok total) (loop (+ total (length part)))))))]
     [:post "/dawdles" (fn (request) (stream/read (:body request) 10) (async/sleep 60000))]
     [:post "/looks-away" (fn (request) (async/sleep 60000))]])
  {:port 0 :host "127.0.0.1" :stream-body #t :handler-timeout 500})
"#;

/// Sends a body of so many parts, one each 200 ms: the answer.
fn upload(server: &Server, path: &str, parts: usize) -> String {
    let mut stream = server.connect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        parts * 10
    );
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..parts {
        std::thread::sleep(Duration::from_millis(200));
        // It may have been refused.
        if stream.write_all(&[b'x'; 10]).is_err() {
            break;
        }
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_time_of_an_upload_is_not_that_of_its_handler() {
    let (_scratch, server) = start(UPLOADS);
    let answer = upload(&server, "/takes", 8);
    assert!(answer.ends_with("80"), "{answer}");
    for path in ["/dawdles", "/looks-away"] {
        let answer = upload(&server, path, 2);
        assert!(answer.starts_with("HTTP/1.1 503"), "{path}: {answer}");
    }
}

const RAISES: &str = r#"
(define (deep n)
  (if (= n 0) (error "too\nbad") (+ 1 (deep (- n 1)))))
(http/serve
  (http/router
    [[:get "/raises" (fn (request) (http/ok (deep 2)))]
     [:get "/throws" (fn (request) (throw {:code 5}))]
     [:get "/streams" (fn (request) (http/stream (fn (send) (send "a") (deep 0))))]])
  {:port 0 :host "127.0.0.1"})
"#;

#[test]
fn what_handlers_raise_is_reported_with_its_place() {
    let (_scratch, server) = start(RAISES);
    let report = |path: &str| {
        server.raw(format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        ));
        let mut lines = vec![server.error()];
        while let Some(line) = server.error_within(Duration::from_millis(300)) {
            lines.push(line);
        }
        lines
    };
    assert_eq!(
        report("/raises"),
        [
            "http/serve: handler for :get /raises raised: too\\nbad",
            "  --> app.sema:3:15",
            "  at deep (app.sema:3:15)",
            "  at deep (app.sema:3:39), 2 times",
            "  at <lambda> (app.sema:6:45)",
        ]
    );
    let thrown = report("/throws");
    assert_eq!(
        thrown[0],
        "http/serve: handler for :get /throws raised: {:code 5}"
    );
    assert_eq!(thrown[1], "  --> app.sema:7:36");
    let streamed = report("/streams");
    assert_eq!(
        streamed[..2],
        [
            "http/serve: handler for :get /streams raised: too\\nbad",
            "  --> app.sema:3:15",
        ]
    );
}

/// How long a server takes to end that has a client of HTTP/2 which has said this and says nothing more.
fn ends_within(said: &[u8]) -> Duration {
    let (_scratch, mut server) = slow("DRAIN", "0");
    let mut stream = server.connect();
    stream.write_all(said).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    server.terminate();
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
    begin.elapsed()
}

#[test]
fn the_end_does_not_wait_for_silent_clients_of_http_2() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    for said in [&preface[..10], &[&preface[..], &settings].concat()] {
        let took = ends_within(said);
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}

#[test]
fn heads_are_counted_while_their_bodies_come() {
    let (_scratch, server) = start(
        r#"(http/serve (fn (request) (http/text "here")) {:port 0 :host "127.0.0.1" :access-log #f})"#,
    );
    let head = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\nx: {}\r\n\r\n",
        "x".repeat(60_000)
    );
    // Half of 64 MB have room for some 550 of them.
    let mut clients: Vec<_> = (0..700)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let refused = clients.iter_mut().filter_map(|stream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let mut room = [0; 12];
        stream.read_exact(&mut room).ok()?;
        assert_eq!(&room, b"HTTP/1.1 503");
        Some(())
    });
    assert!(refused.count() > 50);
    drop(clients);
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn the_log_shows_what_it_writes() {
    let (_scratch, server) = start(
        r#"(http/serve (fn (request) (http/text "here")) {:port 0 :host "127.0.0.1" :access-log #t})"#,
    );
    server.raw("GET /'a'\u{9b}2J\u{202e} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let line = server.error();
    assert!(
        line.starts_with("127.0.0.1 GET /'a'\\u{9b}2J\\u{202e} 200 4 "),
        "{line}"
    );
}
