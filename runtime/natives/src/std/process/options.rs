//! What command to run, and how.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::core::system::environment;
use crate::core::system::files::failed;
use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::host::arguments::list_or_vector;
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error, type_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::platform::ending;

/// A map of options.
#[derive(Default)]
pub(super) struct Options {
    directory: Option<String>,
    variables: Vec<(String, String)>,
    /// What the process reads.
    pub(super) input: Option<Vec<u8>>,
    /// How long it may take.
    pub(super) timeout: Option<Duration>,
    /// Whether what it writes is bytes and not text.
    pub(super) is_binary: bool,
}

/// Longest time that a timeout says: a day.
const LONGEST_MILLISECONDS: i64 = 86_400_000;

impl Options {
    /// The options in a map: `:cwd` and `:env`, and, if `all`, `:stdin`, `:timeout-ms` and `:binary`. Others are
    /// ignored.
    pub(super) fn of(host: &Host, map: Value, all: bool) -> Outcome<Options> {
        if !collections::is_map(map) {
            return Err(type_error(host, "map (command options)", map));
        }
        let mut options = Options::default();
        for (key, value) in collections::iter(&host.heap, map) {
            let text = |name: &str| {
                let text = host.heap.as_str(value).map(str::to_owned);
                text.ok_or_else(|| wrong(name, "a string"))
            };
            match host.name_of(key) {
                Some("cwd") => options.directory = Some(text(":cwd")?),
                Some("env") => options.variables = variables(host, value)?,
                Some("stdin") if all => {
                    options.input = Some(match host.heap.as_bytevector(value) {
                        Some(bytes) => bytes.to_vec(),
                        None => text(":stdin")?.into_bytes(),
                    });
                }
                Some("timeout-ms") if all => {
                    let number = host.heap.as_i64(value);
                    let number =
                        number.filter(|number| (0..=LONGEST_MILLISECONDS).contains(number));
                    let number = number.and_then(|number| u64::try_from(number).ok());
                    let number =
                        number.ok_or_else(|| wrong(":timeout-ms", "an int from 0 to 86400000"))?;
                    options.timeout = Some(Duration::from_millis(number));
                }
                Some("binary") if all => options.is_binary = value.is_truthy(),
                _ => {}
            }
        }
        Ok(options)
    }

    /// The command that runs a program with arguments, with the program's environment.
    pub(super) fn command(
        &self,
        host: &Host,
        function: &str,
        words: &[String],
    ) -> Outcome<Command> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(eval_error(format!("{function}: no command is given")));
        };
        ending::keep_ends_of_processes();
        let mut command = Command::new(program);
        command.args(arguments);
        command.envs(environment::changes(host));
        for (name, value) in &self.variables {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(eval_error(format!(
                    "{function}: the variable {name:?} cannot be set to {value:?}"
                )));
            }
            command.env(name, value);
        }
        if let Some(directory) = &self.directory {
            // The answer of the system would not tell whether the directory is missing or the program.
            match std::fs::metadata(directory) {
                Ok(found) if found.is_dir() => command.current_dir(Path::new(directory)),
                Ok(_) => {
                    let message = format!("{function}: {directory} is not a directory");
                    return Err(io_error(message));
                }
                Err(error) => return Err(failed(function, directory, &error)),
            };
            // There the path of the program leads to another file than the one that was asked for.
            if program.contains('/') && !program.starts_with('/') {
                let capability = match function {
                    "shell" => Capability::Shell,
                    _ => Capability::Process,
                };
                host.permit(function, capability, &format!("{directory}/{program}"))?;
            }
        }
        Ok(command)
    }
}

/// An option has a value of another kind than `expected`.
#[cold]
fn wrong(option: &str, expected: &str) -> Box<Signal> {
    eval_error(format!("command options: {option} must be {expected}"))
}

fn variables(host: &Host, map: Value) -> Outcome<Vec<(String, String)>> {
    if !collections::is_map(map) {
        return Err(wrong(":env", "a map"));
    }
    collections::iter(&host.heap, map)
        .map(|(key, value)| {
            let name = host.heap.as_str(key).or_else(|| host.name_of(key));
            let name = name.ok_or_else(|| wrong("a name in :env", "a string"))?;
            let text = host.heap.as_str(value);
            let text = text.ok_or_else(|| wrong("a value in :env", "a string"))?;
            Ok((name.to_owned(), text.to_owned()))
        })
        .collect()
}

/// A program and its arguments: a list or vector of strings.
pub(super) fn words(host: &Host, value: Value) -> Outcome<Vec<String>> {
    list_or_vector(host, value)?
        .iter()
        .map(|&word| {
            let text = host.heap.as_str(word).map(str::to_owned);
            text.ok_or_else(|| type_error(host, "string", word))
        })
        .collect()
}
