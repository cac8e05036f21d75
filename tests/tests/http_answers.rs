//! What handlers give, and what clients get of it.

#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::Duration;

use sema_tests::serving::Server;
use sema_tests::{Scratch, built};

const APP: &str = r#"
(define app
  (http/router
    [[:get "/nil" (fn (request) nil)]
     [:get "/vector" (fn (request) [1 2])]
     [:get "/data" (fn (request) {:a 1 :b 2})]
     [:get "/promise" (fn (request) (async (http/ok 1)))]
     [:get "/empty" (fn (request) {:body nil})]
     [:get "/status" (fn (request) {:status 204})]
     [:get "/bytes" (fn (request) #u8(65 66))]
     [:get "/made" (fn (request)
       {:headers {"content-type" "text/csv" "x-nil" nil} :body (fn (write) (write "a,b\n") (write #u8(65 66)))})]
     [:get "/made-badly" (fn (request) {:body (fn (write) (write 5))})]
     [:get "/endless" (fn (request)
       {:body (fn (write)
         (try (let loop () (write (string/repeat "x" 100000)) (loop))
           (catch gone (println-error "gone:" (:message gone)) (throw gone))))})]
     [:get "/length" (fn (request) {:headers {"content-length" 6} :body (stream/from-string "abcdef")})]
     [:get "/short" (fn (request) {:headers {"content-length" "7"} :body (stream/from-string "abcdef")})]
     [:get "/long" (fn (request) {:headers {"content-length" 5} :body (fn (write) (write "abc") (write "def"))})]
     [:get "/no-length" (fn (request) {:headers {"content-length" "x"} :body (stream/from-string "abcdef")})]
     [:get "/unchanged" (fn (request) {:status 304 :headers {"content-length" 9} :body (stream/from-string "")})]
     [:get "/cookies" (fn (request) {:headers {"set-cookie" "a=1; Path=/\nb=2"} :body ""})]
     [:get "/moved" (fn (request) (http/redirect "/ä b?q=\r\nx: y#z"))]
     [:get "/events" (fn (request) (http/stream (fn (send) (send {:id 7 :data "x"}) (send {:a 1}) (send {:id 8 :text "lost"}))))]
     [:get "/file" (fn (request) (http/file "files/a.css"))]
     [:get "/private" (fn (request) (assoc (http/file "files/a.css") :headers {"cache-control" "private"}))]
     [:static "/assets" "files" {:headers {"cache-control" "max-age=60" "x-a" ["1" "2"]}}]
     [:static "/files" "files"]]))
(http/serve app {:port 0 :host "127.0.0.1"})
"#;

fn app() -> (Scratch, Server) {
    let scratch = built(APP);
    std::fs::create_dir(scratch.file("files")).unwrap();
    scratch.write("files/a.css", "body{}");
    let server = Server::start(Command::new(scratch.file("app")).current_dir(scratch.path()));
    (scratch, server)
}

fn ask(server: &Server, method: &str, path: &str) -> String {
    server.raw(format!(
        "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    ))
}

#[test]
fn what_is_no_response_is_an_error() {
    let (_scratch, server) = app();
    for (path, got) in [
        ("/nil", "nil"),
        ("/vector", "vector"),
        ("/promise", "async-promise"),
        ("/data", "map with none of them"),
    ] {
        assert_eq!(server.get(path).0, 500, "{path}");
        assert_eq!(
            server.error(),
            format!(
                "http/serve: handler for :get {path} raised: expected response (a map of :status, :headers or :body), string or bytevector, got {got}"
            )
        );
    }
    assert_eq!(server.get("/empty"), (200, String::new()));
    assert_eq!(server.get("/status").0, 204);
    assert_eq!(server.get("/bytes"), (200, "AB".to_owned()));
    assert_eq!(server.error_within(Duration::from_millis(100)), None);
}

#[test]
fn answers_that_are_made_while_they_are_sent() {
    let (_scratch, server) = app();
    let made = ask(&server, "GET", "/made");
    assert!(
        made.contains("content-type: text/csv\r\n")
            && !made.contains("x-nil")
            && made.ends_with("\r\n4\r\na,b\n\r\n2\r\nAB\r\n0\r\n\r\n"),
        "{made}"
    );
    assert!(!ask(&server, "GET", "/made-badly").ends_with("\r\n0\r\n\r\n"));
    assert_eq!(
        server.error(),
        "http/serve: handler for :get /made-badly raised: expected string or bytevector, got int"
    );
    let mut stream = server.connect();
    std::io::Write::write_all(&mut stream, b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    std::io::Read::read_exact(&mut stream, &mut [0; 300_000]).unwrap();
    drop(stream);
    assert_eq!(server.error(), "gone: http/serve: the client is gone");
    // That a client has left is no failure.
    assert_eq!(server.error_within(Duration::from_millis(100)), None);
}

#[test]
fn lengths_of_streams_are_kept() {
    let (_scratch, server) = app();
    let whole = ask(&server, "GET", "/length");
    assert!(
        whole.contains("content-length: 6\r\n") && whole.ends_with("\r\n\r\nabcdef"),
        "{whole}"
    );
    for (path, length) in [("/length", 6), ("/short", 7)] {
        let head = ask(&server, "HEAD", path);
        let field = format!("content-length: {length}\r\n");
        assert!(
            head.contains(&field) && head.ends_with("\r\n\r\n"),
            "{head}"
        );
    }
    assert!(ask(&server, "GET", "/unchanged").ends_with("\r\n\r\n"));
    for (path, length, word) in [("/short", 7, "shorter"), ("/long", 5, "longer")] {
        let broken = ask(&server, "GET", path);
        let (head, body) = broken.split_once("\r\n\r\n").unwrap_or_default();
        assert!(body.len() < length, "{head}: {body}");
        assert_eq!(
            server.error(),
            format!(
                "http/serve: handler for :get {path} raised: the body is {word} than its content-length says"
            )
        );
    }
    assert_eq!(server.get("/no-length").0, 500);
    assert!(server.error().contains("content-length"));
    assert_eq!(server.error_within(Duration::from_millis(100)), None);
}

#[test]
fn fields_of_answers() {
    let (_scratch, server) = app();
    let cookies = ask(&server, "GET", "/cookies");
    assert!(
        cookies.contains("set-cookie: a=1; Path=/\r\nset-cookie: b=2\r\n"),
        "{cookies}"
    );
    let moved = ask(&server, "GET", "/moved");
    assert!(
        moved.contains("location: /%C3%A4%20b?q=%0D%0Ax:%20y#z\r\n"),
        "{moved}"
    );
    for (path, control) in [
        ("/file", "no-cache"),
        ("/files/a.css", "no-cache"),
        ("/private", "private"),
        ("/assets/a.css", "max-age=60"),
    ] {
        let answer = ask(&server, "GET", path);
        let field = format!("cache-control: {control}\r\n");
        assert!(
            answer.contains(&field) && answer.contains("etag: ") && answer.ends_with("body{}"),
            "{path}: {answer}"
        );
        assert_eq!(answer.matches("cache-control").count(), 1, "{answer}");
        let has_more = answer.contains("x-a: 1\r\nx-a: 2\r\n");
        assert_eq!(has_more, path == "/assets/a.css", "{path}: {answer}");
    }
}

#[test]
fn events_with_more_than_is_sent() {
    let (_scratch, server) = app();
    let events = ask(&server, "GET", "/events");
    assert!(events.contains("x-accel-buffering: no\r\n"), "{events}");
    assert!(
        events.contains("id: 7\ndata: x\n\n") && events.contains("data: {\"a\":1}\n\n"),
        "{events}"
    );
    assert!(!events.contains("id: 8"), "{events}");
    assert!(server.error().contains(
        "http/stream: an event has :data, :event, :id and :retry, not :text beside them"
    ));
}
