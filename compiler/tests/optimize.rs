//! The middle end: golden listings of the core language before and after its passes, and programs whose
//! behaviour must not depend on the level of optimisation.
//!
//! Each program in `tests/optimize` names its pass in its first line; the listing stands next to it.
//! `UPDATE_GOLDEN=1 cargo test -p semac --test optimize` writes the listings anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semac::builtins::Builtins;
use semac::codegen::CONSTANT_NAMES;
use semac::datum::Interner;
use semac::expand::host::NoHost;
use semac::ir::{ExprKind, Unit};
use semac::library::Library;
use semac::lower::lower_program;
use semac::lower::text::unit_text;
use semac::optimize::{self, Globals, check, frames, inline, letrec, lift, simplify};
use semac::reader::read_all;
use semac::source::SourceMap;

/// The code of a unit without what comes from the library.
fn forms(unit: &Unit, globals: &Globals, interner: &Interner) -> String {
    let mut shown = unit.clone();
    shown.body.retain(|form| match &form.kind {
        ExprKind::DefineGlobal(global, _) => !globals.library.contains(global),
        _ => true,
    });
    unit_text(&shown, interner)
        .lines()
        .filter(|line| !line.starts_with("global "))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn listing(source: &str) -> String {
    let pass = source
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(";; pass: "))
        .expect("the first line names the pass");
    let mut sources = SourceMap::new();
    let mut interner = Interner::default();
    let library = Library::load(&mut interner, &mut sources).unwrap();
    let builtins = Builtins::with_library(&library.entries, CONSTANT_NAMES);
    let file = sources.add("case.sema", source);
    let data = read_all(&mut interner, file, source).unwrap();
    let mut host = NoHost::default();
    let lowered = lower_program("case", &data, &mut interner, &builtins, &mut host).unwrap();
    let mut unit = lowered.unit;
    let linked = library.link(&mut unit, &|_| false);
    let mut globals = Globals {
        known: optimize::known::functions(&unit),
        library: linked.clone(),
        extensible: true,
        ..Globals::default()
    };
    globals.known.extend(linked);
    let before = forms(&unit, &globals, &interner);
    if pass == "all" {
        optimize::run(&mut unit, &mut globals, 2);
    } else {
        frames::mark(&mut unit);
        letrec::run(&mut unit);
        if pass != "letrec" {
            simplify::run(&mut unit, &globals.known);
        }
        match pass {
            "letrec" | "simplify" => {}
            "inline" => {
                inline::run(&mut unit, &globals);
                simplify::run(&mut unit, &globals.known);
            }
            "lift" => lift::run(&mut unit, &mut globals),
            _ => panic!("no pass {pass}"),
        }
    }
    assert_eq!(check::bound_twice(&unit), None);
    let after = forms(&unit, &globals, &interner);
    format!("before\n\n{before}\nafter\n\n{after}")
}

#[test]
fn passes_do_what_the_listings_show() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/optimize");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for program in programs(&directory) {
        let found = listing(&std::fs::read_to_string(&program).unwrap());
        let golden = program.with_extension("expected");
        if update {
            std::fs::write(&golden, &found).unwrap();
        } else if std::fs::read_to_string(&golden).ok().as_ref() != Some(&found) {
            wrong.push(format!("{}\n{found}", program.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

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
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/programs");
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
