//! What a program asks of the compiler that may be there when it runs.

use crate::memory::value::Value;

/// What a program asks for.
pub enum Request {
    /// The value of a form.
    Eval(Value),
    /// One expansion step of a form.
    Expand(Value),
    /// The data of a text; only the first, or nil, unless `all`.
    Read {
        /// A string.
        text: Value,
        /// Whether to read all data, as a list.
        all: bool,
    },
    /// What is wrong with a text as a program: a map.
    Check {
        /// A string.
        text: Value,
        /// Who asks.
        function: &'static str,
    },
    /// A handle of a file whose forms are to be run in the environment of the program.
    OpenLoad(Value),
    /// A handle of a module.
    OpenImport(Value),
    /// A function without arguments that runs the next part of what a handle stands for; false if
    /// there is none.
    Next(Value),
    /// The module of a handle has run: the values of these names (a list of symbols) as a map. An
    /// empty list binds all that the module exports.
    Bind(Value, Value),
}
