//! What a builtin says about itself besides how it is called: the one place where its facts stand.
//!
//! [`natives!`](crate::natives) makes two tables of one list of declarations: `TABLE` with what a
//! runtime needs ([`Native`](super::native::Native)), and, under the feature `declarations`,
//! `DECLARATIONS` with the rest. The compiler reads the second one: the optimiser its facts,
//! `semac doc` its texts, the tests its examples. No runtime carries it.
//!
//! ```
//! use sema_machine::host::{Host, condition::Outcome};
//! use sema_machine::memory::value::Value;
//!
//! sema_machine::natives! {
//!     /// The number after an integer.
//!     /// (next 1) => 2
//!     "next" | "successor" (number: Int) -> Int, pure => next;
//! }
//!
//! fn next(host: &Host, arguments: &[Value]) -> Outcome {
//!     let number = sema_machine::host::arguments::integer(host, "next", arguments, 0)?;
//!     Ok(host.heap.int(number.saturating_add(1)))
//! }
//! assert_eq!(TABLE[1].alias_of, Some("next"));
//! ```

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated when the crate is compiled"
)]

use sema_format::isa::{Op, Predicate};

use super::native::{Arity, Capability, Tier};

/// Declares the kinds, and how declarations that are not written in Rust name them.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident,)*) => {
        /// What values a parameter takes, or a builtin gives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names of the language's types")]
        pub enum Kind {
            $($(#[doc = $doc])* $kind,)*
        }

        impl Kind {
            /// The kind of this name, if there is one.
            pub fn named(name: &str) -> Option<Kind> {
                match name {
                    $(stringify!($kind) => Some(Kind::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    Any,
    Nil,
    Bool,
    /// An exact integer of 64 bits.
    Int,
    /// An exact integer of 64 bits that is not negative.
    Count,
    /// An exact integer of any size.
    Integer,
    /// An exact integer or ratio.
    Rational,
    /// A number that is not complex: an integer, a ratio or a float.
    Real,
    Float,
    Number,
    /// A number, or a text: of a number, or to be joined.
    NumberOrString,
    Char,
    String,
    /// A string or nil.
    OptionalString,
    Keyword,
    Symbol,
    /// A symbol or a keyword.
    Name,
    List,
    /// A list with at least one element.
    Pair,
    Vector,
    /// A list or a vector.
    Sequence,
    /// A list, a vector or a mutable array.
    Elements,
    /// A map or a hash map.
    Map,
    /// A map in key order.
    SortedMap,
    HashMap,
    Bytes,
    F64Array,
    I64Array,
    MutableArray,
    Cell,
    Record,
    /// What can be called: a closure, a builtin, a keyword, a multimethod.
    Function,
    Promise,
    /// A delayed computation (`delay`).
    Delay,
    Channel,
    Stream,
    Message,
    Prompt,
    Conversation,
    Tool,
    Agent,
    /// Never gives a value: it raises, or ends the program.
    Never,
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in documentation.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether it must be given.
    pub mode: Mode,
}

/// Whether a parameter must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Always.
    Required,
    /// It may be left out.
    Optional,
    /// Any number of further arguments.
    Rest,
}

/// The number of arguments that parameters allow.
pub const fn arity(parameters: &[Parameter]) -> Arity {
    let mut min = 0;
    let mut max = 0;
    let mut rest = false;
    let mut index = 0;
    while index < parameters.len() {
        match parameters[index].mode {
            Mode::Required => {
                min += 1;
                max += 1;
            }
            Mode::Optional => max += 1,
            Mode::Rest => rest = true,
        }
        index += 1;
    }
    Arity {
        min,
        max: if rest { None } else { Some(max) },
    }
}

/// The tier of the builtins of a module: the folder it lies in says it, as the path of a module
/// `CRATE::TIER::...`. Families outside of such folders are tier core.
pub const fn tier_of(module: &str) -> Tier {
    let path = module.as_bytes();
    let mut start = 0;
    while start < path.len() && path[start] != b':' {
        start += 1;
    }
    // Behind the crate stands `::`.
    start += 2;
    let mut index = 0;
    while index < Tier::ALL.len() {
        if is_segment(path, start, Tier::ALL[index].name().as_bytes()) {
            return Tier::ALL[index];
        }
        index += 1;
    }
    Tier::Core
}

/// Whether the segment of a path that begins at `start` is `name`.
const fn is_segment(path: &[u8], start: usize, name: &[u8]) -> bool {
    let end = start + name.len();
    if end > path.len() || (end < path.len() && path[end] != b':') {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if path[start + at] != name[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// All that is declared of a builtin.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// Its name.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// Its parameters, in order.
    pub parameters: &'static [Parameter],
    /// What it gives.
    pub result: Kind,
    /// Text and examples: see [`Declaration::text`] and [`Declaration::examples`].
    pub doc: &'static str,
    /// What it needs; two at most.
    pub capabilities: [Capability; 2],
    /// The smallest runtime that has it.
    pub tier: Tier,
    /// Equal arguments give equal results, without effects: a call of constants may be computed at
    /// build time.
    pub pure: bool,
    /// It raises nothing and does nothing, whatever it is given: a call whose result is not used
    /// may vanish.
    pub total: bool,
    /// Its result depends on what an argument holds at the time, which may be changed in place: the call
    /// stays in front of effects that follow it. See [`Declaration::reads_content`].
    pub reads: bool,
    /// It keeps no reference to its first argument: its result neither is that nor contains it.
    pub borrows: bool,
    /// A float that it gives may differ in the last digit from one machine to another: no such result is
    /// computed at build time.
    pub varies: bool,
    /// The number that it gives is likely to be a float.
    pub floats: bool,
    /// The argument, counted from 0, that becomes an element of a mutable array.
    pub stores: Option<u8>,
    /// The builtin that does the same and may change its first argument in place, and from how many
    /// arguments on.
    pub in_place: Option<(&'static str, u8)>,
    /// Its result is a list of integers in a row; this builtin, given the same arguments, gives the integer
    /// behind the last.
    pub counts: Option<&'static str>,
    /// The argument, counted from 0, that is a map of options, and the names of the keys that it may have.
    pub options: Option<(u8, &'static [&'static str])>,
    /// It finds modules of the program while that runs.
    pub finds_modules: bool,
    /// It hands a call back to the machine: it is called as a closure is.
    pub calls_back: bool,
    /// It may stop other tasks: programs that can reach it count their steps.
    pub stops_tasks: bool,
    /// See [`Declaration::posix`].
    pub posix: bool,
    /// The instructions that do the same, by number of operands; [`ANY_NUMBER`] stands for all others.
    pub operations: [Option<(u8, Op)>; 2],
    /// The test that does the same.
    pub predicate: Option<Predicate>,
}

impl Declaration {
    /// A declaration without facts.
    pub const fn new(
        name: &'static str,
        aliases: &'static [&'static str],
        parameters: &'static [Parameter],
        result: Kind,
        doc: &'static str,
    ) -> Declaration {
        Declaration {
            name,
            aliases,
            parameters,
            result,
            doc,
            capabilities: [Capability::None; 2],
            tier: Tier::Core,
            pure: false,
            total: false,
            reads: false,
            borrows: false,
            varies: false,
            floats: false,
            stores: None,
            in_place: None,
            counts: None,
            options: None,
            finds_modules: false,
            calls_back: false,
            stops_tasks: false,
            posix: false,
            operations: [None; 2],
            predicate: None,
        }
    }

    /// Declares which arguments name what it touches: for the runtime.
    pub const fn touches(self, _touches: super::native::Touches) -> Declaration {
        self
    }

    /// Declares a capability.
    pub const fn needs(mut self, capability: Capability) -> Declaration {
        self.capabilities = super::native::with_capability(self.capabilities, capability);
        self
    }

    /// See [`Native::embedded`](super::native::Native::embedded).
    pub const fn embedded(self) -> Declaration {
        self
    }

    /// Declares the tier.
    pub const fn tier(mut self, tier: Tier) -> Declaration {
        self.tier = tier;
        self
    }

    /// Declares that it is pure.
    pub const fn pure(mut self) -> Declaration {
        self.pure = true;
        self
    }

    /// Declares that it is pure and total.
    pub const fn total(mut self) -> Declaration {
        self.pure = true;
        self.total = true;
        self
    }

    /// Declares that its result depends on what may be changed in place.
    pub const fn reads(mut self) -> Declaration {
        self.reads = true;
        self
    }

    /// Declares that it keeps no reference to its first argument.
    pub const fn borrows(mut self) -> Declaration {
        self.borrows = true;
        self
    }

    /// Declares that floats it gives may differ from machine to machine.
    pub const fn varies(mut self) -> Declaration {
        self.varies = true;
        self
    }

    /// Declares that the number it gives is likely to be a float.
    pub const fn floats(mut self) -> Declaration {
        self.floats = true;
        self
    }

    /// Declares which argument becomes an element of a mutable array.
    pub const fn stores(mut self, argument: u8) -> Declaration {
        self.stores = Some(argument);
        self
    }

    /// Declares the builtin that does the same in place, and from how many arguments on.
    pub const fn in_place(mut self, name: &'static str, arguments: u8) -> Declaration {
        self.in_place = Some((name, arguments));
        self
    }

    /// Declares the builtin that gives the integer behind the last of its result.
    pub const fn counts(mut self, end: &'static str) -> Declaration {
        self.counts = Some(end);
        self
    }

    /// Declares which argument is a map of options, and the names of their keys. Of a parameter that stands for any
    /// number of arguments the last one is meant.
    pub const fn options(mut self, argument: u8, names: &'static [&'static str]) -> Declaration {
        self.options = Some((argument, names));
        self
    }

    /// Declares that it finds modules while the program runs.
    pub const fn finds_modules(mut self) -> Declaration {
        self.finds_modules = true;
        self
    }

    /// Declares that it hands a call back to the machine.
    pub const fn calls_back(mut self) -> Declaration {
        self.calls_back = true;
        self
    }

    /// Declares that it may stop other tasks.
    pub const fn stops_tasks(mut self) -> Declaration {
        self.stops_tasks = true;
        self
    }

    /// Declares that it needs what POSIX systems have and WebAssembly has not: processes, signals, the modes and keys of
    /// terminals, names of machines. Programs that can reach it are not built for such platforms.
    pub const fn posix(mut self) -> Declaration {
        self.posix = true;
        self
    }

    /// Declares the instruction that does the same with so many operands.
    pub const fn op(mut self, operands: u8, op: Op) -> Declaration {
        let place = if self.operations[0].is_none() { 0 } else { 1 };
        self.operations[place] = Some((operands, op));
        self
    }

    /// Declares the test that does the same.
    pub const fn test(mut self, predicate: Predicate) -> Declaration {
        self.predicate = Some(predicate);
        self
    }

    /// The instruction that does the same with so many operands.
    pub fn operation(&self, operands: usize) -> Option<Op> {
        let of = |wanted: usize| {
            let mut operations = self.operations.iter().flatten();
            let found = operations.find(|(count, _)| usize::from(*count) == wanted)?;
            Some(found.1)
        };
        of(operands).or_else(|| of(usize::from(ANY_NUMBER)))
    }

    /// Whether its result depends on what may be changed in place: it is declared so, or takes what is
    /// made to be changed.
    pub fn reads_content(&self) -> bool {
        let changes = |parameter: &Parameter| {
            matches!(
                parameter.kind,
                Kind::Elements
                    | Kind::MutableArray
                    | Kind::Cell
                    | Kind::Promise
                    | Kind::Delay
                    | Kind::Channel
                    | Kind::Stream
            )
        };
        self.reads || self.parameters.iter().any(changes)
    }

    /// How many arguments it takes.
    pub const fn arity(&self) -> Arity {
        arity(self.parameters)
    }

    /// The text, one paragraph, without the examples.
    pub fn text(&self) -> String {
        let lines = self.doc.lines().map(str::trim);
        let text = lines.filter(|line| !line.is_empty() && !line.contains(EXAMPLE));
        text.collect::<Vec<_>>().join(" ")
    }

    /// The examples: a form, and what it gives in readable form, or `error` and a part of its
    /// message.
    pub fn examples(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.doc
            .lines()
            .filter_map(|line| line.trim().rsplit_once(EXAMPLE))
    }
}

/// Stands for any number of operands in [`Declaration::operations`].
pub const ANY_NUMBER: u8 = u8::MAX;

/// What stands between the form of an example and what it gives.
const EXAMPLE: &str = " => ";

/// Declares a family of natives; see [the module](self).
///
/// Each entry is a doc comment, names, parameters, the kind of the result, facts, and the function.
/// `name?` is a parameter that may be left out, `name*` stands for any number of further ones. A line
/// of the comment with ` => ` is an example that the tests run: `(form) => value`, or
/// `(form) => error part of the message`. The facts are methods of [`Declaration`].
#[macro_export]
macro_rules! natives {
    ($(
        $(#[doc = $doc:literal])*
        $name:literal $(| $alias:literal)* ($($parameters:tt)*) -> $result:ident
        $(, $fact:ident $(($($argument:expr),*))?)* => $function:expr;
    )*) => {
        /// The natives of this family.
        pub static TABLE: &[$crate::host::native::Native] = &[$(
            $crate::host::native::native(
                $name,
                $crate::host::declaration::arity($crate::native_parameters!([] $($parameters)*)),
                $function,
            )
            .tier($crate::host::declaration::tier_of(module_path!()))
            $(.$fact($($($argument),*)?))*,
            $($crate::host::native::alias($alias, $name),)*
        )*];

        /// What the natives of this family say about themselves.
        #[cfg(feature = "declarations")]
        pub static DECLARATIONS: &[$crate::host::declaration::Declaration] = &[$(
            $crate::host::declaration::Declaration::new(
                $name,
                &[$($alias),*],
                $crate::native_parameters!([] $($parameters)*),
                $crate::host::declaration::Kind::$result,
                concat!($($doc, "\n"),*),
            )
            .tier($crate::host::declaration::tier_of(module_path!()))
            $(.$fact($($($argument),*)?))*,
        )*];
    };
}

/// The parameters of a declaration, as a constant slice.
#[doc(hidden)]
#[macro_export]
macro_rules! native_parameters {
    ([$($done:expr,)*]) => { &[$($done),*] };
    ([$($done:expr,)*] $name:ident : $kind:ident $(, $($more:tt)*)?) => {
        $crate::native_parameters!([$($done,)* $crate::native_parameter!($name $kind Required),] $($($more)*)?)
    };
    ([$($done:expr,)*] $name:ident ? : $kind:ident $(, $($more:tt)*)?) => {
        $crate::native_parameters!([$($done,)* $crate::native_parameter!($name $kind Optional),] $($($more)*)?)
    };
    ([$($done:expr,)*] $name:ident * : $kind:ident $(, $($more:tt)*)?) => {
        $crate::native_parameters!([$($done,)* $crate::native_parameter!($name $kind Rest),] $($($more)*)?)
    };
}

/// One parameter of a declaration.
#[doc(hidden)]
#[macro_export]
macro_rules! native_parameter {
    ($name:ident $kind:ident $mode:ident) => {
        $crate::host::declaration::Parameter {
            name: stringify!($name),
            kind: $crate::host::declaration::Kind::$kind,
            mode: $crate::host::declaration::Mode::$mode,
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{Tier, tier_of};

    #[test]
    fn folders_say_the_tier() {
        assert_eq!(tier_of("sema_natives::core::text::strings"), Tier::Core);
        assert_eq!(tier_of("sema_natives::std"), Tier::Std);
        assert_eq!(tier_of("sema_natives::net::llm_values::tools"), Tier::Net);
        assert_eq!(tier_of("sema_natives::full::sqlite"), Tier::Full);
        assert_eq!(tier_of("shop::network"), Tier::Core);
        assert_eq!(tier_of("shop::stdlib::std"), Tier::Core);
        assert_eq!(tier_of("shop"), Tier::Core);
    }
}
