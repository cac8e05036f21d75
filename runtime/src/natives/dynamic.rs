//! What needs a compiler while the program runs: each native here asks the VM, which answers itself
//! or hands the request to the compiler that is attached to it.

use crate::error::{Condition, ConditionKind, Outcome, Signal};
use crate::host::Host;
use crate::native::{Capability, Native, alias, exactly, native};
use crate::natives::arguments::text;
use crate::value::Value;
use crate::vm::Request;

fn ask(request: Request) -> Outcome {
    Err(Box::new(Signal::Dynamic(request)))
}

fn eval(_: &Host, arguments: &[Value]) -> Outcome {
    ask(Request::Eval(arguments[0]))
}

fn expand(_: &Host, arguments: &[Value]) -> Outcome {
    ask(Request::Expand(arguments[0]))
}

fn open_load(_: &Host, arguments: &[Value]) -> Outcome {
    ask(Request::OpenLoad(arguments[0]))
}

fn open_import(_: &Host, arguments: &[Value]) -> Outcome {
    ask(Request::OpenImport(arguments[0]))
}

fn next(_: &Host, arguments: &[Value]) -> Outcome {
    ask(Request::Next(arguments[0]))
}

fn bind(_: &Host, arguments: &[Value]) -> Outcome {
    ask(Request::Bind(arguments[0], arguments[1]))
}

fn reading(host: &Host, function: &str, arguments: &[Value], all: bool) -> Outcome {
    text(host, function, arguments, 0)?;
    ask(Request::Read {
        text: arguments[0],
        all,
    })
}

fn read(host: &Host, arguments: &[Value]) -> Outcome {
    reading(host, "read", arguments, false)
}

fn read_string(host: &Host, arguments: &[Value]) -> Outcome {
    reading(host, "read/string", arguments, false)
}

fn read_many(host: &Host, arguments: &[Value]) -> Outcome {
    reading(host, "read-many", arguments, true)
}

fn read_all(host: &Host, arguments: &[Value]) -> Outcome {
    reading(host, "read/all", arguments, true)
}

fn kept(host: &Host, arguments: &[Value]) -> Outcome {
    let number = host.heap.as_i64(arguments[0]);
    let number = number.and_then(|number| u32::try_from(number).ok());
    Ok(number.map_or(Value::NIL, |number| host.kept(number)))
}

fn unavailable(host: &Host, arguments: &[Value]) -> Outcome {
    let name = text(host, "%unavailable", arguments, 0)?;
    let message = format!("{name} is not available in this runtime");
    Err(Condition::new(ConditionKind::Unsupported, message)
        .hint("build the program with a runtime of a higher tier")
        .signal())
}

/// The table of this family.
pub static TABLE: &[Native] = &[
    native(
        "read",
        exactly(1),
        read,
        "First datum of a text; nil if there is none.",
    ),
    native(
        "read/string",
        exactly(1),
        read_string,
        "First datum of a text; nil if there is none.",
    ),
    native(
        "read-many",
        exactly(1),
        read_many,
        "List of all data of a text.",
    ),
    native(
        "read/all",
        exactly(1),
        read_all,
        "List of all data of a text.",
    ),
    alias("io/read-many", "read-many"),
    native(
        "%eval",
        exactly(1),
        eval,
        "Value of a form in the global environment.",
    ),
    native(
        "%macroexpand",
        exactly(1),
        expand,
        "One expansion step of a form.",
    ),
    native(
        "%open-load",
        exactly(1),
        open_load,
        "Handle of a file whose forms are to be run.",
    )
    .needs(Capability::FsRead),
    native(
        "%open-import",
        exactly(1),
        open_import,
        "Handle of a module.",
    )
    .needs(Capability::FsRead),
    native(
        "%next-part",
        exactly(1),
        next,
        "Function that runs the next part of what a handle stands for; #f at the end.",
    ),
    native(
        "%bind-exports",
        exactly(2),
        bind,
        "Map of selected exports of a module; with no names binds all.",
    ),
    native(
        "%kept",
        exactly(1),
        kept,
        "The value that the VM keeps under a number.",
    ),
    native(
        "%unavailable",
        exactly(1),
        unavailable,
        "Raises :unsupported for a builtin that this runtime does not have.",
    ),
];
