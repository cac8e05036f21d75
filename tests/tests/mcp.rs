//! The client of the Model Context Protocol, with servers that are processes and that are reached over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use sema_tests::{Scratch, fixtures, outcome, runtime, semac_in};

/// Runs a program with `SERVER` standing for the executable of the server in the fixtures.
fn run(program: &str) -> String {
    let scratch = Scratch::new();
    let server = scratch.file("server");
    let mut build = semac_in(&fixtures("agents"));
    build.args(["build", "mcp-server.sema", "-o"]).arg(&server);
    build.arg("--runtime").arg(runtime());
    outcome(&mut build, b"").succeeded();
    let program = program.replace("SERVER", &server.to_string_lossy());
    std::fs::write(scratch.file("t.sema"), program).unwrap();
    let mut command = semac_in(scratch.path());
    command.args(["run", "t.sema"]);
    outcome(&mut command, b"").succeeded().stdout
}

#[test]
fn tools_of_a_server_are_listed_and_called() {
    let got = run(r#"
(define s (mcp/connect {:command "SERVER"}))
(println (map (fn (tool) (list (:name tool) (:description tool))) (mcp/tools s)))
(println (mcp/call s "greet" {:name "Ada" :loud #t}))
(println (mcp/call s "data" {}))
(define (try-call name) (try (mcp/call s name {}) (catch e (:message e))))
(println (try-call "fail"))
(println (try-call "nothing"))
(println (async/all (map (fn (n) (async/spawn (fn () (mcp/call s "greet" {:name n})))) '("a" "b" "c"))))
(println (try-call "exit"))
(println (try-call "greet"))
(mcp/close s)
(println (try-call "greet"))
"#);
    assert_eq!(
        got,
        "((\"greet\" \"Greets somebody.\") (\"fail\" \"\"))\n\
         Hello, Ada!\n\
         {:content () :structuredContent {:n 1}}\n\
         mcp tool 'fail' failed: it broke\n\
         mcp: tools/call: unknown tool\n\
         (\"Hello, a.\" \"Hello, b.\" \"Hello, c.\")\n\
         mcp: the server has ended the connection\n\
         mcp: the server has ended the connection\n\
         mcp connection mcp-1 is not registered; it may have been closed\n"
    );
}

#[test]
fn agents_take_tools_of_a_server() {
    let got = run(r#"
(define s (mcp/connect {:command "SERVER"}))
(define calls (list {:id "1" :name "greet" :arguments {:name "Ada"}}
                    {:id "2" :name "greet" :arguments {:name 5}}
                    {:id "3" :name "fail" :arguments {}}))
(llm/define-provider :p
  {:complete (fn (request)
               (if (equal? (:role (last (:messages request))) "tool")
                   (string/join (map :content (rest (:messages request))) "|")
                   (begin
                     (println (:parameters (first (:tools request))))
                     {:content "calling" :tool-calls calls})))})
(defagent bot {:tools (mcp/tools->sema s)})
(println (agent/run bot "go"))
(mcp/close s)
"#);
    assert_eq!(
        got,
        "{:properties {:loud {:type \"boolean\"} :name {:description \"Who\" :type \"string\"}} :required (\"name\") :type \"object\"}\n\
         calling|Hello, Ada.|Error: LLM error: invalid arguments for tool 'greet': key name: expected string, got int|\
         Error: Eval error: mcp tool 'fail' failed: it broke\n"
    );
}

#[test]
fn a_server_that_is_cancelled_is_not_used_again() {
    let got = run(r#"
(define s (mcp/connect {:command "sh" :args ["-c" "read line; echo '{\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\"}}'; cat > /dev/null"]}))
(println (try (async/with-timeout 50 (fn () (mcp/tools s))) (catch e (:type e))))
(println (try (mcp/tools s) (catch e (:message e))))
"#);
    assert_eq!(got, ":timeout\nmcp: the server has ended the connection\n");
}

#[test]
fn a_server_of_another_revision_is_refused() {
    let got = run(r#"
(println (try (mcp/connect {:command "sh" :args ["-c" "read line; echo '{\"id\":1,\"result\":{\"protocolVersion\":\"1999-01-01\"}}'"]})
           (catch e (:message e))))
"#);
    assert_eq!(
        got,
        "mcp/connect: the server speaks another revision of the protocol: 1999-01-01\n"
    );
}

#[test]
fn servers_are_reached_over_http() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut length, mut has_session) = (0, false);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() <= 2 {
                    break;
                }
                let line = line.to_lowercase();
                has_session |= line.starts_with("mcp-session-id: s-1");
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let answer = if body.contains("\"initialize\"") {
                let result =
                    r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#;
                format!(
                    "200 OK\r\nmcp-session-id: s-1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{result}",
                    result.len()
                )
            } else if !has_session {
                "400 -\r\ncontent-length: 0\r\n\r\n".to_owned()
            } else if body.contains("tools/call") {
                let events = "event: message\ndata: {\"method\":\"notifications/progress\"}\n\n\
                    data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"streamed\"}]}}\n\n";
                format!(
                    "200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{events}",
                    events.len()
                )
            } else {
                "202 -\r\ncontent-length: 0\r\n\r\n".to_owned()
            };
            let answer = format!(
                "HTTP/1.1 {}",
                answer.replacen("\r\n", "\r\nconnection: close\r\n", 1)
            );
            // The client closes when it has what it wants.
            let _ = reader.into_inner().write_all(answer.as_bytes());
        }
    });
    let program = format!(
        r#"
(define s (mcp/connect {{:url "http://127.0.0.1:{port}/mcp"}}))
(println (mcp/call s "t" {{:a 1}}))
(mcp/close s)
"#
    );
    let scratch = Scratch::with(&[("t.sema", &program)]);
    let mut command = semac_in(scratch.path());
    command.args(["run", "t.sema"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    assert_eq!(outcome(&mut command, b"").succeeded().stdout, "streamed\n");
}

#[test]
fn a_server_that_wants_its_revision_named_gets_it() {
    let got = run(r#"
(define s (mcp/connect {:command "sh" :args ["-c" "read line; echo '{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}}'; read line; echo '{\"id\":2,\"result\":{\"supportedVersions\":[\"2026-07-28\"]}}'; read line; case \"$line\" in *clientCapabilities*protocolVersion*2026-07-28*) echo '{\"id\":3,\"result\":{\"resultType\":\"complete\",\"tools\":[{\"name\":\"t\"}]}}';; esac; read line; echo '{\"id\":4,\"result\":{\"resultType\":\"input_required\"}}'"]}))
(println (map :name (mcp/tools s)))
(println (try (mcp/call s "t" {}) (catch e (:message e))))
"#);
    assert_eq!(
        got,
        "(\"t\")\nmcp: tools/call: the server asks for more, which this client cannot give\n"
    );
    let got = run(r#"
(println (try (mcp/connect {:command "sh" :args ["-c" "read line; echo '{\"id\":1,\"error\":{\"code\":1,\"message\":\"closed today\"}}'"]})
           (catch e (:message e))))
"#);
    assert_eq!(got, "mcp: initialize: closed today\n");
}

/// Reads a request: its first line and its body.
fn request(reader: &mut impl BufRead) -> (String, String) {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (first, String::from_utf8(body).unwrap())
}

#[test]
fn servers_of_the_oldest_revision_answer_on_a_stream() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut events = None;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (first, body) = request(&mut reader);
            let mut stream = reader.into_inner();
            let mut say = |text: &str| stream.write_all(text.as_bytes()).unwrap();
            if first.starts_with("GET /sse ") {
                say(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: /messages?session=1\n\n",
                );
                events = Some(stream);
                continue;
            }
            if !first.starts_with("POST /messages?session=1 ") {
                say("HTTP/1.1 405 -\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                continue;
            }
            say("HTTP/1.1 202 -\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let id = body
                .split("\"id\":")
                .nth(1)
                .and_then(|rest| rest.split([',', '}']).next());
            let Some(id) = id else { continue };
            let result = if body.contains("\"initialize\"") {
                r#"{"protocolVersion":"2024-11-05"}"#
            } else {
                r#"{"content":[{"type":"text","text":"heard"}]}"#
            };
            let event = format!(
                "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n\n"
            );
            events
                .as_mut()
                .unwrap()
                .write_all(event.as_bytes())
                .unwrap();
        }
    });
    let program = format!(
        r#"
(define s (mcp/connect {{:url "http://127.0.0.1:{port}/sse"}}))
(println (mcp/call s "t" {{:a 1}}))
(println (mcp/call s "t" {{:a 2}}))
(mcp/close s)
"#
    );
    let scratch = Scratch::with(&[("t.sema", &program)]);
    let mut command = semac_in(scratch.path());
    command.args(["run", "t.sema"]);
    assert_eq!(
        outcome(&mut command, b"").succeeded().stdout,
        "heard\nheard\n"
    );
}
