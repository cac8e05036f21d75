//! The platforms of a build, and the runtimes for them.

use sema_machine::platform::tier::Tier;
use semac_core::link::requirements::Requirements;
use serde::Serialize;

use super::super::failure::Failure;
use super::super::size_text;
use super::report::uses;
use crate::bundle::{Grants, RuntimeError, RuntimeImage, TARGETS, Target};

/// The platforms that `--target` names; `None` stands for that of the given runtime or of semac.
///
/// `all` leaves out those that `skip` says.
pub(super) fn chosen(
    names: &[String],
    skip: impl Fn(&'static Target) -> bool,
) -> Result<Vec<Option<&'static Target>>, RuntimeError> {
    if names.is_empty() {
        return Ok(vec![None]);
    }
    let mut chosen = Vec::new();
    for name in names {
        if name == "all" {
            let with_runtimes = TARGETS
                .iter()
                .filter(|target| !RuntimeImage::available(target).is_empty() && !skip(target));
            chosen.extend(with_runtimes);
        } else {
            let unknown = || RuntimeError::UnknownTarget(name.clone());
            chosen.push(Target::named(name).ok_or_else(unknown)?);
        }
    }
    let mut targets: Vec<Option<&'static Target>> = Vec::new();
    for target in chosen {
        if !targets.contains(&Some(target)) {
            targets.push(Some(target));
        }
    }
    Ok(targets)
}

/// The smallest tier in which something can be done with each capability that is granted beyond what the program reaches:
/// plugins and evaluated code are to use it.
fn tier_of_grants(requirements: &Requirements, grants: &Grants<'_>) -> Tier {
    let reached = requirements.capabilities();
    let beyond = grants.named().filter(|one| !reached.contains(one));
    let tiers = beyond.filter_map(|capability| {
        let families = sema_natives::DECLARATIONS.iter();
        let builtins = families.flat_map(|family| family.iter());
        let using = builtins.filter(|builtin| builtin.capabilities.contains(&capability));
        using.map(|builtin| builtin.tier).min()
    });
    tiers.max().unwrap_or(Tier::Core)
}

/// The tier of the runtime: the asked one, or the smallest that has everything.
pub(super) fn chosen_tier(
    requirements: &Requirements,
    grants: &Grants<'_>,
    asked: Option<Tier>,
) -> Result<Tier, Failure> {
    let needed = requirements.tier();
    match asked {
        Some(asked) if asked < needed => Err(Failure::Other {
            message: format!(
                "the program needs a runtime of tier {}, not {}:\n{}",
                needed.name(),
                asked.name(),
                uses(&requirements.beyond(asked))
            ),
            hint: format!("leave --tier out, or give --tier {}", needed.name()),
        }),
        Some(asked) => Ok(asked),
        None => Ok(needed.max(tier_of_grants(requirements, grants))),
    }
}

/// The error that no runtime has what the program needs, with the builtins that ask for it.
pub(super) fn lacking(error: RuntimeError, requirements: &Requirements) -> Failure {
    let has = match error {
        RuntimeError::LowerTier { has, .. } => has,
        RuntimeError::NoTier { .. } => Tier::Core,
        other => return other.into(),
    };
    let beyond = requirements.beyond(has);
    Failure::Other {
        hint: error.hint().to_owned(),
        // Nothing of the program asks for a tier that the command line or the project file names.
        message: match beyond.is_empty() {
            true => error.to_string(),
            false => format!("{error}:\n{}", uses(&beyond)),
        },
    }
}

/// The list of platforms for people.
pub(super) fn list() -> String {
    let mut text = String::from("Targets:\n");
    let host_first = TARGETS
        .iter()
        .filter(|target| target.is_host())
        .chain(TARGETS.iter().filter(|target| !target.is_host()));
    for target in host_first {
        let host = if target.is_host() { "host, " } else { "" };
        let aliases = target.aliases.join(", ");
        text.push_str(&format!("  {}  (also: {host}{aliases})\n", target.triple));
        let available = RuntimeImage::available(target);
        if available.is_empty() {
            text.push_str("      no runtime here; `make runtimes TARGET=");
            text.push_str(&format!("{}` builds them\n", target.processor));
        }
        for (name, origin, bytes) in available {
            let place = match origin.file() {
                None => "in semac".to_owned(),
                Some(path) => path.display().to_string(),
            };
            text.push_str(&format!(
                "      {name:<8}{:>10}  {place}\n",
                size_text(bytes)
            ));
        }
    }
    text.push_str("\n--target all is all of them that have runtimes here. ");
    text.push_str("For other platforms give their runtime with --runtime PATH.\n");
    text
}

/// A platform, for scripts.
#[derive(Serialize)]
pub(super) struct TargetPart {
    target: &'static str,
    aliases: &'static [&'static str],
    is_host: bool,
    runtimes: Vec<RuntimePart>,
}

#[derive(Serialize)]
struct RuntimePart {
    tier: &'static str,
    /// Null for the one in semac.
    path: Option<String>,
    bytes: u64,
}

/// The platforms with their runtimes.
pub(super) fn parts() -> Vec<TargetPart> {
    let part = |target: &'static Target| TargetPart {
        target: target.triple,
        aliases: target.aliases,
        is_host: target.is_host(),
        runtimes: RuntimeImage::available(target)
            .into_iter()
            .map(|(tier, origin, bytes)| RuntimePart {
                tier,
                path: origin.file().map(|path| path.display().to_string()),
                bytes,
            })
            .collect(),
    };
    TARGETS.iter().map(part).collect()
}
