//! Requests to peers that answer well, badly, slowly or not at all.

#![cfg(target_os = "linux")]

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sema_tests::Scratch;
use sema_tests::listening::{After, peer, request, run};
use sema_tests::serving::{Server, python};

#[test]
fn bodies_and_their_types() {
    let ok: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let peer = peer(&[ok; 7], After::Close);
    run(
        &peer.address,
        r#"
(http/post url {:a [1 2]})
(http/post url "text" {:basic ["user" "pass"]})
(http/put url (bytevector 255))
(http/post url nil {:form {:a "1 2"} :bearer "token"})
(http/post url nil {:multipart (list {:name "f" :filename "x.txt" :content "content"})})
(http/request "patch" (string-append url "/p?a=1#f") {:query {:b "ü" :c nil :d ["1" nil]} :headers {:x-y "z" :x-n nil "accept" "text/html"}} nil)
(http/query url (stream/from-string "from a stream"))
"#,
    );
    let sent: Vec<String> = (0..7).map(|_| peer.requests.recv().unwrap()).collect();
    for (number, parts) in [
        (
            0,
            &[
                "POST / HTTP/1.1",
                "content-type: application/json",
                "\r\n\r\n{\"a\":[1,2]}",
            ][..],
        ),
        (1, &["authorization: Basic dXNlcjpwYXNz", "\r\n\r\ntext"]),
        (2, &["PUT / ", "content-length: 1\r\n"]),
        (
            3,
            &[
                "content-type: application/x-www-form-urlencoded",
                "authorization: Bearer token",
                "\r\n\r\na=1%202",
            ],
        ),
        (
            4,
            &[
                "content-type: multipart/form-data; boundary=",
                "name=\"f\"; filename=\"x.txt\"",
                "\r\n\r\ncontent\r\n--",
            ],
        ),
        (
            5,
            &[
                "PATCH /p?a=1&b=%C3%BC&d=1 HTTP/1.1",
                "x-y: z",
                "accept: text/html",
            ],
        ),
        (
            6,
            &[
                "QUERY / ",
                "transfer-encoding: chunked",
                "from a stream\r\n0\r\n\r\n",
            ],
        ),
    ] {
        for part in parts {
            assert!(
                sent[number].contains(part),
                "{part:?} is missing in {}",
                sent[number]
            );
        }
    }
}

#[test]
fn answers() {
    let peer = peer(
        &[
            b"HTTP/1.1 404 No\r\nContent-Length: 3\r\nContent-Type: TEXT/x\r\nX-A: 1\r\nX-A: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nconnection: close\r\n\r\nh\xff!",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n\xff\x00",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\none\nt\r\n3\r\nwo\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
            b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 3\r\nconnection: close\r\n\r\nh\xff!",
            b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 3\r\nconnection: close\r\n\r\nh\xff!",
            b"HTTP/1.1 200 OK\r\ncontent-type: application/problem+json\r\ncontent-length: 3\r\nconnection: close\r\n\r\nh\xff!",
            b"HTTP/1.1 200 OK\r\ncontent-type: a/b; charset=ISO-8859-1\r\ncontent-length: 3\r\nconnection: close\r\n\r\nh\xff!",
        ],
        After::Close,
    );
    let printed = run(
        &peer.address,
        r#"
(println (http/get url))
(println (:body (http/get url {:as :bytes})))
(let ((lines (:body (http/get url {:as :stream})))) (println (list (stream/read-line lines) (stream/read-line lines) (stream/read-line lines))))
(println (:body (http/get url)))
(println (:body (http/get url)))
(println (:body (http/get url {:as :text})))
(println (:body (http/get url)))
(println (:body (http/get url)))
"#,
    );
    assert_eq!(
        printed,
        "{:body \"h\u{fffd}!\" :headers {:connection \"close\" :content-length \"3\" :content-type \"TEXT/x\" :set-cookie \"a=1\\nb=2\" :x-a \"1, 2\"} :status 404}\n\
         #u8(255 0)\n(\"one\" \"two\" nil)\nuntil the end\n#u8(104 255 33)\nh\u{fffd}!\nh\u{fffd}!\nh\u{ff}!\n"
    );
}

#[test]
fn redirections() {
    let peer = peer(
        &[
            b"HTTP/1.1 302 Found\r\nlocation: ../b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            b"HTTP/1.1 307 Again\r\nlocation: /c\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            b"HTTP/1.1 301 Moved\r\nlocation: ftp://x/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            b"HTTP/1.1 301 Moved\r\nlocation: /d\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ],
        After::Close,
    );
    let printed = run(
        &peer.address,
        r#"
(println (:status (http/post (string-append url "/x/a") "body")))
(try-it (fn () (http/get url)))
(println (:status (http/get url {:redirects 0})))
"#,
    );
    let sent: Vec<String> = (0..3).map(|_| peer.requests.recv().unwrap()).collect();
    assert!(
        sent[1].starts_with("GET /b HTTP/1.1") && !sent[1].contains("content-type"),
        "{}",
        sent[1]
    );
    assert!(sent[2].starts_with("GET /c HTTP/1.1"), "{}", sent[2]);
    let address = &peer.address;
    assert_eq!(
        printed,
        format!(
            "200\n(:io \"http GET {address}/: redirection to ftp://x/: the URL has another scheme than http, https, ws and wss\")\n301\n"
        )
    );
}

#[test]
fn secrets_do_not_follow_to_another_server() {
    let other = peer(
        &[b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"],
        After::Close,
    );
    let redirection = format!(
        "HTTP/1.1 307 Go\r\nlocation: {}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        other.address
    );
    let first = peer(&[redirection.as_bytes()], After::Close);
    run(
        &first.address,
        r#"(http/get url {:bearer "secret" :headers {"cookie" "a=1"}})"#,
    );
    assert!(first.requests.recv().unwrap().contains("Bearer secret"));
    let sent = other.requests.recv().unwrap();
    assert!(
        !sent.contains("secret") && !sent.contains("cookie"),
        "{sent}"
    );
}

#[test]
fn what_is_cut_off_is_an_error() {
    let peer = peer(
        &[
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc\n",
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 12\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c",
            b"nonsense\r\n\r\n",
            b"",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789",
        ],
        After::Close,
    );
    let printed = run(
        &peer.address,
        r#"
(define (fails? thunk) (try (begin (thunk) #f) (catch condition (:type condition))))
(println (fails? (fn () (http/get url))))
(println (fails? (fn () (http/get url))))
(let ((body (:body (http/get url {:as :stream}))))
  (println (stream/read-line body) (fails? (fn () (stream/read-line body)))))
(println (fails? (fn () (http/get url))))
(println (fails? (fn () (http/get url))))
(println (fails? (fn () (http/get url))))
(println (fails? (fn () (http/get url {:max-body 8}))))
"#,
    );
    assert_eq!(printed, ":io\n:io\nabc :io\n:io\n:io\n:io\n:io\n");
}

#[test]
fn whoever_gives_up_closes_the_connection() {
    let peer = peer(
        &[
            b"",
            b"",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab\n",
        ],
        After::Wait,
    );
    let printed = run(
        &peer.address,
        r#"
(try-it (fn () (http/get url {:timeout 100})))
(let ((task (async/spawn (fn () (http/get url)))))
  (async/sleep 100)
  (async/cancel task)
  (println (async/cancelled? task)))
(let ((body (:body (http/get url {:as :stream}))))
  (println (stream/read-line body))
  (stream/close body))
(async/sleep 300)
"#,
    );
    let address = &peer.address;
    assert_eq!(
        printed,
        format!("(:io \"http GET {address}/: no complete answer within 100 ms\")\n#t\nab\n")
    );
    let told: Vec<String> = (0..6)
        .map(|_| peer.requests.recv_timeout(Duration::from_secs(9)).unwrap())
        .collect();
    assert_eq!([&told[1], &told[3], &told[5]], ["closed: true"; 3]);
}

#[test]
fn connections_are_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..3 {
            request(&mut stream);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
                .unwrap();
        }
        // It is closed while it is idle: the next request goes out on another one.
        drop(stream);
        let (mut stream, _) = listener.accept().unwrap();
        request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nnew")
            .unwrap();
    });
    let printed = run(
        &address,
        "(for-range (n 0 3) (println (:body (http/get url))))\n(println (:body (http/get url)))",
    );
    assert_eq!(printed, "x\nx\nx\nnew\n");
    serving.join().unwrap();
}

#[test]
fn many_requests_wait_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // None is answered before all are there.
        let mut streams: Vec<TcpStream> = (0..50).map(|_| listener.accept().unwrap().0).collect();
        for stream in &mut streams {
            request(stream);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
                .unwrap();
        }
        std::thread::sleep(Duration::from_secs(5));
    });
    let printed = run(
        &address,
        "(println (length (async/map (fn (n) (http/get url)) (range 50))))",
    );
    assert_eq!(printed, "50\n");
}

#[test]
fn proxies() {
    let proxy = peer(
        &[
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n1",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n2",
            b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nno TLS at all",
        ],
        After::Close,
    );
    let printed = run(
        &proxy.address,
        r#"
(sys/set-env "http_proxy" url)
(sys/set-env "NO_PROXY" "localhost")
(println (:body (http/get "http://nowhere.invalid/x?y")))
(println (:body (http/get "http://nowhere.invalid/" {:proxy (string/replace url "//" "//u:p@")})))
(try-it (fn () (http/get "https://nowhere.invalid/" {:proxy url})))
(println (try (http/get "https://nowhere.invalid/" {:proxy url}) (catch condition (:type condition))))
(println (try (http/get "http://localhost:1/") (catch condition (:type condition))))
"#,
    );
    let host = proxy.address.trim_start_matches("http://");
    assert_eq!(
        printed,
        format!(
            "1\n2\n(:io \"http GET https://nowhere.invalid/: the proxy {host} answers 403\")\n:io\n:io\n"
        )
    );
    let sent: Vec<String> = (0..3).map(|_| proxy.requests.recv().unwrap()).collect();
    assert!(
        sent[0].starts_with("GET http://nowhere.invalid/x?y HTTP/1.1"),
        "{}",
        sent[0]
    );
    assert!(
        sent[1].contains("proxy-authorization: Basic dTpw"),
        "{}",
        sent[1]
    );
    assert!(
        sent[2].starts_with("CONNECT nowhere.invalid:443 HTTP/1.1"),
        "{}",
        sent[2]
    );
}

/// A server in Python: an echo, a compressed stream, uploads, a form.
const AIOHTTP: &str = r#"
import asyncio, sys
from aiohttp import web
async def echo(request):
    return web.json_response({"query": dict(request.query), "body": await request.text(), "x": request.headers.get("x-a")})
async def lines(request):
    answer = web.StreamResponse()
    answer.enable_compression()
    await answer.prepare(request)
    for number in range(2000):
        await answer.write(b"line %d\n" % number)
    await answer.write_eof()
    return answer
async def upload(request):
    return web.Response(text=str(sum([len(part) async for part in request.content.iter_chunked(65536)])))
async def form(request):
    form = await request.post()
    return web.Response(text=str([(name, value if isinstance(value, str) else (value.filename, value.content_type, value.file.read())) for name, value in form.items()]))
async def main():
    app = web.Application()
    app.add_routes([web.get("/", echo), web.post("/", echo), web.get("/lines", lines), web.post("/upload", upload), web.post("/form", form)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("Listening on 127.0.0.1:%d" % site._server.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"#;

#[test]
fn a_server_that_others_have_written() {
    let Some(python) = python(Path::new(env!("CARGO_TARGET_TMPDIR")), &["aiohttp"]) else {
        return;
    };
    let scratch = Scratch::with(&[("server.py", AIOHTTP)]);
    let server = Server::start(Command::new(python).arg(scratch.file("server.py")));
    let printed = run(
        &format!("http://127.0.0.1:{}", server.port),
        r#"
(println (:body (http/get url {:query {:a "ü b"} :headers {:x-a "1"}})))
(println (length (string/split (:body (http/get (string-append url "/lines"))) "\n")))
(let ((lines (:body (http/get (string-append url "/lines") {:as :stream}))))
  (println (stream/read-line lines) (stream/read-line lines)))
(file/write "large.txt" (string/repeat "0123456789" 500000))
(println (:body (http/post (string-append url "/upload") (stream/open-input "large.txt"))))
(println (:body (http/post (string-append url "/form") nil
  {:multipart (list {:name "a" :content "1"} {:name "f" :filename "é.txt" :content (bytevector 1 2) :content-type "x/y"})})))
(println (apply + (map (fn (answer) (:status answer)) (async/pool-map (fn (n) (http/get url)) (range 200) 50))))
"#,
    );
    assert_eq!(
        printed,
        "{\"query\": {\"a\": \"\\u00fc b\"}, \"body\": \"\", \"x\": \"1\"}\n2001\nline 0 line 1\n5000000\n\
         [('a', '1'), ('f', ('é.txt', 'x/y', b'\\x01\\x02'))]\n40000\n"
    );
}
