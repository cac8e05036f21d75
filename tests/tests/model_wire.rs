//! What programs send to providers of models, and what they make of the answers: a server of the test
//! speaks the dialects.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use sema_tests::{Scratch, fixtures, golden, outcome, semac_in};

/// What a server answers to a path and a body; the number counts requests.
type Answer = fn(path: &str, body: &str, number: usize) -> String;

/// What the server got: the path, the headers that are the dialect's, and the body.
type Requests = Receiver<String>;

/// Starts a server that answers until the test ends. Gives its port, and what it gets.
fn serve(answer: Answer) -> (u16, Requests) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            answer_one(stream.unwrap(), &sender, |path, body| {
                answer(path, body, number)
            });
        }
    });
    (port, requests)
}

/// Headers that belong to the dialects.
const KEPT: [&str; 5] = [
    "authorization",
    "x-api-key",
    "anthropic-version",
    "x-goog-api-key",
    "content-type",
];

fn answer_one(stream: TcpStream, sender: &Sender<String>, answer: impl Fn(&str, &str) -> String) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    let mut shown = format!("{path}\n");
    let mut headers: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_lowercase(), value.trim());
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        if KEPT.contains(&name.as_str()) {
            headers.push(format!("  {name}: {value}\n"));
        }
    }
    headers.sort();
    shown.extend(headers);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    writeln!(shown, "  {body}").unwrap();
    let answer = answer(&path, &body);
    // The test may be over.
    let _ = sender.send(shown);
    let _ = reader.into_inner().write_all(answer.as_bytes());
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn events(events: &[&str]) -> String {
    let body: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    response(200, "content-type: text/event-stream\r\n", &body)
}

/// Runs a program against a server: its output, and what the server got.
fn run(program: &str, answer: Answer) -> String {
    let (port, requests) = serve(answer);
    let scratch = Scratch::with(&[("t.sema", &program.replace("PORT", &port.to_string()))]);
    let mut command = semac_in(scratch.path());
    command.args(["run", "t.sema"]).env("HOME", scratch.path());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let got = outcome(&mut command, b"").succeeded();
    let requests: String = requests.try_iter().collect();
    format!("{}---\n{requests}", got.stdout)
}

/// A program that asks in all ways, with a provider that is configured by `options`.
fn conversation(provider: &str, options: &str) -> String {
    format!(
        r#"
(deftool add "Adds." {{:a {{:type :number}} :b {{:type :int :optional #t}}}} (fn (a b) (+ a b)))
(defagent bot {{:system "Be exact." :tools [add] :model "m-1"}})
(llm/configure {provider} {options})
(println (llm/chat (list (message :system "Be brief.") (message :assistant "What?")
                         (message/with-image :user "This." (bytevector 137 80 78 71)))
                   {{:temperature 0.5 :max-tokens 9 :reasoning-effort :low}}))
(println (:usage (agent/run bot "1 + 2" {{}})))
(println (llm/stream "Count." (fn (piece) (print piece))))
(println (:total-tokens (llm/last-usage)))
"#
    )
}

fn openai(_: &str, body: &str, _: usize) -> String {
    if body.contains("\"stream\":true") {
        return events(&[
            r#"{"model":"m-2","choices":[{"delta":{"content":"one"}}]}"#,
            r#"{"choices":[{"delta":{"content":" two"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":3}}"#,
            "[DONE]",
        ]);
    }
    let message = if body.contains("\"tools\"") && !body.contains("tool_call_id") {
        r#"{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":1,\"b\":2}"}}]}"#
    } else {
        r#"{"content":"fine"}"#
    };
    let usage =
        r#"{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}"#;
    response(
        200,
        "",
        &format!(
            r#"{{"model":"m-2","choices":[{{"message":{message},"finish_reason":"stop"}}],"usage":{usage}}}"#
        ),
    )
}

fn anthropic(_: &str, body: &str, _: usize) -> String {
    if body.contains("\"stream\":true") {
        return events(&[
            r#"{"type":"message_start","message":{"model":"m-2","usage":{"input_tokens":4}}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" two"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#,
        ]);
    }
    let content = if body.contains("\"tools\"") && !body.contains("tool_result") {
        r#"[{"type":"text","text":"Wait."},{"type":"tool_use","id":"c1","name":"add","input":{"a":1,"b":2}},
            {"type":"tool_use","id":"c2","name":"add","input":{"a":1}}]"#
    } else {
        r#"[{"type":"text","text":"fine"},{"type":"thinking","thinking":"..."}]"#
    };
    response(
        200,
        "",
        &format!(
            r#"{{"model":"m-2","role":"assistant","content":{content},"stop_reason":"end_turn",
                "usage":{{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":1}}}}"#
        ),
    )
}

fn gemini(path: &str, body: &str, _: usize) -> String {
    if path.contains("stream") {
        return events(&[
            r#"{"candidates":[{"content":{"parts":[{"text":"one"}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":" two"}]},"finishReason":"STOP"}],
                "usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":3},"modelVersion":"m-2"}"#
                .replace('\n', "")
                .as_str(),
        ]);
    }
    let part = if body.contains("function_declarations") && !body.contains("functionResponse") {
        r#"{"functionCall":{"name":"add","args":{"a":1,"b":2}},"thoughtSignature":"sig"}"#
    } else {
        r#"{"text":"fine"}"#
    };
    response(
        200,
        "",
        &format!(
            r#"{{"candidates":[{{"content":{{"parts":[{part}]}}}}],"modelVersion":"m-2",
                "usageMetadata":{{"promptTokenCount":5,"candidatesTokenCount":2}}}}"#
        ),
    )
}

fn ollama(_: &str, body: &str, _: usize) -> String {
    if body.contains("\"stream\":true") {
        return response(
            200,
            "",
            "{\"model\":\"m-2\",\"message\":{\"content\":\"one\"}}\n{\"message\":{\"content\":\" two\"}}\n\
             {\"message\":{\"content\":\"\"},\"done\":true,\"prompt_eval_count\":4,\"eval_count\":3}\n",
        );
    }
    let message = if body.contains("\"tools\"") && !body.contains("tool_name") {
        r#"{"content":"","tool_calls":[{"function":{"name":"add","arguments":{"a":1,"b":2}}}]}"#
    } else {
        r#"{"content":"fine"}"#
    };
    response(
        200,
        "",
        &format!(
            r#"{{"model":"m-2","message":{message},"prompt_eval_count":5,"eval_count":2,"done":true}}"#
        ),
    )
}

#[test]
fn dialects_are_those_of_the_providers() {
    let key = "\"sk-test\"";
    let cases: [(&str, &str, String, Answer); 4] = [
        (
            "openai",
            ":own",
            format!(
                "{{:api-key {key} :base-url \"http://127.0.0.1:PORT/v1\" :default-model \"m-0\"}}"
            ),
            openai,
        ),
        (
            "anthropic",
            ":anthropic",
            format!("{{:api-key {key} :base-url \"http://127.0.0.1:PORT\"}}"),
            anthropic,
        ),
        (
            "gemini",
            ":gemini",
            format!("{{:api-key {key} :base-url \"http://127.0.0.1:PORT/v1beta\"}}"),
            gemini,
        ),
        (
            "ollama",
            ":ollama",
            "{:host \"http://127.0.0.1:PORT\"}".to_owned(),
            ollama,
        ),
    ];
    for (name, provider, options, answer) in cases {
        let got = run(&conversation(provider, &options), answer);
        golden::check(&fixtures("agents/wire").join(format!("{name}.txt")), &got);
    }
}

const CONFIGURE: &str = r#"(llm/configure :own {:api-key "sk-test" :base-url "http://127.0.0.1:PORT/v1" :default-model "m"})
(define (ask text) (try (llm/complete text {:temperature 0.5}) (catch e (list (:type e) (:message e)))))
"#;

#[test]
fn what_may_pass_is_tried_again() {
    let program = format!("{CONFIGURE}(println (ask \"x\"))");
    let got = run(&program, |path, body, number| match number {
        0 => response(429, "retry-after: 0.01\r\n", "{}"),
        1 => response(503, "", "busy"),
        _ => openai(path, body, number),
    });
    assert!(got.starts_with("fine\n---\n"), "{got}");
    assert_eq!(got.matches("/v1/chat/completions").count(), 3, "{got}");
}

#[test]
fn refusals_are_conditions_without_the_key() {
    let program = format!(
        "{CONFIGURE}(for-each (fn (text) (println (ask text))) '(\"refused\" \"slow\" \"odd\" \"empty\"))"
    );
    let got = run(&program, |_, body, _| {
        if body.contains("refused") {
            response(401, "", "no such key: sk-test")
        } else if body.contains("slow") {
            response(429, "retry-after: 10ms\r\n", "{}")
        } else if body.contains("odd") {
            response(200, "", "{odd")
        } else {
            response(200, "", r#"{"model":"m","choices":[]}"#)
        }
    });
    let (output, requests) = got.split_once("---\n").unwrap();
    assert_eq!(
        output,
        "(:llm \"API error: 401 - no such key: ***\")\n\
         (:llm \"Rate limited: retry after 10ms\")\n\
         (:llm \"Parse error: parse error at line 1 column 2: key must be a string\")\n\
         (:llm \"Parse error: no choices in response\")\n"
    );
    assert_eq!(requests.matches("\"slow\"").count(), 4, "{requests}");
}

#[test]
fn a_temperature_that_is_refused_is_left_out() {
    let program = format!("{CONFIGURE}(println (ask \"x\"))");
    let got = run(&program, |path, body, number| {
        if body.contains("temperature") {
            response(400, "", "Unsupported parameter: 'temperature'")
        } else {
            openai(path, body, number)
        }
    });
    assert!(got.starts_with("fine\n"), "{got}");
}

#[test]
fn a_stream_that_breaks_off_is_a_condition() {
    let program = format!(
        "{CONFIGURE}(println (try (llm/stream \"x\" (fn (piece) (print piece))) (catch e (:type e))))"
    );
    let got = run(&program, |_, _, _| {
        let body = "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n";
        format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{body}")
    });
    assert!(got.starts_with("\"one\":llm\n---\n"), "{got}");
    assert_eq!(got.matches("/v1/chat/completions").count(), 1, "{got}");
}

#[test]
fn embeddings_come_in_the_order_of_the_texts() {
    let program = r#"
(llm/configure-embeddings :openai {:api-key "sk-test" :base-url "http://127.0.0.1:PORT/v1"})
(println (map embedding/->list (llm/embed '("a" "b") {:dimensions 2})))
(println (llm/rerank "q" '("x" "y") {:model "r" :top-k 2}))
(println (try (llm/embed "c") (catch e (:message e))))
"#;
    let got = run(program, |path, body, _| {
        if path.ends_with("/rerank") {
            let results =
                r#"[{"index":0,"relevance_score":0.25},{"index":1,"relevance_score":0.5}]"#;
            return response(200, "", &format!("{{\"results\":{results}}}"));
        }
        let data = if body.contains("\"c\"") {
            "[]"
        } else {
            r#"[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2.5]}]"#
        };
        response(
            200,
            "",
            &format!("{{\"data\":{data},\"model\":\"e\",\"usage\":{{\"prompt_tokens\":2}}}}"),
        )
    });
    golden::check(&fixtures("agents/wire/embeddings.txt"), &got);
}
