//! Calls of models that are answered from tapes: embedded ones, and those that the environment names.

use std::fs;
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

/// Recordings as other implementations write them; the keys are those of the requests of [`ASKS`].
const TAPE: &str = r#"no recording
{"v":2,"kind":"complete","key":"36e783ccb9369f77b912b2d9dbe18540470ee3ce279ad20ab73f58199ec3b3bb","content":"of another version","model":"x"}
{"v":1,"kind":"complete","key":"36e783ccb9369f77b912b2d9dbe18540470ee3ce279ad20ab73f58199ec3b3bb","content":"first","provider":"openai","role":"assistant","model":"gpt-4o-2024-08-06","tool_calls":[],"stop_reason":null,"prompt_tokens":11,"completion_tokens":3,"cache_read_input_tokens":2,"cache_creation_input_tokens":0,"further":{"not":"known"}}
{"v":1,"kind":"complete","key":"36e783ccb9369f77b912b2d9dbe18540470ee3ce279ad20ab73f58199ec3b3bb","content":"second","model":"x"}
{"v":1,"kind":"stream","key":"5f38d92c9aa44e72e14cd3344444132d008a62ad4c7f88528a23231cf53b6ca7","content":"one two","provider":"openai","role":"assistant","model":"m","tool_calls":[],"stop_reason":"stop","prompt_tokens":1,"completion_tokens":2,"chunks":["one"," two"]}
"#;

const ASKS: &str = r#"
(println (llm/complete "q1" {:model "gpt-4o"}))
(println (llm/last-usage))
(println (llm/stream "c1" (fn (piece) (print piece)) {:system "s"}))
(println (try (llm/complete "something else") (catch e (list (:type e) (:message e)))))
"#;

const REPLIES: &str = "first\n\
    {:cache-creation-tokens 0 :cache-read-tokens 2 :completion-tokens 3 :cost-usd 0.0000575 :model \"gpt-4o-2024-08-06\" :prompt-tokens 11 :total-tokens 14}\n\
    \"one\"\" two\"one two\n";

fn build(project: &Scratch, arguments: &[&str]) -> Outcome {
    let mut build = semac_in(project.path());
    build.arg("build").args(arguments).arg("--runtime");
    outcome(build.arg(runtime()), b"")
}

#[test]
fn an_embedded_tape_answers_all_calls() {
    let project = Scratch::with(&[("main.sema", ASKS), ("tapes/demo.jsonl", TAPE)]);
    build(
        &project,
        &["main.sema", "--cassette", "tapes/demo.jsonl", "-o", "main"],
    )
    .succeeded();
    let elsewhere = Scratch::new();
    let mut command = Command::new(project.file("main"));
    command.env_clear().current_dir(elsewhere.path());
    let got = outcome(&mut command, b"").succeeded();
    let rest = got
        .stdout
        .strip_prefix(REPLIES)
        .unwrap_or_else(|| panic!("{got:#?}"));
    assert!(
        rest.starts_with("(:llm \"cassette miss in :replay mode (key "),
        "{rest}"
    );
    assert_eq!(elsewhere.names(), [""; 0]);
    let mut inspect = semac_in(project.path());
    let shown = outcome(inspect.args(["inspect", "main"]), b"")
        .succeeded()
        .stdout;
    assert!(shown.contains("tapes/demo.jsonl"), "{shown}");
    for capability in ["fs-read", "fs-write", "network"] {
        assert!(!shown.contains(capability), "{capability}: {shown}");
    }
}

#[test]
fn what_is_no_tape_is_refused() {
    let project = Scratch::with(&[("main.sema", ASKS), ("empty.jsonl", "\nno recording\n{}\n")]);
    build(&project, &["main.sema", "--cassette", "empty.jsonl"])
        .failed_with(1, "there is no recorded call in empty.jsonl");
    build(&project, &["main.sema", "--cassette", "missing.jsonl"]).failed_with(1, "missing.jsonl");
}

/// A program that answers itself, and says that it was asked.
const OWN: &str = r#"
(if (equal? (last (sys/args)) "provider")
    (llm/define-provider :own {:complete (fn (request) (print-error "asked ") "an answer")})
    nil)
(println (llm/complete "a question"))
(println (llm/complete "a question"))
"#;

#[test]
fn the_environment_names_a_tape() {
    let project = Scratch::with(&[("main.sema", OWN)]);
    build(&project, &["main.sema", "-o", "main"]).succeeded();
    let tape = project.file("tapes/own.jsonl");
    let run = |mode: &str, arguments: &[&str]| {
        let mut command = Command::new(project.file("main"));
        command
            .env_clear()
            .env("SEMA_LLM_CASSETTE", &tape)
            .args(arguments);
        if !mode.is_empty() {
            command.env("SEMA_LLM_CASSETTE_MODE", mode);
        }
        outcome(&mut command, b"")
    };
    let lines = || fs::read_to_string(&tape).unwrap().lines().count();
    run("replay", &["provider"]).failed_with(1, "cassette miss in :replay mode");
    let recorded = run("", &["provider"]).succeeded();
    assert_eq!(recorded.stdout, "an answer\nan answer\n");
    assert_eq!(recorded.stderr, "asked ", "the second call is on the tape");
    assert_eq!(lines(), 1);
    assert_eq!(run("replay", &[]).succeeded().stdout, recorded.stdout);
    assert_eq!(run("", &[]).succeeded().stdout, recorded.stdout);
    assert_eq!(
        run("record", &["provider"]).succeeded().stderr,
        "asked asked "
    );
    assert_eq!(lines(), 3);
    let mut command = semac_in(project.path());
    command
        .args(["run", "main.sema"])
        .env("SEMA_LLM_CASSETTE", &tape);
    assert_eq!(
        outcome(&mut command, b"").succeeded().stdout,
        recorded.stdout
    );
    // The program itself cannot make it reach a file.
    let set = "(sys/set-env \"SEMA_LLM_CASSETTE\" \"other.jsonl\")
        (llm/define-provider :own {:complete (fn (request) \"x\")})
        (println (llm/complete \"a\"))";
    fs::write(project.file("set.sema"), set).unwrap();
    let mut command = semac_in(project.path());
    outcome(command.args(["run", "set.sema"]), b"").succeeded();
    assert!(!project.names().iter().any(|name| name == "other.jsonl"));
}

#[test]
fn a_function_may_have_a_tape_of_its_own() {
    let program = r#"
(llm/define-provider :own {:complete (fn (request) "from the provider")})
(println (llm/complete "q1" {:model "gpt-4o"}))
(println (llm/with-cassette "demo.jsonl" {:mode :replay} (fn () (llm/complete "q1" {:model "gpt-4o"}))))
"#;
    let project = Scratch::with(&[("main.sema", program), ("demo.jsonl", TAPE)]);
    let mut command = semac_in(project.path());
    let got = outcome(command.args(["run", "main.sema"]), b"").succeeded();
    assert_eq!(got.stdout, "from the provider\nfirst\n");
}
