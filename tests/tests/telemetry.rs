//! Spans that go to a collector: what it gets, and what happens without it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use sema_tests::serving::{self, Package};
use sema_tests::{Outcome, Scratch, outcome, root, semac_in};

const PROGRAM: &str = r#"
(println (otel/configure {:endpoint "http://127.0.0.1:PORT" :protocol "PROTOCOL" :key "secret-1" :headers {:x-tenant "t"}
                          :service-name "helper" :environment "test" :capture-content #t}))
(llm/define-provider :p
  {:complete (fn (request)
               (if (equal? (:role (last (:messages request))) "tool")
                   {:content "done" :stop-reason "stop" :usage {:prompt-tokens 5 :completion-tokens 2}}
                   {:content "" :tool-calls [{:id "1" :name "look" :arguments {:n 1}} {:id "2" :name "fail" :arguments {}}]}))
   :default-model "m-1"})
(deftool look "Looks." {:n {:type :number}} (fn (n) (* 2 n)))
(deftool fail "Fails." {} (fn () (error "broken \"tool\"")))
(defagent helper {:tools [look fail] :model "m-1"})
(otel/with-session "s-1" {:user "ada"}
  (fn ()
    (otel/span "work"
      (fn ()
        (otel/event "begun" {:size 3})
        (otel/set-attributes {:ratio 0.5 :fine #t :many [1 2]})
        (agent/run helper "go")))))
"#;

/// A collector that answers with these statuses, one after the other, and gives head and body of each request.
fn collector(statuses: &'static [u16]) -> (u16, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        for stream in listener.incoming() {
            let status = statuses.next().copied().unwrap_or(200);
            let request = answer(stream.unwrap(), status);
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

fn answer(stream: TcpStream, status: u16) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        let line = line.to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    reader.into_inner().write_all(answer.as_bytes()).unwrap();
    (head, body)
}

fn run(program: &str) -> Outcome {
    let scratch = Scratch::with(&[("t.sema", program)]);
    let mut command = semac_in(scratch.path());
    outcome(command.args(["run", "t.sema"]), b"")
}

fn program(port: u16, protocol: &str) -> String {
    PROGRAM
        .replace("PORT", &port.to_string())
        .replace("PROTOCOL", protocol)
}

fn request(requests: &Receiver<(String, Vec<u8>)>) -> (String, Vec<u8>) {
    requests.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn a_collector_gets_all_spans_at_the_end() {
    let (port, requests) = collector(&[]);
    let got = run(&program(port, "http/json")).succeeded();
    assert_eq!(got.stdout, "#t\n");
    let (head, body) = request(&requests);
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    for field in [
        "content-type: application/json",
        "authorization: bearer secret-1",
        "x-tenant: t",
    ] {
        assert!(head.contains(field), "{field}: {head}");
    }
    let body = String::from_utf8(body).unwrap();
    for part in [
        r#"{"key":"service.name","value":{"stringValue":"helper"}}"#,
        r#""name":"chat m-1","kind":3"#,
        r#""name":"execute_tool look","kind":1"#,
        r#""name":"invoke_agent helper""#,
        r#"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"5"}}"#,
        r#"{"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"stop"}]}}}"#,
        r#"{"key":"session.id","value":{"stringValue":"s-1"}}"#,
        r#""name":"begun""#,
        r#"{"message":"Eval error: broken \"tool\"","code":2}"#,
    ] {
        assert!(body.contains(part), "{part}\n{body}");
    }
    assert!(requests.try_recv().is_err(), "one request is enough");
}

#[test]
fn the_official_decoder_reads_the_spans() {
    let package = Package {
        requirement: "opentelemetry-proto>=1.30,<2",
        module: "opentelemetry.proto",
    };
    let Some(python) = serving::python_with(Path::new(env!("CARGO_TARGET_TMPDIR")), &[package])
    else {
        return;
    };
    for protocol in ["http/protobuf", "http/json"] {
        let (port, requests) = collector(&[]);
        run(&program(port, protocol)).succeeded();
        let (_, body) = request(&requests);
        let scratch = Scratch::new();
        let file: PathBuf = scratch.file("request");
        std::fs::write(&file, body).unwrap();
        let mut decode = Command::new(&python);
        decode
            .arg(root().join("tests/peers/otlp_decode.py"))
            .arg(protocol);
        let got = outcome(decode.arg(&file), b"").succeeded();
        assert_eq!(
            got.stdout,
            "service.name=helper deployment.environment.name=test\n\
             work < - internal unset many=[1, 2] ratio=0.5 fine=True events=begun(size=3)\n\
             invoke_agent helper < work internal unset\n\
             chat m-1 < invoke_agent helper client unset\n\
             execute_tool fail < invoke_agent helper internal error(Eval error: broken \"tool\")\n\
             execute_tool look < invoke_agent helper internal unset\n\
             chat m-1 < invoke_agent helper client unset\n",
            "{protocol}"
        );
    }
}

#[test]
fn what_may_pass_is_sent_again() {
    let (port, requests) = collector(&[503, 429]);
    let got = run(&program(port, "http/protobuf")).succeeded();
    assert_eq!(got.stderr, "");
    let bodies: Vec<Vec<u8>> = (0..3).map(|_| request(&requests).1).collect();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[0], bodies[2]);
}

#[test]
fn without_its_collector_a_program_works() {
    // Nobody listens; somebody listens and says nothing; somebody refuses.
    let closed = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let (refusing, _requests) = collector(&[401]);
    for port in [closed, silent_port, refusing] {
        let begin = Instant::now();
        let got = run(&program(port, "http/protobuf")).succeeded();
        assert_eq!(got.stdout, "#t\n");
        assert!(!got.stderr.contains("secret-1"), "{got:?}");
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "the end waits too long"
        );
        if port != silent_port {
            assert!(got.stderr.contains("Warning: telemetry is lost"), "{got:?}");
        }
    }
}

#[test]
fn exit_sends_what_is_left_and_the_environment_says_where() {
    let (port, requests) = collector(&[]);
    let scratch = Scratch::with(&[(
        "t.sema",
        "(println (otel/configure {})) (otel/span \"a\" (fn () 1)) (exit 3)",
    )]);
    let mut command = semac_in(scratch.path());
    command
        .args(["run", "t.sema"])
        .env(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://127.0.0.1:{port}/"),
        )
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-a=1, x-b=2=3")
        .env("OTEL_SERVICE_NAME", "named");
    let got = outcome(&mut command, b"");
    assert_eq!((got.stdout.as_str(), got.status), ("#t\n", 3), "{got:?}");
    let (head, body) = request(&requests);
    assert!(
        head.contains("x-a: 1") && head.contains("x-b: 2=3"),
        "{head}"
    );
    assert!(String::from_utf8(body).unwrap().contains("\"named\""));
}
