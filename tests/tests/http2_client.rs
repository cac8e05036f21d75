//! A client of HTTP/2 whose server ends connections, refuses streams, cuts bodies off, or is not there any more.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use sema_tests::certificates::Certificates;
use sema_tests::peers::peers;
use sema_tests::serving::Server;
use sema_tests::{outcome, semac_in};

/// What is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What a program prints that stands beside certificates.
#[track_caller]
fn asked(made: &Certificates, source: &str) -> String {
    made.folder.write(
        "ask.sema",
        format!(
            "(define ca (file/read \"ca.pem\"))\n\
             (define (try-it thunk) (println (try (thunk) (catch condition (list (:type condition) (:message condition))))))\n{source}"
        ),
    );
    let mut command = semac_in(made.folder.path());
    outcome(command.args(["run", "ask.sema"]), b"")
        .succeeded()
        .stdout
}

#[test]
fn a_server_may_end_its_connections() {
    if !peers(&[("openssl", "openssl"), ("nginx", "nginx")]) {
        return;
    }
    let made = Certificates::new();
    let port = free_port();
    made.folder.write(
        "nginx.conf",
        format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{ worker_connections 60; }}\n\
             http {{\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
             ssl_certificate good.pem;\nssl_certificate_key good.key;\nkeepalive_requests 100;\ndefault_type text/plain;\n\
             server {{ listen 127.0.0.1:{port} ssl http2; location / {{ return 200 \"$connection\"; }} }} }}\n"
        ),
    );
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(made.folder.path())
        .args(["-c", "nginx.conf"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let _nginx = Running(command.stderr(Stdio::null()).spawn().unwrap());
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no nginx");
        std::thread::sleep(Duration::from_millis(10));
    }
    let printed = asked(
        &made,
        &format!(
            r#"
(define (ask n)
  (try (:body (if (even? n) (http/get "https://127.0.0.1:{port}/" {{:ca ca}}) (http/post "https://127.0.0.1:{port}/" "x" {{:ca ca}})))
    (catch condition (:message condition))))
;; They begin together, and have one connection.
(println (length (list/unique (async/map ask (range 50)))))
;; Each connection is for a hundred requests, and there are fewer than sixty at a time.
(define got (async/map ask (range 1500)))
(println (filter (fn (answer) (not (string->number answer))) got))
(println (< 14 (length (list/unique got)) 30))
"#
        ),
    );
    assert_eq!(printed, "1\n()\n#t\n");
}

/// A server of HTTP/2 that a test writes frame by frame, behind a program that speaks TLS.
struct Frames {
    _tls: Running,
    port: u16,
    from: ChildStdout,
    to: ChildStdin,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` in HPACK.
const OK: &[u8] = &[0x88];

impl Frames {
    fn new(made: &Certificates) -> Frames {
        let port = free_port();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-alpn", "h2", "-cert", "good.pem"]);
        command.args(["-key", "good.key", "-accept", &format!("127.0.0.1:{port}")]);
        command.current_dir(made.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let (from, to) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        // It takes one connection after another: one that only looks would be a whole one.
        std::thread::sleep(Duration::from_millis(500));
        Frames {
            _tls: Running(child),
            port,
            from,
            to,
        }
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.to.write_all(&frame).unwrap();
        self.to.flush().unwrap();
    }

    /// A client connects.
    fn begin(&mut self) {
        // Before it stand the last frames of the connection that was there before.
        let mut said = Vec::new();
        while !said.ends_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
            let mut byte = [0];
            self.from.read_exact(&mut byte).unwrap();
            said.extend(byte);
        }
        self.send(SETTINGS, 0, 0, b"");
    }

    /// The stream of the next request.
    fn request(&mut self) -> u32 {
        loop {
            let mut head = [0; 9];
            self.from.read_exact(&mut head).unwrap();
            let [a, b, c, kind, _, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.from.read_exact(&mut payload).unwrap();
            if kind == HEADERS {
                return u32::from_be_bytes(stream);
            }
        }
    }
}

#[test]
fn what_was_not_processed_is_sent_again_and_what_is_cut_off_is_no_answer() {
    if !peers(&[("openssl", "openssl")]) {
        return;
    }
    let made = Certificates::new();
    let mut server = Frames::new(&made);
    let url = format!("https://127.0.0.1:{}/", server.port);
    let played = std::thread::spawn(move || {
        server.begin();
        // An answer that a reset without an error cuts off.
        assert_eq!(server.request(), 1);
        server.send(HEADERS, END_HEADERS, 1, OK);
        server.send(DATA, 0, 1, b"abc");
        server.send(RST_STREAM, 0, 1, &[0, 0, 0, 0]);
        // A refused POST.
        assert_eq!(server.request(), 3);
        server.send(RST_STREAM, 0, 3, &[0, 0, 0, 7]);
        assert_eq!(server.request(), 5);
        server.send(HEADERS, END_HEADERS, 5, OK);
        server.send(DATA, END_STREAM, 5, b"second");
        // One that the server says to have given up.
        assert_eq!(server.request(), 7);
        server.send(RST_STREAM, 0, 7, &[0, 0, 0, 11]);
        // One that has come behind the last.
        assert_eq!(server.request(), 9);
        server.send(GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 0]);
        server.begin();
        assert_eq!(server.request(), 1);
        server.send(HEADERS, END_HEADERS, 1, OK);
        server.send(DATA, END_STREAM, 1, b"third");
        server
    });
    let printed = asked(
        &made,
        &format!(
            r#"
(define options {{:ca ca :timeout 20000}})
(try-it (fn () (:body (http/get "{url}" options))))
(try-it (fn () (:body (http/post "{url}" "x" options))))
(try-it (fn () (:body (http/get "{url}" options))))
(try-it (fn () (:body (http/post "{url}" "x" options))))
"#
        ),
    );
    assert_eq!(
        printed,
        format!(
            "(:io \"http GET {url}: the body was cut off\")\nsecond\n\
             (:io \"http GET {url}: the server has reset the stream: detected excessive load generating behavior\")\nthird\n"
        )
    );
    played.join().unwrap();
}

/// What stands between a client and a server, as a proxy if the client asks for that, and may lose connections without a word.
struct Between {
    port: u16,
    /// Connections before this one are lost.
    lost: Arc<AtomicUsize>,
    opened: Arc<AtomicUsize>,
    /// What clients have said to a proxy.
    said: Receiver<String>,
}

fn pump(mut from: TcpStream, mut to: TcpStream, number: usize, lost: &AtomicUsize) {
    let mut part = [0; 4096];
    while let Ok(count) = from.read(&mut part) {
        if number < lost.load(Ordering::SeqCst) {
            // It is read, so that nobody notices.
            continue;
        }
        if count == 0 || to.write_all(&part[..count]).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn between(target: u16, is_proxy: bool) -> Between {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (lost, opened) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (send, said) = channel();
    let (their_lost, their_opened) = (lost.clone(), opened.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let number = their_opened.fetch_add(1, Ordering::SeqCst);
            if is_proxy {
                let asked = sema_tests::listening::request(&mut stream);
                let _ = send.send(asked);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            }
            let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
            let both = [
                (stream.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, stream),
            ];
            for (from, to) in both {
                let lost = their_lost.clone();
                std::thread::spawn(move || pump(from, to, number, &lost));
            }
        }
    });
    Between {
        port,
        lost,
        opened,
        said,
    }
}

/// A server of HTTP/2 that has an answer.
fn hello(made: &Certificates) -> Server {
    made.folder.write(
        "serve.sema",
        r#"(http/serve (fn (request) (async/sleep 30) (http/text (get (:headers request) "host")))
             {:port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key")})"#,
    );
    let mut command = semac_in(made.folder.path());
    Server::start(command.args(["run", "serve.sema"]))
}

#[test]
fn connections_to_whom_is_gone_are_left() {
    if !peers(&[("openssl", "openssl")]) {
        return;
    }
    let made = Certificates::new();
    let server = hello(&made);
    let between = between(server.port, false);
    // Who connects here loses all connections that there are.
    let loses = TcpListener::bind("127.0.0.1:0").unwrap();
    let loser = loses.local_addr().unwrap();
    let (lost, opened) = (between.lost.clone(), between.opened.clone());
    std::thread::spawn(move || {
        for stream in loses.incoming() {
            lost.store(opened.load(Ordering::SeqCst), Ordering::SeqCst);
            let mut stream = stream.unwrap();
            sema_tests::listening::request(&mut stream);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        }
    });
    let port = between.port;
    let printed = asked(
        &made,
        &format!(
            r#"
(define (ask timeout) (try-it (fn () (:status (http/get "https://127.0.0.1:{port}/" {{:ca ca :timeout timeout}})))))
(define (lose) (http/get "http://{loser}/"))
(ask 20000)
;; Who gives up says nothing of a connection on which answers come.
(try-it (fn () (http/get "https://127.0.0.1:{port}/" {{:ca ca :timeout 10}})))
(ask 20000)
(lose)
(ask 1100)
(ask 20000)
;; Without a limit: the server does not answer to pings, and is asked again.
(lose)
(ask nil)
"#
        ),
    );
    let gave_up = |limit| {
        format!(
            "(:io \"http GET https://127.0.0.1:{port}/: no complete answer within {limit} ms\")"
        )
    };
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        ["200", &gave_up(10), "200", &gave_up(1100), "200", "200"]
    );
    assert_eq!(between.opened.load(Ordering::SeqCst), 3);
}

#[test]
fn requests_share_a_connection_but_not_the_tunnels_of_others() {
    if !peers(&[("openssl", "openssl")]) {
        return;
    }
    let made = Certificates::new();
    let server = hello(&made);
    let (straight, proxy) = (between(server.port, false), between(server.port, true));
    let printed = asked(
        &made,
        &format!(
            r#"
;; They begin together.
(println (list/unique (async/map (fn (n) (:status (http/get "https://127.0.0.1:{straight}/" {{:ca ca}}))) (range 100))))
(define (ask user)
  (println (:status (http/get "https://127.0.0.1:{target}/" {{:ca ca :proxy (string-append "http://" user "127.0.0.1:{proxy}")}}))))
(for-each ask (list "alice:1@" "bob:2@" "" "alice:1@"))
"#,
            straight = straight.port,
            proxy = proxy.port,
            target = server.port,
        ),
    );
    assert_eq!(printed, "(200)\n200\n200\n200\n200\n");
    assert_eq!(straight.opened.load(Ordering::SeqCst), 1);
    let users: Vec<Option<String>> = proxy
        .said
        .try_iter()
        .map(|asked| {
            let field = asked
                .lines()
                .find_map(|line| line.strip_prefix("proxy-authorization: Basic "));
            field.map(str::to_owned)
        })
        .collect();
    let users: Vec<Option<&str>> = users.iter().map(Option::as_deref).collect();
    assert_eq!(users, [Some("YWxpY2U6MQ=="), Some("Ym9iOjI="), None]);
}
