//! What a client says of its bodies, whom it goes to, and how much it takes: where requests could lose something without a word.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sema_tests::certificates::Certificates;
use sema_tests::listening::{After, peer, request, run};
use sema_tests::serving::{Server, has};
use sema_tests::{built, outcome, semac_in};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn the_length_of_a_body_is_what_it_is() {
    let peer = peer(&[OK; 9], After::Close);
    run(
        &peer.address,
        r#"
(http/post url "0123456789" {:headers {"content-length" "3"}})
(http/post url "0123" {:headers {"Content-Length" "30" "transfer-encoding" "chunked"} :timeout 5000})
(http/get url {:headers {"content-length" "120"} :timeout 5000})
(http/post url nil)
(http/put url "")
(http/request "DELETE" url)
(http/request "GET" url {} (stream/from-string "abc"))
(http/request "HEAD" url {} (stream/from-string "abc"))
(http/put url (stream/from-string "abc") {:headers {"content-length" "3"}})
"#,
    );
    let all: Vec<String> = (0..9).map(|_| peer.requests.recv().unwrap()).collect();
    let chunked = "\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (sent, length, end) in [
        (&all[0], Some("10"), "\r\n\r\n0123456789"),
        (&all[1], Some("4"), "\r\n\r\n0123"),
        (&all[2], None, "\r\n\r\n"),
        (&all[3], Some("0"), "\r\n\r\n"),
        (&all[4], Some("0"), "\r\n\r\n"),
        (&all[5], None, "\r\n\r\n"),
        (&all[6], None, chunked),
        (&all[7], None, chunked),
        (&all[8], Some("3"), "\r\n\r\nabc"),
    ] {
        let found = sent.split("content-length: ").nth(1);
        let found = found.and_then(|rest| rest.split("\r\n").next());
        assert_eq!((found, sent.ends_with(end)), (length, true), "{sent}");
        let is_chunked = sent.contains("transfer-encoding: chunked\r\n");
        assert_eq!(is_chunked, end == chunked, "{sent}");
    }
}

#[test]
fn a_stream_is_as_long_as_the_program_says() {
    let peer = peer(&[OK; 3], After::Close);
    let printed = run(
        &peer.address,
        r#"
(define (put text length)
  (try-it (fn () (:status (http/put url (stream/from-string text) {:headers {"content-length" length} :timeout 5000})))))
(put "abcd" "3")
(put "ab" "3")
(put "abc" "+3")
(try-it (fn () (:status (http/put url (stream/from-string "abc")))))
"#,
    );
    let lines: Vec<&str> = printed.lines().collect();
    assert!(
        lines[0].contains("the body is longer than its content-length says"),
        "{printed}"
    );
    assert!(
        lines[1].contains("the body is shorter than its content-length says"),
        "{printed}"
    );
    assert_eq!(
        lines[2..],
        [
            "(:eval \"http/put: the content-length of a stream is not a number of bytes\")",
            "200"
        ]
    );
}

#[test]
fn the_second_version_says_the_same() {
    if !has("openssl") {
        return;
    }
    let made = Certificates::new();
    made.folder.write(
        "serve.sema",
        r#"(http/serve (fn (request)
             (let ((headers (:headers request)))
               (http/ok (list (:path request) (get headers "host") (get headers "content-length") (:body request)))))
             {:port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key")})"#,
    );
    let mut command = semac_in(made.folder.path());
    let server = Server::start(command.args(["run", "serve.sema"]));
    let url = format!("https://127.0.0.1:{}", server.port);
    made.folder.write(
        "ask.sema",
        format!(
            r#"
(define (ask method headers body)
  (println (try (:body (http/request method "{url}/x" {{:ca (file/read "ca.pem") :headers headers :timeout 9000}} body))
                (catch condition (:message condition)))))
(ask "GET" {{"host" "custom:7"}} nil)
(ask "GET" {{"host" "custom/y"}} nil)
(ask "GET" {{}} (stream/from-string "abc"))
(ask "POST" {{}} nil)
(ask "POST" {{"content-length" "2"}} "abc")
(ask "PUT" {{"content-length" "3"}} (stream/from-string "abc"))
(ask "PUT" {{"content-length" "2"}} (stream/from-string "abc"))
(ask "PUT" {{"content-length" "4"}} (stream/from-string "abc"))
"#
        ),
    );
    let mut command = semac_in(made.folder.path());
    let got = outcome(command.args(["run", "ask.sema"]), b"").succeeded();
    let host = url.trim_start_matches("https://");
    let misfit =
        |word| format!("http PUT {url}/x: the body is {word} than its content-length says");
    assert_eq!(
        got.stdout.lines().collect::<Vec<_>>(),
        [
            r#"["/x","custom:7",null,""]"#,
            &format!("http GET {url}/x: invalid uri character"),
            &format!(r#"["/x","{host}",null,"abc"]"#),
            &format!(r#"["/x","{host}","0",""]"#),
            &format!(r#"["/x","{host}","3","abc"]"#),
            &format!(r#"["/x","{host}","3","abc"]"#),
            &misfit("longer"),
            &misfit("shorter"),
        ]
    );
}

#[test]
fn a_host_of_ones_own_is_not_that_of_another_server() {
    let other = peer(&[OK], After::Close);
    let redirection = |target: &str| {
        format!(
            "HTTP/1.1 302 Go\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
    };
    let (own, foreign) = (redirection("/b"), redirection(&other.address));
    let first = peer(&[own.as_bytes(), foreign.as_bytes()], After::Close);
    run(
        &first.address,
        r#"(http/get url {:headers {"host" "custom"}})"#,
    );
    for _ in 0..2 {
        let sent = first.requests.recv().unwrap();
        assert!(sent.contains("host: custom\r\n"), "{sent}");
    }
    let sent = other.requests.recv().unwrap();
    let host = other.address.trim_start_matches("http://");
    assert!(sent.contains(&format!("host: {host}\r\n")), "{sent}");
    assert!(!sent.contains("custom"), "{sent}");
}

#[test]
fn proxies_that_are_none() {
    let server = peer(&[OK; 2], After::Close);
    let printed = run(
        &server.address,
        r#"
(define (ask) (try-it (fn () (:status (http/get url {:timeout 5000})))))
(sys/set-env "http_proxy" "")
(sys/set-env "ALL_PROXY" "socks5h://user:secret@127.0.0.1:9")
(ask)
(sys/set-env "NO_PROXY" "")
(sys/set-env "no_proxy" "localhost 127.0.0.0/8")
(ask)
(sys/set-env "NO_PROXY" (string/replace url "http://" "x,"))
(ask)
(sys/set-env "NO_PROXY" "127.0.0.1:1")
(sys/set-env "ALL_PROXY" "localhost:1")
(ask)
(try-it (fn () (http/get url {:proxy "ftp://x"})))
"#,
    );
    let address = &server.address;
    assert_eq!(
        printed,
        format!(
            "(:io \"http GET {address}/: the proxy socks5h://***@127.0.0.1:9 of ALL_PROXY cannot be used: proxies are spoken to by http here\")\n\
             200\n200\n\
             (:io \"http GET {address}/: the proxy localhost:1: Connection refused (os error 111)\")\n\
             (:eval \"http/get: the proxy ftp://x of :proxy cannot be used: proxies are spoken to by http here\")\n"
        )
    );
}

#[test]
fn options_that_are_wrong_are_named() {
    let printed = run(
        "http://127.0.0.1:1/",
        r#"
(for-each (fn (options) (try-it (fn () (http/get url options))))
  (list {:timeout -1} {:timeout "x"} {:connect-timeout 1.5} {:redirects -2} {:max-body "1"} {:ca #f} {:as :json}
        {:basic "u:p"} {:basic ["u"]} {:basic ["u" 1]} {:bearer 5} {:multipart {:name "a"}} {:multipart (list {:name "a" :content 5})}
        {:multipart (list {:name "a" :content "" :content-type "a/b\r\nx: y"})} {:proxy 5} {:headers {"cookie" "a=1\nb=2"}}))
(try-it (fn () (http/get "http://127.0.0.1:1\\@evil.com/")))
(try-it (fn () (http/get "http://127.0.0.1:+1/")))
(for-each (fn (count) (try-it (fn () (http/get url {:headers (foldl (fn (m i) (assoc m (str "x-" i) "v")) {} (range 0 count))}))))
  (list 20000 40000))
"#,
    );
    let messages: Vec<&str> = printed
        .lines()
        .map(|line| line.split('"').nth(1).unwrap_or(line))
        .collect();
    assert_eq!(
        messages,
        [
            "expected a non-negative integer for :timeout in milliseconds, got -1",
            "expected integer for :timeout in milliseconds, got string",
            "expected integer for :connect-timeout in milliseconds, got float",
            "expected a non-negative integer for :redirects, got -2",
            "expected integer for :max-body, got string",
            "expected string or bytevector for :ca, got bool",
            "expected :text, :bytes or :stream for :as, got :json",
            "expected list or vector for :basic, got string",
            "expected user and password for :basic, got 1 values",
            "expected string for :basic, got int",
            "expected string for :bearer, got int",
            "expected list or vector for :multipart, got map",
            "expected string or bytevector for :content, got int",
            "http: the :content-type of a part has characters that it must not have",
            "expected string for :proxy, got int",
            "http/get: the value of the header field cookie has characters that it must not have",
            "http GET http://***@evil.com/: the host of the URL has characters that a name must not have",
            "http GET http://127.0.0.1:+1/: the port of the URL is not a number from 1 to 65535",
            "http/get: there are too many header fields",
            "http/get: there are too many header fields",
        ]
    );
}

/// Sends an answer of 16 MB to `/some`, one without an end to others.
fn flood(mut stream: TcpStream) {
    let is_some = request(&mut stream).contains(" /some ");
    let head: &[u8] = if is_some {
        b"HTTP/1.1 200 OK\r\ncontent-length: 16000000\r\nconnection: close\r\n\r\n"
    } else {
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    };
    let part = [b'x'; 50_000];
    let most = if is_some { 320 } else { usize::MAX };
    // Clients that have had enough close the connection.
    let _ = stream.write_all(head);
    for _ in 0..most {
        if stream.write_all(&part).is_err() {
            return;
        }
    }
}

#[test]
fn bodies_are_within_the_memory_of_a_program() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || flood(stream));
        }
    });
    let client = built(&format!(
        r#"
(define url {url:?})
(define (try-it thunk) (try (thunk) (catch condition (list (:type condition) (:message condition)))))
(define (ask path) (try-it (fn () (string-length (:body (http/get (string-append url path)))))))
(define (highest)
  (string->number (nth (filter (fn (part) (not (equal? part ""))) (string/split (first (filter (fn (line) (string/starts-with? line "VmHWM"))
    (string/split (file/read "/proc/self/status") "\n"))) " ")) 1)))
(println (ask "/"))
(for-each println (async/map (fn (n) (first (ask "/"))) (range 8)))
(println (try-it (fn () (http/post url nil {{:multipart (list {{:name "a" :content (string/repeat "x" 20000000)}})}}))))
;; What was held has been given back.
(for-range (n 0 4) (println (ask "/some")))
(println (highest))
"#
    ));
    let mut command = Command::new(client.file("app"));
    let printed = outcome(command.env("SEMAC_HEAP_MB", "64"), b"")
        .succeeded()
        .stdout;
    let lines: Vec<&str> = printed.lines().collect();
    let refused = |method: &str| {
        format!(
            "(:eval \"http {method} {url}/: out of memory: what is on its way from and to others exceeds 32 MB\")"
        )
    };
    assert_eq!(lines[0], refused("GET"), "{printed}");
    assert_eq!(lines[1..9], [":eval"; 8], "{printed}");
    assert_eq!(lines[9], refused("POST"), "{printed}");
    assert_eq!(lines[10..14], ["16000000"; 4], "{printed}");
    let highest: usize = lines[14].parse().unwrap();
    // Twice the limit: what the system and the libraries hold on the way comes on top of it, more of it on a busy machine.
    assert!(highest < 128_000, "{highest} kB");
}

#[test]
fn roots_of_the_environment_and_of_ones_own() {
    if !has("openssl") {
        return;
    }
    let made = Certificates::new();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(made.folder.path());
        outcome(&mut command, b"").succeeded();
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    // As everybody makes them: they may sign others, too.
    for (name, host) in [
        ("self", "IP:127.0.0.1"),
        ("twin", "IP:127.0.0.1"),
        ("far", "DNS:far.test"),
    ] {
        openssl(&format!(
            "req -x509 {key} -keyout {name}.key -out {name}.pem -subj /CN=localhost -days 2 -addext subjectAltName={host}"
        ));
    }
    openssl(&format!(
        "req {key} -keyout past.key -out past.csr -subj /CN=localhost"
    ));
    made.folder.write(
        "past.ext",
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n",
    );
    openssl("x509 -req -in past.csr -key past.key -out past.pem -days -1 -extfile past.ext");
    made.folder.write("empty/readme", "no certificate");
    made.folder.write(
        "roots/self.pem",
        std::fs::read(made.folder.file("self.pem")).unwrap(),
    );
    let own = |name: &str| format!("{{:ca (file/read \"{name}.pem\")}}");
    let (mut server, url) = made.serve("self", &[]);
    let ask = |options: &str, variables: &[(&str, &str)]| made.ask(&url, options, variables);
    assert_eq!(ask(&own("self"), &[]), "200\n");
    let authority = "TLS: the certificate of the server is that of an authority; a server may have it if it is itself among those to trust (:ca)\n";
    for other in ["ca", "twin"] {
        let refused = ask(&own(other), &[]);
        assert!(refused.ends_with(authority), "{other}: {refused}");
    }
    for variables in [
        &[("SSL_CERT_FILE", "self.pem")][..],
        &[("SSL_CERT_DIR", "roots")],
        &[("SSL_CERT_DIR", ":nowhere:empty:roots")],
        &[("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "roots")],
        &[("SSL_CERT_FILE", "self.pem"), ("SSL_CERT_DIR", "nowhere")],
    ] {
        assert_eq!(ask("{}", variables), "200\n", "{variables:?}");
    }
    for (variables, message) in [
        (
            &[("SSL_CERT_FILE", "/dev/null")][..],
            "TLS: SSL_CERT_FILE (/dev/null): there is no certificate\n",
        ),
        (
            &[("SSL_CERT_DIR", "empty:")],
            "TLS: SSL_CERT_DIR (empty:): there is no certificate\n",
        ),
        (
            &[("SSL_CERT_DIR", "nowhere")],
            "TLS: SSL_CERT_DIR (nowhere): there is no certificate\n",
        ),
        (
            &[("SSL_CERT_FILE", "nowhere")],
            "TLS: SSL_CERT_FILE (nowhere): No such file or directory (os error 2)\n",
        ),
    ] {
        let refused = ask("{}", variables);
        assert!(refused.ends_with(message), "{refused}");
    }
    let plain = made.ask(&url.replace("https", "http"), "{}", &[]);
    assert!(!plain.starts_with("200"), "{plain}");
    server.kill().unwrap();
    server.wait().unwrap();
    // Trusting a certificate means neither another name nor another time.
    for (name, problem) in [
        (
            "far",
            "is not valid for the name 127.0.0.1: it has far.test\n",
        ),
        ("past", "has expired\n"),
    ] {
        let (mut server, url) = made.serve(name, &[]);
        let refused = made.ask(&url, &own(name), &[]);
        assert!(
            refused.ends_with(&format!("TLS: the certificate of the server {problem}")),
            "{refused}"
        );
        server.kill().unwrap();
        server.wait().unwrap();
    }
    let refused = made.ask("https://127.0.0.1:1/", "{:ca (file/read \"ca.pem\") :cert (file/read \"client.pem\") :key (file/read \"good.key\")}", &[]);
    assert!(
        refused.ends_with("TLS: the certificate of the client belongs to another private key\n"),
        "{refused}"
    );
}

/// Answers a request of which only the head has come, and tells all that comes after it.
fn early(answer: &'static [u8]) -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (send, rest) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        while !all.windows(4).any(|window| window == b"\r\n\r\n") {
            let count = stream.read(&mut part).unwrap();
            all.extend_from_slice(&part[..count]);
        }
        stream.write_all(answer).unwrap();
        while !all.ends_with(b"\r\n0\r\n\r\n") {
            match stream.read(&mut part) {
                Ok(0) | Err(_) => break,
                Ok(count) => all.extend_from_slice(&part[..count]),
            }
        }
        send.send(all).unwrap();
    });
    (url, rest)
}

#[test]
fn answers_may_come_before_all_is_sent() {
    // An endless body, of which a part comes and then nothing.
    let endless = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("http://{}/", endless.local_addr().unwrap());
    std::thread::spawn(move || {
        let held: Vec<TcpStream> = endless
            .incoming()
            .map(|stream| {
                let mut stream = stream.unwrap();
                request(&mut stream);
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbegun")
                    .unwrap();
                stream
            })
            .collect();
        drop(held);
    });
    let (refusing, refused) = early(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge");
    let (taking, taken) = early(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly");
    let printed = run(
        &source,
        &format!(
            r#"
(define (endless) (:body (http/get url {{:as :stream}})))
(println (:body (http/post "{refusing}" (endless) {{:timeout 9000}})))
;; It goes on being sent.
(println (:body (http/post "{taking}" (stream/from-string (string/repeat "x" 3000000)) {{:timeout 9000}})))
(async/sleep 2000)
"#
        ),
    );
    assert_eq!(printed, "large\nearly\n");
    let refused = refused.recv_timeout(Duration::from_secs(9)).unwrap();
    assert!(!refused.ends_with(b"\r\n0\r\n\r\n"));
    let taken = taken.recv_timeout(Duration::from_secs(9)).unwrap();
    assert!(taken.len() > 3_000_000 && taken.ends_with(b"\r\n0\r\n\r\n"));
}

#[test]
fn answers_of_servers_that_do_not_listen_any_more_are_given() {
    let closing = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", closing.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in closing.incoming() {
            let mut stream = stream.unwrap();
            assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
            stream
                .write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge")
                .unwrap();
            // What is not read makes the system reset the connection.
        }
    });
    let printed = run(
        &url,
        r#"
(define large (string/repeat "x" 8000000))
(define (status body) (:status (http/post url body {:timeout 9000})))
(println (list/unique (map (fn (n) (status large)) (range 15))))
(println (list/unique (map (fn (n) (status (stream/from-string large))) (range 15))))
"#,
    );
    assert_eq!(printed, "(413)\n(413)\n");
}

#[test]
fn an_answer_is_read_while_the_request_is_written() {
    let (_folder, server) = semac_server(
        r#"(http/serve (fn (request) {:status 200 :body (:body request)}) {:port 0 :host "127.0.0.1" :stream-body #t :max-body 30000000})"#,
    );
    let url = format!("http://127.0.0.1:{}/", server.port);
    let printed = run(
        &url,
        r#"
(file/write "large.txt" (string/repeat "x" 20000000))
(define (count body)
  (let loop ((n 0))
    (let ((part (stream/read body 65536)))
      (if (= (length part) 0) n (loop (+ n (length part)))))))
(println (count (:body (http/post url (stream/open-input "large.txt") {:as :stream :timeout 20000}))))
(println (string-length (:body (http/post url (stream/open-input "large.txt") {:timeout 20000}))))
;; What cannot be read is the error: of the request, or of the answer that has begun.
(define closed (stream/open-input "large.txt"))
(stream/close closed)
(try-it (fn () (http/post url closed {:timeout 20000})))
(println (try (count (:body (http/post url closed {:as :stream :timeout 20000}))) (catch condition "cut off")))
"#,
    );
    assert_eq!(
        printed,
        "20000000\n20000000\n(:eval \"stream/read: stream is closed\")\ncut off\n"
    );
}

/// A program that serves, and where it stands.
fn semac_server(source: &str) -> (sema_tests::Scratch, Server) {
    let folder = sema_tests::Scratch::with(&[("serve.sema", source)]);
    let mut command = semac_in(folder.path());
    let server = Server::start(command.args(["run", "serve.sema"]));
    (folder, server)
}
