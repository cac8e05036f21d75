//! What clients cannot use up: time, places and memory of a server, and its end.

#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sema_tests::serving::Server;
use sema_tests::{Scratch, built};

const APP: &str = r#"
(define running 0)
(define app
  (http/router
    [[:get "/counts" (fn (request)
       (set! running (+ running 1))
       (try (let loop ((n 0)) (loop (+ n 1)))
         (catch condition (set! running (- running 1)) (throw condition))))]
     [:any "/never" (fn (request)
       (set! running (+ running 1))
       (try (begin (async/sleep 600000) (http/text "late"))
         (catch condition (set! running (- running 1)) (throw condition))))]
     [:get "/running" (fn (request) (http/text (number->string running)))]
     [:get "/large" (fn (request) (http/text (string/repeat "x" 20000000)))]
     [:get "/stream" (fn (request)
       (http/stream (fn (send) (let loop () (send (string/repeat "x" 100000)) (loop)))))]
     [:get "/quiet" (fn (request)
       (http/stream (fn (send) (send "first") (async/sleep 2500) (send "last"))))]
     [:get "/waiting" (fn (request)
       (http/stream (fn (send)
         (send "first")
         (set! running (+ running 1))
         (try (async/sleep 600000)
           (catch condition (set! running (- running 1)) (throw condition))))))]
     [:get "/fields" (fn (request)
       {:headers (foldl (fn (fields n) (assoc fields (str "x-" n) "v")) {} (range 0 20000)) :body ""})]
     [:get "/says" (fn (request) (error (str "no user " (:u (:query request)))))]
     [:post "/form" (fn (request) (http/text (str (:form request) (:multipart request))))]
     [:any "/busy" (fn (request) (let loop ((n 0)) (loop (+ n 1))))]
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
    let (stream, head) = server.upgrade(path);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
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
        assert!(begin.elapsed() < Duration::from_secs(40), "{what}");
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

const POST: &[u8] = b"POST /never HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";

#[test]
fn nobody_works_for_clients_that_have_left() {
    let (_scratch, server) = app("{:handler-timeout 0}");
    let running = |wanted: &str| {
        eventually(&format!("{wanted} handlers run"), || {
            server.get("/running").1 == wanted
        });
    };
    // With an answer unread, the connection is reset.
    let reset = |request: &[u8]| {
        let mut stream = ask(&server, "/running");
        stream.write_all(request).unwrap();
        running("1");
        assert!(stream.peek(&mut [0]).unwrap() > 0);
    };
    reset(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
    running("0");
    // One that has closed its half may still be listening, for a while.
    let begin = Instant::now();
    drop(ask(&server, "/never"));
    running("1");
    running("0");
    assert!(
        begin.elapsed() > Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    // What changes something is finished.
    reset(POST);
    std::thread::sleep(Duration::from_secs(1));
    running("1");
}

#[test]
fn handlers_that_compute_have_their_time() {
    let (_scratch, server) = app("{:handler-timeout 500}");
    let (status, said) = server.get("/counts");
    assert_eq!(
        (status, said.as_str()),
        (503, "Handler did not respond in time")
    );
    assert_eq!(server.get("/running"), (200, "0".to_owned()));
}

#[test]
fn the_end_does_not_wait_for_half_a_head() {
    let (_scratch, mut server) = app("{:grace 20000}");
    let mut stream = server.connect();
    stream.write_all(b"GET /run").unwrap();
    assert_eq!(server.get("/running").0, 200);
    let begin = Instant::now();
    server.terminate();
    assert_eq!(server.ended().1, "ended\n");
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn what_runs_for_clients_that_are_gone_keeps_their_places() {
    let (_scratch, server) = app("{:handler-timeout 1500 :max-connections 3}");
    let begin = Instant::now();
    for _ in 0..3 {
        let mut stream = server.connect();
        stream.write_all(POST).unwrap();
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
    // Whoever reads before his time is over is not stuck, and streams have no end.
    std::thread::sleep(Duration::from_secs(3));
    for stream in &mut stuck {
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
fn answers_count_until_they_are_sent() {
    let scratch = built(APP);
    let server = Server::start(Command::new(scratch.file("app")).env("SEMAC_HEAP_MB", "64"));
    let status = |stream: &mut TcpStream| {
        let mut line = [0; 12];
        stream.read_exact(&mut line).unwrap();
        String::from_utf8_lossy(&line).into_owned()
    };
    // Nobody reads them: 20 MB each, of which the system takes some, and half of 64 MB is for them.
    let mut waiting: Vec<TcpStream> = (0..4).map(|_| ask(&server, "/large")).collect();
    let statuses: Vec<String> = waiting.iter_mut().map(status).collect();
    let given = (statuses.iter()).filter(|status| *status == "HTTP/1.1 200");
    assert_eq!(given.count(), 1, "{statuses:?}");
    drop(waiting);
    eventually("there is room again", || {
        status(&mut ask(&server, "/large")) == "HTTP/1.1 200"
    });
}

#[test]
fn event_streams_end_with_the_server() {
    let (_scratch, mut server) = app("{}");
    let mut events = ask(&server, "/waiting");
    events
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut seen = String::new();
    while !seen.contains("first") {
        let mut part = [0; 1000];
        let length = events.read(&mut part).unwrap();
        assert!(length > 0, "{seen}");
        seen += std::str::from_utf8(&part[..length]).unwrap();
    }
    let begin = Instant::now();
    server.terminate();
    events.read_to_string(&mut seen).unwrap();
    assert!(seen.ends_with("\r\n0\r\n\r\n"), "{seen}");
    let (status, output) = server.ended();
    assert!(status.success(), "{status}");
    assert_eq!(output, "ended\n");
    // Not the ten seconds of :grace.
    assert!(begin.elapsed() < Duration::from_secs(5));
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
    // The connection is closed then, and nobody wants an answer.
    assert_eq!(server.ended().0.code(), Some(0));
    // What may change something is not stopped by that.
    let (_scratch, mut server) = app("{:grace 500}");
    let mut busy = server.connect();
    busy.write_all(b"POST /busy HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    assert_eq!(
        server.error(),
        "http/serve: the program computes and did not end within :grace; it is ended"
    );
    let (status, _) = server.ended();
    assert_eq!(status.signal(), Some(15));
}

#[test]
fn what_has_not_come_completely_is_counted() {
    let scratch = built(APP);
    let mut command = Command::new(scratch.file("app"));
    let server = Server::start(command.env("OPTIONS", "{}").env("SEMAC_HEAP_MB", "32"));
    let before = resident(server.id());
    let part = vec![0; 4 << 20];
    let mut bodies: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = server.connect();
            let head = format!(
                "POST /never HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
                part.len() + 1
            );
            stream.write_all(head.as_bytes()).unwrap();
            // Some are refused before all has been sent.
            let _ = stream.write_all(&part);
            stream
        })
        .collect();
    let after = resident(server.id());
    assert!(after < before + 30_000, "{before} KB, then {after} KB");
    let refused = bodies.iter_mut().filter_map(|stream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let (answer, _) = end_of(stream);
        answer.starts_with(b"HTTP/1.1 503").then_some(())
    });
    assert!(refused.count() >= 4);
    drop(bodies);
    let messages: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = websocket(&server, "/waits");
            // A message of bytes, which is one byte longer than what comes of it.
            let mut head = vec![0x82, 0xff];
            head.extend((part.len() as u64 + 1).to_be_bytes());
            head.extend([0; 4]);
            let _ = stream.write_all(&head);
            let _ = stream.write_all(&part);
            stream
        })
        .collect();
    let after = resident(server.id());
    assert!(after < before + 40_000, "{before} KB, then {after} KB");
    assert_eq!(server.get("/running").0, 200);
    drop(messages);
}

#[test]
fn streams_that_wait_end_with_their_clients() {
    let (_scratch, server) = app("{}");
    for _ in 0..5 {
        let mut stream = ask(&server, "/waiting");
        let mut room = [0; 12];
        stream.read_exact(&mut room).unwrap();
    }
    eventually("the functions end", || server.get("/running").1 == "0");
}

#[test]
fn more_header_fields_than_there_can_be() {
    let (_scratch, server) = app("{}");
    assert_eq!(server.get("/fields").0, 500);
    assert_eq!(
        server.error(),
        "http/serve: handler for :get /fields raised: http/serve: there are too many header fields"
    );
    assert_eq!(server.get("/running").0, 200);
}

#[test]
fn clients_write_no_lines_of_the_log() {
    let (_scratch, server) = app("{}");
    assert_eq!(server.get("/says?u=x%0Aforged%1b[2J").0, 500);
    assert_eq!(
        server.error(),
        "http/serve: handler for :get /says raised: no user x\\nforged\\u{1b}[2J"
    );
}

#[test]
fn nobody_has_to_read_the_log() {
    let scratch = built(APP);
    let mut child = Command::new(scratch.file("app"))
        .env("OPTIONS", "{:access-log #t :grace 500}")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Only the line that says where it listens is read; the pipe stays open.
    let mut errors = child.stderr.take().unwrap();
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        errors.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    let line = String::from_utf8(line).unwrap();
    let port: u16 = line.trim().rsplit(':').next().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // Some 400 KB of lines, also of what handlers raise: a pipe holds 64.
    for turn in 0..400 {
        let (path, end) = match turn % 2 {
            0 => ("/running", &b"\r\n\r\n0"[..]),
            _ => ("/says", &b"did not respond"[..]),
        };
        let query = "x".repeat(1000);
        let request = format!("GET {path}?u={query} HTTP/1.1\r\nhost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
    }
    let sent = Command::new("kill").arg(child.id().to_string()).status();
    assert!(sent.unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn refusals_reach_those_who_still_send() {
    let (_scratch, server) = app("{:max-body 1000}");
    let mut stream = server.connect();
    stream
        .write_all(b"POST /form HTTP/1.1\r\nhost: a\r\ncontent-length: 30000000\r\n\r\n")
        .unwrap();
    // All of it is taken, so that a client that reads only then gets its answer.
    stream.write_all(&vec![b'x'; 30_000_000]).unwrap();
    let mut room = [0; 12];
    stream.read_exact(&mut room).unwrap();
    assert_eq!(&room, b"HTTP/1.1 413");
}

#[test]
fn forms_are_taken_apart() {
    let (_scratch, server) = app("{}");
    let post = |kind: &str, body: &str| {
        let answer = server.raw(format!(
            "POST /form HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned());
        body.unwrap_or(answer)
    };
    assert_eq!(
        post("application/x-www-form-urlencoded", "a=1+2&b=%C3%A9"),
        "{:a \"1 2\" :b \"é\"}nil"
    );
    assert_eq!(
        post(
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\ncontent-type: text/plain\r\n\r\nhi\r\n--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n"
        ),
        // What files hold is always bytes; the others are fields, too.
        "{:a \"1\"}({:content #u8(104 105) :content-type \"text/plain\" :filename \"n.txt\" :name \"f\"} {:content \"1\" :name \"a\"})"
    );
    assert_eq!(post("multipart/form-data; boundary=x", "--x\r\n"), "nilnil");
}

#[test]
fn names_of_servers_and_codings_are_checked() {
    let (_scratch, server) = app("{}");
    let status = |request: &str| server.raw(request)[9..12].to_owned();
    for host in ["a b", "a/b", "user@a", "a\\b"] {
        let request = format!("GET /running HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        assert_eq!(status(&request), "400", "{host}");
    }
    for (coding, expected) in [
        ("gzip, chunked", "501"),
        ("chunked, chunked", "501"),
        ("gzip\r\ntransfer-encoding: chunked", "400"),
    ] {
        let request = format!(
            "POST /form HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n"
        );
        assert_eq!(status(&request), expected, "{coding}");
    }
}

#[test]
fn clients_may_take_their_time() {
    let scratch = built(
        r#"(define body (string/repeat "0123456789" 2000000))
           (http/serve (fn (request) (http/text body)) {:port 0 :host "127.0.0.1" :send-timeout 2000})"#,
    );
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let mut stream = ask(&server, "/");
    // 500 KB a second: what the system keeps for the client lasts longer than the limit.
    let mut room = vec![0; 50_000];
    let mut total = 0;
    for _ in 0..50 {
        total += stream.read(&mut room).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    while total < 20_000_000 {
        let length = stream.read(&mut room).unwrap();
        assert!(length > 0, "{total}");
        total += length;
    }
}

#[test]
fn no_limit_is_none() {
    let (_scratch, server) = app("{:header-timeout 0 :body-timeout 0 :send-timeout 0}");
    let mut stream = server.connect();
    stream
        .write_all(b"POST /form HTTP/1.1\r\nhost: a\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    stream
        .write_all(b"content-length: 2\r\nconnection: close\r\n\r\na")
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    stream.write_all(b"b").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
