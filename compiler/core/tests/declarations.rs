//! What the library's functions declare fits what they are.

use std::collections::HashMap;

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
