//! Programs whose behaviour must not depend on the level of optimisation.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn programs(directory: &Path) -> Vec<PathBuf> {
    let mut programs: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sema"))
        .collect();
    programs.sort();
    assert!(!programs.is_empty());
    programs
}

/// Output, errors and status of a program compiled at a level.
fn outcome(program: &Path, level: &str) -> String {
    let input = match std::fs::File::open(program.with_extension("in")) {
        Ok(file) => Stdio::from(file),
        Err(_) => Stdio::null(),
    };
    let done = Command::new(env!("CARGO_BIN_EXE_semac"))
        .args(["run", level])
        .arg(program)
        .stdin(input)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}{}{}",
        text(&done.stdout),
        text(&done.stderr),
        done.status
    )
}

/// Traces too: they show the frames of the source, whatever was inlined.
#[test]
fn programs_behave_the_same_at_every_level() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/programs");
    let mut wrong = Vec::new();
    for program in programs(&directory) {
        let plain = outcome(&program, "-O0");
        for level in ["-O1", "-O2"] {
            let found = outcome(&program, level);
            if found != plain {
                let lines = plain.lines().zip(found.lines());
                let first = lines.clone().find(|(left, right)| left != right);
                wrong.push(format!("{} {level}: {first:?}", program.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs a program text at a level and gives its output.
fn output(text: &str, level: &str) -> String {
    let name = format!("semac-optimize-{}{level}.sema", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    let found = outcome(&path, level);
    std::fs::remove_file(&path).unwrap();
    found
}

/// The parts for the numbers up to `count`, one after the other.
fn repeated(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// Nothing that people or macros write runs out of registers.
#[test]
fn there_is_no_limit_on_variables_or_nesting() {
    let call = "(define (g a b) (if (> a 9999) (g b a) (+ a b)))";
    let nested_calls = format!(
        "{call}(define (f x) {}x{})(println (f 1))",
        "(g 1 ".repeat(240),
        ")".repeat(240)
    );
    let nested_lists = format!(
        "(define (f x) {}x{})(println (length (f 1)))",
        "(list 1 2 (str x) ".repeat(240),
        ")".repeat(240)
    );
    let sums = format!(
        "{call}(define (f x) {}x{})(println (f 1))",
        "(* (g 0 1) (- (+ 2 (g 0 x)) ".repeat(120),
        "))".repeat(120)
    );
    let bindings = format!(
        "{call}(define (f x) (let ({}) (set! v500 7) (+ {})))(println (f 1))",
        repeated(600, |n| format!("(v{n} (g x {n}))")),
        repeated(600, |n| format!("v{n} "))
    );
    let closures = format!(
        "(define (f x) {} (list {}))(println (map (fn (g) (g)) (f 1)))",
        repeated(400, |n| format!(
            "(define v{n} (list x {n}))(define (g{n}) (+ {n} (length v{n}) (if (> x 5) (g{}) 0)))",
            (n + 1) % 400
        )),
        repeated(400, |n| format!("g{n} "))
    );
    let loops = format!(
        "(define (f x) {}x{})(println (f 1))",
        repeated(40, |n| format!(
            "(let loop{n} ((a{n} x) (b{n} 0)) (if (= b{n} 1) (+ a{n} b{n}) (loop{n} "
        )),
        repeated(40, |n| format!(" (+ b{} 1))))", 39 - n))
    );
    let long = format!(
        "(println (length (list {})))",
        repeated(20_000, |n| format!("{n} "))
    );
    let programs = [
        (nested_calls, Some("241")),
        (nested_lists, Some("4")),
        (sums, None),
        (bindings, None),
        (closures, None),
        (loops, Some("41")),
        (long, Some("20000")),
    ];
    for (program, expected) in programs {
        let plain = output(&program, "-O0");
        assert!(plain.ends_with("exit status: 0"), "{plain}");
        assert_eq!(output(&program, "-O2"), plain);
        if let Some(expected) = expected {
            assert_eq!(plain.lines().next(), Some(expected));
        }
    }
}

#[test]
fn phases_have_names() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let done = Command::new(env!("CARGO_BIN_EXE_semac"))
        .args(["run", "--time-passes"])
        .arg(fixtures.join("programs/macros.sema"))
        .output()
        .unwrap();
    let table = String::from_utf8(done.stderr).unwrap();
    let names: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let expected = [
        "start",
        "read",
        "lower",
        "expand",
        "link",
        "letrec",
        "simplify",
        "inline",
        "unused",
        "specialise",
        "lift",
        "generate",
        "total",
    ];
    for name in expected {
        assert!(names.contains(&name), "no {name} in\n{table}");
    }
    assert!(table.contains("100.0 %"), "{table}");
}
