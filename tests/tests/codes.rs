//! Every code that semac can print is explained, and the examples get the code, or do not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sema_tests::{Outcome, Scratch, outcome, root, runtime, semac, semac_in};

/// The codes in the sources of everything that prints diagnostics.
fn codes_in_sources() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let mut work: Vec<_> = [
        "compiler/core/src",
        "compiler/cli/src",
        "runtime",
        "format",
        "vfs",
    ]
    .map(|name| root().join(name))
    .to_vec();
    while let Some(path) = work.pop() {
        if path.is_dir() {
            work.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            codes.extend(
                text.split('"')
                    .filter(|word| is_code(word))
                    .map(str::to_owned),
            );
        }
    }
    codes
}

fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix(['E', 'W']).unwrap_or_default();
    digits.len() == 4 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

struct Section {
    code: String,
    bad: String,
    good: String,
}

fn sections() -> Vec<Section> {
    let page = fs::read_to_string(root().join("docs/codes.md")).unwrap();
    let sections = page.split("\n## ").skip(1);
    sections
        .map(|section| {
            let code = section[..5].to_owned();
            let (_, examples) = section.split_once("\nBad:\n").expect(&code);
            let (bad, good) = examples.split_once("\nGood:\n").expect(&code);
            let text = |example: &str| {
                let lines = example
                    .lines()
                    .map(|line| line.strip_prefix("    ").unwrap_or(line));
                lines.collect::<Vec<_>>().join("\n").trim().to_owned() + "\n"
            };
            Section {
                code,
                bad: text(bad),
                good: text(good),
            }
        })
        .collect()
}

/// A directory with the files of an example.
fn files_of(example: &str) -> Scratch {
    let scratch = Scratch::new();
    let mut name = "main.sema".to_owned();
    let mut text = String::new();
    for line in example.lines() {
        if let Some(next) = line.strip_prefix(";; file: ") {
            if !text.is_empty() {
                scratch.write(&name, &text);
            }
            name = next.to_owned();
            text.clear();
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    scratch.write(&name, &text);
    scratch
}

/// What semac says about a program: checked, built or run, as the code asks for.
fn messages(code: &str, files: &Path) -> Outcome {
    let mut command = semac_in(files);
    match code {
        "E0003" | "W0410" => command
            .args(["build", ".", "-o", "app", "--runtime"])
            .arg(runtime()),
        "E0503" => command
            .args(["build", "main.sema", "--mcp", "--runtime"])
            .arg(runtime()),
        code if code.starts_with("E09") => command.args(["run", "main.sema"]),
        _ => command.args(["check", "main.sema"]),
    };
    outcome(&mut command, b"")
}

/// Codes whose examples only describe what gets them: the machine, the size, a defect, a policy.
const DESCRIBED: &[&str] = &[
    "E0001", "E0002", "E0119", "E0120", "E0402", "E0501", "E0909", "E0910", "E0911", "E0914",
];

#[test]
fn every_code_is_explained() {
    let explained: BTreeSet<String> = sections().into_iter().map(|one| one.code).collect();
    assert_eq!(codes_in_sources(), explained);
    for code in &explained {
        let text = outcome(semac().args(["explain", code]), b"")
            .succeeded()
            .stdout;
        assert!(text.starts_with(&format!("{code}: ")), "{text}");
        assert!(
            text.contains("\nBad:\n") && text.contains("\nGood:\n"),
            "{text}"
        );
    }
    let list = outcome(semac().arg("explain"), b"").succeeded().stdout;
    assert_eq!(list.lines().count(), explained.len());
    outcome(semac().args(["explain", "w0201"]), b"").succeeded();
    outcome(semac().args(["explain", "W0999"]), b"").failed_with(1, "there is no code 'W0999'");
}

#[test]
fn examples_are_what_they_say() {
    let mut wrong = Vec::new();
    for Section { code, bad, good } in sections() {
        for (text, expected) in [(bad, true), (good, false)] {
            if DESCRIBED.contains(&&*code) && expected {
                continue;
            }
            let files = files_of(&text);
            if code == "E0003" {
                files.write("main.sema", "(println 1)");
            } else if code == "W0410" {
                files.write("sema.toml", "[build]\nentry = \"main.sema\"\n");
            }
            let got = messages(&code, files.path());
            if got.stderr.contains(&code) != expected || !expected && got.status != 0 {
                wrong.push(format!("{code}, expected {expected}: {text}{got:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
