//! What needs a compiler while the program runs: each native here asks the VM, which answers itself
//! or hands the request to the compiler that is attached to it.

#![allow(
    clippy::indexing_slicing,
    reason = "a call has as many arguments as the declaration says"
)]

use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome, Signal, eval_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::vm::Request;

/// One step of a macro transformer. When there are none left this fails, and fails again whenever
/// the transformer catches that and goes on.
fn step(host: &Host, _: &[Value]) -> Outcome {
    match host.steps.get().checked_sub(1) {
        Some(left) => {
            host.steps.set(left);
            Ok(Value::NIL)
        }
        None => Err(eval_error(
            "this macro has taken too many steps: it may never end",
        )),
    }
}

pub(crate) fn ask(request: Request) -> Outcome {
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

natives! {
    /// Counts a step of a macro transformer. It raises when none are left.
    "%step" () -> Nil => step;

    /// The first datum that a text is the source of, unevaluated; nil if there is none. In an executable without the compiler
    /// this and its relatives are of tier std.
    /// (read "(+ 1 2)") => (+ 1 2)
    /// (read "") => nil
    /// (read "(1 2") => error unterminated list
    "read" (text: String) -> Any => read;

    /// The first datum that a text is the source of, unevaluated; nil if there is none.
    /// (read/string "[1 :a] rest") => [1 :a]
    /// (read/string "") => nil
    "read/string" (text: String) -> Any => read_string;

    /// A list of all data that a text is the source of, unevaluated.
    /// (read-many "1 (a b) :c") => (1 (a b) :c)
    "read-many" | "io/read-many" (text: String) -> List => read_many;

    /// A list of all data that a text is the source of, unevaluated.
    /// (read/all "1 2") => (1 2)
    /// (read/all "; nothing") => ()
    "read/all" (text: String) -> List => read_all;

    /// The value of a form in the global environment.
    "%eval" (form: Any) -> Any, calls_back => eval;

    /// The form after one step of macro expansion.
    "%macroexpand" (form: Any) -> Any => expand;

    /// A handle of a source file whose forms are to be run.
    "%open-load" (path: Any) -> Any, needs(Capability::FsRead) => open_load;

    /// A handle of a module that is to be run.
    "%open-import" (path: Any) -> Any, needs(Capability::FsRead) => open_import;

    /// A function that runs the next part of what a handle stands for; #f at the end.
    "%next-part" (handle: Any) -> Any => next;

    /// A map of the named exports of a module that has run; without names it binds all of them.
    "%bind-exports" (handle: Any, names: Any) -> Any => bind;

    /// The value that the virtual machine keeps under a number; nil if it keeps none.
    "%kept" (number: Any) -> Any => kept;

    /// Raises that a builtin is not in this runtime.
    "%unavailable" (name: String) -> Never => unavailable;
}
