//! Programs that are servers of the Model Context Protocol, and whoever asks them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sema_tests::peers::{conformance_suite, scenario};
use sema_tests::serving::{self, Package, Server};
use sema_tests::{Scratch, fixtures, outcome, root, runtime, semac_in};

/// Builds the tools of the fixtures as a server.
fn built(scratch: &Scratch, option: &str) -> PathBuf {
    built_of(scratch, option, "tools.sema")
}

fn built_of(scratch: &Scratch, option: &str, tools: &str) -> PathBuf {
    let server = scratch.file("server");
    let mut build = semac_in(&fixtures("agents"));
    build.args(["build", option, tools, "-o"]).arg(&server);
    build.arg("--runtime").arg(runtime());
    outcome(&mut build, b"").succeeded();
    server
}

/// All that a server writes to these lines.
fn answers(server: &Path, lines: &[&str]) -> Vec<String> {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let got = outcome(Command::new(server).env_clear(), input.as_bytes()).succeeded();
    assert!(got.stderr.contains("tools.sema is ready"), "{got:?}");
    got.stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_answers(server: &Path, cases: &[(&str, &str)]) {
    for (request, expected) in cases {
        let got = answers(server, &[request]).join("\n");
        assert!(got.contains(expected), "{request}\n{got}\n{expected}");
        assert!(!got.contains('\n'), "{request}\n{got}");
    }
}

#[test]
fn requests_are_answered_whatever_they_are() {
    let scratch = Scratch::new();
    let server = built(&scratch, "--mcp");
    let call = |arguments: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{arguments}}}"#)
    };
    let cases: &[(&str, &str)] = &[
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
            r#""protocolVersion":"2025-06-18","serverInfo":{"name":"tools","version":"1"}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"1999-01-01"}}"#,
            r#""protocolVersion":"2025-11-25""#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
            r#"{"id":"a","jsonrpc":"2.0","result":{}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
            r#"{"description":"Greets somebody.","inputSchema":{"properties":{"manner":{"default":"short","enum":["short","long"],"type":"string"},"name":{"description":"Who is greeted","type":"string"}},"required":["name"],"type":"object"},"name":"greet"}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"cursor":"x"}}"#,
            r#""code":-32602"#,
        ),
        (
            &call(r#"{"name":"greet","arguments":{"name":"Ada"}}"#),
            r#"{"content":[{"text":"Hello, Ada.","type":"text"}]}"#,
        ),
        (
            &call(r#"{"name":"add","arguments":{"numbers":[1,2.5]}}"#),
            r#""text":"{\"count\":2,\"sum\":3.5}""#,
        ),
        (&call(r#"{"name":"greet"}"#), r#""isError":true"#),
        (
            &call(r#"{"name":"pause","arguments":{"milliseconds":-1}}"#),
            "key milliseconds: must be from 0 to 60000",
        ),
        (
            &call(r#"{"name":"divide","arguments":{"dividend":1,"divisor":0}}"#),
            r#""isError":true"#,
        ),
        (
            &call(r#"{"name":"picture"}"#),
            r#"{"data":"R0lGODlhAQABAAAAACwAAAAAAQABAAA=","mimeType":"image/gif","type":"image"}"#,
        ),
        (
            &call(r#"{"name":"nobody"}"#),
            r#"{"code":-32602,"message":"Unknown tool: nobody"}"#,
        ),
        (&call(r#"{"name":5}"#), r#""code":-32602"#),
        (
            &call(r#"{"name":"greet","arguments":[1]}"#),
            r#""code":-32602"#,
        ),
        (&call("[1]"), r#""code":-32602"#),
        (
            r#"{"jsonrpc":"2.0","id":3,"method":"resources/list"}"#,
            r#"{"error":{"code":-32601,"message":"Method not found: resources/list"},"id":3,"jsonrpc":"2.0"}"#,
        ),
        (
            "{\"jsonrpc\":",
            r#"{"error":{"code":-32700,"message":"the message is no JSON"},"id":null,"jsonrpc":"2.0"}"#,
        ),
        ("\"text\"", r#""code":-32600"#),
        ("false", r#""code":-32600"#),
        ("[]", r#""code":-32600"#),
        (r#"{"jsonrpc":"2.0","id":4}"#, r#"{"error":{"code":-32600"#),
        (
            r#"{"jsonrpc":"2.0","id":[4],"method":"ping"}"#,
            r#"{"error":{"code":-32600"#,
        ),
        (r#"{"jsonrpc":"2.0","id":4,"method":5}"#, r#""id":4"#),
        (
            r#"[{"jsonrpc":"2.0","id":5,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"greet","arguments":{"name":"B"}}}]"#,
            r#"[{"id":5,"jsonrpc":"2.0","result":{}},{"id":6,"jsonrpc":"2.0","result":{"content":[{"text":"Hello, B.","type":"text"}]}}]"#,
        ),
    ];
    assert_answers(&server, cases);
}

#[test]
fn requests_that_name_their_revision_are_answered_by_it() {
    let scratch = Scratch::new();
    let server = built(&scratch, "--mcp");
    let request = |method: &str, version: &str, params: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":{version},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        )
    };
    let newest = r#""2026-07-28""#;
    assert_answers(
        &server,
        &[
            (
                &request("server/discover", newest, ""),
                r#""cacheScope":"public","capabilities":{"tools":{}},"resultType":"complete","supportedVersions":["2026-07-28"],"ttlMs":300000"#,
            ),
            (
                &request("tools/list", newest, ""),
                r#""resultType":"complete","tools":[{"description":"Adds numbers.""#,
            ),
            (
                &request(
                    "tools/call",
                    newest,
                    r#""name":"greet","arguments":{"name":"Ada"},"#,
                ),
                r#""content":[{"text":"Hello, Ada.","type":"text"}],"resultType":"complete""#,
            ),
            (&request("ping", newest, ""), r#""code":-32601"#),
            (
                &request("tools/list", r#""2031-01-01""#, ""),
                r#"{"code":-32022,"data":{"requested":"2031-01-01","supported":["2026-07-28"]},"message":"Unsupported protocol version"}"#,
            ),
            (&request("tools/list", "5", ""), r#""code":-32602"#),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
                r#""code":-32602"#,
            ),
        ],
    );
}

/// A server on pipes.
struct Piped {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Piped {
    fn start(server: &Path) -> Piped {
        let mut child = Command::new(server)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Piped {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn say(&mut self, line: &str) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }
}

#[test]
fn calls_run_at_the_same_time_and_can_be_cancelled() {
    let scratch = Scratch::new();
    let mut server = Piped::start(&built(&scratch, "--mcp"));
    let pause = |id: u32, milliseconds: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"pause","arguments":{{"milliseconds":{milliseconds}}}}}}}"#
        )
    };
    server.say(&pause(1, 60000));
    server.say(&pause(2, 20));
    server.say(r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#);
    assert!(server.hear().contains("\"id\":3"));
    assert!(server.hear().contains("waited 20 ms"));
    server.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    server.say(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"unknown"}}"#,
    );
    server.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":5}"#);
    server.say(&pause(4, 0));
    let line = server.hear();
    assert!(line.contains("\"id\":4"), "{line}");
    // The end of its input is its own; the call that was cancelled does not keep it, and gets no answer.
    drop(server.input);
    let mut rest = String::new();
    server.output.read_line(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn only_what_is_listed_is_offered() {
    let scratch = Scratch::with(&[
        (
            "listed.sema",
            "(module listed (export a helper)
               (deftool a \"A\" {} (fn () (helper)))
               (deftool b \"B\" {} (fn () \"b\"))
               (define (helper) (println \"noise\") (shell \"echo more noise\") \"a\"))",
        ),
        ("none.sema", "(define (f) 1)"),
        (
            "hidden.sema",
            "(module hidden (export f) (deftool a \"A\" {} (fn () 1)) (define (f) 1))",
        ),
    ]);
    let build = |file: &str| {
        let mut build = semac_in(scratch.path());
        build.args(["build", "--mcp", file, "-o", "server", "--runtime"]);
        outcome(build.arg(runtime()), b"")
    };
    build("listed.sema").succeeded();
    let mut command = Command::new(scratch.file("server"));
    let input = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"a"}}"#,
        "\n"
    );
    let got = outcome(&mut command, input.as_bytes()).succeeded();
    assert_eq!(got.stdout.lines().count(), 2, "{got:?}");
    assert!(
        got.stdout.contains(r#""name":"a""#) && !got.stdout.contains(r#""name":"b""#),
        "{got:?}"
    );
    assert!(got.stderr.contains("noise"), "{got:?}");
    build("none.sema").failed_with(1, "there is no tool to offer");
    build("hidden.sema").succeeded();
    outcome(&mut Command::new(scratch.file("server")), b"")
        .failed_with(1, "there is no tool to offer");
}

fn post(server: &Server, headers: &str, body: &str) -> String {
    server.raw(format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn start_over_http(scratch: &Scratch) -> Server {
    start_of(scratch, "tools.sema")
}

fn start_of(scratch: &Scratch, tools: &str) -> Server {
    let server = built_of(scratch, "--mcp-http", tools);
    let mut command = Command::new(server);
    Server::start(
        command
            .env_clear()
            .args(["--port", "0", "--origin", "https://tools.example"]),
    )
}

#[test]
fn messages_are_answered_over_http() {
    let scratch = Scratch::new();
    let server = start_over_http(&scratch);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let begun = post(
        &server,
        "",
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
    );
    assert!(
        begun.contains(r#""protocolVersion":"2025-11-25""#),
        "{begun}"
    );
    let session = begun
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .unwrap();
    let session = format!("mcp-session-id: {session}\r\n");
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"é"}}}"#;
    for (headers, body, status, text) in [
        (session.as_str(), ping, 200, r#""result":{}"#),
        ("", ping, 200, r#""result":{}"#),
        (session.as_str(), call, 200, "Hello, é."),
        (
            session.as_str(),
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            202,
            "",
        ),
        (session.as_str(), &format!("[{ping},{call}]"), 200, "[{"),
        (session.as_str(), "{odd", 400, "-32700"),
        (session.as_str(), "5", 400, "-32600"),
        ("mcp-session-id: nobody\r\n", ping, 404, ""),
        (
            "mcp-protocol-version: 1999-01-01\r\n",
            ping,
            400,
            "Unsupported protocol version",
        ),
        ("mcp-protocol-version: 2025-06-18\r\n", ping, 200, ""),
        ("origin: http://evil.example\r\n", ping, 403, ""),
        ("origin: http://localhost:5173\r\n", ping, 200, ""),
        ("origin: https://tools.example\r\n", ping, 200, ""),
    ] {
        let got = post(&server, headers, body);
        assert!(
            got.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers}{body}\n{got}"
        );
        assert!(got.contains(text), "{headers}{body}\n{got}");
    }
    let raw = |request: String| server.raw(request);
    let rebound = raw(format!(
        "POST /mcp HTTP/1.1\r\nhost: evil.example\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ping}",
        ping.len()
    ));
    assert!(rebound.starts_with("HTTP/1.1 403 "), "{rebound}");
    let text = raw(format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ping}",
        ping.len()
    ));
    assert!(text.starts_with("HTTP/1.1 415 "), "{text}");
    let events = raw(format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: text/event-stream\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ping}",
        ping.len()
    ));
    assert!(
        events.contains("text/event-stream") && events.contains("data: {\"id\":1,"),
        "{events}"
    );
    let get = raw("GET /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_owned());
    assert!(get.starts_with("HTTP/1.1 405 "), "{get}");
    assert_eq!(server.get("/other").0, 404);
    let ended = raw(format!(
        "DELETE /mcp HTTP/1.1\r\nhost: localhost\r\n{session}connection: close\r\n\r\n"
    ));
    assert!(ended.starts_with("HTTP/1.1 204 "), "{ended}");
    assert!(post(&server, &session, ping).starts_with("HTTP/1.1 404 "));
}

#[test]
fn headers_must_say_what_newer_messages_do() {
    let scratch = Scratch::new();
    let server = start_over_http(&scratch);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"Ada"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let version = "mcp-protocol-version: 2026-07-28\r\n";
    for (headers, status, text) in [
        (
            "mcp-method: tools/call\r\nmcp-name: greet\r\n",
            200,
            "Hello, Ada.",
        ),
        (
            "mcp-method: tools/call\r\nmcp-name: =?base64?Z3JlZXQ=?=\r\n",
            200,
            "Hello, Ada.",
        ),
        (
            "mcp-method: tools/list\r\nmcp-name: greet\r\n",
            400,
            "-32020",
        ),
        ("mcp-method: tools/call\r\nmcp-name: add\r\n", 400, "-32020"),
        ("mcp-method: tools/call\r\n", 400, "-32020"),
    ] {
        let got = post(&server, &format!("{version}{headers}"), body);
        assert!(
            got.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers}\n{got}"
        );
        assert!(got.contains(text), "{headers}\n{got}");
        assert!(!got.contains("mcp-session-id"), "{got}");
    }
    assert!(
        post(
            &server,
            "mcp-method: tools/call\r\nmcp-name: greet\r\n",
            body
        )
        .contains("-32020")
    );
    let other = body.replace("tools/call", "resources/list");
    let got = post(
        &server,
        &format!("{version}mcp-method: resources/list\r\n"),
        &other,
    );
    assert!(
        got.starts_with("HTTP/1.1 404 ") && got.contains("-32601"),
        "{got}"
    );
    let unnamed = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let got = post(
        &server,
        &format!("{version}mcp-method: tools/list\r\n"),
        unnamed,
    );
    assert!(
        got.starts_with("HTTP/1.1 400 ") && got.contains("-32602"),
        "{got}"
    );
    let note = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    assert!(post(&server, version, note).starts_with("HTTP/1.1 202 "));
}

/// A Python with the official SDK.
fn python() -> Option<PathBuf> {
    let package = Package {
        requirement: "mcp>=2.3,<3",
        module: "mcp",
    };
    serving::python_with(Path::new(env!("CARGO_TARGET_TMPDIR")), &[package])
}

#[test]
fn the_official_client_is_served() {
    let Some(python) = python() else { return };
    let scratch = Scratch::new();
    let server = built(&scratch, "--mcp");
    let script = root().join("tests/peers/mcp_client.py");
    let got = outcome(
        Command::new(&python).arg(&script).arg("stdio").arg(&server),
        b"",
    )
    .succeeded();
    assert_eq!(
        got.stdout, "stdio legacy: fine\nstdio auto: fine\n",
        "{got:?}"
    );
    let server = start_over_http(&scratch);
    let url = format!("http://127.0.0.1:{}/mcp", server.port);
    let mut client = Command::new(&python);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        client.env_remove(name);
    }
    let got = outcome(client.arg(&script).arg("http").arg(&url), b"").succeeded();
    assert_eq!(
        got.stdout, "http legacy: fine\nhttp auto: fine\n",
        "{got:?}"
    );
}

#[test]
fn the_official_server_is_asked() {
    let Some(python) = python() else { return };
    let script = root().join("tests/peers/mcp_server.py");
    let program = r#"
(define (try-out s)
  (println (map (fn (tool) (:name tool)) (mcp/tools s)))
  (println (mcp/call s "add" {:a 1 :b 2}))
  (println (try (mcp/call s "fail" {}) (catch e (:message e))))
  (println (tool/invoke (first (mcp/tools->sema s)) {:a 3 :b 4}))
  (mcp/close s))
(try-out (mcp/connect CONFIGURATION))
"#;
    let run = |configuration: &str| {
        let scratch =
            Scratch::with(&[("t.sema", &program.replace("CONFIGURATION", configuration))]);
        let mut command = semac_in(scratch.path());
        command
            .args(["run", "t.sema"])
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        outcome(&mut command, b"").succeeded().stdout
    };
    let expected = "(\"add\" \"fail\")\n";
    let got = run(&format!(
        r#"{{:command "{}" :args ["{}" "stdio"]}}"#,
        python.display(),
        script.display()
    ));
    assert!(got.starts_with(expected), "{got}");
    assert!(got.contains("mcp tool 'fail' failed: "), "{got}");
    let mut command = Command::new(&python);
    let server = Server::start(command.arg(&script).arg("http"));
    let over_http = run(&format!(
        r#"{{:url "http://127.0.0.1:{}/mcp"}}"#,
        server.port
    ));
    assert_eq!(over_http, got);
}

#[test]
fn the_conformance_suite_finds_nothing() {
    let Some(suite) = conformance_suite(Path::new(env!("CARGO_TARGET_TMPDIR"))) else {
        return;
    };
    let scratch = Scratch::new();
    let server = start_of(&scratch, "conformance-tools.sema");
    let url = format!("http://127.0.0.1:{}/mcp", server.port);
    for name in [
        "server-initialize",
        "ping",
        "tools-list",
        "tools-call-simple-text",
        "tools-call-image",
        "tools-call-audio",
        "tools-call-embedded-resource",
        "tools-call-mixed-content",
        "tools-call-error",
        "dns-rebinding-protection",
    ] {
        let got = scenario(&suite, &["server", "--url", &url, "--scenario", name]);
        assert_eq!(got.status, 0, "{name}: {got:#?}");
    }
    let program = r#"
(define s (mcp/connect {:url (last (sys/args))}))
(for-each (fn (tool)
            (println (mcp/call s (:name tool) {:a 5 :b 3})))
          (mcp/tools s))
(mcp/close s)
"#;
    std::fs::write(scratch.file("client.sema"), program).unwrap();
    let mut build = semac_in(scratch.path());
    build.args(["build", "client.sema", "-o", "client", "--runtime"]);
    outcome(build.arg(runtime()), b"").succeeded();
    let client = scratch.file("client").to_string_lossy().into_owned();
    for name in ["initialize", "tools_call"] {
        let got = scenario(
            &suite,
            &["client", "--command", &client, "--scenario", name],
        );
        assert_eq!(got.status, 0, "{name}: {got:#?}");
    }
}
