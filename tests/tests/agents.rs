//! Programs that ask models: an assistant with tools and a search in documents, built and run as a user
//! would; and what they cost a program.

use std::fs;
use std::process::Command;

use sema_tests::{Outcome, Scratch, fixtures, golden, outcome, runtime, semac_in};

/// Builds `fixtures/agents/NAME.sema`; its documents go into the executable.
fn build(name: &str, elsewhere: &Scratch) -> std::path::PathBuf {
    let executable = elsewhere.file(name);
    let mut build = semac_in(&fixtures("agents"));
    build.args([
        "build",
        &format!("{name}.sema"),
        "--include",
        "documents",
        "-o",
    ]);
    build.arg(&executable).arg("--runtime").arg(runtime());
    outcome(&mut build, b"").succeeded();
    executable
}

fn transcript(name: &str, arguments: &[&str], got: &Outcome) -> String {
    format!(
        "$ {name} {}\n{}--- standard error\n{}--- status {}\n",
        arguments.join(" "),
        got.stdout,
        got.stderr,
        got.status
    )
}

#[test]
fn an_assistant_calls_its_tools() {
    let elsewhere = Scratch::new();
    let executable = build("assistant", &elsewhere);
    let cases: &[(&str, &[&str])] = &[
        ("weather", &["what", "is", "the", "weather", "in", "Oslo"]),
        ("words", &["how", "many", "words"]),
        ("note", &["read", "note", "missing"]),
        ("refused", &["read", "note", "../secret"]),
        ("everything", &["tell", "me", "everything"]),
        ("provider", &["--provider", "nobody", "hello"]),
    ];
    let empty = Scratch::new();
    for (name, arguments) in cases {
        let mut command = Command::new(&executable);
        command
            .env_clear()
            .current_dir(empty.path())
            .args(*arguments);
        let got = outcome(&mut command, b"");
        let file = fixtures("agents/expected").join(format!("assistant-{name}.txt"));
        golden::check(&file, &transcript("assistant", arguments, &got));
    }
    assert_eq!(empty.names(), [""; 0], "the program wrote files");
}

#[test]
fn a_search_finds_what_fits_in_documents_of_the_bundle() {
    let elsewhere = Scratch::new();
    let executable = build("retrieval", &elsewhere);
    let empty = Scratch::new();
    for (name, question) in [
        ("tea", "how long does tea need"),
        ("bicycle", "where does the oil go on a chain"),
    ] {
        let mut command = Command::new(&executable);
        command.env_clear().current_dir(empty.path()).arg(question);
        let got = outcome(&mut command, b"");
        let file = fixtures("agents/expected").join(format!("retrieval-{name}.txt"));
        golden::check(&file, &transcript("retrieval", &[question], &got));
    }
}

#[test]
fn a_tape_answers_without_a_provider() {
    let program = r#"
        (defagent bot {:model "m" :system "s"})
        (define (ask mode)
          (llm/with-cassette "tapes/t.jsonl" {:mode mode}
            (fn () (list (agent/run bot "hello") (llm/stream "more" (fn (piece) (print piece)))))))
        (if (equal? (nth (sys/args) 1) "record")
            (begin
              (llm/define-provider :p {:complete (fn (request) (:content (last (:messages request))))})
              (println (ask :record)))
            (println (ask :replay)))
    "#;
    let scratch = Scratch::with(&[("t.sema", program)]);
    let run = |how: &str| {
        let mut command = semac_in(scratch.path());
        command.args(["run", "t.sema", how]);
        outcome(&mut command, b"").succeeded().stdout
    };
    let recorded = run("record");
    assert_eq!(recorded, "\"more\"(\"hello\" \"more\")\n");
    assert_eq!(run("replay"), recorded);
    let tape = fs::read_to_string(scratch.file("tapes/t.jsonl")).unwrap();
    assert_eq!(tape.lines().count(), 2);
    assert!(!tape.contains("\"user\""), "a tape holds no requests");
}

#[test]
fn a_program_without_cache_and_tape_needs_no_files() {
    let program = r#"(llm/define-provider :p {:complete (fn (request) "x")})
                     (defagent bot {}) (println (agent/run bot "hello"))"#;
    let scratch = Scratch::with(&[("t.sema", program)]);
    let mut build = semac_in(scratch.path());
    build
        .args(["build", "t.sema", "-o", "t", "--runtime"])
        .arg(runtime());
    outcome(&mut build, b"").succeeded();
    let mut inspect = semac_in(scratch.path());
    inspect.args(["inspect", "t"]);
    let shown = outcome(&mut inspect, b"").succeeded().stdout;
    assert!(shown.contains("llm"), "{shown}");
    for capability in ["fs-read", "fs-write", "process", "network"] {
        assert!(!shown.contains(capability), "{capability}: {shown}");
    }
}

#[test]
fn prices_are_in_programs_that_ask_for_them() {
    let provider = r#"(llm/define-provider :p {:complete (fn (request)
        {:content "x" :model "gpt-4o-2024-08-06" :usage {:prompt-tokens 1000 :completion-tokens 100}})})"#;
    let plain = format!("{provider} (println (llm/complete \"a\"))");
    let asking = format!(
        "{provider} (llm/complete \"a\") (println (:cost-usd (llm/last-usage)) (:source (llm/pricing-status)))
         (println (try (llm/with-budget {{:max-cost-usd 0.001}} (fn () (llm/complete \"a\"))) (catch e (:message e))))
         (llm/set-pricing \"gpt-4o\" 1 0)
         (llm/complete \"a\")
         (println (:cost-usd (llm/last-usage)) (:source (llm/pricing-status)))"
    );
    let keyword = format!(
        "{provider} (defagent bot {{}}) (println (:cost-usd (:usage (agent/run bot \"a\" {{}}))))"
    );
    let scratch = Scratch::with(&[
        ("plain.sema", &plain),
        ("asking.sema", &asking),
        ("keyword.sema", &keyword),
    ]);
    let run = |name: &str| {
        let mut build = semac_in(scratch.path());
        build.args(["build", &format!("{name}.sema"), "-o", name, "--runtime"]);
        outcome(build.arg(runtime()), b"").succeeded();
        let got = outcome(&mut Command::new(scratch.file(name)), b"").succeeded();
        let mut disasm = semac_in(scratch.path());
        let code = outcome(disasm.args(["disasm", name]), b"")
            .succeeded()
            .stdout;
        (got.stdout, code.contains("claude-opus"))
    };
    assert_eq!(run("plain"), ("x\n".to_owned(), false));
    assert_eq!(run("keyword"), ("0.0035\n".to_owned(), true));
    assert_eq!(
        run("asking"),
        (
            "0.0035 embedded\nbudget exceeded: spent $0.0035 of $0.0010 limit\n0.001 custom\n"
                .to_owned(),
            true
        )
    );
}
