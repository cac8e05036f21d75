//! What a platform has not: said before anything is written.

use sema_format::Module;
use semac_core::link::reach::{Goal, Reach, Step};
use semac_core::link::requirements::{Requirement, Requirements};
use semac_core::link::shown::{public_way, shown};

use super::super::arguments::Build;
use super::super::capabilities::way;
use super::super::failure::{Failure, note};
use crate::bundle::Target;

/// Whether `--target all` leaves a platform out, because the build asks for what is not done for it. It says so.
pub(super) fn is_left_out(target: &'static Target, arguments: &Build) -> bool {
    match check(&[Some(target)], arguments) {
        Ok(()) => false,
        Err(problem) => {
            let triple = target.triple;
            note(&format!("Left out {triple}: {problem}\n"));
            true
        }
    }
}

/// Refuses builds that a platform is not for.
pub(super) fn check(targets: &[Option<&'static Target>], arguments: &Build) -> Result<(), Failure> {
    let Some(target) = targets.iter().flatten().find(|target| target.is_wasm()) else {
        return Ok(());
    };
    if arguments.image.image.is_some() {
        return Err(Failure::Other {
            message: format!(
                "container images hold executables for Linux, and programs for {} are WebAssembly modules",
                target.triple
            ),
            hint: "leave --image out: hosts of WebAssembly (wasmtime, Spin, Node and others) take the .wasm file itself"
                .to_owned(),
        });
    }
    // A module can read no note of its own, and its host decides what it may do.
    let native_only = [
        (arguments.trust.is_some(), "--trust"),
        (arguments.sign.is_some(), "--sign"),
        (arguments.hardened, "--hardened"),
    ];
    if let Some((_, option)) = native_only.iter().find(|(given, _)| *given) {
        return Err(Failure::Other {
            message: format!(
                "{option} is for executables, and {} has none",
                target.triple
            ),
            hint: format!(
                "leave {option} out: the host of a WebAssembly module decides what it runs and what that may touch"
            ),
        });
    }
    if arguments.dynamic {
        return Err(Failure::Other {
            message: format!(
                "programs for {} cannot contain the compiler",
                target.triple
            ),
            hint: "leave --dynamic out; what `eval` and `load` take at run time has to be known when the program is built"
                .to_owned(),
        });
    }
    Ok(())
}

/// Refuses a program that can reach what a platform has not, with the ways that lead there.
pub(super) fn check_program(
    target: &Target,
    modules: &[Module],
    requirements: &Requirements,
) -> Result<(), Failure> {
    if !target.is_wasm() {
        return Ok(());
    }
    let lacking: Vec<&Requirement> = requirements
        .builtins
        .iter()
        .filter(|builtin| builtin.posix || builtin.tier > target.highest_tier())
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    // Natives that the library calls for one builtin are one problem.
    let reach = Reach::new(modules);
    let mut problems: Vec<String> = Vec::new();
    for builtin in lacking {
        let why = if builtin.tier > target.highest_tier() {
            "the network and what belongs to it"
        } else {
            "processes, signals, raw terminals, names of machines"
        };
        let mut steps = reach
            .path_to(Goal::Builtins(&[builtin.builtin]))
            .unwrap_or_default();
        // What the library calls in the end is called by the name of its function that the program calls.
        let own = steps.iter().rposition(|step| !step.library);
        let library = own.and_then(|own| steps.get(own + 1)?.function.clone());
        let name = library.as_deref().unwrap_or(builtin.builtin);
        steps.truncate(own.map_or(steps.len(), |own| own + 1));
        let problem = format!(
            "  {} ({why})\n{}",
            shown(name),
            way_text(&steps, name, builtin)
        );
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    Err(Failure::Other {
        message: format!(
            "the program can reach what {} has not:\n{}",
            target.triple,
            problems.join("\n")
        ),
        hint: "leave these calls out of what is built for this platform, or build for another one"
            .to_owned(),
    })
}

/// One step a line, from the program's own code to the builtin.
fn way_text(steps: &[Step], name: &str, builtin: &Requirement) -> String {
    if !steps.is_empty() {
        let (steps, name) = public_way(steps.to_vec(), name);
        return way(&steps, &name);
    }
    match &builtin.position {
        Some((file, line, column)) => format!("  at {file}:{line}:{column}"),
        None => "  through the library".to_owned(),
    }
}
