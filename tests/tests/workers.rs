//! Servers with several machines.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sema_tests::serving::Server;
use sema_tests::{Scratch, built, outcome, semac_in};

const APP: &str = r#"
(define name (number->string (math/random)))
(define count 0)
(println "begins")
(define app
  (http/router
    [[:get "/name" (fn (request) (http/text name))]
     [:get "/count" (fn (request) (set! count (+ count 1)) (http/text (string-append name " " (number->string count))))]
     [:get "/prints" (fn (request) (for-range (n 0 20) (println (string/repeat "x" 300))) (http/text "printed"))]
     [:get "/warns" (fn (request) (for-range (n 0 50) (println-error (string/repeat "y" 300))) (http/text "warned"))]
     [:get "/computes" (fn (request) (let loop ((n 0)) (if (< n 300000000) (loop (+ n 1)) (http/text "done"))))]
     [:get "/slow" (fn (request) (async/sleep 300) (http/text "slow"))]
     [:get "/raises" (fn (request) (error "boo"))]
     [:get "/exits" (fn (request) (exit 7))]]))
(http/serve app {:port 0 :host "127.0.0.1" :workers 3 :on-listen (fn (info) (println "listens" (:body (http/get (string-append (:url info) "/name")))))})
(println "ended")
"#;

fn start(source: &str) -> (Scratch, Server) {
    let scratch = built(source);
    let server = Server::start(Command::new(scratch.file("app")).current_dir(scratch.path()));
    (scratch, server)
}

/// The names of the three machines: connections that are there at the same time are shared out evenly.
#[track_caller]
fn names(server: &Server) -> BTreeSet<String> {
    let mut streams: Vec<_> = (0..9).map(|_| server.connect()).collect();
    let answers = streams.iter_mut().map(|stream| {
        stream
            .write_all(b"GET /name HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
        let mut answer = [0; 1000];
        let length = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        answer.rsplit("\r\n").next().unwrap().to_owned()
    });
    let names: BTreeSet<String> = answers.collect();
    assert_eq!(names.len(), 3, "{names:?}");
    names
}

#[test]
fn machines_have_globals_of_their_own_and_share_a_port() {
    let (_scratch, mut server) = start(APP);
    let names = names(&server);
    // On one connection there is one machine, which counts on.
    let mut stream = server.connect();
    stream
        .write_all(
            b"GET /count HTTP/1.1\r\nhost: a\r\n\r\nGET /count HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let counted: Vec<&str> = answers
        .lines()
        .filter(|line| names.iter().any(|name| line.starts_with(name.as_str())))
        .collect();
    assert!(
        answers.contains(" 1HTTP/1.1") && answers.ends_with(" 2"),
        "{counted:?} {answers}"
    );
    assert_eq!(server.get("/raises").0, 500);
    assert_eq!(
        server.error(),
        "http/serve: handler for :get /raises raised: boo"
    );
    server.terminate();
    let (status, output) = server.ended();
    assert_eq!(status.code(), Some(0));
    // The first machine alone goes on behind the server, and says where it listens.
    assert_eq!(output.matches("begins\n").count(), 3, "{output}");
    assert_eq!(output.matches("listens ").count(), 1, "{output}");
    assert!(output.ends_with("ended\n"), "{output}");
    assert_eq!(output.matches("ended").count(), 1, "{output}");
}

#[test]
fn what_machines_print_is_not_torn() {
    let (_scratch, mut server) = start(APP);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(server_get(server.port, "/prints"), "printed"));
            scope.spawn(|| assert_eq!(server_get(server.port, "/warns"), "warned"));
        }
    });
    let warned = "y".repeat(300);
    for _ in 0..300 {
        assert_eq!(server.error(), warned);
    }
    server.terminate();
    let (_, output) = server.ended();
    let printed = "x".repeat(300);
    let lines = output.lines().filter(|line| line.contains('x'));
    assert_eq!(lines.clone().count(), 120);
    assert!(lines.clone().all(|line| line == printed));
}

/// The body of an answer, for several threads.
fn server_get(port: u16, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn one_that_computes_holds_only_its_own_clients_up() {
    let (_scratch, server) = start(APP);
    let port = server.port;
    let computing = std::thread::spawn(move || server_get(port, "/computes"));
    std::thread::sleep(Duration::from_millis(50));
    let begin = Instant::now();
    // Two of three connections go to the others: the busy one has most.
    for _ in 0..6 {
        server.get("/name");
        // The end of a connection is noticed by then.
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!computing.is_finished(), "{:?}", begin.elapsed());
    assert_eq!(computing.join().unwrap(), "done");
}

/// A connection that asks a machine for its name.
fn ask_name(server: &Server) -> std::net::TcpStream {
    let mut stream = server.connect();
    stream
        .write_all(b"GET /name HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    stream
}

#[test]
fn connections_go_to_machines_that_have_time() {
    let (_scratch, server) = start(APP);
    let port = server.port;
    let computing = std::thread::spawn(move || server_get(port, "/computes"));
    std::thread::sleep(Duration::from_millis(50));
    // One of these waits for the machine that computes, as it has as few connections as the others then.
    let held: Vec<_> = (0..6).map(|_| ask_name(&server)).collect();
    std::thread::sleep(Duration::from_millis(20));
    server.get("/health");
    std::thread::sleep(Duration::from_millis(60));
    // Nothing closes here: without a look at what waits, every third would come to that machine.
    let more: Vec<_> = (0..9)
        .map(|_| {
            let mut stream = ask_name(&server);
            let mut answer = [0; 1000];
            assert!(stream.read(&mut answer).unwrap() > 0);
            stream
        })
        .collect();
    assert!(!computing.is_finished());
    drop((held, more));
    assert_eq!(computing.join().unwrap(), "done");
}

#[test]
fn the_end_waits_for_what_runs_on_all_machines() {
    let (_scratch, mut server) = start(APP);
    let port = server.port;
    let slow: Vec<_> = (0..9)
        .map(|_| std::thread::spawn(move || server_get(port, "/slow")))
        .collect();
    std::thread::sleep(Duration::from_millis(150));
    server.terminate();
    for answer in slow {
        assert_eq!(answer.join().unwrap(), "slow");
    }
    assert_eq!(server.ended().0.code(), Some(0));
}

#[test]
fn exit_on_any_machine_ends_the_process() {
    for _ in 0..3 {
        let (_scratch, mut server) = start(APP);
        for _ in 0..2 {
            server.get("/name");
        }
        server.raw("GET /exits HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(server.ended().0.code(), Some(7));
    }
}

#[test]
fn an_interrupt_is_the_first_machines() {
    let (_scratch, mut server) = start(APP);
    server.interrupt();
    let (status, output) = server.ended();
    assert_eq!(status.code(), Some(0));
    // Only this one goes on behind the server.
    assert_eq!(output.matches("ended").count(), 1, "{output}");
}

#[test]
fn a_worker_that_does_not_come() {
    // The second machine finds the file of the first.
    let scratch = built(
        r#"
(if (file/exists? "taken") (error "taken already") (file/write "taken" ""))
(http/serve (fn (request) (http/text "never")) {:port 0 :host "127.0.0.1" :workers 2})
"#,
    );
    let mut command = Command::new(scratch.file("app"));
    let got = outcome(command.current_dir(scratch.path()), b"");
    let got = got.failed_with(1, "taken already");
    got.failed_with(
        1,
        "http/serve: a worker has ended before it came to the same call of http/serve",
    );
}

#[test]
fn other_servers_are_the_first_machines() {
    let (_scratch, server) = start(
        r#"
(define address nil)
(async/spawn (fn () (http/serve (fn (request) (http/text "other"))
  {:port 0 :host "127.0.0.1" :on-listen (fn (info) (set! address (:url info)))})))
(async/sleep 50)
(http/serve (fn (request) (http/text (if address (:body (http/get address)) "none")))
  {:port 0 :host "127.0.0.1" :workers 2 :health "/health"})
"#,
    );
    // The line of the first server has been taken for that of the other one: its port is the first that is said.
    let second = server.error();
    let port = second.rsplit(':').next().unwrap().parse().unwrap();
    let answers: BTreeSet<String> = (0..4).map(|_| server_get(port, "/")).collect();
    assert_eq!(
        answers,
        BTreeSet::from(["none".to_owned(), "other".to_owned()])
    );
}

#[test]
fn on_listen_may_raise() {
    let scratch = built(
        r#"(http/serve (fn (request) nil) {:port 0 :host "127.0.0.1" :on-listen (fn (info) (error "not like this"))})"#,
    );
    let got = outcome(&mut Command::new(scratch.file("app")), b"");
    got.failed_with(1, "not like this");
}

#[test]
fn programs_that_are_run_without_a_file_have_workers_too() {
    let scratch = Scratch::new();
    scratch.write("app.sema", APP);
    let mut command = semac_in(scratch.path());
    let server = Server::start(command.args(["run", "app.sema"]).stdin(Stdio::null()));
    names(&server);
}

#[test]
fn a_store_is_one_for_all_machines() {
    let scratch = built(
        r#"
(kv/open "s" "s.json")
(http/serve
  (http/router
    [[:get "/put/:key" (fn (request) (kv/set "s" (:key (:params request)) 1) (http/text "put"))]
     [:get "/keys" (fn (request) (http/ok (length (kv/keys "s"))))]
     [:get "/reopen" (fn (request) (kv/open "s" "s.json") (http/ok (length (kv/keys "s"))))]])
  {:port 0 :host "127.0.0.1" :workers 3})
"#,
    );
    let server = Server::start(Command::new(scratch.file("app")).current_dir(scratch.path()));
    let mut clients: Vec<_> = (0..6).map(|_| server.connect()).collect();
    for (client, stream) in clients.iter_mut().enumerate() {
        for number in 0..10 {
            let close = if number == 9 {
                "connection: close\r\n"
            } else {
                ""
            };
            let request = format!("GET /put/k{client}-{number} HTTP/1.1\r\nhost: a\r\n{close}\r\n");
            stream.write_all(request.as_bytes()).unwrap();
        }
    }
    for mut stream in clients {
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 10, "{answers}");
    }
    for path in ["/keys", "/keys", "/keys", "/reopen", "/keys"] {
        assert_eq!(server.get(path).1, "60");
    }
    let file = std::fs::read_to_string(scratch.file("s.json")).unwrap();
    assert_eq!(file.matches(": 1").count(), 60);
}
