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
    /// Counts a step of a macro transformer. It raises when none are left.
    "%step" () -> Nil => step;

    /// The first datum that a text is the source of, unevaluated. A text without one is an error.
    /// (read "(+ 1 2)") => (+ 1 2)
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

    /// What is wrong with a text as a program: a map with `:ok`, whether there is nothing, and `:diagnostics`, a list of maps
    /// with `:code`, `:level`, `:message` and, where known, `:span`. The program is not run.
    /// (sema/check-string "(+ 1 2)") => {:diagnostics () :ok #t}
    /// (:ok (sema/check-string "(+ 1 2")) => #f
    "sema/check-string" (text: String) -> SortedMap, tier(Tier::Std) => check_string;

    /// What is wrong with a file as a program, as `sema/check-string` gives it. A file that cannot be read is a diagnostic too.
    /// (begin (file/write "checked.sema" "(define x 1)") (:ok (sema/check-file "checked.sema"))) => #t
    /// (:ok (sema/check-file "no-such-file.sema")) => #f
    "sema/check-file" (path: String) -> SortedMap, needs(Capability::FsRead), tier(Tier::Std) => check_file;

    /// The value of a form in the global environment.
    "%eval" (form: Any) -> Any => eval;

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
