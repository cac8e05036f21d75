//! Native functions: what a runtime needs of their declarations.
//!
//! Each family has one list of declarations: see [`super::declaration`]. Natives never call back into
//! the VM (architecture, invariant 1).

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated when the crate is compiled"
)]

use sema_format::isa::{Op, Predicate};

use crate::host::Host;
use crate::host::condition::Outcome;
use crate::memory::value::Value;
pub use crate::platform::tier::Tier;

/// A native function. The number of arguments has been checked against the declared arity.
pub type NativeFn = fn(&Host, &[Value]) -> Outcome;

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// At least this many.
    pub min: u8,
    /// At most this many; `None`: any number.
    pub max: Option<u8>,
}

impl Arity {
    /// Whether `count` arguments are accepted.
    #[inline(always)]
    pub const fn accepts(self, count: usize) -> bool {
        count >= self.min as usize
            && (match self.max {
                Some(max) => count <= max as usize,
                None => true,
            })
    }
}

/// Exactly `n` arguments.
pub const fn exactly(n: u8) -> Arity {
    Arity {
        min: n,
        max: Some(n),
    }
}

/// From `min` to `max` arguments.
pub const fn between(min: u8, max: u8) -> Arity {
    Arity {
        min,
        max: Some(max),
    }
}

/// `min` arguments or more.
pub const fn at_least(min: u8) -> Arity {
    Arity { min, max: None }
}

/// What a native may touch, as in the specification's capability column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Capability {
    None,
    Shell,
    FsRead,
    FsWrite,
    Network,
    EnvRead,
    EnvWrite,
    Process,
    Llm,
    Serial,
}

impl Capability {
    /// All but [`Capability::None`].
    pub const ALL: [Capability; 9] = [
        Capability::Shell,
        Capability::FsRead,
        Capability::FsWrite,
        Capability::Network,
        Capability::EnvRead,
        Capability::EnvWrite,
        Capability::Process,
        Capability::Llm,
        Capability::Serial,
    ];

    /// The capability of this name.
    pub fn named(name: &str) -> Option<Capability> {
        Capability::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its bit in a set; [`Capability::None`] has none.
    const fn bit(self) -> u16 {
        match self {
            Capability::None => 0,
            one => 1 << (one as u16 - 1),
        }
    }

    /// Its name in listings and options.
    pub const fn name(self) -> &'static str {
        match self {
            Capability::None => "none",
            Capability::Shell => "shell",
            Capability::FsRead => "fs-read",
            Capability::FsWrite => "fs-write",
            Capability::Network => "network",
            Capability::EnvRead => "env-read",
            Capability::EnvWrite => "env-write",
            Capability::Process => "process",
            Capability::Llm => "llm",
            Capability::Serial => "serial",
        }
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// None of them.
    pub const NONE: Capabilities = Capabilities(0);

    /// These.
    pub fn of(capabilities: &[Capability]) -> Capabilities {
        let bits = capabilities.iter().map(|capability| capability.bit());
        Capabilities(bits.fold(0, |all, bit| all | bit))
    }

    /// All but these.
    #[must_use]
    pub const fn complement(self) -> Capabilities {
        Capabilities(!self.0)
    }

    /// Whether it is one of them; [`Capability::None`] never is.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }
}

/// Which arguments of a native name what its capabilities are about: paths, variables, programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Touches {
    /// The first, for all its capabilities.
    #[default]
    First,
    /// The first. It looks only, and at an embedded directory without the capability: it asks [`Host::sees_disk`] then.
    Look,
    /// The first, which is removed or looked at itself if it is a link.
    Entry,
    /// The second.
    Second,
    /// The first and the second, which are not followed if they are links. The first is read as well: it is moved.
    Both,
    /// The first is read, the second written.
    FromTo,
    /// The first is written, the second read.
    ToFrom,
    /// None: what it needs the capability for has been asked for before, or has no name.
    Nothing,
    /// It asks [`Host::permit`] itself.
    Inside,
}

/// A native function's declaration.
pub struct Native {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What it does.
    pub call: NativeFn,
    /// What it needs; two at most.
    pub capabilities: [Capability; 2],
    /// The tier.
    pub tier: Tier,
    /// The function of which this is another name.
    pub alias_of: Option<&'static str>,
    /// Whether it needs no capability where its first argument names an embedded file; with [`Touches::Look`] also where that
    /// names an embedded directory.
    pub embedded: bool,
    /// Which arguments name what it touches.
    pub touches: Touches,
}

/// A declaration without special needs, of tier core.
pub const fn native(name: &'static str, arity: Arity, call: NativeFn) -> Native {
    Native {
        name,
        arity,
        call,
        capabilities: [Capability::None; 2],
        tier: Tier::Core,
        alias_of: None,
        embedded: false,
        touches: Touches::First,
    }
}

/// Another name of the native `of`, which is declared in some table.
pub const fn alias(name: &'static str, of: &'static str) -> Native {
    let mut declared = native(name, at_least(0), aliased);
    declared.alias_of = Some(of);
    declared
}

/// What an alias entry holds; the linker resolves aliases, so it is never called.
fn aliased(_: &Host, _: &[Value]) -> Outcome {
    Err(crate::host::condition::eval_error(
        "an alias was called without being resolved",
    ))
}

impl Native {
    /// Declares a capability.
    pub const fn needs(mut self, capability: Capability) -> Native {
        self.capabilities = with_capability(self.capabilities, capability);
        self
    }

    /// Declares the tier.
    pub const fn tier(mut self, tier: Tier) -> Native {
        self.tier = tier;
        self
    }

    /// Declares that it looks into the embedded files first, which needs no capability.
    pub const fn embedded(mut self) -> Native {
        self.embedded = true;
        self
    }

    /// Declares which arguments name what it touches.
    pub const fn touches(mut self, touches: Touches) -> Native {
        self.touches = touches;
        self
    }

    // The facts of `Declaration` that no runtime needs: the same list of facts makes both tables.

    /// See [`Declaration::pure`](super::declaration::Declaration::pure).
    pub const fn pure(self) -> Native {
        self
    }

    /// See [`Declaration::total`](super::declaration::Declaration::total).
    pub const fn total(self) -> Native {
        self
    }

    /// See [`Declaration::reads`](super::declaration::Declaration::reads).
    pub const fn reads(self) -> Native {
        self
    }

    /// See [`Declaration::borrows`](super::declaration::Declaration::borrows).
    pub const fn borrows(self) -> Native {
        self
    }

    /// See [`Declaration::varies`](super::declaration::Declaration::varies).
    pub const fn varies(self) -> Native {
        self
    }

    /// See [`Declaration::floats`](super::declaration::Declaration::floats).
    pub const fn floats(self) -> Native {
        self
    }

    /// See [`Declaration::stores`](super::declaration::Declaration::stores).
    pub const fn stores(self, _argument: u8) -> Native {
        self
    }

    /// See [`Declaration::in_place`](super::declaration::Declaration::in_place).
    pub const fn in_place(self, _name: &'static str, _arguments: u8) -> Native {
        self
    }

    /// See [`Declaration::options`](super::declaration::Declaration::options).
    pub const fn options(self, _argument: u8, _names: &'static [&'static str]) -> Native {
        self
    }

    /// See [`Declaration::counts`](super::declaration::Declaration::counts).
    pub const fn counts(self, _end: &'static str) -> Native {
        self
    }

    /// See [`Declaration::finds_modules`](super::declaration::Declaration::finds_modules).
    pub const fn finds_modules(self) -> Native {
        self
    }

    /// See [`Declaration::calls_back`](super::declaration::Declaration::calls_back).
    pub const fn calls_back(self) -> Native {
        self
    }

    /// See [`Declaration::stops_tasks`](super::declaration::Declaration::stops_tasks).
    pub const fn stops_tasks(self) -> Native {
        self
    }

    /// See [`Declaration::posix`](super::declaration::Declaration::posix).
    pub const fn posix(self) -> Native {
        self
    }

    /// See [`Declaration::op`](super::declaration::Declaration::op).
    pub const fn op(self, _operands: u8, _op: Op) -> Native {
        self
    }

    /// See [`Declaration::test`](super::declaration::Declaration::test).
    pub const fn test(self, _predicate: Predicate) -> Native {
        self
    }
}

/// The capabilities and one more.
pub(super) const fn with_capability(
    mut capabilities: [Capability; 2],
    capability: Capability,
) -> [Capability; 2] {
    let place = if capabilities[0] as u8 == Capability::None as u8 {
        0
    } else {
        1
    };
    capabilities[place] = capability;
    capabilities
}
