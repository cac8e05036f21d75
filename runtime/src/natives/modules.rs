//! Modules that are found when the program runs. The machine does the work, see
//! [`crate::vm`]; these natives check and ask.

use std::io;

use rustix::io::Errno;

use super::arguments::{argument, text};
use crate::error::{Condition, ConditionKind, ModuleRequest, Outcome, Signal, io_error};
use crate::host::Host;
use crate::native::{Capability, Native, exactly, native};
use crate::value::Value;

/// The natives behind `import` and `load` of what was not there when the program was built.
pub static TABLE: &[Native] = &[
    native(
        "%run-module",
        exactly(1),
        run_module,
        "Runs the module that an import of a path means, unless it has run.",
    )
    .needs(Capability::FsRead),
    native(
        "%module-exports",
        exactly(2),
        module_exports,
        "Exports by their names, a map; without names, binds all that the importer mentions.",
    ),
    native(
        "load",
        exactly(1),
        load,
        "Refuses to load a file that is not part of the program.",
    )
    .needs(Capability::FsRead),
    native(
        "%load-dynamic",
        exactly(1),
        load,
        "Refuses to load a file that is not part of the program.",
    )
    .needs(Capability::FsRead),
];

fn ask(request: ModuleRequest) -> Outcome {
    Err(Box::new(Signal::Module(request)))
}

fn run_module(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "import", args, 0)?.to_owned();
    ask(ModuleRequest::Run { path })
}

fn module_exports(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "import", args, 0)?.to_owned();
    let names = host.heap.list_iter(argument(args, 1));
    let names = names.filter_map(|name| host.name_of(name).map(str::to_owned));
    let names = names.collect();
    ask(ModuleRequest::Exports { path, names })
}

fn load(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "load", args, 0)?;
    let full = std::env::current_dir().unwrap_or_default().join(path);
    let full = full.display();
    let found = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            Err(io::Error::from_raw_os_error(Errno::ISDIR.raw_os_error()))
        }
        other => other,
    };
    Err(match found {
        Err(error) => io_error(format!("load {full}: {error}")),
        Ok(_) => Condition::new(
            ConditionKind::Unsupported,
            format!("load {full}: this program contains no compiler"),
        )
        .hint("write the path as a literal string, so that the file is compiled with the program")
        .signal(),
    })
}
