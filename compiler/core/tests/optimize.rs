//! The middle end: golden listings of the core language before and after its passes.
//!
//! Each program in `tests/optimize` names its pass in its first line; the listing stands next to it.
//! `SEMAC_BLESS=1 cargo test -p semac-core --test optimize` writes the listings anew.

use std::path::{Path, PathBuf};

use semac_core::front::datum::{Interner, new_interner};
use semac_core::front::expand::host::NoHost;
use semac_core::front::lower::lower_program;
use semac_core::front::lower::text::unit_text;
use semac_core::front::reader::read_all;
use semac_core::front::source::SourceMap;
use semac_core::ir::{ExprKind, Unit};
use semac_core::link::library::Library;
use semac_core::middle::evaluate::Evaluator;
use semac_core::middle::{
    self, Globals, check, frames, inline, letrec, lift, matches, records, simplify, specialise,
};
use semac_core::phases::Unobserved;

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
    let mut interner = new_interner();
    let library = Library::new(&mut sources);
    let builtins = library.builtins();
    let file = sources.add("case.sema", source.to_owned());
    let data = read_all(&mut interner, file, source).unwrap();
    let mut host = NoHost::default();
    let lowered = lower_program("case", &data, &mut interner, builtins, &mut host).unwrap();
    let mut unit = lowered.unit;
    let linked = library.link(&mut unit, &mut interner, &|_| false).unwrap();
    let mut globals = Globals {
        library: linked.clone(),
        extensible: true,
        ..Globals::default()
    };
    let before = forms(&unit, &globals, &interner);
    records::run(&mut unit, &mut globals);
    globals.known.extend(middle::known::functions(&unit));
    globals.known.extend(linked);
    let evaluator = Evaluator::new(&interner);
    if pass == "all" {
        frames::mark(&mut unit);
        middle::run(&mut unit, &mut globals, 2, &interner, &Unobserved);
    } else {
        frames::mark(&mut unit);
        letrec::run(&mut unit);
        if pass == "matches" {
            matches::run(&mut unit);
        } else if pass != "letrec" {
            simplify::run(&mut unit, &globals.known, Some(&evaluator));
        }
        match pass {
            "letrec" | "simplify" | "matches" => {}
            "inline" => {
                inline::run(&mut unit, &globals);
                simplify::run(&mut unit, &globals.known, Some(&evaluator));
            }
            "lift" => lift::run(&mut unit, &mut globals),
            "records" => {}
            "specialise" => {
                specialise::run(&mut unit, &mut globals);
                simplify::run(&mut unit, &globals.known, Some(&evaluator));
            }
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
    let update = std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1");
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
