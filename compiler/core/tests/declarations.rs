//! What the library's functions declare fits what they are.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sema_natives::NATIVES;
use semac_core::front::lower::internal::INTERNALS;
use semac_core::ir::Builtin;
use semac_core::ir::builtins::CONSTANT_NAMES;
use semac_core::ir::declarations;
use semac_core::ir::library::{self, ENTRIES};

#[test]
fn every_public_function_of_the_library_is_declared_as_it_is_defined() {
    let mut declared: HashMap<&str, _> = HashMap::new();
    let mut problems = Vec::new();
    for declaration in library::DECLARATIONS {
        if declared.insert(declaration.name, declaration).is_some() {
            problems.push(format!("`{}` is declared twice", declaration.name));
        }
        if declaration.text().is_empty() {
            problems.push(format!("`{}` has no text", declaration.name));
        }
    }
    for (name, arity, alias_of) in ENTRIES {
        match (alias_of, declared.get(alias_of.unwrap_or(name))) {
            (None, None) if name.starts_with('%') => {}
            (_, None) => problems.push(format!("`{name}` is not declared")),
            (Some(_), Some(declaration)) if declaration.aliases.contains(name) => {}
            (Some(of), Some(_)) => problems.push(format!("`{of}` does not declare `{name}`")),
            (None, Some(declaration)) if declaration.arity() != *arity => problems.push(format!(
                "`{name}` takes {arity:?}, and declares {:?}",
                declaration.arity()
            )),
            (None, Some(_)) => {}
        }
    }
    for name in declared.keys() {
        if !ENTRIES.iter().any(|(entry, ..)| entry == name) {
            problems.push(format!("`{name}` is declared and not defined"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_builtin_is_declared_once() {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for declaration in declarations::all() {
        for name in std::iter::once(&declaration.name).chain(declaration.aliases) {
            *seen.entry(name).or_default() += 1;
        }
    }
    seen.retain(|_, count| *count > 1);
    assert!(seen.is_empty(), "{seen:?}");
    assert!(declarations::all().count() > 500);
}

#[test]
fn builtins_are_found_by_name_and_their_facts_by_number() {
    for native in NATIVES.all() {
        let builtin = Builtin::find(native.name).unwrap();
        let canonical = native.alias_of.unwrap_or(native.name);
        assert_eq!(builtin.facts().name, canonical, "{}", native.name);
        assert_eq!(builtin.name(), canonical);
        assert!(builtin.is_native() && builtin.function().is_none());
    }
    for function in library::FUNCTIONS {
        let builtin = Builtin::find(function.name).unwrap();
        assert_eq!(builtin.name(), function.name);
        let found = builtin.function().map(|found| found.start);
        assert_eq!(found, Some(function.start), "{}", function.name);
        assert!(!builtin.is_native() && builtin.constant().is_none());
    }
    for declaration in library::DECLARATIONS {
        let builtin = Builtin::find(declaration.name).unwrap();
        assert_eq!(builtin.facts().name, declaration.name);
    }
    for name in CONSTANT_NAMES {
        let builtin = Builtin::find(name).unwrap();
        assert_eq!((builtin.name(), builtin.facts().name), (*name, ""));
        assert!(builtin.constant().is_some() && !builtin.is_native());
    }
    assert_eq!(Builtin::find("%no-such-builtin"), None);
}

/// What expansions and lowering may name exists.
#[test]
fn internal_builtins_exist() {
    let missing = INTERNALS.iter().map(|internal| internal.name);
    let missing = missing.filter(|name| Builtin::find(name).is_none());
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn facts_that_name_builtins_name_some() {
    for declaration in declarations::all() {
        let in_place = declaration.in_place.map(|(name, _)| name);
        for other in in_place.into_iter().chain(declaration.counts) {
            let exists = NATIVES.find(other).is_some();
            assert!(exists, "`{}` names `{other}`", declaration.name);
        }
    }
}

/// Where builtins may be named: where the language is read, written and explained, and where lists stand: of the
/// calls that passes make, of what a build must not do by itself, of the readers that need no compiler, of what the command line
/// adds to a program, of what asks for prices, of the forms that inner builtins are part of.
const NAMING: [&str; 7] = [
    "front",
    "ir/called.rs",
    "live/effects.rs",
    "link/data_reader.rs",
    "link/prices.rs",
    "link/service.rs",
    "link/shown.rs",
];
/// Texts that are builtins' names besides meaning something else, and where they do.
const OTHERWISE: [(&str, &str); 3] = [
    ("phases.rs", "read"),
    ("live/dynamic/requests.rs", "type"),
    ("live/dynamic/requests.rs", "error"),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The texts without spaces between quotes in code, with their lines (from 1).
fn literals(text: &str) -> Vec<(usize, &str)> {
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = code.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    let literals = lines.flat_map(|(index, line)| {
        let odd = line.split('"').skip(1).step_by(2);
        odd.map(move |literal| (index + 1, literal))
    });
    literals.collect()
}

/// Passes and back ends ask what is declared; they know no builtin by its name.
#[test]
fn the_optimiser_names_no_builtin() {
    let mut names: HashSet<&str> = CONSTANT_NAMES.iter().copied().collect();
    names.extend(NATIVES.all().iter().map(|native| native.name));
    for declaration in declarations::all() {
        names.insert(declaration.name);
        names.extend(declaration.aliases);
    }
    names.extend(ENTRIES.iter().map(|(name, ..)| *name));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let (mut wrong, mut permitted) = (String::new(), HashSet::new());
    for file in &files {
        let inside = file.strip_prefix(&root).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        for (line, literal) in literals(&text) {
            if !names.contains(literal) {
                continue;
            }
            let shown = inside.to_str().unwrap();
            if NAMING.iter().any(|place| inside.starts_with(place)) {
                permitted.insert(literal.to_owned());
            } else if !OTHERWISE.contains(&(shown, literal)) {
                writeln!(wrong, "{shown}:{line}: {literal}").unwrap();
            }
        }
    }
    assert!(
        permitted.len() > 100,
        "only {} names were found",
        permitted.len()
    );
    assert!(wrong.is_empty(), "builtins known by name:\n{wrong}");
}
