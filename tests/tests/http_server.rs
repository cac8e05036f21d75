//! Programs that serve HTTP: routes, files, streams, limits, hostile clients, the end.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use sema_tests::serving::{Server, has};
use sema_tests::{Scratch, built, fixtures, outcome, runtime, semac_in};

const APP: &str = r#"
(define app
  (http/router
    [[:get "/" (fn (request) (http/text "hello"))]
     [:get "/echo/:name" (fn (request) (http/ok (list (:params request) (:query request))))]
     [:any "/body" (fn (request) (http/ok (list (:method request) (:body request) (:json request))))]
     [:get "/raises" (fn (request) (error "boo"))]
     [:get "/injects" (fn (request) {:headers {"x" "a\r\nset-cookie: b"} :body "x"})]
     [:get "/computes" (fn (request) (let loop ((n 0)) (if (< n 60000000) (loop (+ n 1)) (http/text "done"))))]
     [:get "/slow" (fn (request) (async/sleep 300) (http/text "slow"))]
     [:get "/never" (fn (request) (async/sleep 100000))]
     [:get "/events" (fn (request) (http/stream (fn (send) (send "a\nb") (send {:event "e" :id 5 :data {:x 1}}))))]
     [:get "/breaks" (fn (request) (http/stream (fn (send) (send "a") (error "broken"))))]
     [:get "/endless" (fn (request)
       (http/stream (fn (send)
         (try (let loop () (send "tick") (async/sleep 5) (loop))
           (catch gone (println-error "gone:" (:message gone)) (throw gone))))))]
     [:get "/copy" (fn (request) {:body (stream/open-input "data.bin")})]
     [:static "/files" "files"]
     [:get "/files/*" (fn (request) (http/text "no file"))]]))
(http/serve app {:port 0 :host "127.0.0.1" :handler-timeout 1000 :header-timeout 1000 :body-timeout 1000
                 :max-body 1000 :max-header 10000 :max-connections 4 :grace 2000 :health "/health"})
(println "ended")
"#;

/// The program, in a folder with files.
fn app() -> (Scratch, Server) {
    let scratch = built(APP);
    std::fs::create_dir_all(scratch.file("files/sub")).unwrap();
    scratch.write("files/a.css", "body{}");
    scratch.write("files/sub/index.html", "index");
    scratch.write("secret", "secret");
    scratch.write("data.bin", vec![7; 300_000]);
    let server = Server::start(Command::new(scratch.file("app")).current_dir(scratch.path()));
    (scratch, server)
}

#[test]
fn routes_and_responses() {
    let (_scratch, server) = app();
    assert_eq!(server.get("/"), (200, "hello".to_owned()));
    let answer = server.get("/echo/a%20b+c?x=1+2&y=%C3%A9&x=3");
    assert_eq!(
        answer,
        (200, r#"[{"name":"a b+c"},{"x":"3","y":"é"}]"#.to_owned())
    );
    assert_eq!(server.get("/echo/%ff"), (404, "\"Not Found\"".to_owned()));
    // It comes in chunks.
    let copied = server.get("/copy").1;
    assert_eq!(copied.matches('\u{7}').count(), 300_000);
    let head = server.raw("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(
        head.contains("content-length: 5\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let json = "{\"a\": [1]}";
    let posted = server.raw(format!(
        "POST /body HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{json}",
        json.len()
    ));
    assert!(
        posted.ends_with(r#"["post","{\"a\": [1]}",{"a":[1]}]"#),
        "{posted}"
    );
}

#[test]
fn connections_are_kept_and_requests_may_be_pipelined() {
    let (_scratch, server) = app();
    let mut stream = server.connect();
    let request = "GET /echo/x HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request.repeat(3).as_bytes()).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.matches("200 OK").count(), 4, "{answer}");
}

#[test]
fn handlers_that_fail_are_answered_for() {
    let (_scratch, server) = app();
    for (path, status, said) in [
        (
            "/raises",
            500,
            "http/serve: handler for :get /raises raised: boo",
        ),
        (
            "/injects",
            500,
            "http/serve: handler for :get /injects raised: http/serve: the value of the header field x has characters that it must not have",
        ),
    ] {
        assert_eq!(server.get(path).0, status);
        assert_eq!(server.error(), said);
    }
    assert_eq!(server.get("/never").0, 503);
    // What has been written may be lost, but the end of a body is never made up.
    let broken = server.raw("GET /breaks HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(
        !broken.contains("\r\n0\r\n"),
        "the end of what is broken is seen: {broken:?}"
    );
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn events() {
    let (_scratch, server) = app();
    let body = server.get("/events").1;
    assert!(body.contains("data: a\ndata: b\n\n"), "{body}");
    assert!(
        body.contains("event: e\nid: 5\ndata: {\"x\":1}\n\n"),
        "{body}"
    );
    let mut stream = server.connect();
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let mut some = [0; 300];
    stream.read_exact(&mut some).unwrap();
    drop(stream);
    assert_eq!(server.error(), "gone: http/stream: the client is gone");
}

#[test]
fn files_below_the_root_and_no_others() {
    let (_scratch, server) = app();
    assert_eq!(server.get("/files/a.css"), (200, "body{}".to_owned()));
    assert_eq!(server.get("/files/sub/"), (200, "index".to_owned()));
    let moved = server.raw("GET /files/sub HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(
        moved.starts_with("HTTP/1.1 301") && moved.contains("location: ./sub/\r\n"),
        "{moved}"
    );
    let moved =
        server.raw("GET /files/sub?a=%20b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(moved.contains("location: ./sub/?a=%20b\r\n"), "{moved}");
    assert_eq!(server.get("/files/a.css/"), (200, "no file".to_owned()));
    assert_eq!(server.get("/files/none"), (200, "no file".to_owned()));
    for path in [
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files/..%2fsecret",
        "/files/sub/..%5c..%5csecret",
        "/files/a.css%00",
    ] {
        assert_eq!(server.get(path).0, 400, "{path}");
    }
    let get = |field: &str| {
        server.raw(format!(
            "GET /files/a.css HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{field}\r\n\r\n"
        ))
    };
    let part = get("range: bytes=1-3");
    assert!(
        part.starts_with("HTTP/1.1 206")
            && part.contains("content-range: bytes 1-3/6\r\n")
            && part.ends_with("\r\n\r\nody"),
        "{part}"
    );
    assert!(get("range: bytes=6-").starts_with("HTTP/1.1 416"));
    let whole = get("accept: */*");
    let tag = whole
        .split("etag: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next())
        .unwrap();
    assert!(
        whole.contains("content-type: text/css; charset=utf-8\r\n"),
        "{whole}"
    );
    assert!(get(&format!("if-none-match: \"x\", {tag}")).starts_with("HTTP/1.1 304"));
    assert!(get("if-none-match: \"x\"").starts_with("HTTP/1.1 200"));
    assert!(
        get(&format!("if-none-match: \"x\"\r\nif-none-match: {tag}")).starts_with("HTTP/1.1 304")
    );
    assert!(get(&format!("if-match: {tag}\r\nrange: bytes=0-1")).starts_with("HTTP/1.1 206"));
    assert!(get("if-match: \"x\"\r\nrange: bytes=0-1").starts_with("HTTP/1.1 412"));
    assert!(get("if-unmodified-since: Thu, 01 Jan 1970 00:00:00 GMT").starts_with("HTTP/1.1 412"));
}

#[test]
fn files_of_any_time_are_sent() {
    let (scratch, server) = app();
    for date in [
        "1960-01-01",
        "1969-12-31 23:59:59 UTC",
        "9999-12-31 23:59:59 UTC",
    ] {
        let touched = Command::new("touch")
            .args(["-d", date])
            .arg(scratch.file("files/a.css"))
            .status();
        assert!(touched.unwrap().success());
        assert_eq!(server.get("/files/a.css").0, 200, "{date}");
    }
}

#[test]
fn hostile_requests_are_refused() {
    let (_scratch, server) = app();
    let long = "a".repeat(30_000);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
        (
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"
                .to_owned(),
            "400",
        ),
        (
            "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST /body HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
            "400",
        ),
        (
            "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n".to_owned(),
            "413",
        ),
        (
            format!(
                "POST /body HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{}",
                "x".repeat(2000)
            ),
            "413",
        ),
        (
            "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc".to_owned(),
            "408",
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
            "431",
        ),
    ] {
        let answer = server.raw(&request);
        let shown = &request[..request.len().min(100)];
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{shown:?}: {answer}"
        );
    }
    // The next request on a connection is never hidden in the body of one with two lengths.
    let smuggled = server.raw(
        "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /echo/x HTTP/1.1\r\nhost: a\r\n\r\n",
    );
    assert_eq!(smuggled.matches("HTTP/1.1 ").count(), 1, "{smuggled}");
    // Whoever sends a head slowly is not waited for.
    let begin = Instant::now();
    assert_eq!(server.raw("GET / HTTP/1.1\r\nhost:"), "");
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn too_many_connections_have_to_wait() {
    let (_scratch, server) = app();
    let idle: Vec<_> = (0..4).map(|_| server.connect()).collect();
    let begin = Instant::now();
    // The idle ones are closed after a second.
    assert_eq!(server.get("/").0, 200);
    assert!(begin.elapsed() > Duration::from_millis(500));
    drop(idle);
}

#[test]
fn the_end_waits_for_what_runs() {
    let (_scratch, mut server) = app();
    let mut stream = server.connect();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(100));
    server.terminate();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("slow"), "{answer}");
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(0), "ended\n"));
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let (_scratch, mut server) = app();
    let mut stream = server.connect();
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    let mut some = [0; 100];
    stream.read_exact(&mut some).unwrap();
    server.terminate();
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(0), "ended\n"));
}

#[test]
fn a_server_recovers_from_having_no_descriptors() {
    let scratch = built(APP.replace(":max-connections 4", "").as_str());
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec ./app"]);
    let server = Server::start(command.current_dir(scratch.path()));
    let held: Vec<_> = (0..60).map(|_| server.connect()).collect();
    std::thread::sleep(Duration::from_millis(200));
    drop(held);
    assert_eq!(server.get("/"), (200, "hello".to_owned()));
}

#[test]
fn bodies_that_are_not_read_hold_nothing_up() {
    let scratch = built(
        r#"(http/serve (fn (request) (if (= (:path request) "/read") (http/ok (length (stream/read-all (:body request)))) (http/text "no")))
             {:port 0 :host "127.0.0.1" :stream-body #t})"#,
    );
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let post = |path: &str| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\nconnection: close\r\n\r\n"
        );
        server.raw([head.as_bytes(), &[b'x'; 1_000_000]].concat())
    };
    assert!(post("/read").ends_with("1000000"));
    assert!(post("/other").ends_with("no"));
    // A connection on which the answer has come before a body of this length.
    let answered = |length: usize| {
        let mut stream = server.connect();
        let head = format!("POST /other HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
        stream
    };
    // All that is answered to what has been sent meanwhile and another request.
    let next = |mut stream: std::net::TcpStream| {
        stream
            .write_all(b"POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc")
            .unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("\r\n\r\n3"), "{rest}");
        assert_eq!(rest.matches("HTTP/1.1").count(), 1, "{rest}");
    };
    // The rest of the body is read, and the connection goes on with the next request.
    let mut stream = answered(300_000);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(&[b'x'; 100_000]).unwrap();
    }
    next(stream);
    // A pause in what nobody wants is no end of it: the rest is no request.
    let mut stream = answered(200);
    std::thread::sleep(Duration::from_millis(700));
    let inner = b"GET /inner HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(inner).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    stream.write_all(&vec![b'x'; 200 - inner.len()]).unwrap();
    next(stream);
}

#[test]
fn health_is_told_while_a_handler_computes() {
    let (_scratch, server) = app();
    let mut stream = server.connect();
    stream
        .write_all(b"GET /computes HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(server.get("/health"), (200, "ok".to_owned()));
}

#[test]
fn a_socket_of_the_service_manager_is_used() {
    if !has("python3") {
        return;
    }
    let scratch = built("(http/serve (fn (request) (http/text \"activated\")) {:port 1})");
    // What systemd does: the socket has the number 3.
    let manager = "import os, socket, sys\n\
        s = socket.socket()\n\
        s.bind(('127.0.0.1', 0))\n\
        s.listen()\n\
        os.dup2(s.fileno(), 3)\n\
        os.set_inheritable(3, True)\n\
        os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n\
        os.execv(sys.argv[1], sys.argv[1:])\n";
    let mut command = Command::new("python3");
    let server = Server::start(command.args(["-c", manager]).arg(scratch.file("app")));
    assert_eq!(server.get("/"), (200, "activated".to_owned()));
}

#[test]
fn a_server_is_a_task_that_can_be_cancelled() {
    let scratch = built(
        r#"
(define address nil)
(define server (async/spawn (fn () (http/serve (fn (request) (http/text "x"))
  {:port 0 :host "127.0.0.1" :on-listen (fn (info) (set! address (:url info)))}))))
(while (nil? address) (async/sleep 1))
(println (:body (http/get address)))
(async/cancel server)
(println (try (async/await server) (catch condition (:type condition))))
"#,
    );
    let got = outcome(&mut Command::new(scratch.file("app")), b"").succeeded();
    assert_eq!(got.stdout, "x\n:cancelled\n");
}

#[test]
fn a_port_that_is_taken() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = |more: &str| {
        format!("(http/serve (fn (request) nil) {{:host \"127.0.0.1\" :port {port} {more}}})")
    };
    let scratch = built(&serve(""));
    let got = outcome(&mut Command::new(scratch.file("app")), b"");
    got.failed_with(
        1,
        &format!("http/serve: 127.0.0.1:{port}: Address already in use"),
    );
    let scratch = built(&serve(":port-fallback #t"));
    let server = Server::start(&mut Command::new(scratch.file("app")));
    assert_ne!(server.port, port);
}

/// A fixture of `fixtures/network`, built alone in a folder.
fn fixture(name: &str, more: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    let mut build = semac_in(&fixtures("network"));
    build
        .args(["build", &format!("{name}.sema"), "-o"])
        .arg(scratch.file("app"));
    build.args(more).arg("--runtime").arg(runtime());
    outcome(&mut build, b"").succeeded();
    scratch
}

fn serve(scratch: &Scratch, variables: &[(&str, &str)]) -> Server {
    let mut command = Command::new(scratch.file("app"));
    command
        .env_clear()
        .envs(variables.iter().copied())
        .env("PORT", "0");
    Server::start(command.current_dir(scratch.path()))
}

#[test]
fn the_service_and_the_proxy_in_front_of_it() {
    let service = fixture("service", &["--include", "pages"]);
    let mut service_server = serve(&service, &[]);
    let proxy = fixture("proxy", &[]);
    let address = format!("http://127.0.0.1:{}", service_server.port);
    let proxy_server = serve(&proxy, &[("SERVER", &address)]);
    for server in [&service_server, &proxy_server] {
        let (status, page) = server.get("/");
        assert_eq!(
            (status, page.contains("<h1>Notes</h1>")),
            (200, true),
            "{page}"
        );
        assert!(server.get("/style.css").1.contains("sans-serif"));
        let note = "{\"text\": \"é\"}";
        let posted = server.raw(format!(
            "POST /api/notes HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{note}",
            note.len()
        ));
        assert!(
            posted.starts_with("HTTP/1.1 201") && posted.contains("\"text\":\"é\""),
            "{posted}"
        );
        let wrong = server.raw(
            "POST /api/notes HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        );
        assert!(wrong.starts_with("HTTP/1.1 422"), "{wrong}");
        assert_eq!(server.get("/api/notes/77").0, 404);
    }
    let all = service_server.get("/api/notes").1;
    assert_eq!(all, r#"[{"id":1,"text":"é"},{"id":2,"text":"é"}]"#);
    let gone =
        proxy_server.raw("DELETE /api/notes/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(gone.starts_with("HTTP/1.1 204"), "{gone}");
    service_server.terminate();
    let (status, output) = service_server.ended();
    assert_eq!(
        (status.code(), output.as_str()),
        (Some(0), "served 2 notes\n")
    );
    assert_eq!(proxy_server.get("/").0, 502);
}
