//! What programs make of a provider that fails: it is a program itself, `fixtures/agents/faulty-provider.sema`.

use std::process::Command;

use sema_tests::serving::Server;
use sema_tests::{Outcome, Scratch, fixtures, outcome, runtime, semac_in};

fn provider(scratch: &Scratch) -> Server {
    let executable = scratch.file("provider");
    let mut build = semac_in(&fixtures("agents"));
    build
        .args(["build", "faulty-provider.sema", "-o"])
        .arg(&executable);
    outcome(build.arg("--runtime").arg(runtime()), b"").succeeded();
    Server::start(Command::new(executable).env_clear())
}

const BEGINNING: &str = r#"
(llm/configure :faulty {:api-key "sk-secret" :base-url "http://127.0.0.1:PORT/v1" :default-model "m"})
(define (told condition) (list (:type condition) (:message condition) (:provider condition)))
(define (ask text) (println (try (llm/complete text) (catch e (told e)))))
(define (ask-in-pieces text)
  (println (try (llm/stream text (fn (piece) (println "piece" piece))) (catch e (told e)))))
"#;

/// What a program prints that talks to the provider.
fn run(program: &str) -> Outcome {
    let scratch = Scratch::new();
    let server = provider(&scratch);
    let program = format!("{BEGINNING}{program}").replace("PORT", &server.port.to_string());
    std::fs::write(scratch.file("t.sema"), program).unwrap();
    let mut command = semac_in(scratch.path());
    let got = outcome(command.args(["run", "t.sema"]), b"");
    assert!(!format!("{got:?}").contains("sk-secret"), "{got:?}");
    got
}

#[test]
fn what_passes_is_waited_for() {
    let got = run("(ask \"limited\") (ask \"limited otherwise\") (ask \"slow\") (ask \"thanks\")")
        .succeeded();
    assert_eq!(
        got.stdout,
        "fine at last\nfine after a while\nlate\nyou said thanks\n"
    );
}

#[test]
fn failures_are_conditions_with_the_name_of_the_provider() {
    let got = run(
        "(for-each ask '(\"limited for ever\" \"refused\" \"odd\" \"list\" \"null\" \"no choices\" \"nothing\" \"page\"))",
    )
    .succeeded();
    assert_eq!(
        got.stdout,
        "(:llm \"Rate limited: retry after 10ms\" \"faulty\")\n\
         (:llm \"API error: 401 - no such key: ***\" \"faulty\")\n\
         (:llm \"Parse error: parse error at line 1 column 2: key must be a string\" \"faulty\")\n\
         (:llm \"Parse error: missing field `choices`\" \"faulty\")\n\
         (:llm \"Parse error: missing field `choices`\" \"faulty\")\n\
         (:llm \"Parse error: no choices in response\" \"faulty\")\n\
         \n\
         (:llm \"Parse error: parse error at line 1 column 1: expected value\" \"faulty\")\n"
    );
    let got = run("(llm/complete \"refused\")");
    got.failed_with(1, "the provider is faulty");
}

#[test]
fn a_provider_that_is_down_is_tried_four_times() {
    let program = r#"
(define begun (time-ms))
(ask "down")
(println (< (- (time-ms) begun) 5000))
(println (try (llm/complete "never" {:timeout 50}) (catch e (told e))))
(llm/configure :gone {:api-key "sk-secret" :base-url "http://127.0.0.1:1/v1"})
(println (try (llm/complete "x") (catch e (list (string/starts-with? (:message e) "HTTP error: ") (:provider e)))))
"#;
    let got = run(program).succeeded();
    let lines: Vec<&str> = got.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "(:llm \"API error: 500 - out of order\" \"faulty\")"
    );
    assert_eq!(lines[1], "#t");
    assert!(
        lines[2].starts_with("(:llm \"HTTP error: ") && lines[2].ends_with("\"faulty\")"),
        "{got:?}"
    );
    assert_eq!(lines[3], "(#t \"gone\")");
}

#[test]
fn streams_may_be_cut_late_and_odd() {
    let got = run("(for-each ask-in-pieces '(\"cut\" \"failing\" \"odd\" \"slow\"))").succeeded();
    let lines: Vec<&str> = got.stdout.lines().collect();
    assert_eq!(lines[0], "piece half of");
    assert!(lines[1].starts_with("(:llm \"HTTP error: "), "{got:?}");
    assert_eq!(lines[2], "piece half of");
    assert_eq!(
        lines[3],
        "(:llm \"API error: 200 - overloaded\" \"faulty\")"
    );
    assert_eq!(
        lines[4..],
        [
            "piece what can be read",
            "what can be read",
            "piece late",
            "late"
        ]
    );
}

#[test]
fn huge_replies_arrive_whole() {
    let got = run("(println (string-length (llm/complete \"huge\")))").succeeded();
    assert_eq!(got.stdout, "4000000\n");
}

#[test]
fn calls_of_tools_come_in_pieces() {
    let program = r#"
(deftool add "Adds." {:a {:type :number} :b {:type :number}} (fn (a b) (println "add" a b) (+ a b)))
(defagent bot {:tools [add]})
(println (:response (agent/run bot "pieces" {:on-text (fn (piece) (println "piece" piece))})))
"#;
    let got = run(program).succeeded();
    assert_eq!(
        got.stdout,
        "add 10 2\nadd 5 5\npiece 12 and 10\n12 and 10\n"
    );
}

#[test]
fn another_provider_takes_over() {
    let program = r#"
(llm/define-provider :spare {:complete (fn (request) "from the spare one")})
(println (llm/with-fallback (list :faulty :spare) (fn () (llm/complete "refused"))))
(println (llm/with-fallback (list :faulty :spare)
           (fn () (try (llm/stream "cut" (fn (piece) nil)) (catch e (:type e))))))
"#;
    let got = run(program).succeeded();
    assert_eq!(got.stdout, "from the spare one\n:llm\n");
    assert!(
        got.stderr
            .contains("Provider 'faulty' failed: API error: 401"),
        "{got:?}"
    );
}
