//! `--allow` and `--deny`: what a program is left with, and what it must not reach.

use std::path::PathBuf;

use sema_machine::host::native::Capability;
use sema_machine::host::policy::Policy;
use semac_core::driver::Program;
use semac_core::link::reach::{Goal, Reach, Step};
use semac_core::link::requirements::Requirements;
use semac_core::link::shown::public_way;

use super::arguments::Lints;
use super::failure::Failure;
use crate::bundle::{Allowance, Grant, Granted, Grants};
use crate::project;

impl Lints {
    /// The codes of warnings that are allowed.
    pub fn codes(&self) -> Vec<String> {
        let codes = self.allow.iter().filter_map(|one| match one {
            Allowance::Code(code) => Some(code.clone()),
            Allowance::Capability(_) => None,
        });
        codes.collect()
    }

    /// What is said about capabilities.
    pub fn grants(&self) -> Grants<'_> {
        Grants {
            allowed: &self.allow,
            denied: &self.deny,
            limit: None,
        }
    }

    /// Refuses capabilities where nothing runs or is built that could have them.
    pub(super) fn about_codes(&self) -> Result<(), Failure> {
        let is_code = |one: &Allowance| matches!(one, Allowance::Code(_));
        if self.deny.is_empty() && self.allow.iter().all(is_code) {
            return Ok(());
        }
        Err(Failure::Other {
            message: "capabilities belong to programs, and this command makes none".to_owned(),
            hint: "give them to `semac build`, `semac run` or `semac check`".to_owned(),
        })
    }
}

/// What a program is left with.
///
/// # Errors
/// It reaches builtins that need denied capabilities: the calls that lead there.
pub(super) fn granted(
    program: &Program,
    requirements: &Requirements,
    grants: &Grants<'_>,
) -> Result<Granted, Failure> {
    let violations = grants.violations(requirements);
    if violations.is_empty() {
        return Ok(grants.granted(requirements));
    }
    let reach = Reach::new(&program.modules);
    let reached = violations.iter().map(|one| {
        let name = one.builtin.builtin;
        let path = reach.path_to(Goal::Builtins(&[name]));
        let (steps, name) = public_way(path.unwrap_or_default(), name);
        let way = match steps.is_empty() {
            true => String::new(),
            false => format!("\n{}", way(&steps, &name)),
        };
        let capability = one.capability.name();
        let why = match one.is_denied {
            true => "that is denied".to_owned(),
            false => format!("{} does not grant it", project::NAME),
        };
        format!(
            "the program reaches {name}, which needs the capability {capability}, and {why}{way}"
        )
    });
    let message = reached.collect::<Vec<_>>().join("\n");
    let allow: Vec<&str> = violations.iter().map(|one| one.capability.name()).collect();
    let allow = allow.join(" --allow ");
    let hint = match violations.iter().all(|one| one.is_denied) {
        true => format!("leave out the call, or allow it: --allow {allow}"),
        false => format!(
            "leave out the call, or add the capability to `capabilities` in {}, or allow it: --allow {allow}",
            project::NAME
        ),
    };
    Err(Failure::Other { message, hint })
}

/// What a program that runs in this process is left with, and within which rules.
///
/// # Errors
/// See [`granted`]; and scopes that cannot be read.
pub(super) fn border(
    program: &Program,
    lints: &Lints,
    limit: Option<&[Grant]>,
) -> Result<(Vec<Capability>, Policy), Failure> {
    let requirements = Requirements::of(&program.modules);
    let grants = Grants {
        limit,
        ..lints.grants()
    };
    let granted = granted(program, &requirements, &grants)?;
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let policy = Policy::parse(&granted.rules, &base).map_err(|error| Failure::Other {
        message: error.to_string(),
        hint: "see `semac run --help`".to_owned(),
    })?;
    Ok((granted.capabilities, policy))
}

/// The calls of a path, one a line, the last of which calls `end`.
pub(super) fn way(steps: &[Step], end: &str) -> String {
    let places: Vec<String> = steps.iter().map(place).collect();
    let width = places.iter().map(|place| place.chars().count()).max();
    let width = width.unwrap_or(0);
    let lines = steps.iter().zip(&places).enumerate();
    let lines = lines.map(|(index, (step, place))| {
        let caller = step.function.as_deref().unwrap_or("the program");
        let callee = match steps.get(index + 1) {
            Some(next) => next.function.as_deref().unwrap_or("a module"),
            None => end,
        };
        format!("  {place:width$}  {caller} uses {callee}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn place(step: &Step) -> String {
    match &step.place {
        Some((file, line, column)) => format!("{file}:{line}:{column}"),
        None if step.library => "(library)".to_owned(),
        None => "(unknown)".to_owned(),
    }
}
