//! What is wrong with a text or a file as a program: asks the compiler, if there is one.

#![allow(
    clippy::indexing_slicing,
    reason = "a call has as many arguments as the declaration says"
)]

use crate::core::control::dynamic::ask;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::Outcome;
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::vm::Request;

natives! {
    /// What is wrong with a text as a program: a map with `:ok`, whether there is nothing, and `:diagnostics`, a list of maps
    /// with `:code`, `:level`, `:message` and, where known, `:span`. The program is not run. This needs the compiler: an executable
    /// has it if it is built with `--dynamic`.
    /// (sema/check-string "(+ 1 2)") => {:diagnostics () :ok #t}
    /// (:ok (sema/check-string "(+ 1 2")) => #f
    "sema/check-string" (text: String) -> SortedMap => check_string;

    /// What is wrong with a file as a program, as `sema/check-string` gives it. A file that cannot be read is a diagnostic too.
    /// This needs the compiler, as there.
    /// (begin (file/write "checked.sema" "(define x 1)") (:ok (sema/check-file "checked.sema"))) => #t
    /// (:ok (sema/check-file "no-such-file.sema")) => #f
    "sema/check-file" (path: String) -> SortedMap, needs(Capability::FsRead) => check_file;
}

fn check_string(host: &Host, arguments: &[Value]) -> Outcome {
    text(host, "sema/check-string", arguments, 0)?;
    ask(Request::Check {
        text: arguments[0],
        function: "sema/check-string",
    })
}

fn check_file(host: &Host, arguments: &[Value]) -> Outcome {
    let path = text(host, "sema/check-file", arguments, 0)?;
    let on_disk = std::fs::metadata(path).ok();
    let is_other = on_disk.is_some_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    let bytes = match is_other && host.files.embedded(path, None).is_none() {
        // Reading it could wait for ever, and all tasks with it.
        true => Err("it is not a regular file".to_owned()),
        false => host
            .files
            .read(path, None)
            .map_err(|error| error.to_string()),
    };
    let content = bytes.and_then(|bytes| {
        String::from_utf8(bytes.into_owned())
            .map_err(|_| "stream did not contain valid UTF-8".to_owned())
    });
    match content {
        Ok(content) => ask(Request::Check {
            text: host.heap.string(&content),
            function: "sema/check-file",
        }),
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
