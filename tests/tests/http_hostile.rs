//! What hostile clients and servers send: requests with two meanings, bodies without an end, bytes that are no text.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::process::Command;
use std::time::Duration;

use sema_tests::certificates::Certificates;
use sema_tests::serving::{Server, has};
use sema_tests::{Scratch, built};

const APP: &str = r#"
(define app
  (http/router
    [[:post "/body" (fn (request) (http/text (string-append "body:" (str (:body request)))))]
     [:get "/smuggled" (fn (request) (println-error "smuggled") (http/text "smuggled"))]
     [:get "/query" (fn (request) (http/ok (:query request)))]
     [:get "/header" (fn (request) (http/text (str (get (:headers request) "x"))))]
     [:get "/redirects" (fn (request) {:status 302 :headers {"location" (str "/x" (:to (:query request)))} :body ""})]
     [:any "/*" (fn (request) (http/text "ok"))]]))
(http/serve app {:port 0 :host "127.0.0.1" :header-timeout 1000 :body-timeout 1000 :max-body 100000})
"#;

fn app() -> (Scratch, Server) {
    let scratch = built(APP);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    (scratch, server)
}

/// The statuses of the answers to some bytes.
fn statuses(answer: &str) -> Vec<&str> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|rest| &rest[..3])
        .collect()
}

#[test]
fn requests_with_two_meanings_have_none() {
    let (_scratch, server) = app();
    let hidden = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for fields in [
        // Both a length and chunks: the chunks count, and then it is over.
        "content-length: 100\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "content-length: 5 5",
        "content-length: ",
        "content-length: 99999999999999999999999",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "x: y\r\n transfer-encoding: chunked",
        "transfer-encoding: \x0bchunked",
        "host: b\r\ncontent-length: 5",
    ] {
        let request =
            format!("POST /body HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\n{hidden}");
        let answer = server.raw(request);
        assert!(!answer.contains("smuggled"), "{fields:?}: {answer}");
        assert!(statuses(&answer).len() <= 1, "{fields:?}: {answer}");
    }
    for chunks in [
        "5\r\nhello\r\n0\r\n", // no end
        "5\r\nhel",            // cut off
        "zz\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n0\r\n\r\n", // longer than it says
        "fffffffffffffffff\r\nhello",   // more than there can be
        "5;\x00\r\nhello",
        "5\nhello\n0\n\n",
    ] {
        let mut stream = server.connect();
        let head = "POST /body HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        // The server may have closed it by then.
        let _ = stream.write_all(format!("{head}{chunks}").as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(
            !answer.contains("body:") && !answer.contains("200 OK"),
            "{chunks:?}: {answer}"
        );
    }
    assert_eq!(server.get("/").0, 200);
    assert_eq!(server.error_within(Duration::from_millis(100)), None);
}

#[test]
fn bytes_that_are_no_text() {
    let (_scratch, server) = app();
    // A body of any bytes is one, a header field and a path are made readable or refused.
    let body = server.raw(b"POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\n\xff\xfe\x00");
    assert!(body.ends_with("body:#u8(255 254 0)"), "{body}");
    let header =
        server.raw(b"GET /header HTTP/1.1\r\nhost: a\r\nx: \xff\xfe\r\nconnection: close\r\n\r\n");
    assert!(
        header.contains("200 OK") && header.ends_with("\u{fffd}\u{fffd}"),
        "{header}"
    );
    let path = server.raw(b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(statuses(&path).len(), 1, "{path}");
    assert_eq!(server.get("/query?a=%ff%fe&b=%zz&%=%").0, 200);
    for request in [
        &b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nhost: a\r\nx\x00y: b\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: a\r\n\r\n",
        b"GET  /two  HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET http://user:pw@a/ HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let answer = server.raw(request);
        assert_eq!(statuses(&answer), ["400"], "{request:?}: {answer}");
    }
}

#[test]
fn values_of_others_do_not_become_fields() {
    let (_scratch, server) = app();
    let answer = server.raw(
        "GET /redirects?to=a%0d%0aset-cookie:%20b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert!(
        answer.starts_with("HTTP/1.1 500") && !answer.contains("set-cookie"),
        "{answer}"
    );
}

#[test]
fn servers_that_lie() {
    // Each connection gets one of these and is closed.
    let answers: &[&[u8]] = &[
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 99 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx\x00: y\r\n\r\n",
    ];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = answers.len();
    let serving = std::thread::spawn(move || {
        for answer in answers {
            // What may be repeated is asked for again; each answer is given until the next address is asked for.
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    let client = built(&format!(
        r#"
(for-range (n 0 {count})
  (println (try (:body (http/post "http://127.0.0.1:{port}/" "x" {{:timeout 5000}})) (catch condition (:type condition)))))
"#
    ));
    let got = sema_tests::outcome(&mut Command::new(client.file("app")), b"").succeeded();
    assert_eq!(got.stdout, ":io\n".repeat(count));
    serving.join().unwrap();
}

#[test]
fn certificates_that_nobody_has_signed() {
    if !has("openssl") {
        return;
    }
    let made = Certificates::new();
    let mut openssl = Command::new("openssl");
    openssl
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout self.key -out self.pem -subj /CN=self -days 2 -addext subjectAltName=IP:127.0.0.1".split(' '))
        .current_dir(made.folder.path());
    sema_tests::outcome(&mut openssl, b"").succeeded();
    let (mut server, url) = made.serve("self", &[]);
    for options in ["{}", "{:ca (file/read \"ca.pem\")}"] {
        let refused = made.ask(&url, options, &[]);
        assert!(refused.contains("TLS:"), "{refused}");
    }
    // A server that speaks no TLS, and TLS with one that was not asked for it.
    let plain = made.ask(&url.replace("https", "http"), "{}", &[]);
    assert!(!plain.starts_with("200"), "{plain}");
    server.kill().unwrap();
    let _ = server.wait();
}

#[test]
fn bodies_that_come_as_streams_are_refused_as_others_are() {
    let scratch = built(
        r#"(define (handler request)
             (if (= (:path request) "/says")
                 (try (http/ok (length (stream/read-all (:body request))))
                   (catch condition (http/error 422 (:message condition))))
                 (http/ok (length (stream/read-all (:body request))))))
           (http/serve handler {:port 0 :host "127.0.0.1" :stream-body #t :max-body 1000 :body-timeout 500})"#,
    );
    let server = Server::start(&mut Command::new(scratch.file("app")));
    let chunks = |path: &str, rest: &str| {
        let chunk = format!("258\r\n{}\r\n", "x".repeat(600));
        server.raw(format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}{rest}"
        ))
    };
    let second = format!("258\r\n{}\r\n0\r\n\r\n", "x".repeat(600));
    assert!(chunks("/", "0\r\n\r\n").ends_with("600"));
    assert!(chunks("/", &second).starts_with("HTTP/1.1 413 "));
    assert!(chunks("/", "").starts_with("HTTP/1.1 408 "));
    assert!(chunks("/", "nonsense\r\n").starts_with("HTTP/1.1 400 "));
    // A handler that catches it answers as it likes.
    let said = chunks("/says", &second);
    assert!(said.starts_with("HTTP/1.1 422 ") && said.contains("longer than 1000 bytes"));
    // Without a body it is an empty one.
    assert_eq!(server.get("/"), (200, "0".to_owned()));
}

#[test]
fn paths_have_one_form() {
    let scratch = built(
        r#"(define site
             (http/router
               [[:static "/private" "private"]
                [:get "/private/page" (fn (request) (http/text "secret"))]
                [:get "/files/*" (fn (request) (http/text (:* (:params request))))]
                [:get "/*" (fn (request) (http/text (:path request)))]]))
           (http/serve
             (fn (request) (if (string/starts-with? (:path request) "/private") (http/error 401 "no") (site request)))
             {:port 0 :host "127.0.0.1"})"#,
    );
    std::fs::create_dir(scratch.file("private")).unwrap();
    scratch.write("private/a.txt", "secret");
    let server = Server::start(Command::new(scratch.file("app")).current_dir(scratch.path()));
    for path in [
        "/private/a.txt",
        "/%70rivate/a.txt",
        "//private/a.txt",
        "//%70rivate///page",
        "/private%2fa.txt",
    ] {
        assert_eq!(server.get(path).0, 401, "{path}");
    }
    for path in [
        "/./private/a.txt",
        "/x/../private/a.txt",
        "/%2e/private/page",
        "/x/.%2E/private/page",
        "/%%370rivate/page",
        "/%zz",
    ] {
        assert_eq!(server.get(path), (400, "Bad Request".to_owned()), "{path}");
    }
    for (line, status) in [
        ("get /private/page", 501),
        ("Get /private/page", 501),
        ("GET a:80", 400),
        ("GET *", 400),
        ("OPTIONS *", 404),
    ] {
        let answer = server.raw(format!(
            "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        ));
        assert_eq!(statuses(&answer), [status.to_string()], "{line}: {answer}");
    }
    for (path, said) in [
        ("/%2fprivate/a.txt", "/%2Fprivate/a.txt"),
        ("/a%2db%c3%a9%40%20//c/", "/a-b%C3%A9@%20/c/"),
        // A slash in a part is none of the path.
        ("/files/a%2f..%2Fb/%C3%A9", "a%2F..%2Fb/é"),
    ] {
        assert_eq!(server.get(path), (200, said.to_owned()), "{path}");
    }
}

#[test]
fn requests_that_need_much_memory_fail_alone() {
    let scratch = built(
        r#"(define kept (make-bytevector 50000000 0))
           (http/serve (fn (request) (http/ok (list (count (:form request)) (length (or (:json request) '())) (count (:query request)))))
             {:port 0 :host "127.0.0.1"})"#,
    );
    let server = Server::start(Command::new(scratch.file("app")).env("SEMAC_HEAP_MB", "64"));
    let post = |kind: &str, body: &str| {
        let answer = server.raw(format!(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ));
        answer[9..12].to_owned()
    };
    let fields = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("k{number}")).collect();
        names.join("&")
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(form, &fields(10_000)), "200");
    assert_eq!(post(form, &fields(10_001)), "413");
    assert_eq!(post(form, &fields(500_000)), "413");
    assert_eq!(post(form, &"a&".repeat(2_000_000)), "413");
    // Numbers take more than what they are written in.
    let numbers = format!("[{}1]", "1,".repeat(1_000_000));
    assert_eq!(post("application/json", &numbers), "503");
    assert_eq!(server.get("/?a=1&b").1, "[0,0,2]");
}

#[test]
fn heads_and_events_count_while_they_are_under_way() {
    let scratch = built(
        r#"(define large (string/repeat "x" 12000000))
           (http/serve (http/router [[:get "/events" (fn (request) (http/stream (fn (send) (send large) (async/sleep 100000))))]
                                     [:any "/*" (fn (request) (http/text "here"))]])
             {:port 0 :host "127.0.0.1"})"#,
    );
    let server = Server::start(Command::new(scratch.file("app")).env("SEMAC_HEAP_MB", "48"));
    let begun = |request: &str| {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    // Half of it is for what is on its way. The bodies do not come.
    let field = "f".repeat(60_000);
    let post = format!("POST / HTTP/1.1\r\nhost: a\r\nx: {field}\r\ncontent-length: 5\r\n\r\n");
    let heads: Vec<_> = (0..700).map(|_| begun(&post)).collect();
    std::thread::sleep(Duration::from_millis(300));
    let mut refused = 0;
    for mut stream in &heads {
        stream.set_nonblocking(true).unwrap();
        let mut line = [0; 12];
        refused += usize::from(stream.read(&mut line).is_ok() && line == *b"HTTP/1.1 503");
    }
    assert!((100..600).contains(&refused), "{refused} of 700");
    drop(heads);
    assert_eq!(server.get("/"), (200, "here".to_owned()));
    // Nobody takes the events.
    let _events: Vec<_> = (0..6)
        .map(|_| begun("GET /events HTTP/1.1\r\nhost: a\r\n\r\n"))
        .collect();
    assert!((0..6).any(|_| server.error().contains("what is on its way")));
    assert_eq!(server.get("/"), (200, "here".to_owned()));
}
