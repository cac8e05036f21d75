//! The internal builtins that lowered code calls. Programs cannot write their names.

use sema_machine::host::native::{Arity, at_least, between, exactly};

/// An internal builtin: name, arity, meaning.
pub struct Internal {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What it does.
    pub meaning: &'static str,
}

const fn internal(name: &'static str, arity: Arity, meaning: &'static str) -> Internal {
    Internal {
        name,
        arity,
        meaning,
    }
}

/// All internal builtins, by family.
pub const INTERNALS: &[Internal] = &[
    // Literals and templates.
    internal("%list", at_least(0), "list of the arguments"),
    internal("%vector", at_least(0), "vector of the arguments"),
    internal(
        "%map",
        at_least(0),
        "map of keys and values in turn; a later key wins; refuses keys as a map literal does",
    ),
    internal("%map-from-list", exactly(1), "as %map, from one list"),
    internal(
        "%append-list",
        at_least(0),
        "list of the elements of lists and vectors; else type-error `expected list or vector, got T`",
    ),
    internal("%append-vector", at_least(0), "as %append-list, a vector"),
    internal(
        "%str",
        at_least(0),
        "concatenation of display forms, as str",
    ),
    internal(
        "%gensym",
        exactly(1),
        "a new symbol STEM__N from the counter of gensym",
    ),
    // Destructuring: the check raises, what follows may rely on it.
    internal(
        "%check-sequence",
        exactly(2),
        "value, n: nil if it is a list or vector of exactly n elements; else type-error `expected list or \
         vector, got T` or eval `destructure: expected N elements, got M`",
    ),
    internal(
        "%check-sequence-rest",
        exactly(2),
        "value, n: as %check-sequence for at least n elements; eval ``destructure: expected at least N \
         elements before `&`, got M``",
    ),
    internal(
        "%check-map",
        exactly(1),
        "nil if it is a map or hashmap; else type-error `expected map or hashmap, got T`",
    ),
    internal(
        "%sequence-ref",
        exactly(2),
        "value, index: element of a list or vector; it exists",
    ),
    internal(
        "%sequence-rest",
        exactly(2),
        "value, n: list of the elements from index n on",
    ),
    internal(
        "%map-ref",
        exactly(2),
        "map or hashmap, key: the value, nil if there is none",
    ),
    // Tests of match; never raise.
    internal(
        "%sequence-of?",
        exactly(2),
        "value, n: is it a list or vector of exactly n elements?",
    ),
    internal(
        "%sequence-from?",
        exactly(2),
        "value, n: is it a list or vector of at least n elements?",
    ),
    internal("%map-like?", exactly(1), "is it a map or hashmap?"),
    internal(
        "%map-has?",
        exactly(2),
        "map or hashmap, key: is the key present?",
    ),
    internal(
        "%match-failed",
        exactly(1),
        "raises eval `match: no clause matched value: VALUE`",
    ),
    // Records.
    internal(
        "%make-record-type",
        at_least(1),
        "type name, field names (strings): a new type",
    ),
    internal(
        "%record",
        at_least(1),
        "type, fields: a record; their number is that of the type",
    ),
    internal(
        "%record?",
        exactly(2),
        "type, value: is it a record of the type?",
    ),
    internal(
        "%record-ref",
        exactly(4),
        "type, index, accessor name, value: the field; else type-error `expected TYPE, got T`",
    ),
    // Multimethods.
    internal(
        "%make-multimethod",
        exactly(3),
        "name (string), dispatch function, %multimethod-invoke: a multimethod without methods",
    ),
    internal(
        "%multimethod-invoke",
        at_least(1),
        "multimethod, arguments: calls the method for them",
    ),
    internal(
        "%multimethod-add!",
        exactly(3),
        "multimethod, value, function: adds or replaces; gives nil; eval `defmethod: first argument is not a \
         multimethod`",
    ),
    // Lazy and multiple values.
    internal("%make-promise", exactly(1), "thunk: a delayed promise"),
    internal(
        "%force",
        exactly(1),
        "value of a promise; type-error `expected thunk, got T`",
    ),
    internal(
        "%values->list",
        exactly(1),
        "list of the values of a bundle; of another value, alone",
    ),
    internal(
        "%check-values",
        between(3, 4),
        "list, n, more allowed, name: nil, or the arity condition of a function of n (or more) parameters; it is \
         anonymous if there is no name",
    ),
    // Conditions.
    internal(
        "%condition-value",
        exactly(1),
        "condition map: the raised value of a `:user` condition, else the map itself",
    ),
    internal(
        "%parameterize",
        exactly(3),
        "list of parameters, list of values, thunk: value of the thunk with the parameters rebound",
    ),
    // Macros as values.
    internal(
        "%make-macro",
        exactly(1),
        "name: a value of type :macro that is not callable",
    ),
    // Code that is only known at run time.
    internal(
        "%eval",
        exactly(1),
        "value of a form in the global environment, or :unsupported",
    ),
    internal(
        "%macroexpand",
        exactly(1),
        "one expansion step of a form, or :unsupported",
    ),
    internal(
        "%load-dynamic",
        exactly(1),
        "path: as load; path must be a string (`load argument 1 …`)",
    ),
    internal(
        "%import-dynamic",
        exactly(2),
        "path, selected names (list of symbols): runs the module, checks the names, gives a map from symbols to \
         exported values; with no selected names binds all exports in the running unit's globals by name",
    ),
    internal(
        "%kept",
        exactly(1),
        "number: a value that the virtual machine keeps for code compiled while the program runs",
    ),
    internal(
        "%unavailable",
        exactly(1),
        "name: raises :unsupported for a builtin that the runtime does not have",
    ),
    // LLM values.
    internal(
        "%make-tool",
        exactly(6),
        "name (string), description, parameter map, options or nil, handler, parameter names of the handler \
         (list of strings) or nil if not known",
    ),
    internal("%make-agent", exactly(2), "name (string), options map"),
    internal("%make-prompt", exactly(1), "list of messages"),
    internal("%make-message", at_least(1), "role keyword, parts"),
    // Workflow.
    internal(
        "%workflow-step",
        between(1, 2),
        "prompt, options: the function behind `step`",
    ),
];

/// The static name of an internal builtin, or of a public one that expansions use.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    let internal = INTERNALS.iter().map(|internal| internal.name);
    let public = crate::front::expand::prelude::USED_BUILTINS.iter().copied();
    internal.chain(public).find(|known| *known == name)
}
