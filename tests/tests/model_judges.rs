//! The official SDKs of providers judge what programs send, and write what programs read. A real model answers if
//! there is one.

use std::path::Path;
use std::process::Command;

use sema_tests::serving::{self, Package, Server};
use sema_tests::{Outcome, Scratch, outcome, root, semac_in, skip};

/// A program that asks in all ways, with the provider `PROVIDER`.
const CONVERSATION: &str = r#"
(deftool add "Adds." {:a {:type :number :description "One"} :b {:type :int :optional #t} :mode {:type :string :enum [:fast :exact] :default "fast"}
                      :more {:type :list :optional #t}}
  (fn (a b) (+ a b)))
(defagent bot {:system "Be exact." :tools [add]})
(llm/configure PROVIDER)
(println (llm/chat (list (message :system "Be brief.") (message :user "Hm.") (message :assistant "What?")
                         (message/with-image :user "This." (bytevector 137 80 78 71)))
                   {:temperature 0.5 :max-tokens 9 :stop ["END"]}))
(println (llm/complete "Think." {:reasoning-effort :low :system "s"}))
(println (llm/extract {:name {:type :string}} "Ada" {:validate #f :retries 0}))
(let ((answer (agent/run bot "1 + 2" {})))
  (println (:response answer) (:calls (:usage answer)) (:total-tokens (:usage answer))))
(println (llm/stream "Count." (fn (piece) (print piece)) {:seed 7}))
(println (:total-tokens (llm/last-usage)))
"#;

fn run(program: &str) -> Outcome {
    let scratch = Scratch::with(&[("t.sema", program)]);
    let mut command = semac_in(scratch.path());
    outcome(command.args(["run", "t.sema"]), b"")
}

#[test]
fn the_official_types_accept_what_is_sent() {
    let package = |requirement, module| Package {
        requirement,
        module,
    };
    let packages = [
        package("openai>=2,<4", "openai"),
        package("anthropic>=0.70,<3", "anthropic"),
        package("google-genai>=1.40,<4", "google.genai"),
    ];
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = serving::python_with(folder, &packages) else {
        return;
    };
    let mut judge = Command::new(python);
    let mut judge = Server::start(judge.arg(root().join("tests/peers/sdk_judge.py")));
    let url = format!("http://127.0.0.1:{}", judge.port);
    let mut outputs = Vec::new();
    for provider in [
        format!(r#":own {{:api-key "k" :base-url "{url}/v1" :default-model "m"}}"#),
        format!(r#":openai {{:api-key "k" :base-url "{url}/v1" :default-model "m"}}"#),
        format!(r#":anthropic {{:api-key "k" :base-url "{url}" :default-model "m"}}"#),
        format!(
            r#":anthropic {{:api-key "k" :base-url "{url}" :default-model "m" :prompt-caching #t}}"#
        ),
        format!(r#":gemini {{:api-key "k" :base-url "{url}/v1beta" :default-model "m"}}"#),
    ] {
        // What is extracted is no JSON here; its request is what counts.
        let program = CONVERSATION
            .replace("PROVIDER", &provider)
            .replace("(println (llm/extract", "(println (try (llm/extract")
            .replace(":retries 0}))", ":retries 0}) (catch e \"fine\")))");
        outputs.push(run(&program));
    }
    judge.terminate();
    let (_, verdicts) = judge.ended();
    for (number, got) in outputs.iter().enumerate() {
        assert_eq!(
            got.stdout, "fine\nfine\nfine\nfine 2 14\n\"one\"\" two\"one two\n7\n",
            "{number}: {got:#?}\n{verdicts}"
        );
    }
    assert!(
        verdicts.lines().all(|line| line.ends_with(" fine")),
        "{verdicts}"
    );
    assert_eq!(verdicts.lines().count(), 6 * outputs.len());
}

/// The address of a server with a real model behind the wire formats of OpenAI, Anthropic and Ollama.
const REAL_MODEL: &str = "SEMAC_TEST_MODEL_URL";

#[test]
fn a_real_model_answers() {
    let Ok(url) = std::env::var(REAL_MODEL) else {
        skip(&format!("{REAL_MODEL} names no server"));
        return;
    };
    for provider in [
        format!(r#":own {{:api-key "k" :base-url "{url}/v1" :default-model "small"}}"#),
        format!(r#":anthropic {{:api-key "k" :base-url "{url}" :default-model "small"}}"#),
        format!(r#":ollama {{:host "{url}" :default-model "small"}}"#),
    ] {
        let program = format!(
            r#"
(llm/configure {provider})
(define pieces 0)
(define whole (llm/stream "Count from one to five." (fn (piece) (set! pieces (+ pieces 1))) {{:max-tokens 40}}))
(println (> pieces 2) (> (string-length whole) 0))
(println (> (:completion-tokens (llm/last-usage)) 0) (> (:prompt-tokens (llm/last-usage)) 0))
(define called '())
(deftool weather "Tells the weather in a city." {{:city {{:type :string :description "The city"}}}}
  (fn (city) (set! called (cons city called)) (string-append "It is sunny in " city)))
(defagent bot {{:system "Use the tool weather to answer." :tools [weather] :max-turns 3}})
(define answer (agent/run bot "What is the weather in Paris?" {{}}))
(println (every string? called) (string? (:response answer)) (> (:total-tokens (:usage answer)) 0))
"#
        );
        let got = run(&program).succeeded();
        assert_eq!(
            got.stdout, "#t #t\n#t #t\n#t #t #t\n",
            "{provider}: {got:#?}"
        );
    }
}
