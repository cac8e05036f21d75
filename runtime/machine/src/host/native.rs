//! Native functions: how they are declared.
//!
//! Each module of [`crate::natives`] has one table of [`Native`]s: name, arity, function, what it
//! needs, doc. Natives never call back into the VM (architecture, invariant 1).

use crate::host::Host;
use crate::host::condition::Outcome;
use crate::memory::value::Value;

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

/// The smallest runtime that has a native.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names of the architecture")]
pub enum Tier {
    Core,
    Std,
    Net,
    Full,
}

/// A native function's declaration.
pub struct Native {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What it does.
    pub call: NativeFn,
    /// One line for `--help`, listings and the reference.
    pub doc: &'static str,
    /// What it needs; two at most.
    pub capabilities: [Capability; 2],
    /// The tier.
    pub tier: Tier,
    /// The function of which this is another name.
    pub alias_of: Option<&'static str>,
    /// Whether equal arguments always give equal results, without effects: may be folded or dropped.
    pub pure_function: bool,
}

/// A declaration without special needs, of tier core.
pub const fn native(name: &'static str, arity: Arity, call: NativeFn, doc: &'static str) -> Native {
    Native {
        name,
        arity,
        call,
        doc,
        capabilities: [Capability::None; 2],
        tier: Tier::Core,
        alias_of: None,
        pure_function: false,
    }
}

/// Another name of the native `of`, which is declared in some table.
pub const fn alias(name: &'static str, of: &'static str) -> Native {
    let mut declared = native(name, at_least(0), aliased, "");
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
        if self.capabilities[0] as u8 == Capability::None as u8 {
            self.capabilities[0] = capability;
        } else {
            self.capabilities[1] = capability;
        }
        self
    }

    /// Declares that the function is pure.
    pub const fn pure(mut self) -> Native {
        self.pure_function = true;
        self
    }

    /// Declares the tier.
    pub const fn tier(mut self, tier: Tier) -> Native {
        self.tier = tier;
        self
    }
}
