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
            return match crate::codes::exists(text) {
                true => Ok(Allowance::Code(text.to_owned())),
                false => Err(format!(
                    "there is no warning {text}; `semac explain` lists all codes"
                )),
            };
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
        if let Some(problem) = grant
            .scopes
            .iter()
            .find_map(|scope| never_fits(name, scope))
        {
            return Err(problem);
        }
        for line in grant.rules("allow") {
            if line.contains(['\n', '\r']) || Policy::parse(&line, Path::new("/")).is_err() {
                return Err(format!("{} of that form", scope_of(name)));
            }
        }
        Ok(grant)
    }

    /// Whether it names a capability, not only with all others.
    fn names(&self, capability: Capability) -> bool {
        !self.is_all && self.capabilities.contains(&capability)
    }

    fn rules(&self, verb: &'static str) -> impl Iterator<Item = String> + '_ {
        self.capabilities.iter().flat_map(move |capability| {
            let name = capability.name();
            let scoped = self.scopes.iter();
            scoped.map(move |scope| format!("{verb} {name} {scope}"))
        })
    }
}

/// Why nothing could ever be within a scope; a scope like that is a mistake, and silent about it.
fn never_fits(name: &str, scope: &str) -> Option<String> {
    let is_prefix = |text: &str| !text.trim_end_matches('*').contains('*') && !text.ends_with("**");
    match name {
        "fs" | "fs-read" | "fs-write" if scope.contains(['*', '?']) => Some(format!(
            "'{scope}' is a pattern, and the scopes of {name} are paths: a directory stands for all below it"
        )),
        "fs" | "fs-read" | "fs-write" if scope == "~" || scope.starts_with("~/") => Some(format!(
            "'{scope}' would be a file that is called ~: write the home directory out, or let the shell do it ($HOME)"
        )),
        "env" | "env-read" | "env-write" if scope.contains('=') || !is_prefix(scope) => {
            Some(format!(
                "no variable fits '{scope}': the scopes of {name} are names, perhaps with * at the end"
            ))
        }
        "network" | "llm" if !is_host(scope) => Some(format!(
            "no host fits '{scope}': the scopes of {name} are `host`, `*.host` and `host:port`"
        )),
        "network" | "llm" if !scope.is_ascii() => Some(format!(
            "no host fits '{scope}': addresses have names in ASCII, of other letters those that begin with xn--"
        )),
        "process" | "shell" if !is_prefix(scope) => Some(format!(
            "no program fits '{scope}': the scopes of {name} are names or paths, perhaps with * at the end"
        )),
        _ => None,
    }
}

/// Whether a text can be a host, perhaps with `*.` in front and a port behind.
fn is_host(scope: &str) -> bool {
    let host = scope.strip_prefix("*.").unwrap_or(scope);
    let is_letter = |letter: char| letter.is_alphanumeric() || ".-_:[]%".contains(letter);
    host.starts_with(|first: char| first.is_alphanumeric() || "_:[".contains(first))
        && host.chars().all(is_letter)
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
    /// All that the project file grants, if it says that. What is allowed goes beyond it.
    pub limit: Option<&'g [Grant]>,
}

/// That a program reaches what it may not use.
#[derive(Clone, Copy, Debug)]
pub struct Violation<'r> {
    /// A builtin that it reaches.
    pub builtin: &'r Requirement,
    /// The capability that the builtin needs.
    pub capability: Capability,
    /// Whether the capability was denied, or only not granted by the project file.
    pub is_denied: bool,
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
        let whole = || self.denied.iter().filter(|grant| grant.scopes.is_empty());
        whole().any(|grant| grant.names(capability))
            || whole().any(|grant| grant.is_all) && !self.allows(capability)
    }

    /// The capabilities that `--allow` names and nothing denies.
    pub fn named(&self) -> impl Iterator<Item = Capability> {
        let all = Capability::ALL.into_iter();
        all.filter(|one| self.allows(*one) && !self.denies(*one))
    }

    /// Whether `--allow` names a capability.
    fn allows(&self, capability: Capability) -> bool {
        self.allowed().any(|grant| grant.names(capability))
    }

    /// Whether a capability goes beyond what the project file grants.
    fn exceeds(&self, capability: Capability) -> bool {
        let granted = |limit: &[Grant]| {
            limit
                .iter()
                .any(|one| one.capabilities.contains(&capability))
        };
        self.limit.is_some_and(|limit| !granted(limit)) && !self.goes_beyond(capability)
    }

    /// Whether the command line allows a capability, whatever the project file says.
    fn goes_beyond(&self, capability: Capability) -> bool {
        self.allows(capability) || self.allowed().any(|grant| grant.is_all)
    }

    /// What a program reaches and may not use: the first builtin for each capability.
    #[must_use]
    pub fn violations<'r>(&self, requirements: &'r Requirements) -> Vec<Violation<'r>> {
        let mut found: Vec<Violation<'r>> = Vec::new();
        for builtin in &requirements.builtins {
            for capability in builtin.capabilities() {
                let is_denied = self.denies(capability);
                let is_known = || found.iter().any(|one| one.capability == capability);
                if (is_denied || self.exceeds(capability)) && !is_known() {
                    found.push(Violation {
                        builtin,
                        capability,
                        is_denied,
                    });
                }
            }
        }
        found
    }

    /// What a program is left with that needs this.
    #[must_use]
    pub fn granted(&self, requirements: &Requirements) -> Granted {
        let mut capabilities = requirements.capabilities();
        capabilities.extend(self.allowed().flat_map(|grant| &grant.capabilities));
        capabilities.retain(|one| !self.denies(*one) && !self.exceeds(*one));
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
        // Where `--allow` says more of a capability, it counts alone.
        let whole_in_file = |capability: &Capability| {
            let mut limit = self.limit.unwrap_or_default().iter();
            limit.any(|one| one.scopes.is_empty() && one.capabilities.contains(capability))
        };
        let of_file = self.limit.unwrap_or_default().iter().flat_map(|grant| {
            let mut limited = grant.clone();
            let capabilities = &mut limited.capabilities;
            capabilities.retain(|one| !self.goes_beyond(*one) && !whole_in_file(one));
            limited.rules("allow").collect::<Vec<_>>()
        });
        let denied = self.denied.iter().flat_map(|grant| grant.rules("deny"));
        let mut rules: Vec<String> = allowed.chain(of_file).chain(denied).collect();
        // Files of the system show the environment to who may read them.
        let variables = Capability::EnvRead;
        if capabilities.contains(&Capability::FsRead)
            && (self.denies(variables) || self.exceeds(variables))
        {
            rules.push(format!("deny {}", variables.name()));
        }
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
            limit: None,
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

    #[test]
    fn the_project_file_is_a_limit_that_the_command_line_moves() {
        let limit = [grant("fs-read=data"), grant("env-read"), grant("env=HOME")];
        let allowed = [Allowance::Capability(grant("network=a.example"))];
        let mut grants = Grants {
            allowed: &allowed,
            denied: &[],
            limit: Some(&limit),
        };
        let granted = grants.granted(&Requirements::default());
        assert_eq!(
            granted.capabilities,
            [Capability::Network],
            "a limit grants nothing"
        );
        assert_eq!(
            granted.rules,
            "allow env-write HOME\nallow fs-read data\nallow network a.example"
        );
        assert!(grants.exceeds(Capability::Shell) && !grants.exceeds(Capability::Network));
        let wider = [Allowance::Capability(grant("fs-read"))];
        grants.allowed = &wider;
        assert_eq!(
            grants.granted(&Requirements::default()).rules,
            "allow env-write HOME"
        );
        grants.limit = Some(&[]);
        assert!(grants.exceeds(Capability::EnvRead));
        let all = [Allowance::Capability(grant("all"))];
        grants.allowed = &all;
        assert!(!grants.exceeds(Capability::EnvRead));
        grants.limit = Some(&limit);
        assert_eq!(grants.granted(&Requirements::default()).rules, "");
    }

    #[test]
    fn scopes_that_nothing_could_fit_are_mistakes() {
        for text in [
            "fs-read=data/*",
            "fs=a?",
            "fs-write=~/x",
            "fs-read=~",
            "env=A*B",
            "env=A=B",
            "env-read=A**",
            "network=a b",
            "network=https://a.example/",
            "network=a.*",
            "network=*",
            "network=-a",
            "network=bücher.example",
            "process=g*t",
        ] {
            assert!(Grant::parse(text).is_err(), "{text}");
        }
        for text in [
            "fs-read=~x,a~",
            "env=A*",
            "env=*",
            "network=*.a.example:80",
            "network=[::1]:80",
            "network=fe80::1",
            "network=127.1",
            "network=xn--bcher-kva.example",
            "process=/opt/my tools/x*",
        ] {
            assert!(Grant::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_denied_environment_is_denied_in_files_too() {
        let denied = [grant("env")];
        let allowed = [Allowance::Capability(grant("fs-read"))];
        let grants = Grants {
            allowed: &allowed,
            denied: &denied,
            limit: None,
        };
        let granted = grants.granted(&Requirements::default());
        assert_eq!(granted.rules, "deny env-read");
        let without_files = Grants {
            allowed: &[],
            ..grants
        };
        assert_eq!(without_files.granted(&Requirements::default()).rules, "");
    }
}
