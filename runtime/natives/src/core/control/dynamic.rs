//! What needs a compiler while the program runs: each native here asks the VM, which answers itself
//! or hands the request to the compiler that is attached to it.

use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome, Signal, eval_error};
use sema_machine::host::native::{Capability, Tier};
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

fn check_string(host: &Host, arguments: &[Value]) -> Outcome {
    text(host, "sema/check-string", arguments, 0)?;
    ask(Request::Check(arguments[0]))
}

fn check_file(host: &Host, arguments: &[Value]) -> Outcome {
    let path = text(host, "sema/check-file", arguments, 0)?;
    let bytes = host
        .files
        .read(path, None)
        .map_err(|error| error.to_string());
    let content = bytes.and_then(|bytes| {
        String::from_utf8(bytes.into_owned())
            .map_err(|_| "stream did not contain valid UTF-8".to_owned())
    });
    match content {
        Ok(content) => ask(Request::Check(host.heap.string(&content))),
        Err(problem) => Ok(diagnostics(
            host,
            &[diagnostic(host, "io", &format!("{path}: {problem}"), None)],
        )),
    }
}

/// What a check gives: `{:ok BOOL :diagnostics LIST}`.
pub fn diagnostics(host: &Host, found: &[Value]) -> Value {
    let entries = [
        (host.keyword("ok"), Value::bool(found.is_empty())),
        (host.keyword("diagnostics"), host.heap.list(found)),
    ];
    sorted_map::from_entries(host, &entries)
}

/// An error in what a check gives; the numbers are line, column, end line and end column.
pub fn diagnostic(host: &Host, code: &str, message: &str, span: Option<[u32; 4]>) -> Value {
    let mut entries = vec![
        (host.keyword("code"), host.heap.string(code)),
        (host.keyword("level"), host.keyword("error")),
        (host.keyword("message"), host.heap.string(message)),
    ];
    if let Some([line, column, end_line, end_column]) = span {
        let number = |name: &str, number: u32| (host.keyword(name), host.heap.int(number.into()));
        let span = [
            number("line", line),
            number("col", column),
            number("end-line", end_line),
            number("end-col", end_column),
        ];
        entries.push((host.keyword("span"), sorted_map::from_entries(host, &span)));
    }
    sorted_map::from_entries(host, &entries)
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
    /// Counts a step of a macro transformer.
    "%step" () -> Any => step;

    /// First datum of a text; nil if there is none.
    "read" (s: String) -> Any => read;

    /// First datum of a text; nil if there is none.
    "read/string" (s: String) -> Any => read_string;

    /// List of all data of a text.
    "read-many" | "io/read-many" (s: String) -> List => read_many;

    /// List of all data of a text.
    "read/all" (s: String) -> List => read_all;

    /// What is wrong with a text as a program.
    "sema/check-string" (s: String) -> Map, tier(Tier::Std) => check_string;

    /// What is wrong with a file as a program.
    "sema/check-file" (path: String) -> Map, needs(Capability::FsRead), tier(Tier::Std) => check_file;

    /// Value of a form in the global environment.
    "%eval" (a: Any) -> Any => eval;

    /// One expansion step of a form.
    "%macroexpand" (a: Any) -> Any => expand;

    /// Handle of a file whose forms are to be run.
    "%open-load" (a: Any) -> Any, needs(Capability::FsRead) => open_load;

    /// Handle of a module.
    "%open-import" (a: Any) -> Any, needs(Capability::FsRead) => open_import;

    /// Function that runs the next part of what a handle stands for; #f at the end.
    "%next-part" (a: Any) -> Any => next;

    /// Map of selected exports of a module; with no names binds all.
    "%bind-exports" (a: Any, b: Any) -> Any => bind;

    /// The value that the VM keeps under a number.
    "%kept" (a: Any) -> Any => kept;

    /// Raises :unsupported for a builtin that this runtime does not have.
    "%unavailable" (a: Any) -> Any => unavailable;
}
