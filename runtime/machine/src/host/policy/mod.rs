//! What a program may touch: rules about capabilities, and where they are enforced.
//!
//! A rule allows or denies a capability within a scope: files below a path, a host, a variable, a program. Rules come
//! with the program (`semac build --allow`, `--deny`). Natives that rules are about get a stand-in when a module is
//! loaded, as those of denied capabilities do. The stand-in finds out what the arguments name ([`Touches`]), asks the
//! rules, and then calls the native. So code without rules pays nothing, and a native without a declaration of what
//! it touches is asked about its first argument. Natives that know only later what they touch ([`Touches::Inside`])
//! ask [`Host::permit`] themselves.

mod hosts;
mod paths;
mod programs;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::Host;
use super::condition::{Condition, ConditionKind, Extra, Outcome};
use super::functions::Call;
use super::native::{Capabilities, Capability, Native, Touches};
use crate::memory::value::Value;
use hosts::{host_and_port, is_host, plain};
pub use paths::{Last, resolve};

/// The rules of a program.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    /// What relative paths are relative to.
    base: PathBuf,
}

#[derive(Clone, Debug)]
struct Rule {
    allows: bool,
    capability: Capability,
    scope: Scope,
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Everything,
    /// The file of this path, and all below it.
    Below(PathBuf),
    /// A host, perhaps those below it, perhaps one port of it.
    Host {
        name: String,
        below: bool,
        port: Option<u16>,
    },
    /// A name, or the beginning of names.
    Name {
        text: String,
        is_prefix: bool,
    },
}

/// A line of rules that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no rule about a capability")]
pub struct PolicyError(pub String);

impl Policy {
    /// Reads rules, one a line: `allow` or `deny`, a capability, perhaps a scope. Relative paths are relative to `base`.
    ///
    /// # Errors
    /// A line is something else.
    pub fn parse(text: &str, base: &Path) -> Result<Policy, PolicyError> {
        let mut rules = Vec::new();
        for line in text.lines() {
            let wrong = || PolicyError(line.to_owned());
            let mut words = line.splitn(3, ' ');
            let allows = match words.next() {
                Some("allow") => true,
                Some("deny") => false,
                _ => return Err(wrong()),
            };
            let capability = words.next().and_then(Capability::named).ok_or_else(wrong)?;
            let scope = match words.next() {
                None => Scope::Everything,
                Some("") => return Err(wrong()),
                Some(scope) => Scope::of(capability, scope, base).ok_or_else(wrong)?,
            };
            rules.push(Rule {
                allows,
                capability,
                scope,
            });
        }
        let base = base.to_owned();
        Ok(Policy { rules, base })
    }

    /// Whether a use of a capability has to be asked for: there are rules with a scope about it.
    fn is_about(&self, capability: Capability) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.capability == capability && rule.scope != Scope::Everything)
            // Files show the environment, too.
            || capability == Capability::FsRead && self.has_rules(Capability::EnvRead)
    }

    fn has_rules(&self, capability: Capability) -> bool {
        self.rules.iter().any(|rule| rule.capability == capability)
    }

    /// Whether reading this file of Linux would show variables that are limited.
    fn shows_variables(&self, capability: Capability, path: Option<&Path>) -> bool {
        let shows = |path: &Path| path.starts_with("/proc") && path.ends_with("environ");
        capability == Capability::FsRead
            && path.is_some_and(shows)
            && self.has_rules(Capability::EnvRead)
    }

    /// Whether something below a path is denied. Who moves the directory, or writes all that is below it, would get around
    /// that.
    fn denies_below(&self, capability: Capability, target: &str, last: Last) -> bool {
        let path = resolve(&self.base, Path::new(target), last);
        self.rules.iter().any(|rule| match (&rule.scope, &path) {
            (Scope::Below(top), Some(path)) => {
                !rule.allows && rule.capability == capability && top.starts_with(path)
            }
            _ => false,
        })
    }

    /// Whether a capability may be used on a target: a path, `host:port`, a name. What is denied wins.
    pub fn permits(&self, capability: Capability, target: &str, last: Last) -> bool {
        let is_path = matches!(capability, Capability::FsRead | Capability::FsWrite);
        let path = is_path.then(|| resolve(&self.base, Path::new(target), last));
        if self.shows_variables(
            capability,
            path.iter().flatten().next().map(PathBuf::as_path),
        ) {
            return false;
        }
        let covers = |rule: &Rule| match (&rule.scope, &path) {
            (Scope::Everything, _) => true,
            (Scope::Below(top), Some(Some(path))) => path.starts_with(top),
            // Links without an end: nobody knows where that is.
            (Scope::Below(_), _) => !rule.allows,
            (Scope::Host { name, below, port }, _) => {
                is_host(target, name, *below, *port, rule.allows)
            }
            (Scope::Name { text, is_prefix }, _) => match capability {
                Capability::Process | Capability::Shell if rule.allows => {
                    programs::is_allowed(&self.base, target, text, *is_prefix)
                }
                Capability::Process | Capability::Shell => {
                    programs::is_denied(&self.base, target, text, *is_prefix)
                }
                _ if *is_prefix => target.starts_with(text.as_str()),
                _ => target == text,
            },
        };
        let (mut limited, mut allowed) = (false, false);
        for rule in self
            .rules
            .iter()
            .filter(|rule| rule.capability == capability)
        {
            let covers = covers(rule);
            match rule.allows {
                false if covers => return false,
                false => {}
                true => {
                    limited = true;
                    allowed |= covers;
                }
            }
        }
        allowed || !limited
    }

    /// The scopes that are allowed, for messages; empty if there is no such limit.
    fn limits(&self, capability: Capability) -> String {
        let rules = self.rules.iter();
        let scopes = rules.filter(|rule| rule.allows && rule.capability == capability);
        scopes
            .map(|rule| rule.scope.text())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Scope {
    fn of(capability: Capability, text: &str, base: &Path) -> Option<Scope> {
        match capability {
            Capability::FsRead | Capability::FsWrite => Some(Scope::Below(resolve(
                base,
                Path::new(text),
                Last::Followed,
            )?)),
            Capability::Network | Capability::Llm => {
                let (host, port) = host_and_port(text);
                let port = match port {
                    Some(port) => Some(port.parse().ok()?),
                    None => None,
                };
                let name = host.strip_prefix("*.");
                Some(Scope::Host {
                    below: name.is_some(),
                    name: plain(name.unwrap_or(host)),
                    port,
                })
            }
            Capability::EnvRead
            | Capability::EnvWrite
            | Capability::Process
            | Capability::Shell => {
                let prefix = text.strip_suffix('*');
                Some(Scope::Name {
                    is_prefix: prefix.is_some(),
                    text: prefix.unwrap_or(text).to_owned(),
                })
            }
            Capability::None | Capability::Serial => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Scope::Everything => "everything".to_owned(),
            Scope::Below(path) => path.display().to_string(),
            Scope::Host { name, below, port } => {
                let below = if *below { "*." } else { "" };
                let port = port.map_or(String::new(), |port| format!(":{port}"));
                format!("{below}{name}{port}")
            }
            Scope::Name { text, is_prefix } => {
                format!("{text}{}", if *is_prefix { "*" } else { "" })
            }
        }
    }
}

impl Host {
    /// Leaves natives these capabilities only, within rules, in modules that are loaded from now on.
    pub fn restrict(&mut self, granted: Capabilities, policy: Policy) {
        self.policy = Some(Arc::new(policy));
        self.stand_in_by(granted.complement(), Host::guarded_function);
    }

    /// The rules, if there are any.
    pub fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }

    /// Whether a capability may be used on a target.
    pub fn permits(&self, capability: Capability, target: &str) -> bool {
        let policy = self.policy.as_ref();
        policy.is_none_or(|policy| policy.permits(capability, target, Last::Followed))
    }

    /// Whether what looks at a path may look on disk: an embedded directory can be looked at anyway.
    pub fn sees_disk(&self, path: &str) -> bool {
        !self.denies(Capability::FsRead) && self.permits(Capability::FsRead, path)
    }

    /// Asks whether a builtin may use a capability on a target: a path, `host:port`, a name.
    ///
    /// # Errors
    /// A `:permission-denied` condition that names the target.
    pub fn permit(&self, function: &str, capability: Capability, target: &str) -> Outcome<()> {
        self.permit_at(function, capability, target, Last::Followed)
    }

    fn permit_at(
        &self,
        function: &str,
        capability: Capability,
        target: &str,
        last: Last,
    ) -> Outcome<()> {
        match &self.policy {
            Some(policy) if !policy.permits(capability, target, last) => {
                let path = resolve(&policy.base, Path::new(target), last);
                let capability = match policy.shows_variables(capability, path.as_deref()) {
                    true => Capability::EnvRead,
                    false => capability,
                };
                Err(out_of_scope(policy, function, capability, target).signal())
            }
            _ => Ok(()),
        }
    }

    /// Like `permit_at`, for all that lies below the target as well.
    fn permit_below(
        &self,
        function: &str,
        capability: Capability,
        target: &str,
        last: Last,
    ) -> Outcome<()> {
        self.permit_at(function, capability, target, last)?;
        let policy = self.policy.as_ref();
        match policy.filter(|policy| policy.denies_below(capability, target, last)) {
            Some(policy) => Err(out_of_scope(policy, function, capability, target).signal()),
            None => Ok(()),
        }
    }

    /// The number of what stands in for a native: see [`Host::stand_in`].
    fn guarded_function(&self, number: u32, native: &'static Native) -> Option<u32> {
        if let Some(function) = self.denied_function(number, native) {
            return Some(function);
        }
        let policy = self.policy.as_ref()?;
        let is_scoped = native.capabilities.iter().any(|one| policy.is_about(*one))
            || native.touches == Touches::Both && policy.is_about(Capability::FsRead);
        if !is_scoped || matches!(native.touches, Touches::Nothing | Touches::Inside) {
            return None;
        }
        if let Some(function) = self.functions.instead_of(number) {
            return Some(function);
        }
        let call: Rc<Call> = Rc::new(move |host: &Host, arguments: &[Value]| {
            ask(host, native, arguments)?;
            (native.call)(host, arguments)
        });
        Some(self.replace(number, native, call))
    }
}

/// Asks for all that a call of a native names.
fn ask(host: &Host, native: &Native, arguments: &[Value]) -> Outcome<()> {
    let [first, second] = native.capabilities;
    let mut last = Last::Followed;
    // Argument and capability.
    let pairs: &[(usize, Capability)] = match native.touches {
        Touches::Nothing | Touches::Inside => &[],
        Touches::First | Touches::Look => &[(0, first), (0, second)],
        Touches::Entry => {
            last = Last::Itself;
            &[(0, first), (0, second)]
        }
        Touches::Second => &[(1, first), (1, second)],
        // What was moved is read under another name.
        Touches::Both => {
            last = Last::Itself;
            &[(0, first), (0, Capability::FsRead), (1, first)]
        }
        Touches::FromTo => &[(0, Capability::FsRead), (1, Capability::FsWrite)],
        Touches::ToFrom => &[(0, Capability::FsWrite), (1, Capability::FsRead)],
    };
    // What takes two paths may mean whole directories.
    let permit = match native.touches {
        Touches::Both | Touches::FromTo | Touches::ToFrom => Host::permit_below,
        _ => Host::permit_at,
    };
    for &(place, capability) in pairs {
        let Some(&argument) = arguments
            .get(place)
            .filter(|_| capability != Capability::None)
        else {
            continue;
        };
        for target in targets(host, capability, argument, arguments) {
            // What lies in the program itself is no secret from it.
            if capability == Capability::FsRead
                && (host.is_embedded(&target)
                    || native.touches == Touches::Look && host.files.is_embedded_directory(&target))
            {
                continue;
            }
            permit(host, native.name, capability, &target, last)?;
        }
    }
    Ok(())
}

/// What an argument names: itself if it is a text; the first element of a command; all elements of a list of paths.
fn targets(
    host: &Host,
    capability: Capability,
    argument: Value,
    arguments: &[Value],
) -> Vec<String> {
    if let Some(text) = host.heap.as_str(argument) {
        // One text is a line for the shell.
        let has_words = arguments
            .get(1)
            .is_some_and(|word| host.heap.as_str(*word).is_some());
        let is_line = capability == Capability::Shell && !has_words;
        return vec![if is_line { "sh" } else { text }.to_owned()];
    }
    let vector = host.heap.as_vector(argument).unwrap_or_default();
    let elements = vector.iter().copied().chain(host.heap.list_iter(argument));
    let texts = elements.filter_map(|element| host.heap.as_str(element).map(str::to_owned));
    match capability {
        Capability::Process | Capability::Shell => texts.take(1).collect(),
        _ => texts.collect(),
    }
}

impl Host {
    /// Whether a path names a file or a module of the program itself.
    fn is_embedded(&self, path: &str) -> bool {
        let modules = self.files.archive.as_ref();
        self.files.embedded(path, None).is_some()
            || modules.is_some_and(|archive| {
                archive
                    .resolve(sema_vfs::EntryKind::Module, path, None)
                    .is_some()
            })
    }
}

fn out_of_scope(
    policy: &Policy,
    function: &str,
    capability: Capability,
    target: &str,
) -> Condition {
    let name = capability.name();
    let limits = policy.limits(capability);
    let limits = if limits.is_empty() {
        String::new()
    } else {
        format!(", which is limited to {limits}")
    };
    Condition::new(
        ConditionKind::PermissionDenied,
        format!(
            "Permission denied: {function} on '{target}' is outside of capability '{name}'{limits}"
        ),
    )
    .with("function", Extra::Text(function.to_owned()))
    .with("capability", Extra::Text(name.to_owned()))
    .with("target", Extra::Text(target.to_owned()))
}

#[cfg(test)]
mod tests;
