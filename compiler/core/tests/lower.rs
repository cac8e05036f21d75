//! Golden listings of the core language: one file per family of forms in `tests/lower`.
//!
//! A case is a program after `;; `, up to `---`, and the listing after it. `SEMAC_BLESS=1 cargo test -p semac
//! --test lower` writes the listings anew.

use std::fmt::Write;
use std::path::Path;

use sema_machine::host::native::{at_least, between, exactly};
use semac_core::front::datum::new_interner;
use semac_core::front::diagnostic::Severity;
use semac_core::front::expand::host::NoHost;
use semac_core::front::lower::lower_program;
use semac_core::front::lower::text::unit_text;
use semac_core::front::reader::read_all;
use semac_core::front::source::SourceMap;
use semac_core::ir::builtins::{BuiltinKind, Builtins};

fn builtins() -> Builtins {
    let mut builtins = Builtins::new();
    for name in ["+", "*", "list", "str", "print", "println"] {
        builtins.add(name, Some(at_least(0)), BuiltinKind::Native);
    }
    for name in ["-", "error"] {
        builtins.add(name, Some(at_least(1)), BuiltinKind::Native);
    }
    for name in ["=", "<", ">", ">=", "<="] {
        builtins.add(name, Some(at_least(2)), BuiltinKind::Native);
    }
    for name in ["car", "not", "nil?", "read", "stream/close"] {
        builtins.add(name, Some(exactly(1)), BuiltinKind::Native);
    }
    builtins.add("first", Some(exactly(1)), BuiltinKind::Native);
    builtins.add_alias("head", "first");
    builtins.add("cons", Some(exactly(2)), BuiltinKind::Native);
    builtins.add("equal?", Some(exactly(2)), BuiltinKind::Native);
    builtins.add("range", Some(between(1, 3)), BuiltinKind::Library);
    builtins.add("map", Some(at_least(2)), BuiltinKind::Library);
    builtins.add("pi", None, BuiltinKind::Value);
    builtins
}

/// The listing of a program, or its problems.
fn listing(source: &str) -> String {
    let mut sources = SourceMap::new();
    let mut interner = new_interner();
    let file = sources.add("case.sema", source.to_owned());
    let forms = match read_all(&mut interner, file, source) {
        Ok(forms) => forms,
        Err(errors) => {
            let messages: Vec<_> = errors.iter().map(|error| error.kind.to_string()).collect();
            return format!("reader: {}\n", messages.join("; "));
        }
    };
    let builtins = builtins();
    let mut host = NoHost::default();
    let mut text = String::new();
    let problems = match lower_program("case", &forms, &mut interner, &builtins, &mut host) {
        Ok(lowered) => {
            text = unit_text(&lowered.unit, &interner);
            lowered.warnings
        }
        Err(problems) => problems,
    };
    for problem in problems {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = sources.location(problem.span()).unwrap();
        let hint = problem
            .hint
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        writeln!(
            text,
            "{severity} {} {}:{}: {}{hint}",
            problem.code, place.line, place.column, problem.message
        )
        .unwrap();
    }
    text
}

#[test]
fn golden_listings() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lower");
    let update = std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1");
    let mut failures = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let old = std::fs::read_to_string(&path).unwrap();
        let mut new = String::new();
        for case in old.split("\n=====\n") {
            let source = case.split("\n-----\n").next().unwrap().trim();
            if source.is_empty() {
                continue;
            }
            if !new.is_empty() {
                new.push_str("=====\n");
            }
            write!(new, "{source}\n-----\n{}", listing(source)).unwrap();
        }
        if update {
            std::fs::write(&path, &new).unwrap();
        } else if new != old {
            failures.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    assert!(
        failures.is_empty(),
        "changed: {}; set SEMAC_BLESS=1 and look at the difference",
        failures.join(", ")
    );
}
