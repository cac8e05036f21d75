//! Programs between and behind others: nginx in front and as the server, a browser with a page that a program serves.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sema_tests::listening::{After, peer};
use sema_tests::peers::peers;
use sema_tests::serving::Server;
use sema_tests::{Scratch, built, fixtures, outcome, runtime, semac_in};

/// An nginx that runs until it is dropped.
struct Nginx {
    child: Child,
    port: u16,
    _folder: Scratch,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it: it runs in the foreground as one process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts nginx with what stands in the block `http`, in which PORT is its own port, in a folder with these files.
#[track_caller]
fn nginx(http: &str, files: &[(&str, Vec<u8>)]) -> Nginx {
    let folder = Scratch::new();
    for (name, content) in files {
        folder.write(name, content);
    }
    let port = free_port();
    let http = http.replace("PORT", &port.to_string());
    folder.write(
        "nginx.conf",
        format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{ worker_connections 200; }}\n\
             http {{\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n{http}\n}}\n"
        ),
    );
    let mut command = Command::new("nginx");
    command
        .args(["-p"])
        .arg(folder.path())
        .args(["-c", "nginx.conf"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "nginx does not start"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    Nginx {
        child,
        port,
        _folder: folder,
    }
}

/// All that is answered until the connection is closed.
fn raw(port: u16, request: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_ref()).unwrap();
    let mut answer = Vec::new();
    // A connection that is broken off gives what came before.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(port: u16, path: &str) -> String {
    raw(
        port,
        format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
    )
}

const APP: &str = r#"
(define app
  (http/router
    [[:get "/" (fn (request) (http/text "hello"))]
     [:post "/length" (fn (request) (http/text (number->string (string-length (:body request)))))]
     [:get "/events" (fn (request) (http/stream (fn (send) (for-range (n 0 5) (send (number->string n)) (async/sleep 20)))))]
     [:get "/breaks" (fn (request) (http/stream (fn (send) (send "first") (async/sleep 50) (error "broken"))))]
     [:ws "/echo" (fn (connection)
       (let loop () (let ((m ((:recv connection)))) (if (nil? m) nil (begin ((:send connection) m) (loop))))))]]))
(http/serve app {:port 0 :host "127.0.0.1" :max-body 10000000})
"#;

#[test]
fn nginx_in_front_of_a_program() {
    if !peers(&[("nginx", "nginx")]) {
        return;
    }
    let scratch = built(APP);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let front = nginx(
        &format!(
            "upstream program {{ server 127.0.0.1:{}; keepalive 8; }}\n\
             map $http_upgrade $connection_or_none {{ default upgrade; '' ''; }}\n\
             server {{ listen 127.0.0.1:PORT; client_max_body_size 10m;\n\
             location / {{ proxy_pass http://program; proxy_http_version 1.1; proxy_buffering off;\n\
             proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_or_none; }}\n\
             location /old/ {{ proxy_pass http://program/; proxy_buffering off; }} }}",
            server.port
        ),
        &[],
    );
    // Kept connections, also after a pause in which they become quiet.
    for pause in [0, 0, 1500, 2500] {
        std::thread::sleep(Duration::from_millis(pause));
        for path in ["/", "/old/"] {
            let answer = get(front.port, path);
            assert!(
                answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
                "{path}: {answer}"
            );
        }
    }
    let body = "x".repeat(3_000_000);
    let posted = raw(
        front.port,
        format!(
            "POST /length HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    assert!(posted.ends_with("3000000"), "{posted}");
    for path in ["/events", "/old/events"] {
        let events = get(front.port, path);
        assert_eq!(events.matches("data: ").count(), 5, "{path}: {events}");
        assert!(events.ends_with("0\r\n\r\n"), "{path}: {events}");
    }
    // nginx sees that an answer is not complete, and lets its client see that; with HTTP/1.0, which it speaks unless told otherwise, too.
    for path in ["/breaks", "/old/breaks"] {
        let broken = get(front.port, path);
        assert!(
            broken.starts_with("HTTP/1.1 200") && !broken.ends_with("0\r\n\r\n"),
            "{path}: {broken}"
        );
    }
    let mut stream = TcpStream::connect(("127.0.0.1", front.port)).unwrap();
    stream
        .write_all(b"GET /echo HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\0\0\0\0hi")
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x02hi") {
        let mut part = [0; 1000];
        let length = stream.read(&mut part).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..length]);
    }
    stream.write_all(b"\x88\x80\0\0\0\0").unwrap();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    assert!(answer.ends_with(b"\x81\x02hi\x88\x00"), "{text}");
}

#[test]
fn nginx_behind_a_program() {
    if !peers(&[("nginx", "nginx")]) {
        return;
    }
    let large: Vec<u8> = (0..1_000_000u32).map(|n| b'a' + (n % 23) as u8).collect();
    let behind = nginx(
        "gzip on; gzip_types text/plain; gzip_min_length 10; keepalive_requests 5; default_type text/plain;\n\
         server { listen 127.0.0.1:PORT; absolute_redirect off; root .;\n\
         location /moved { return 302 /large.txt; }\n\
         location /none { return 204; }\n\
         location /secret { auth_basic x; auth_basic_user_file users; alias large.txt; }\n\
         location /gone { return 444; } }",
        &[
            ("large.txt", large.clone()),
            ("users", b"ada:{PLAIN}love\n".to_vec()),
        ],
    );
    // nginx closes the connection after five requests: nothing is lost.
    let client = built(&format!(
        r#"
(define url "http://127.0.0.1:{}")
(define (length-of path options) (string-length (:body (http/get (string-append url path) options))))
(println (length-of "/large.txt" {{}}) (length-of "/moved" {{}}) (:status (http/get (string-append url "/none"))))
(println (:status (http/get (string-append url "/secret"))) (length-of "/secret" {{:basic ["ada" "love"]}}))
(println (:content-encoding (:headers (http/get (string-append url "/large.txt") {{:headers {{"accept-encoding" "gzip"}} :decompress #f :as :bytes}}))))
(println (apply + (async/pool-map (fn (n) (length-of "/large.txt" {{}})) (range 40) 10)))
(println (:type (try (http/get (string-append url "/gone")) (catch condition condition))))
(println (:status (http/get (string-append url "/large.txt") {{:headers {{"range" "bytes=5-9" "accept-encoding" "identity"}}}})) (:body (http/get (string-append url "/large.txt") {{:headers {{"range" "bytes=5-9" "accept-encoding" "identity"}}}})))
"#,
        behind.port
    ));
    let got = outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(
        got.stdout,
        "1000000 1000000 204\n401 1000000\ngzip\n40000000\n:io\n206 fghij\n"
    );
    // The proxy of the fixtures in front of it.
    let (_scratch, proxy) = proxy_before(&format!("http://127.0.0.1:{}", behind.port));
    for _ in 0..10 {
        let (status, body) = proxy.get("/large.txt");
        // It comes in chunks.
        assert_eq!(status, 200);
        assert!(body.len() > large.len() && body.ends_with("0\r\n\r\n"));
    }
}

/// The proxy of the fixtures in front of a server.
fn proxy_before(address: &str) -> (Scratch, Server) {
    let scratch = Scratch::new();
    let mut build = semac_in(&fixtures("network"));
    build
        .args(["build", "proxy.sema", "-o"])
        .arg(scratch.file("app"))
        .arg("--runtime")
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let mut command = Command::new(scratch.file("app"));
    command.env("PORT", "0").env("SERVER", address);
    let proxy = Server::start(&mut command);
    (scratch, proxy)
}

#[test]
fn the_proxy_passes_on_what_there_is() {
    let answer: &[u8] = b"HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\nset-cookie: c=3\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    let behind = peer(&[answer; 4], After::Close);
    let (_scratch, proxy) = proxy_before(&behind.address);
    let chunks = "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (request, target) in [
        (
            "GET /x?a=1&a=2&b&c=%2f+%20 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
                .to_owned(),
            "GET /x?a=1&a=2&b&c=%2f+%20 ",
        ),
        (
            "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".to_owned(),
            "GET /x ",
        ),
        (
            format!("GET /body HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{chunks}"),
            "GET /body ",
        ),
        (
            format!("POST /body HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{chunks}"),
            "POST /body ",
        ),
    ] {
        let answer = proxy.raw(&request);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        for field in [
            "set-cookie: a=1; Path=/\r\n",
            "set-cookie: b=2\r\n",
            "set-cookie: c=3\r\n",
            "x-a: 1, 2\r\n",
        ] {
            assert!(answer.contains(field), "{field} is missing in {answer}");
        }
        let sent = behind.requests.recv().unwrap();
        assert!(sent.starts_with(target), "{sent}");
        let has_body = sent.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        assert_eq!(has_body, request.ends_with(chunks), "{sent}");
    }
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>What a page does</title>
<link rel="stylesheet" href="/style.css">
<h1>What a page does</h1>
<ul id="found"></ul>
<script>
  const found = {};
  const note = (name, value) => {
    found[name] = value;
    const line = document.createElement("li");
    line.textContent = `${name}: ${value}`;
    document.getElementById("found").append(line);
    if (Object.keys(found).length === 4)
      fetch("/report", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(found) });
  };
  addEventListener("load", () => {
    note("style", getComputedStyle(document.querySelector("h1")).color);
    fetch("/api").then(answer => answer.json()).then(json => note("json", json.greeting));
    const events = [];
    const source = new EventSource("/events");
    source.onmessage = event => {
      events.push(event.data);
      if (events.length === 3) { source.close(); note("events", events.join(",")); }
    };
    const socket = new WebSocket(`ws://${location.host}/echo`);
    socket.onopen = () => socket.send("hé");
    socket.onmessage = message => { note("socket", message.data); socket.close(); };
  });
</script>
"#;

const PAGES: &str = r#"
(define app
  (http/router
    [[:get "/api" (fn (request) (http/ok {:greeting "hello ü"}))]
     [:get "/events" (fn (request) (http/stream (fn (send) (for-range (n 0 3) (send (number->string n)) (async/sleep 10)))))]
     [:post "/report" (fn (request) (println-error (json/encode (:json request))) (http/no-content))]
     [:ws "/echo" (fn (connection)
       (let loop () (let ((m ((:recv connection)))) (if (nil? m) nil (begin ((:send connection) (string-append "back " m)) (loop))))))]
     [:static "/" "pages"]]))
(http/serve app {:port 0 :host "127.0.0.1"})
"#;

/// The browser, which does nothing but show one page.
fn chromium(user: &Scratch, url: &str) -> Command {
    let mut command = Command::new("chromium");
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--disable-dev-shm-usage",
        ])
        .arg(format!("--user-data-dir={}", user.path().display()))
        .arg(url);
    command
}

#[test]
fn a_page_in_a_browser() {
    if !peers(&[("chromium", "chromium")]) {
        return;
    }
    let scratch = Scratch::with(&[
        ("app.sema", PAGES),
        ("pages/index.html", PAGE),
        (
            "pages/style.css",
            "h1 { color: rgb(1, 2, 3); } body { font-family: sans-serif; }",
        ),
    ]);
    let mut build = semac_in(scratch.path());
    build
        .args([
            "build",
            "app.sema",
            "--include",
            "pages",
            "-o",
            "app",
            "--runtime",
        ])
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    std::fs::remove_dir_all(scratch.file("pages")).unwrap();
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let user = Scratch::new();
    let url = format!("http://127.0.0.1:{}/", server.port);
    // It ends by itself once it has made a picture; the report is what counts.
    let mut command = chromium(&user, &url);
    command
        .arg("--virtual-time-budget=5000")
        .arg(format!("--screenshot={}", user.file("page.png").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut browser = command.spawn().unwrap();
    let report = server.error_within(Duration::from_secs(50));
    let _ = browser.kill();
    let _ = browser.wait();
    assert_eq!(
        report.as_deref(),
        Some(r#"{"events":"0,1,2","json":"hello ü","socket":"back hé","style":"rgb(1, 2, 3)"}"#)
    );
}

#[test]
fn the_service_with_curl() {
    if !peers(&[("curl", "curl")]) {
        return;
    }
    let scratch = Scratch::new();
    let mut build = semac_in(&fixtures("network"));
    build
        .args(["build", "service.sema", "--include", "pages", "-o"])
        .arg(scratch.file("app"))
        .arg("--runtime")
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let mut command = Command::new(scratch.file("app"));
    let server = Server::start(command.env("PORT", "0"));
    let curl = |arguments: &[&str], path: &str| {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--write-out", " %{http_code}"])
            .args(arguments)
            .arg(format!("http://127.0.0.1:{}{path}", server.port));
        outcome(&mut command, b"").succeeded().stdout
    };
    assert!(curl(&[], "/").contains("<h1>Notes</h1>"));
    assert_eq!(
        curl(&["--json", "{\"text\": \"buy milk\"}"], "/api/notes"),
        r#"{"id":1,"text":"buy milk"} 201"#
    );
    assert_eq!(
        curl(&["--http2-prior-knowledge"], "/api/notes"),
        r#"[{"id":1,"text":"buy milk"}] 200"#
    );
    assert_eq!(curl(&["--request", "DELETE"], "/api/notes/1"), " 204");
    assert_eq!(
        curl(&["--range", "0-14"], "/index.html"),
        "<!doctype html> 206"
    );
    assert_eq!(
        curl(&["--path-as-is"], "/../service.sema"),
        "Bad Request 400"
    );
    assert_eq!(curl(&[], "/health"), "ok 200");
}
