//! The examples of the declarations of builtins: each is run, and gives what it says.
//!
//! `SEMAC_EXAMPLES=NAME cargo test -p semac --test examples -- --nocapture` shows what the examples of
//! the builtins whose names contain NAME give.

use std::path::Path;
use std::process::{Command, Stdio};

use semac_core::ir::declarations;

/// A form and what it is said to give.
struct Example {
    builtin: &'static str,
    form: &'static str,
    result: &'static str,
}

fn examples() -> Vec<Example> {
    declarations::all()
        .flat_map(|declaration| {
            declaration.examples().map(|(form, result)| Example {
                builtin: declaration.name,
                form,
                result,
            })
        })
        .collect()
}

/// What the examples give, in readable form; conditions as `error MESSAGE`.
fn outcomes(examples: &[Example], directory: &Path) -> Vec<String> {
    let mut program = String::from(
        "(define (outcome thunk) (try (list :ok (thunk)) (catch e (list :error (:message e)))))\n\
         (define mark \"\\u0001\")\n",
    );
    for example in examples {
        let form = example.form;
        program += &format!("(println (str mark (list (outcome (fn () {form})))))\n");
    }
    let file = directory.join("examples.sema");
    std::fs::write(&file, program).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_semac"))
        .arg("run")
        .arg(&file)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let found: Vec<String> = text
        .split('\u{1}')
        .skip(1)
        .filter_map(|line| {
            let line = line.lines().next()?;
            let ok = line
                .strip_prefix("((:ok ")
                .and_then(|line| line.strip_suffix("))"));
            let error = line
                .strip_prefix("((:error ")
                .and_then(|line| line.strip_suffix("))"));
            Some(match (ok, error) {
                (Some(value), _) => value.to_owned(),
                (_, Some(message)) => format!("error {message}"),
                _ => line.to_owned(),
            })
        })
        .collect();
    assert_eq!(
        found.len(),
        examples.len(),
        "the program of the examples ended early: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    found
}

/// Public builtins that cannot have an example, and why.
const WITHOUT_EXAMPLES: &[(&str, &str)] = &[("exit", "it ends the program of the examples")];

#[test]
fn every_public_builtin_has_an_example() {
    let mut without: Vec<&str> = declarations::all()
        .filter(|declaration| !declaration.name.starts_with('%'))
        .filter(|declaration| declaration.examples().next().is_none())
        .map(|declaration| declaration.name)
        .collect();
    without.sort_unstable();
    let excused: Vec<&str> = WITHOUT_EXAMPLES.iter().map(|(name, _)| *name).collect();
    assert_eq!(without, excused);
}

#[test]
fn examples_give_what_they_say() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    // Files of an earlier run would change what the examples see.
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    std::fs::create_dir_all(&directory).unwrap();
    let examples = examples();
    let outcomes = outcomes(&examples, &directory);
    let shown = std::env::var("SEMAC_EXAMPLES").ok();
    let mut wrong = Vec::new();
    for (example, outcome) in examples.iter().zip(&outcomes) {
        let Example {
            builtin,
            form,
            result,
        } = example;
        if shown.as_ref().is_some_and(|part| builtin.contains(part)) {
            println!("{builtin}: {form} => {outcome}");
        }
        let holds = match result.strip_prefix("error ") {
            Some(part) => outcome.starts_with("error ") && outcome.contains(part),
            None => outcome == result,
        };
        if !holds {
            wrong.push(format!("{builtin}: {form} => {outcome}, not {result}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
