//! The process and the machine: environment, arguments, directories, exit.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::core::system::environment;
use crate::core::system::input;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error, type_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::launch;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::{files, process, terminal};

natives! {
    /// Ends the program with a status, 0 unless it is given; the system keeps its lowest eight bits.
    "exit" (status?: Int, ignored*: Any) -> Never, needs(Capability::Process), touches(Touches::Nothing) => exit;

    /// The value of an environment variable, or nil if it is not set.
    /// (begin (sys/set-env "COLOUR" "red") (env "COLOUR")) => "red"
    /// (env "NO SUCH VARIABLE") => nil
    "env" (name: String) -> OptionalString, needs(Capability::EnvRead) => env;

    /// All environment variables: a map from their names as keywords to their values.
    /// (begin (sys/set-env "SHAPE" "round") (:SHAPE (sys/env-all))) => "round"
    "sys/env-all" () -> Map, needs(Capability::EnvRead), touches(Touches::Inside) => all_variables;

    /// Sets an environment variable for this program and the processes it starts. Raises if the name or
    /// the value is one that no variable can have.
    /// (begin (sys/set-env "TASTE" "sweet") (env "TASTE")) => "sweet"
    /// (sys/set-env "a=b" "c") => error cannot be set
    "sys/set-env" (name: String, value: String) -> Nil, needs(Capability::EnvWrite) => set_variable;

    /// The arguments of the process, a list of strings, the program first.
    /// (list? (sys/args)) => #t
    "sys/args" () -> List, needs(Capability::Process), touches(Touches::Nothing) => arguments;

    /// What `semac build --stamp NAME=VALUE` has put into the program: a map from names as keywords to strings. Empty if
    /// nothing was, and under `semac run`.
    /// (sys/stamp) => {}
    "sys/stamp" () -> Map => stamp;

    /// The number that the system gave this process.
    /// (> (sys/pid) 0) => #t
    "sys/pid" () -> Count, needs(Capability::Process), posix, touches(Touches::Nothing) => process_id;

    /// The absolute path of the working directory. Raises if it does not exist any more.
    /// (path/absolute? (sys/cwd)) => #t
    "sys/cwd" () -> String, needs(Capability::EnvRead), touches(Touches::Nothing) => working_directory;

    /// The user's home directory as the variable HOME names it, or nil.
    /// (begin (sys/set-env "HOME" "/home/ada") (sys/home-dir)) => "/home/ada"
    "sys/home-dir" () -> OptionalString, needs(Capability::EnvRead), touches(Touches::Inside) => home_directory;

    /// The directory for the user's configuration files, or nil if it is not known.
    /// (let ((directory (sys/config-dir))) (or (nil? directory) (string? directory))) => #t
    "sys/config-dir" () -> OptionalString => configuration_directory;

    /// The directory of Sema's own files: what the variable SEMA_HOME names, else `.sema` in the home
    /// directory.
    /// (begin (sys/set-env "SEMA_HOME" "/opt/sema") (sys/sema-home)) => "/opt/sema"
    "sys/sema-home" () -> String => sema_home;

    /// The directory for temporary files.
    /// (begin (sys/set-env "TMPDIR" "/var/scratch") (sys/temp-dir)) => "/var/scratch"
    "sys/temp-dir" () -> String, needs(Capability::EnvRead), touches(Touches::Inside) => temporary_directory;

    /// The user's name as the variable USER gives it, or nil.
    /// (begin (sys/set-env "USER" "ada") (sys/user)) => "ada"
    "sys/user" () -> OptionalString, needs(Capability::EnvRead), touches(Touches::Inside) => user;

    /// The name of this machine.
    /// (string? (sys/hostname)) => #t
    "sys/hostname" () -> String, posix => host_name;

    /// The architecture of the processor, such as `x86_64` or `aarch64`.
    /// (string? (sys/arch)) => #t
    "sys/arch" () -> String => architecture;

    /// The operating system, such as `linux` or `macos`.
    /// (string? (sys/os)) => #t
    "sys/os" () -> String => operating_system;

    /// The operating system, such as `linux` or `macos`.
    /// (equal? (sys/platform) (sys/os)) => #t
    "sys/platform" () -> String => operating_system;

    /// Whether standard input is a terminal.
    /// (sys/interactive?) => #f
    "sys/interactive?" () -> Bool => is_interactive;

    /// The path of the terminal that standard input is, or nil if it is none.
    /// (sys/tty) => nil
    "sys/tty" () -> OptionalString => terminal_path;

    /// The size of the terminal that standard output is, a map of `:rows` and `:cols`, or nil if it is
    /// none.
    /// (sys/term-size) => nil
    "sys/term-size" () -> Any => terminal_size;

    /// The path of an executable file: the first one of this name in the directories of PATH, or a path
    /// with a slash as it is; nil if there is none.
    /// (string? (sys/which "sh")) => #t
    /// (sys/which "no such program") => nil
    "sys/which" (name: String) -> OptionalString, needs(Capability::Process), posix => which;

    /// The word in single quotes as a POSIX shell reads them, so that none of its characters is special.
    /// (shell/quote "two words") => "'two words'"
    /// (println (shell/quote "it's")) => nil
    "shell/quote" (word: String) -> String, pure => shell_quote;
}

fn exit(host: &Host, args: &[Value]) -> Outcome {
    let status = match args.first() {
        None => 0,
        Some(&value) => host
            .heap
            .as_i64(value)
            .ok_or_else(|| type_error(host, "integer", value))?,
    };
    // The system keeps eight bits.
    Err(Box::new(Signal::Exit(status as u8)))
}

fn optional(host: &Host, value: Option<String>) -> Outcome {
    Ok(value.map_or(Value::NIL, |value| host.heap.string(&value)))
}

fn stamp(host: &Host, _: &[Value]) -> Outcome {
    let archive = host.files.archive.as_ref();
    let text = match archive.and_then(|archive| archive.metadata(launch::STAMP)) {
        Some(entry) => entry.bytes().map_err(|error| io_error(error.to_string()))?,
        None => Default::default(),
    };
    let text = String::from_utf8_lossy(&text);
    let entries = text.lines().filter_map(|line| line.split_once('='));
    let entries: Vec<_> = entries
        .map(|(name, value)| (host.keyword(name), host.heap.string(value)))
        .collect();
    Ok(sorted_map::from_entries(host, &entries))
}

fn env(host: &Host, args: &[Value]) -> Outcome {
    optional(host, environment::lookup(host, text(host, "env", args, 0)?))
}

fn all_variables(host: &Host, _: &[Value]) -> Outcome {
    let entries: Vec<_> = environment::all(host)
        .iter()
        .filter(|(name, _)| host.permits(Capability::EnvRead, name))
        .map(|(name, value)| (host.keyword(name), host.heap.string(value)))
        .collect();
    Ok(sorted_map::from_entries(host, &entries))
}

fn set_variable(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "sys/set-env", args, 0)?;
    let value = text(host, "sys/set-env", args, 1)?;
    if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        return Err(eval_error(format!(
            "sys/set-env: {name:?} cannot be set to {value:?}"
        )));
    }
    environment::set(host, name, value);
    Ok(Value::NIL)
}

fn arguments(host: &Host, _: &[Value]) -> Outcome {
    let arguments: Vec<Value> = host
        .arguments
        .iter()
        .map(|argument| host.heap.string(argument))
        .collect();
    Ok(host.heap.list(&arguments))
}

fn process_id(_: &Host, _: &[Value]) -> Outcome {
    match process::number() {
        Some(number) => Ok(Value::index(number as usize)),
        None => Err(io_error("sys/pid: this platform has no processes")),
    }
}

fn path_string(host: &Host, path: &Path) -> Value {
    host.heap.string(&path.to_string_lossy())
}

fn working_directory(host: &Host, _: &[Value]) -> Outcome {
    match std::env::current_dir() {
        Ok(directory) => Ok(path_string(host, &directory)),
        Err(error) => Err(io_error(format!("sys/cwd: {error}"))),
    }
}

/// A variable that holds something.
fn set_variable_value(host: &Host, name: &str) -> Option<String> {
    environment::lookup(host, name).filter(|value| !value.is_empty())
}

fn home(host: &Host) -> Option<PathBuf> {
    set_variable_value(host, "HOME").map(PathBuf::from)
}

fn home_directory(host: &Host, _: &[Value]) -> Outcome {
    host.permit("sys/home-dir", Capability::EnvRead, "HOME")?;
    Ok(home(host).map_or(Value::NIL, |home| path_string(host, &home)))
}

fn configuration_directory(host: &Host, _: &[Value]) -> Outcome {
    let from_home = || {
        let place = if cfg!(target_os = "macos") {
            "Library/Application Support"
        } else {
            ".config"
        };
        home(host).map(|home| home.join(place))
    };
    let directory = set_variable_value(host, "XDG_CONFIG_HOME")
        .filter(|_| !cfg!(target_os = "macos"))
        .map(PathBuf::from)
        .or_else(from_home);
    Ok(directory.map_or(Value::NIL, |directory| path_string(host, &directory)))
}

fn sema_home(host: &Host, _: &[Value]) -> Outcome {
    let directory = set_variable_value(host, "SEMA_HOME")
        .map(PathBuf::from)
        .or_else(|| home(host).map(|home| home.join(".sema")))
        .unwrap_or_else(|| PathBuf::from(".sema"));
    Ok(path_string(host, &directory))
}

fn temporary_directory(host: &Host, _: &[Value]) -> Outcome {
    host.permit("sys/temp-dir", Capability::EnvRead, "TMPDIR")?;
    let directory = set_variable_value(host, "TMPDIR").map_or_else(files::temporary, PathBuf::from);
    Ok(path_string(host, &directory))
}

fn user(host: &Host, _: &[Value]) -> Outcome {
    host.permit("sys/user", Capability::EnvRead, "USER")?;
    optional(host, environment::lookup(host, "USER"))
}

fn host_name(host: &Host, _: &[Value]) -> Outcome {
    match process::host_name() {
        Some(name) => Ok(host.heap.string(&name)),
        None => Err(io_error("sys/hostname: this platform does not tell it")),
    }
}

fn architecture(host: &Host, _: &[Value]) -> Outcome {
    Ok(host.heap.string(std::env::consts::ARCH))
}

fn operating_system(host: &Host, _: &[Value]) -> Outcome {
    Ok(host.heap.string(process::SYSTEM))
}

fn is_interactive(_: &Host, _: &[Value]) -> Outcome {
    Ok(Value::bool(input::is_terminal()))
}

fn terminal_path(host: &Host, _: &[Value]) -> Outcome {
    if !input::is_terminal() {
        return Ok(Value::NIL);
    }
    optional(host, terminal::name(std::io::stdin()))
}

fn terminal_size(host: &Host, _: &[Value]) -> Outcome {
    let output = std::io::stdout();
    if !output.is_terminal() {
        return Ok(Value::NIL);
    }
    let Some((rows, columns)) = terminal::size(output) else {
        return Ok(Value::NIL);
    };
    Ok(sorted_map::from_entries(
        host,
        &[
            (host.keyword("rows"), Value::small(rows.into())),
            (host.keyword("cols"), Value::small(columns.into())),
        ],
    ))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && files::permissions(&metadata) & 0o111 != 0)
}

fn which(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "sys/which", args, 0)?;
    if name.is_empty() {
        return Ok(Value::NIL);
    }
    let found = if name.contains('/') {
        Some(PathBuf::from(name)).filter(|path| is_executable(path))
    } else {
        let path = environment::lookup(host, "PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|directory| directory.join(name))
            .find(|candidate| is_executable(candidate))
    };
    Ok(found.map_or(Value::NIL, |path| path_string(host, &path)))
}

fn shell_quote(host: &Host, args: &[Value]) -> Outcome {
    text(host, "shell/quote", args, 0)?;
    let word = host.heap.as_str(argument(args, 0)).unwrap_or("");
    // Within single quotes everything but a single quote stands for itself.
    let quoted = format!("'{}'", word.replace('\'', "'\\''"));
    crate::core::text::strings::string_of(host, "shell/quote", &quoted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message, type_message};

    #[test]
    fn status_is_modulo_256() {
        let bench = Bench::new();
        for (argument, expected) in [(3, 3), (256, 0), (-1, 255)] {
            let signal = bench.error("exit", &[Value::small(argument), Value::NIL]);
            assert!(matches!(*signal, Signal::Exit(status) if status == expected));
        }
        assert!(matches!(*bench.error("exit", &[]), Signal::Exit(0)));
        let error = bench.error("exit", &[Value::TRUE]);
        assert_eq!(type_message(error), "expected integer, got bool");
    }

    #[test]
    fn changes_are_seen_but_not_made() {
        let bench = Bench::new();
        let name = bench.text("SEMA_TEST_VARIABLE");
        assert_eq!(bench.call("env", &[name]), Value::NIL);
        bench.call("sys/set-env", &[name, bench.text("x")]);
        assert_eq!(bench.string(bench.call("env", &[name])), "x");
        let all = bench.call("sys/env-all", &[]);
        let key = bench.host.keyword("SEMA_TEST_VARIABLE");
        assert_eq!(
            bench.string(sorted_map::get(&bench.host, all, key).unwrap()),
            "x"
        );
        assert_eq!(
            environment::changes(&bench.host),
            [("SEMA_TEST_VARIABLE".into(), "x".into())]
        );
        assert!(std::env::var("SEMA_TEST_VARIABLE").is_err());
        assert_eq!(bench.call("env", &[bench.text("A=B")]), Value::NIL);
        eval_message(bench.error("sys/set-env", &[bench.text(""), bench.text("x")]));
    }

    #[test]
    fn directories_follow_the_changed_environment() {
        let bench = Bench::new();
        bench.call("sys/set-env", &[bench.text("HOME"), bench.text("/h")]);
        bench.call("sys/set-env", &[bench.text("SEMA_HOME"), bench.text("")]);
        assert_eq!(bench.string(bench.call("sys/home-dir", &[])), "/h");
        assert_eq!(bench.string(bench.call("sys/sema-home", &[])), "/h/.sema");
    }

    #[test]
    fn programs_are_found_in_the_path() {
        let bench = Bench::new();
        assert!(
            bench
                .string(bench.call("sys/which", &[bench.text("sh")]))
                .ends_with("/sh")
        );
        for name in ["no-such-program", "", "/etc/passwd"] {
            assert_eq!(bench.call("sys/which", &[bench.text(name)]), Value::NIL);
        }
    }

    #[test]
    fn quoted_words() {
        let bench = Bench::new();
        for (word, expected) in [("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''")] {
            assert_eq!(bench.on_texts("shell/quote", &[word]), expected);
        }
    }
}
