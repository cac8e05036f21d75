//! HTTP/2: programs that serve and ask, with curl, nghttp2 and nginx at the other end.

#![cfg(target_os = "linux")]

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sema_tests::certificates::Certificates;
use sema_tests::peers::peers;
use sema_tests::serving::Server;
use sema_tests::{built, outcome, semac_in};

const APP: &str = r#"
(define app
  (http/router
    [[:get "/" (fn (request) (http/text (get (:headers request) "host")))]
     [:post "/length" (fn (request) (http/text (number->string (string-length (:body request)))))]
     [:get "/events" (fn (request) (http/stream (fn (send) (for-range (n 0 5) (send (number->string n)) (async/sleep 10)))))]
     [:get "/breaks" (fn (request) (http/stream (fn (send) (send "first") (async/sleep 20) (error "broken"))))]
     [:get "/none" (fn (request) {:status 204 :body "xyz"})]
     [:get "/same" (fn (request) {:status 304 :body "xyz"})]
     [:get "/cookie" (fn (request) (http/text (get (:headers request) "cookie")))]
     [:get "/slow" (fn (request) (async/sleep 400) (http/text "slow"))]
     [:ws "/echo" (fn (connection)
       (let loop () (let ((m ((:recv connection)))) (if (nil? m) nil (begin ((:send connection) m) (loop))))))]]))
(http/serve app {:port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key") :header-timeout 3000})
(println "ended")
"#;

/// A server with TLS.
fn app() -> (Certificates, Server) {
    serving(APP)
}

fn serving(source: &str) -> (Certificates, Server) {
    let made = Certificates::new();
    made.folder.write("serve.sema", source);
    let mut command = semac_in(made.folder.path());
    let server = Server::start(command.args(["run", "serve.sema"]));
    (made, server)
}

/// What curl prints of an address of a server, and its status; it says the version behind a bar.
fn curl(made: &Certificates, server: &Server, path: &str, more: &[&str]) -> (i32, String) {
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--cacert",
            "ca.pem",
            "--write-out",
            "|%{http_version}",
        ])
        .args(more)
        .arg(format!("https://127.0.0.1:{}{path}", server.port))
        .current_dir(made.folder.path());
    let got = outcome(&mut command, b"");
    (got.status, got.stdout)
}

#[test]
fn answers_may_come_before_the_request_is_complete() {
    if !peers(&[("openssl", "openssl"), ("curl", "curl")]) {
        return;
    }
    for streams in ["", ":stream-body #t "] {
        let (made, server) = serving(&format!(
            r#"(define (handler request)
                 (if (= (:path request) "/early") (http/text "early") (http/ok (length (stream/read-all (:body request))))))
               (http/serve handler {{{streams}:port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key") :max-body 1000000}})"#
        ));
        made.folder.write("large.txt", "x".repeat(3_000_000));
        made.folder.write("fits.txt", "x".repeat(900_000));
        for _ in 0..3 {
            let more = ["--data-binary", "@large.txt", "--write-out", "%{http_code}"];
            let refused = curl(&made, &server, "/read", &more);
            assert_eq!(refused, (0, "Payload Too Large413".to_owned()), "{streams}");
            let more = ["--data-binary", "@fits.txt", "--write-out", "%{http_code}"];
            let early = curl(&made, &server, "/early", &more);
            assert_eq!(early, (0, "early200".to_owned()));
        }
    }
}

#[test]
fn handlers_of_streams_that_are_given_up_are_stopped() {
    if !peers(&[("curl", "curl")]) {
        return;
    }
    let scratch = built(
        r#"(define running 0)
           (define (wait request)
             (set! running (+ running 1))
             (try (async/sleep 600000)
               (catch condition (set! running (- running 1)) (throw condition))))
           (define app
             (http/router
               [[:any "/never" wait]
                [:get "/running" (fn (request) (http/text (number->string running)))]]))
           (http/serve app {:port 0 :host "127.0.0.1" :handler-timeout 0})"#,
    );
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let give_up = |more: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--http2-prior-knowledge", "--max-time", "0.5"]);
        let curl = curl
            .args(more)
            .arg(format!("http://127.0.0.1:{}/never", server.port));
        assert_eq!(outcome(curl, b"").status, 28);
    };
    give_up(&[]);
    let begin = Instant::now();
    while server.get("/running").1 != "0" {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    give_up(&["--data", "x"]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.get("/running").1, "1");
}

#[test]
fn what_comes_after_a_pause_is_not_taken_late() {
    if !peers(&[("curl", "curl")]) {
        return;
    }
    let scratch = built(
        r#"(define (handler request)
             (http/stream (fn (send) (for-range (n 0 4) (send {:number n}) (async/sleep 1100)))))
           (http/serve handler {:port 0 :host "127.0.0.1" :send-timeout 1000})"#,
    );
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let mut streams: Vec<Child> = (0..20)
        .map(|_| {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--no-buffer", "--http2-prior-knowledge"]);
            curl.arg(format!("http://127.0.0.1:{}/", server.port));
            std::thread::sleep(Duration::from_millis(20));
            curl.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for stream in streams.drain(..) {
        let output = stream.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && said.ends_with("data: {\"number\":3}\n\n"),
            "{said}"
        );
    }
}

#[test]
fn curl_speaks_both_versions() {
    if !peers(&[("openssl", "openssl"), ("curl", "curl")]) {
        return;
    }
    let (made, mut server) = app();
    let host = format!("127.0.0.1:{}", server.port);
    assert_eq!(curl(&made, &server, "/", &[]), (0, format!("{host}|2")));
    assert_eq!(
        curl(&made, &server, "/", &["--http1.1"]),
        (0, format!("{host}|1.1"))
    );
    made.folder.write("large.txt", "x".repeat(3_000_000));
    let posted = curl(&made, &server, "/length", &["--data-binary", "@large.txt"]);
    assert_eq!(posted, (0, "3000000|2".to_owned()));
    let (status, events) = curl(&made, &server, "/events", &[]);
    assert_eq!(
        (status, events.matches("data: ").count()),
        (0, 5),
        "{events}"
    );
    // The stream is reset: curl says that the answer is not complete, and the connection lives on.
    let (status, broken) = curl(&made, &server, "/breaks", &[]);
    assert!(
        status == 92 && broken.contains("data: first"),
        "{status}: {broken}"
    );
    assert_eq!(
        server.error(),
        "http/serve: handler for :get /breaks raised: broken"
    );
    // A head that is too large is refused.
    let long = format!("x: {}", "y".repeat(100_000));
    let (status, refused) = curl(&made, &server, "/", &["--header", &long]);
    assert!(
        status != 0 || !refused.starts_with(&host),
        "{status}: {refused}"
    );
    // What runs ends before the server does.
    let mut slow = Command::new("curl");
    slow.args(["--silent", "--insecure"])
        .arg(format!("https://{host}/slow"))
        .stdout(Stdio::piped());
    let slow = slow.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.terminate();
    assert_eq!(slow.wait_with_output().unwrap().stdout, b"slow");
    let (status, output) = server.ended();
    assert_eq!((status.code(), output.as_str()), (Some(0), "ended\n"));
}

#[test]
fn who_knows_it_begins_without_tls() {
    if !peers(&[("curl", "curl")]) {
        return;
    }
    let scratch =
        built(r#"(http/serve (fn (request) (http/text "hello")) {:port 0 :host "127.0.0.1"})"#);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let url = format!("http://127.0.0.1:{}/", server.port);
    for (option, version) in [
        ("--http2-prior-knowledge", "2"),
        ("--http1.1", "1.1"),
        ("--http2", "1.1"),
    ] {
        let mut command = Command::new("curl");
        command.args(["--silent", "--write-out", "|%{http_version}", option, &url]);
        assert_eq!(
            outcome(&mut command, b"").succeeded().stdout,
            format!("hello|{version}")
        );
    }
}

#[test]
fn many_streams_at_once() {
    if !peers(&[("openssl", "openssl"), ("h2load", "nghttp2-client")]) {
        return;
    }
    let (_made, server) = app();
    let mut command = Command::new("h2load");
    command
        .args(["-n", "3000", "-c", "4", "-m", "50"])
        .arg(format!("https://127.0.0.1:{}/", server.port));
    let said = outcome(&mut command, b"").succeeded().stdout;
    assert!(
        said.contains("3000 succeeded, 0 failed") && said.contains("Application protocol: h2"),
        "{said}"
    );
}

/// An nginx that runs until it is dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn streams_beyond_those_of_a_connection_get_another_one() {
    if !peers(&[("openssl", "openssl")]) {
        return;
    }
    let (made, server) = serving(
        r#"(define (handler request)
             (if (= (:path request) "/events")
                 (http/stream (fn (send) (send "one") (async/sleep 600000)))
                 (http/text "hello")))
           (http/serve handler {:port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key")})"#,
    );
    made.folder.write(
        "ask.sema",
        format!(
            r#"
(define options {{:ca (file/read "ca.pem") :as :stream :timeout 20000}})
(define (ask path) (http/get (str "https://127.0.0.1:{}" path) options))
;; The server lets a connection have 128.
(define events (async/map (fn (n) (ask "/events")) (range 250)))
(println (list/unique (map (fn (answer) (stream/read-line (:body answer))) events)))
(println (stream/read-line (:body (ask "/"))))
"#,
            server.port
        ),
    );
    let mut command = semac_in(made.folder.path());
    let got = outcome(command.args(["run", "ask.sema"]), b"").succeeded();
    assert_eq!(got.stdout, "(\"data: one\")\nhello\n");
}

#[test]
fn programs_ask_in_the_version_that_the_server_knows() {
    if !peers(&[("openssl", "openssl"), ("nginx", "nginx")]) {
        return;
    }
    let made = Certificates::new();
    let port = || {
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let (two, one) = (port(), port());
    made.folder.write(
        "nginx.conf",
        format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
             ssl_certificate good.pem;\nssl_certificate_key good.key;\nkeepalive_requests 1000;\ndefault_type text/plain;\n\
             server {{ listen 127.0.0.1:{two} ssl http2; root .; location /slow.txt {{ alias large.txt; limit_rate 100k; }} location /which {{ return 200 \"$server_protocol $connection $http_host\"; }} }}\n\
             server {{ listen 127.0.0.1:{one} ssl; location /which {{ return 200 \"$server_protocol $connection\"; }} }} }}\n"
        ),
    );
    made.folder.write("large.txt", "y".repeat(2_000_000));
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(made.folder.path())
        .args(["-c", "nginx.conf"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _nginx = Nginx(command.spawn().unwrap());
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", one)).is_err() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "nginx does not start"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    made.folder.write(
        "ask.sema",
        format!(
            r#"
(define options {{:ca (file/read "ca.pem") :timeout 20000}})
(define (which port) (string/split (:body (http/get (string-append "https://127.0.0.1:" (number->string port) "/which") options)) " "))
(println (first (which {two})) (nth (which {two}) 2) (first (which {one})))
;; One after another, then many at once: on one connection.
(define used (map (fn (n) (nth (which {two}) 1)) (range 5)))
(define at-once (async/map (fn (n) (nth (which {two}) 1)) (range 50)))
(println (length (list/unique (append used at-once))))
(println (string-length (:body (http/get "https://127.0.0.1:{two}/large.txt" options))))
;; Who does not wait resets a stream, not the connection of the others.
(println (try (http/get "https://127.0.0.1:{two}/slow.txt" (assoc options :timeout 100)) (catch condition (:type condition))))
(define lines (:body (http/get "https://127.0.0.1:{two}/large.txt" (assoc options :as :stream))))
(println (length (stream/read lines 1000)))
(stream/close lines)
(println (= (nth (which {two}) 1) (first used)))
"#
        ),
    );
    let mut command = semac_in(made.folder.path());
    let got = outcome(command.args(["run", "ask.sema"]), b"").succeeded();
    assert_eq!(
        got.stdout,
        format!("HTTP/2.0 127.0.0.1:{two} HTTP/1.1\n1\n2000000\n:io\n1000\n#t\n")
    );
}

#[test]
fn websockets_keep_the_first_version() {
    if !peers(&[("openssl", "openssl")]) {
        return;
    }
    let (made, server) = app();
    made.folder.write(
        "talk.sema",
        format!(
            r#"
(define url "127.0.0.1:{}/")
(println (:status (http/get (string-append "https://" url) {{:ca (file/read "ca.pem")}})))
(define c (ws/connect (string-append "wss://" url "echo") {{:ca (file/read "ca.pem")}}))
(ws/send c "hello")
(println (ws/recv c))
(ws/close c)
"#,
            server.port
        ),
    );
    let mut command = semac_in(made.folder.path());
    let got = outcome(command.args(["run", "talk.sema"]), b"").succeeded();
    assert_eq!(got.stdout, "200\n{:text \"hello\"}\n");
}

#[test]
fn idle_connections_are_closed() {
    let scratch = built(
        r#"(http/serve (fn (request) (http/text "hello")) {:port 0 :host "127.0.0.1" :header-timeout 500})"#,
    );
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let mut stream = server.connect();
    // The preface and empty settings, then nothing.
    std::io::Write::write_all(
        &mut stream,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    )
    .unwrap();
    let begin = Instant::now();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    assert!(!said.is_empty());
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn answers_without_a_body_have_none() {
    if !peers(&[("openssl", "openssl"), ("curl", "curl")]) {
        return;
    }
    let (made, server) = app();
    let (status, head) = curl(&made, &server, "/", &["--head"]);
    assert_eq!(status, 0, "{head}");
    assert!(head.contains("content-length: "), "{head}");
    for path in ["/none", "/same"] {
        let got = curl(&made, &server, path, &[]);
        assert_eq!(got, (0, "|2".to_owned()), "{path}");
    }
    let (status, head) = curl(&made, &server, "/events", &["--head"]);
    assert_eq!(status, 0, "{head}");
}

#[test]
fn cookies_are_one_field() {
    if !peers(&[("openssl", "openssl"), ("curl", "curl")]) {
        return;
    }
    let (made, server) = app();
    let fields = ["--header", "cookie: a=1", "--header", "cookie: b=2"];
    let got = curl(&made, &server, "/cookie", &fields);
    assert_eq!(got, (0, "a=1; b=2|2".to_owned()));
}

#[test]
fn what_nobody_reads_does_not_hold_up_the_others() {
    if !peers(&[("openssl", "openssl")]) {
        return;
    }
    let (made, server) = serving(
        r#"(define large (string/repeat "x" 3000000))
           (define (handler request)
             (cond ((= (:path request) "/holds") (async/sleep 60000))
                   ((= (:path request) "/pours") (http/text large))
                   (else (http/ok (length (stream/read-all (:body request)))))))
           (http/serve handler {:stream-body #t :port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key")})"#,
    );
    made.folder.write(
        "ask.sema",
        format!(
            r#"
(define (url path) (string-append "https://127.0.0.1:{}" path))
(define options {{:ca (file/read "ca.pem") :timeout 5000}})
(define (quick) (:body (http/post (url "/quick") "small" options)))
;; Bodies that the server's handlers do not read, and answers that this program does not.
(for-range (n 0 6) (async (http/post (url "/holds") (string/repeat "x" 900000) options)))
(async/sleep 300)
(println (quick))
(define unread (map (fn (n) (http/get (url "/pours") (assoc options :as :stream))) (range 8)))
(async/sleep 300)
(println (quick) (length unread))
"#,
            server.port
        ),
    );
    let mut command = semac_in(made.folder.path());
    let got = outcome(command.args(["run", "ask.sema"]), b"").succeeded();
    assert_eq!(got.stdout, "5\n5 8\n");
}
