//! What a program may do: what its code needs, more or less of it by `--allow` and `--deny`.

use std::path::Path;

use sema_machine::host::native::Capability;
use sema_machine::host::policy::Policy;
use semac_core::link::requirements::{Requirement, Requirements};

/// What `--allow` takes: the code of a warning, or capabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// The code of a warning that stays one.
    Code(String),
    /// Capabilities.
    Capability(Grant),
}

/// Capabilities and where they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The capabilities, all at once for `all`.
    pub capabilities: Vec<Capability>,
    /// Whether it said `all`: then what names a capability is closer.
    pub is_all: bool,
    /// Paths, hosts, variables or programs; empty: without limit.
    pub scopes: Vec<String>,
}

impl Allowance {
    /// Reads the value of `--allow`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Allowance, String> {
        let digits = text.strip_prefix('W').unwrap_or_default();
        if digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Ok(Allowance::Code(text.to_owned()));
        }
        if text.starts_with(|first: char| first.is_ascii_uppercase()) {
            return Err("codes that can be allowed begin with W, W0201 for example".to_owned());
        }
        Grant::parse(text).map(Allowance::Capability)
    }
}

impl Grant {
    /// Reads `CAPABILITY` or `CAPABILITY=SCOPE,…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Grant, String> {
        let (name, scopes) = match text.split_once('=') {
            Some((name, scopes)) => (name, scopes.split(',').map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        let capabilities = match name {
            "all" => Capability::ALL.to_vec(),
            "fs" => vec![Capability::FsRead, Capability::FsWrite],
            "env" => vec![Capability::EnvRead, Capability::EnvWrite],
            name => match Capability::named(name) {
                Some(capability) => vec![capability],
                None => return Err(unknown(name)),
            },
        };
        let grant = Grant {
            capabilities,
            is_all: name == "all",
            scopes,
        };
        if grant.is_all && !grant.scopes.is_empty() {
            return Err("`all` has no scope".to_owned());
        }
        for line in grant.rules("allow") {
            if line.contains(['\n', '\r']) || Policy::parse(&line, Path::new("/")).is_err() {
                return Err(format!("{} of that form", scope_of(name)));
            }
        }
        Ok(grant)
    }

    fn rules(&self, verb: &'static str) -> impl Iterator<Item = String> + '_ {
        self.capabilities.iter().flat_map(move |capability| {
            let name = capability.name();
            let scoped = self.scopes.iter();
            scoped.map(move |scope| format!("{verb} {name} {scope}"))
        })
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = Capability::ALL.iter().map(|one| one.name()).collect();
    format!(
        "there is no capability '{name}'; there are {}, fs and env for two each, and all",
        names.join(", ")
    )
}

fn scope_of(name: &str) -> String {
    let what = match name {
        "fs" | "fs-read" | "fs-write" => "paths",
        "network" | "llm" => "hosts, perhaps with *. in front and a port behind,",
        "env" | "env-read" | "env-write" => "names of variables, perhaps with * at the end,",
        "shell" | "process" => "programs",
        _ => return format!("{name} has no scopes"),
    };
    format!("the scopes of {name} are {what} and none is empty: nothing")
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grants<'g> {
    /// Capabilities that were allowed.
    pub allowed: &'g [Allowance],
    /// Capabilities that were denied.
    pub denied: &'g [Grant],
}

/// What a program is left with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Its capabilities.
    pub capabilities: Vec<Capability>,
    /// The rules about them, as [`Policy::parse`] reads them.
    pub rules: String,
}

impl Grants<'_> {
    fn allowed(&self) -> impl Iterator<Item = &Grant> {
        self.allowed.iter().filter_map(|one| match one {
            Allowance::Capability(grant) => Some(grant),
            Allowance::Code(_) => None,
        })
    }

    /// Whether a capability is denied as a whole. What names it is closer than `all`.
    #[must_use]
    pub fn denies(&self, capability: Capability) -> bool {
        let names = |grant: &Grant| !grant.is_all && grant.capabilities.contains(&capability);
        let whole = || self.denied.iter().filter(|grant| grant.scopes.is_empty());
        whole().any(names) || whole().any(|grant| grant.is_all) && !self.allowed().any(names)
    }

    /// The first builtin of a program that needs a denied capability.
    #[must_use]
    pub fn violated<'r>(
        &self,
        requirements: &'r Requirements,
    ) -> Option<(&'r Requirement, Capability)> {
        requirements.builtins.iter().find_map(|requirement| {
            let mut needed = requirement.capabilities().into_iter();
            Some((requirement, needed.find(|one| self.denies(*one))?))
        })
    }

    /// What a program is left with that needs this.
    #[must_use]
    pub fn granted(&self, requirements: &Requirements) -> Granted {
        let mut capabilities = requirements.capabilities();
        capabilities.extend(self.allowed().flat_map(|grant| &grant.capabilities));
        capabilities.retain(|capability| !self.denies(*capability));
        capabilities.sort_unstable();
        capabilities.dedup();
        // A capability that is allowed without limit has none.
        let unlimited = |capability: &Capability| {
            self.allowed().any(|grant| {
                grant.scopes.is_empty() && !grant.is_all && grant.capabilities.contains(capability)
            })
        };
        let allowed = self.allowed().flat_map(|grant| {
            let mut limited = grant.clone();
            limited.capabilities.retain(|one| !unlimited(one));
            limited.rules("allow").collect::<Vec<_>>()
        });
        let denied = self.denied.iter().flat_map(|grant| grant.rules("deny"));
        let mut rules: Vec<String> = allowed.chain(denied).collect();
        rules.sort();
        rules.dedup();
        Granted {
            capabilities,
            rules: rules.join("\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Grant {
        Grant::parse(text).unwrap()
    }

    #[test]
    fn codes_and_capabilities_are_told_apart() {
        let code = Allowance::parse("W0201").unwrap();
        assert_eq!(code, Allowance::Code("W0201".to_owned()));
        assert!(matches!(
            Allowance::parse("fs-read=data,conf"),
            Ok(Allowance::Capability(Grant { scopes, .. })) if scopes == ["data", "conf"]
        ));
        for text in [
            "E0201",
            "W02",
            "fs-reed",
            "fs-read=",
            "fs-read=a,,b",
            "all=x",
            "serial=x",
            "network=a:b:c:d",
            "network=host:port",
            "fs-read=a\nallow network",
            "",
        ] {
            let refused = Allowance::parse(text);
            assert_eq!(refused.is_err(), text != "network=a:b:c:d", "{text}");
        }
    }

    #[test]
    fn names_are_closer_than_all_and_denials_win() {
        let allowed = [
            Allowance::Capability(grant("fs-read=b,a")),
            Allowance::Capability(grant("env-read")),
            Allowance::Capability(grant("env=HOME")),
            Allowance::Capability(grant("process")),
        ];
        let denied = [grant("all"), grant("process"), grant("fs-read=a/secret")];
        let grants = Grants {
            allowed: &allowed,
            denied: &denied,
        };
        let granted = grants.granted(&Requirements::default());
        assert_eq!(
            granted.capabilities,
            [
                Capability::FsRead,
                Capability::EnvRead,
                Capability::EnvWrite
            ]
        );
        assert_eq!(
            granted.rules,
            "allow env-write HOME\nallow fs-read a\nallow fs-read b\ndeny fs-read a/secret"
        );
        assert!(grants.denies(Capability::Network) && !grants.denies(Capability::EnvRead));
    }
}
